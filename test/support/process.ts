/**
 * Processes under test: the proxy itself, started as an administrator would start it, and whatever a
 * fixture needs. Everything is stopped by the id of the process that was started here.
 *
 * `DOORPOST_UNDER_TEST` chooses the proxy: `exe` (the built executable, the default), `bun`, `deno`,
 * `node` (transpiled) or the path of another executable. `DOORPOST_REQUIRE_SERVERS=1` turns a missing real server from a skip into an error.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { ROOT } from "./source.ts";

/** How long a process may take to say that it is ready, and to leave after it was told to. */
const START_MS = 20_000;
const STOP_MS = 10_000;

export interface Child {
  readonly pid: number;
  /** All it wrote so far, both streams as they came. */
  output(): string;
  /** Settles when the output has a match; rejects when the process ends or the time is up first. */
  said(pattern: RegExp, ms?: number): Promise<RegExpMatchArray>;
  readonly exited: Promise<Exit>;
  signal(name: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL when it does not obey. */
  stop(): Promise<Exit>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface SpawnSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A process group of its own, for servers that signal their group. */
  readonly detached?: boolean;
}

export function startChild(
  command: string,
  args: readonly string[],
  settings: SpawnSettings = {},
): Child {
  const child = spawn(command, [...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: settings.cwd,
    detached: settings.detached,
    env: { ...process.env, ...settings.env },
  });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  }
  const exited = exitOf(child);
  watch(child);
  const name = [command, ...args].join(" ");

