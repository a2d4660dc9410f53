/**
 * What serves: this process itself, or workers that it supervises. `serving.ts` drives either in the
 * same way. One process is the default; it does not turn into a master by a reload.
 */

import type { GlobalSettings, Settings } from "../config/settings.ts";
import type { Diagnostic, SourceLines } from "../core/diagnostic.ts";
import { FileError } from "../core/errors.ts";
import type { Owner, Runtime } from "../net/ports.ts";
import type { Logs } from "../observe/logs.ts";
import { type Listening, type Proxy, StartError, type startProxy } from "../proxy/server.ts";
import { keptOptions } from "../proxy/socket-options.ts";
import { raiseOpenFiles } from "../supervise/open-files.ts";
import { type Recorded, Supervisor, workersOf } from "../supervise/supervisor.ts";
import { becomeUser } from "./user.ts";

/** A configuration that was read without an error. */
export interface Usable extends Pick<Recorded, "settings"> {
  readonly lines: SourceLines;
  /** How it was read, for workers to read it in the same way. */
  readonly record?: Omit<Recorded, "settings">;
}

export interface Engine {
  readonly listening: readonly Listening[];
  /** Findings that did not keep it from starting. */
  readonly warnings: readonly Diagnostic[];
  /** What a drain has to wait for: `2 connections open`. */
  readonly burden: string;
  /** How many processes serve. */
  readonly workers: number;
  /** Gives up what only the start needs. Throws a `StartError`. */
  settle(): void;
  /** Rejects with a `StartError`, everything being as before. Sentences are about what has no effect yet. */
  reload(usable: Usable): Promise<readonly string[]>;
  /** This process has opened its logs anew. */
  reopened(): void;
  drain(): Promise<void>;
  stop(): Promise<void>;
  /** The process exits next, whatever is still to be done. */
  abandon(): void;
}

export interface EngineOptions {
  readonly runtime: Runtime;
  readonly log: Logs;
  readonly startProxy: typeof startProxy;
}

/** Rejects with a `StartError`; nothing is left open then. */
export async function startEngine(options: EngineOptions, usable: Usable): Promise<Engine> {
  const workers = workersFor(usable, options.runtime);
  return workers > 1
    ? await Workers.start(options, usable)
    : await OneProcess.start(options, usable.settings);
}

/** Throws a `StartError` where there cannot be that many. */
function workersFor({ settings, record }: Usable, runtime: Runtime): number {
  const workers = record ? workersOf(settings, runtime.host) : 1;
  if (workers === 1) return 1;
  const able = runtime.supports("spawn");
  if (able !== true) throw new StartError(`Cannot start ${workers} worker processes: ${able}`);
  return workers;
}

class OneProcess implements Engine {
  readonly workers = 1;
  readonly #options: EngineOptions;
  readonly #proxy: Proxy;
  #settings: Settings;
  /** As at the start. */
  readonly #user: GlobalSettings["user"];

  static async start(options: EngineOptions, settings: Settings): Promise<Engine> {
    const { runtime, log } = options;
    raiseOpenFiles(settings.global, runtime, log);
    const proxy = await options.startProxy({ runtime, settings, log });
    return new OneProcess(options, proxy, settings);
  }

  private constructor(options: EngineOptions, proxy: Proxy, settings: Settings) {
    this.#options = options;
    this.#proxy = proxy;
    this.#settings = settings;
    this.#user = settings.global.user;
  }

  get listening(): readonly Listening[] {
    return this.#proxy.listening;
  }

  get warnings(): readonly Diagnostic[] {
    return this.#proxy.warnings;
  }

  get burden(): string {
    return `${this.#proxy.connections} connections open`;
  }

  settle(): void {
    const { runtime, log } = this.#options;
    becomeUser(this.#user, runtime, log);
  }

  async reload(usable: Usable): Promise<readonly string[]> {
    const { runtime, log } = this.#options;
    const workers = workersFor(usable, runtime);
    await this.#proxy.reload(usable.settings);
    const { global, servers } = this.#settings;
    const next = usable.settings;
    if (next.global.worker_rlimit_nofile !== global.worker_rlimit_nofile) {
      raiseOpenFiles(next.global, runtime, log);
    }
    this.#settings = next;
    return [
      ...(workers === 1 ? [] : [later(`worker_processes ${workers}`, "this is one process")]),
      ...(sameUser(next.global.user, this.#user)
        ? []
        : [later("user", "it is changed at the start alone")]),
      ...keptOptions(servers, next.servers),
    ];
  }

  reopened(): void {}

  async drain(): Promise<void> {
    await this.#proxy.drain();
  }

  async stop(): Promise<void> {
    await this.#proxy.stop();
  }

  abandon(): void {}
}

function later(what: string, why: string): string {
  return `${what} has no effect before a restart: ${why}`;
}

function sameUser(one: GlobalSettings["user"], other: GlobalSettings["user"]): boolean {
  return one?.name === other?.name && one?.group === other?.group;
}

class Workers implements Engine {
  readonly #options: EngineOptions;
  readonly #supervisor: Supervisor;
  #settings: Settings;

  static async start(options: EngineOptions, usable: Usable): Promise<Engine> {
    const supervisor = await Supervisor.start(options, recordedOf(usable));
    return new Workers(options, supervisor, usable.settings);
  }

  private constructor(options: EngineOptions, supervisor: Supervisor, settings: Settings) {
    this.#options = options;
    this.#supervisor = supervisor;
    this.#settings = settings;
  }

  get listening(): readonly Listening[] {
    return this.#supervisor.listening;
  }

  get warnings(): readonly Diagnostic[] {
    return this.#supervisor.warnings;
  }

  get burden(): string {
    const { workers } = this.#supervisor;
    return `sessions of ${workers} worker${workers === 1 ? "" : "s"} open`;
  }

  get workers(): number {
    return workersOf(this.#settings, this.#options.runtime.host);
  }

  /** The workers give root up; the master needs it for new sockets and logs. */
  settle(): void {}

  async reload(usable: Usable): Promise<readonly string[]> {
    workersFor(usable, this.#options.runtime);
    await this.#supervisor.reload(recordedOf(usable));
    const { servers } = this.#settings;
    this.#settings = usable.settings;
    return keptOptions(servers, usable.settings.servers);
  }

  /** New files are root's, and must be the workers' before these open them (as in nginx). */
  reopened(): void {
    const { owner } = this.#supervisor;
    if (owner && owner.uid !== this.#options.runtime.host.owner?.()?.uid) this.#giveLogs(owner);
    this.#supervisor.reopen();
  }

  #giveLogs(owner: Owner): void {
    const { runtime, log } = this.#options;
    for (const path of logFiles(this.#settings)) {
      try {
        runtime.files.chown?.(path, owner);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        const message = `Cannot give log "${path}" to the workers' user`;
        log.write({ level: "emerg", message, errno: error.errno });
      }
    }
  }

  async drain(): Promise<void> {
    await this.#supervisor.drain();
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop();
  }

  abandon(): void {
    this.#supervisor.kill();
  }
}

function recordedOf({ settings, record }: Usable): Recorded {
  return { settings, ...record! };
}

function logFiles({ global, servers }: Settings): ReadonlySet<string> {
  const logs = [global, ...servers].flatMap(({ error_log }) => error_log);
  return new Set(logs.flatMap(({ destination }) => {
    return destination.is === "file" ? [destination.path] : [];
  }));
}
