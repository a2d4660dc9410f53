/** Runs the load generator: one run of a client, or sessions that stay until they are told to go. */

import { spawn } from "node:child_process";
import { cpuOfMachine, cpuOfTree } from "./machine.ts";
import { BenchError, type Busy } from "./model.ts";
import type { Proxy, Rig } from "./rig.ts";

/** What the client says at its end; times of one login, trip or message in milliseconds. */
export interface Told {
  readonly done: number;
  readonly failed: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
}

export interface Loaded extends Told {
  /** Processor seconds of all the proxy's processes during the run. */
  readonly proxyCpu: number;
  readonly busy: Busy;
}

/** Beyond what any run takes: the client ends itself long before. */
const LIMIT_MS = 150_000;

export async function runLoad(rig: Rig, proxy: Proxy, args: readonly string[]): Promise<Loaded> {
  const servers = () => rig.serverPids.map(cpuOfTree).reduce((a, b) => a + b, 0);
  const before = { all: cpuOfMachine(), proxy: cpuOfTree(proxy.pid), servers: servers() };
  const told = await runClient(rig.load, args);
  const proxyCpu = cpuOfTree(proxy.pid) - before.proxy;
  const serversCpu = servers() - before.servers;
  const others = cpuOfMachine() - before.all - proxyCpu - told.cpu - serversCpu;
  const percent = (seconds: number) => Math.round(100 * seconds / told.seconds);
  return {
    ...told,
    proxyCpu,
    busy: {
      proxy: percent(proxyCpu),
      client: percent(told.cpu),
      servers: percent(serversCpu),
      others: Math.max(0, percent(others)),
    },
  };
}

function runClient(command: string, args: readonly string[]): Promise<Told> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    let output = "";
    let complaint = "";
    child.stdout.on("data", (bytes) => output += bytes);
    child.stderr.on("data", (bytes) => complaint += bytes);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(JSON.parse(output));
      else reject(new BenchError(`${args.join(" ")}: ended (${signal ?? code})\n${complaint}`));
    });
  });
}

// --- sessions that stay ---------------------------------------------------------------------------

export interface Held {
  /** Adds sessions until there are so many; resolves when all are logged in. */
  open(count: number): Promise<number>;
  /** How many answered a NOOP. */
  ping(): Promise<number>;
  close(): Promise<void>;
}

export function holdSessions(rig: Rig, args: readonly string[]): Held {
  const child = spawn(rig.load, ["hold", ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let heard = "";
  let wake = () => {};
  child.stdout.on("data", (bytes) => {
    heard += bytes;
    wake();
  });
  const ask = async (order: string, word: string): Promise<number> => {
    child.stdin.write(`${order}\n`);
    const line = new Promise<void>((resolve) => wake = () => heard.includes("\n") && resolve());
    await Promise.race([line, exited]);
    if (!heard.includes("\n")) throw new BenchError(`The sessions could not "${order}"`);
    const told = JSON.parse(heard);
    heard = "";
    return told[word];
  };
  return {
    open: (count) => ask(`open ${count}`, "open"),
    ping: () => ask("ping", "alive"),
    async close() {
      child.stdin.end();
      await exited;
    },
  };
}