  const said = (pattern: RegExp, ms = START_MS): Promise<RegExpMatchArray> =>
    new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        listeners.delete(look);
        clearTimeout(timer);
        finish();
      };
      const look = () => {
        const match = output.match(pattern);
        if (match !== null) settle(() => resolve(match));
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${name} ${why} before saying ${pattern}:\n${output}`)));
      const timer = setTimeout(() => fail(`took ${ms} ms`), ms);
      listeners.add(look);
      look();
      void exited.then(({ code, signal }) => fail(`ended (${signal ?? code})`));
    });

  return {
    pid: child.pid ?? 0,
    output: () => output,
    said,
    exited,
    signal: (signal) => child.kill(signal),
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      try {
        return await exited;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** What was started here and has not ended. */
const children = new Set<ChildProcess>();

/** A test run that is ended in the middle takes its servers along: no `after` hook runs then. */
function watch(child: ChildProcess): void {
  if (children.size === 0) {
    process.once("exit", endChildren);
    for (const signal of ENDING) process.on(signal, leave);
  }
  children.add(child);
  child.once("close", () => {
    children.delete(child);
    if (children.size > 0) return;
    process.off("exit", endChildren);
    for (const signal of ENDING) process.off(signal, leave);
  });
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function leave(): never {
  process.exit(1);
}

function endChildren(): void {
  for (const child of children) child.kill("SIGTERM");
}

/** `close` rather than `exit`: by then all output has been read. */
async function exitOf(child: ChildProcess): Promise<Exit> {
  try {
    const [code, signal] = await once(child, "close");
    return { code, signal };
  } catch (error) {
    return { code: null, signal: String(error) };
  }
}

// --- the proxy ----------------------------------------------------------------------------------

export interface Proxy extends Child {
  readonly folder: string;
  /** What it logged so far: its output and its error log. */
  log(): string;
  /** How many descriptors it holds open. */
  descriptors(): number;
  /** Stops it and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface ProxySettings extends SpawnSettings {
  /** In which syntax the configuration is; default TOML. */
  readonly syntax?: "toml" | "nginx";
  /** More files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Starts `serve` with this configuration, to which it adds a log, and waits for its ready line. */
export async function startProxy(text: string, settings: ProxySettings = {}): Promise<Proxy> {
  const folder = temporaryFolder("proxy");
  const nginx = settings.syntax === "nginx";
  const config = join(folder, nginx ? "nginx.conf" : "doorpost.toml");
  const errorLog = join(folder, "error.log");
  const log = nginx ? `error_log ${errorLog} debug;` : `error_log = "${errorLog} debug"`;
  writeFileSync(config, `${log}\n${text}`);
  for (const [name, text] of Object.entries(settings.files ?? {})) {
    writeFileSync(join(folder, name), text);
  }
  const [command, ...args] = commandUnderTest();
  const child = startChild(command!, [...args, "serve", "--config", config], {
    cwd: folder,
    ...settings,
  });
  const logged = () =>
    child.output() + (existsSync(errorLog) ? readFileSync(errorLog, "utf8") : "");
  const proxy: Proxy = {
    ...child,
    folder,
    log: logged,
    descriptors: () => descriptorsOf(child.pid),
    async [Symbol.asyncDispose]() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await child.said(/^doorpost \S+ ready:/m);
    return proxy;
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
}

/** The command line of the proxy under test, up to where its own arguments begin. */
export function commandUnderTest(): string[] {
  const main = join(ROOT, "src", "cli", "main.ts");
  const name = process.env["DOORPOST_UNDER_TEST"] ?? "exe";
  if (name.includes("/")) return [name];
  switch (name) {
    case "exe":
      return [join(ROOT, "dist", "doorpost")];
    case "bun":
      return [join(ROOT, "node_modules", ".bin", "bun"), main];
    case "deno":
      return [denoExecutable(), "run", "--allow-all", "--no-check", main];
    case "node":
      return [nodeExecutable(), join(ROOT, "build", "node", "src", "cli", "main.js")];
    default:
      throw new Error(`DOORPOST_UNDER_TEST is "${name}", not exe, bun, deno, node or a path`);
  }
}

/** The binary itself: npm's entry may be a script that would stand between us and the process. */
export function denoExecutable(): string {
  const beside = join(ROOT, "node_modules", "deno", "deno");
  if (existsSync(beside)) return beside;
  const packages = join(ROOT, "node_modules", "@deno");
  const found = readdirSync(packages).map((name) => join(packages, name, "deno")).find(existsSync);
  if (found === undefined) throw new Error("No Deno executable in node_modules");
  return found;
}

function nodeExecutable(): string {
  return process.versions["bun"] || process.versions["deno"] ? "node" : process.execPath;
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

// --- the machine ----------------------------------------------------------------------------------

/** Below the ephemeral range, so that no outgoing connection takes a port before its server. */
const FIRST_PORT = 10_000;
const BLOCKS = 80;
const BLOCK_SIZE = 250;

/** Ports of the block that this process has claimed and not yet given away. */
let unused: number[] = [];

/**
 * A port that nobody listens on, for this caller alone: test processes run side by side, and a port is
 * often bound some while after it was chosen.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (;;) {
    if (unused.length === 0) unused = await claimBlock();
    const port = unused.shift()!;
    if (await listenOn(port, host)) return port;
  }
}

/** A block is claimed by listening on its first port for as long as the process lives. */
async function claimBlock(): Promise<number[]> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let tries = 0; tries < BLOCKS; tries++) {
    const first = FIRST_PORT + BLOCK_SIZE * ((start + tries) % BLOCKS);
    if (await listenOn(first, "127.0.0.1", true)) {
      return Array.from({ length: BLOCK_SIZE - 1 }, (_, at) => first + 1 + at);
    }
  }
  throw new Error("No block of free ports found");
}

/** Whether it can be bound; the listener is closed again unless it shall stay. */
function listenOn(port: number, host: string, stay = false): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, host, () => {
      if (!stay) return void server.close(() => resolve(true));
      server.unref();
      resolve(true);
    });
  });
}

/** Readable by all: servers give up root's rights and must still find their files. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `doorpost-${name}-`));
  chmodSync(folder, 0o755);
  return folder;
}

/** Where a program is, looking also where Debian keeps servers; null when it is not installed. */
export function findProgram(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * For a test's `skip` option: false when all programs are there, else a sentence. Where
 * DOORPOST_REQUIRE_SERVERS is set a missing one is an error, so that a gate cannot pass by skipping.
 */
export function skipWithout(...programs: string[]): string | false {
  const missing = programs.filter((name) => findProgram(name) === null);
  if (missing.length === 0) return false;
  const reason = `not installed: ${missing.join(", ")}`;
  if (process.env["DOORPOST_REQUIRE_SERVERS"] === "1") throw new Error(reason);
  return reason;
}

/** Runs a program to its end; for setting fixtures up, not for clients under test. */
export function runProgram(command: string, args: readonly string[], input?: string): string {
  const done = spawnSync(command, [...args], { encoding: "utf8", timeout: START_MS, input });
  if (done.status !== 0) {
    throw new Error(`${command} ${args[0] ?? ""} failed: ${done.stderr}${done.error ?? ""}`);
  }
  return done.stdout;
}
