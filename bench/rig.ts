/** The rig: fake servers, and proxies between them and the load, all on loopback. */

import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { selfSigned } from "../test/support/ca.ts";
import { freePort } from "../test/support/process.ts";
import { openFilesHard } from "./machine.ts";
import { BenchError, type Subject } from "./model.ts";
import type { Programs } from "./programs.ts";

const START_MS = 15_000;
const STOP_MS = 5_000;

export interface Ports {
  readonly imap: number;
  readonly pop3: number;
  readonly smtp: number;
  readonly imaps: number;
}

export interface Proxy {
  readonly pid: number;
  /** Its configuration and logs. */
  readonly folder: string;
  readonly ports: Ports;
  /** From the start of the process to the first byte that it said to a client. */
  readonly startMs: number;
  /** Kills it; it holds nothing that is worth a farewell. */
  stop(): Promise<void>;
}

export interface StartSettings {
  readonly workers?: number;
  /** Words before the proxy's command line; `FOLDER` stands for its folder. */
  readonly before?: readonly string[];
}

export interface Rig {
  readonly load: string;
  /** Of the fake backends and the fake auth server. */
  readonly serverPids: readonly number[];
  /** The fake servers themselves, in a proxy's place; they have no TLS. */
  readonly direct: Proxy;
  start(subject: Subject, settings?: StartSettings): Promise<Proxy>;
  stop(): Promise<void>;
}

export async function startRig(programs: Programs): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "doorpost-bench-"));
  // nginx's workers give up root's rights.
  chmodSync(folder, 0o755);
  const children = new Set<ChildProcess>();
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const leaf = await selfSigned();
  const backends = startServer(children, programs.load, ["backends"]);
  const targets = await ports(backends, ["imap", "pop3", "smtp"]);
  const named = Object.entries(targets).flatMap(([name, port]) => [`--${name}`, String(port)]);
  const auth = startServer(children, programs.load, ["auth", ...named]);
  const { auth: authPort } = await ports(auth, ["auth"]);
  let number = 0;
  return {
    load: programs.load,
    serverPids: [backends.pid!, auth.pid!],
    direct: {
      // Nobody asks it anything: what it uses is nothing.
      pid: auth.pid!,
      folder,
      ports: { ...targets, imaps: targets.imap },
      startMs: 0,
      stop: () => Promise.resolve(),
    },
    async start(subject, { workers = workersOf(subject), before = [] } = {}) {
      const own = join(folder, `${subject}-${++number}`);
      mkdirSync(own);
      writeFileSync(join(own, "cert.pem"), leaf.certificate);
      writeFileSync(join(own, "key.pem"), leaf.key, { mode: 0o600 });
      const at = await freePorts();
      writeFileSync(join(own, "nginx.conf"), configuration(subject, workers, authPort!, at));
      const words = [...before, ...commandOf(programs, subject, own)];
      const command = words.map((word) => word.replace("FOLDER", own));
      return await startProxy(children, command, own, at);
    },
    async stop() {
      await Promise.all([...children].map(end));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// --- configuration --------------------------------------------------------------------------------

/** Worker processes of a subject. */
export function workersOf(subject: Subject): number {
  return subject.endsWith("-2w") ? 2 : 1;
}

/** One text for both programs: Doorpost reads nginx's. Buffers and times are nginx's defaults. */
function configuration(subject: Subject, workers: number, auth: number, at: Ports): string {
  const files = openFilesHard();
  const buffers = subject === "nginx-64k"
    ? "proxy_buffer 64k; imap_client_buffer 64k; smtp_client_buffer 64k;"
    : "";
  const server = (name: keyof Ports, rest: string) =>
    `    server { listen 127.0.0.1:${at[name]}${rest}; }\n`;
  return `worker_processes ${workers};
worker_rlimit_nofile ${files};
pid proxy.pid;
error_log error.log warn;
events { worker_connections ${files}; }
mail {
    server_name mail.example;
    auth_http 127.0.0.1:${auth}/auth;
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ${buffers}
${server("imap", "; protocol imap; starttls on")}\
${server("pop3", "; protocol pop3; starttls on")}\
${server("smtp", "; protocol smtp; starttls on")}\
${server("imaps", " ssl; protocol imap")}\
}
`;
}

async function freePorts(): Promise<Ports> {
  return {
    imap: await freePort(),
    pop3: await freePort(),
    smtp: await freePort(),
    imaps: await freePort(),
  };
}

function commandOf({ doorpost, nginx }: Programs, subject: Subject, folder: string): string[] {
  const file = join(folder, "nginx.conf");
  if (subject.startsWith("doorpost")) return [doorpost, "serve", "--config", file];
  if (nginx === null) throw new BenchError("No nginx to start");
  const module = nginx.module === null ? "" : `load_module ${nginx.module}; `;
  // Without -p relative paths would lie in the folder that was compiled in.
  return [nginx.command, "-p", folder, "-c", file, "-e", "stderr", "-g", `${module}daemon off;`];
}

// --- processes ------------------------------------------------------------------------------------

async function startProxy(
  children: Set<ChildProcess>,
  command: readonly string[],
  folder: string,
  at: Ports,
): Promise<Proxy> {
  const output = join(folder, "output.log");
  const log = openSync(output, "a");
  const began = performance.now();
  const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", log, log], cwd: folder });
  keep(children, child);
  let ended = false;
  child.once("error", () => ended = true).once("exit", () => ended = true);
  while (!(await greets(at.imap))) {
    if (ended || performance.now() - began > START_MS) {
      await end(child);
      throw new BenchError(`${command[0]} does not start:\n${readFileSync(output, "utf8")}`);
    }
    await sleep(1);
  }
  const startMs = performance.now() - began;
  return { pid: child.pid!, folder, ports: at, startMs, stop: () => end(child) };
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (well: boolean) => {
      socket.destroy();
      resolve(well);
    };
    socket.once("data", () => settle(true));
    socket.once("error", () => settle(false));
    socket.once("close", () => settle(false));
  });
}

function startServer(
  children: Set<ChildProcess>,
  command: string,
  args: readonly string[],
): ChildProcess {
  const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "inherit"] });
  keep(children, child);
  return child;
}

/** The first line of a fake server is JSON: its ports. */
async function ports<Name extends string>(
  child: ChildProcess,
  names: readonly Name[],
): Promise<Readonly<Record<Name, number>>> {
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.once("data", (bytes) => resolve(String(bytes)));
    child.once("exit", () => reject(new BenchError("A fake server does not start")));
  });
  const said = JSON.parse(line);
  if (names.some((name) => typeof said[name] !== "number")) throw new BenchError(line);
  return said;
}

function keep(children: Set<ChildProcess>, child: ChildProcess): void {
  children.add(child);
  child.once("exit", () => children.delete(child));
}

/** SIGTERM first: nginx's master takes its workers along, and so does Doorpost's. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await exited;
  clearTimeout(timer);
}
