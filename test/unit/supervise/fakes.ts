/** A machine to supervise on: processes that start when the test says so, sockets that are numbers. */

import { Recorder } from "../../../src/supervise/record.ts";
import type { Recorded } from "../../../src/supervise/supervisor.ts";
import { NetError } from "../../../src/core/errors.ts";
import { LEVELS, type LogEvent } from "../../../src/core/log.ts";
import { type Endpoint, formatEndpoint, ip } from "../../../src/net/address.ts";
import type {
  BoundSocket,
  Child,
  ChildWatcher,
  Host,
  ListenOptions,
  Runtime,
} from "../../../src/net/ports.ts";
import type { Logs } from "../../../src/observe/logs.ts";
import { createMemoryRuntime, type MemoryRuntime } from "../../../src/runtime/memory.ts";
import type { FromWorker, ToWorker } from "../../../src/supervise/messages.ts";
import { settingsOf } from "../../support/settings.ts";

/** A worker, played by the test. */
export class FakeChild implements Child {
  readonly pid: number;
  readonly args: readonly string[];
  readonly descriptors: readonly number[];
  /** What it was sent, by kind and slot; the errand apart. */
  readonly told: string[] = [];
  readonly signals: string[] = [];
  errand: Extract<ToWorker, { is: "serve" }>["errand"] | null = null;
  alive = true;
  readonly #watcher: ChildWatcher;

  constructor(
    pid: number,
    args: readonly string[],
    descriptors: readonly number[],
    watcher: ChildWatcher,
  ) {
    this.pid = pid;
    this.args = args;
    this.descriptors = descriptors;
    this.#watcher = watcher;
  }

  send(message: unknown): void {
    const said = message as ToWorker;
    if (said.is === "serve") this.errand = said.errand;
    else this.told.push("slot" in said ? `${said.is} ${said.slot}` : said.is);
  }

  signal(name: string): void {
    this.signals.push(name);
  }

  say(message: FromWorker): void {
    this.#watcher.message(message);
  }

  /** Says that it listens, is given its errand, and accepts. */
  getReady(uid = 0): void {
    this.say({ is: "awake" });
    this.say({ is: "ready", owner: { uid, gid: uid } });
  }

  exit(how: number | string): void {
    this.alive = false;
    this.#watcher.exited(
      typeof how === "number" ? { code: how, signal: null } : { code: null, signal: how },
    );
  }
}

export interface Machine {
  readonly memory: MemoryRuntime;
  readonly runtime: Runtime;
  readonly log: Logs;
  /** Everything logged, `level: message`. */
  readonly lines: string[];
  /** Every process that was ever started. */
  readonly children: FakeChild[];
  /** Descriptors of bound sockets that are open, with their addresses. */
  readonly sockets: Map<number, string>;
  /** Addresses that cannot be bound. */
  readonly busy: Set<string>;
  /** Processes that have not exited. */
  alive(): FakeChild[];
  /** Every process that has not got ready does. */
  allReady(): Promise<void>;
}

export interface MachineOptions {
  /** Whether several sockets may share an address. */
  readonly spreads?: boolean;
  readonly processors?: number;
}

export function machine({ spreads = true, processors = 2 }: MachineOptions = {}): Machine {
  const memory = createMemoryRuntime();
  const children: FakeChild[] = [];
  const sockets = new Map<number, string>();
  const busy = new Set<string>();
  const lines: string[] = [];
  const runtime = machineRuntime({ memory, children, sockets, busy, spreads, processors });
  const machine: Machine = {
    memory,
    runtime,
    lines,
    children,
    sockets,
    busy,
    log: linesLog(lines),
    alive: () => children.filter(({ alive }) => alive),
    async allReady() {
      await memory.settle();
      for (const child of machine.alive()) if (child.errand === null) child.getReady();
      await memory.settle();
    },
  };
  return machine;
}

interface Parts extends Pick<Machine, "memory" | "children" | "sockets" | "busy"> {
  readonly spreads: boolean;
  readonly processors: number;
}

function machineRuntime(parts: Parts): Runtime {
  const { memory, children, processors } = parts;
  const host: Pick<Host, "spawn" | "processors"> = {
    processors: () => processors,
    spawn(args, descriptors, watcher) {
      const child = new FakeChild(100 + children.length, args, descriptors, watcher);
      children.push(child);
      return child;
    },
  };
  return {
    name: memory.name,
    versions: memory.versions,
    supports: () => true,
    listen: () => Promise.reject(new Error("a master never listens")),
    bind: binder(parts),
    connect: () => {
      throw new Error("a master never connects");
    },
    datagram: (options) => memory.datagram(options),
    tls: memory.tls,
    clock: memory.clock,
    random: (size) => memory.random(size),
    files: memory.files,
    host: Object.assign(memory.host, host),
  };
}

function binder({ sockets, busy, spreads }: Parts): NonNullable<Runtime["bind"]> {
  let next = 20;
  return (at: Endpoint, _options: ListenOptions, beside?: BoundSocket): BoundSocket | null => {
    if (beside && !spreads) return null;
    const name = formatEndpoint(at);
    if (busy.has(name)) throw new NetError("EADDRINUSE", `Cannot bind ${name}: address in use`);
    const descriptor = next++;
    const bound = at.is === "ip" && at.port === 0 ? ip(at.address, 40_000 + descriptor) : at;
    sockets.set(descriptor, formatEndpoint(bound));
    return {
      at: beside?.at ?? bound,
      descriptor,
      close: () => void sockets.delete(descriptor),
    };
  };
}

function linesLog(lines: string[]): Logs {
  const log: Logs = {
    enabled: () => true,
    write: ({ level, message }: LogEvent) => {
      if (LEVELS.indexOf(level) <= LEVELS.indexOf("notice")) lines.push(`${level}: ${message}`);
    },
    open: () => log,
    redirect: () => {},
    reopen: () => {},
    flush: () => {},
    close: () => {},
  };
  return log;
}

/** A configuration of so many workers that listens on these ports, as the master gets it. */
export function recorded(
  { runtime }: Machine,
  workers: number | "auto",
  ports: readonly number[],
  more = "",
): Recorded {
  const settings = settingsOf(`worker_processes = ${workers === "auto" ? '"auto"' : workers}
auth_http = "127.0.0.1:9/auth"
${more}
${ports.map((port) => `[[server]]\nlisten = "127.0.0.1:${port}"\nprotocol = "imap"\n`).join("")}`);
  return {
    settings,
    source: { path: "/doorpost.toml" },
    recorder: new Recorder(runtime),
  };
}
