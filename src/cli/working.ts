/**
 * A worker: the ordinary serving path, on sockets that the master bound and on a configuration that the
 * master read. QUIT drains, TERM ends at once, USR1 opens the logs anew. HUP and INT are not for it:
 * a terminal sends them to the whole group, and what is to be done then the master says.
 *
 * When the master is gone, whatever ended it, nobody would replace a worker or reload it: it drains.
 */

import { load } from "../config/load.ts";
import { NetError } from "../core/errors.ts";
import type { Parent, Runtime } from "../net/ports.ts";
import { type Logs, openLogs } from "../observe/logs.ts";
import { type DrainManner, type Proxy, startProxy } from "../proxy/server.ts";
import type { Errand, FromWorker, ToWorker } from "../supervise/messages.ts";
import { raiseOpenFiles } from "../supervise/open-files.ts";
import { replay } from "../supervise/record.ts";
import { shareOf, soleShareOf } from "../supervise/sockets.ts";
import type { BugTrap } from "./bugs.ts";
import { FAILED, OK } from "./exit.ts";
import { becomeUser } from "./user.ts";

/** Runs until the master or a signal ends it. Resolves with the exit status. */
export function work(parent: Parent, runtime: Runtime, bugs: BugTrap): Promise<number> {
  return new Promise((resolve) => new Worker(parent, runtime, bugs, resolve));
}

class Worker {
  readonly #parent: Parent;
  readonly #runtime: Runtime;
  readonly #bugs: BugTrap;
  readonly #end: (status: number) => void;
  #errand: Errand | null = null;
  #logs: Logs | null = null;
  #proxy: Proxy | null = null;
  #stopping = false;
  /** By slot: what ends the covering of it. */
  readonly #covers = new Map<number, Promise<() => Promise<void>>>();

  constructor(
    parent: Parent,
    runtime: Runtime,
    bugs: BugTrap,
    end: (status: number) => void,
  ) {
    this.#parent = parent;
    this.#runtime = runtime;
    this.#bugs = bugs;
    this.#end = end;
    this.#listenToSignals();
    parent.listen((message) => this.#told(message as ToWorker), () => this.#orphaned());
    void this.#say({ is: "awake" });
  }

  #listenToSignals(): void {
    const { host } = this.#runtime;
    host.onSignal("SIGHUP", () => {});
    host.onSignal("SIGINT", () => {});
    host.onSignal("SIGQUIT", () => this.#drain("told"));
    host.onSignal("SIGTERM", () => this.#guard(this.#stop()));
    host.onSignal("SIGUSR1", () => this.#logs?.reopen());
  }

  #told(message: ToWorker): void {
    switch (message.is) {
      case "serve":
        return this.#guard(this.#serve(message.errand));
      case "cover":
        return this.#guard(this.#cover(message.slot));
      case "uncover":
        return this.#guard(this.#uncover(message.slot));
      case "retire":
        return this.#drain("untold");
    }
  }

  // --- start ---------------------------------------------------------------------------------

  async #serve(errand: Errand): Promise<void> {
    this.#errand = errand;
    try {
      await this.#start(errand);
    } catch (error) {
      // The master has rehearsed all but the sockets and the user, and says this in its own log.
      await this.#say({
        is: "failed",
        why: error instanceof Error ? error.message : String(error),
      });
      await this.#proxy?.stop();
      return this.#finish(FAILED);
    }
    await this.#say({ is: "ready", owner: this.#runtime.host.owner?.() ?? null });
  }

  async #start({ source, recording, slot, workers, sockets }: Errand): Promise<void> {
    const { world, runtime } = replay(this.#runtime, recording);
    const { settings } = await load(source, world);
    if (!settings) throw new Error(`${source.path} has changed its meaning since it was checked`);
    const logs = openLogs(settings.global.error_log, this.#runtime);
    this.#logs = logs;
    raiseOpenFiles(settings.global, runtime, logs);
    const inherited = shareOf(sockets, slot, workers);
    this.#proxy = await startProxy({ runtime, settings, log: logs, inherited });
    becomeUser(settings.global.user, runtime, logs);
    this.#bugs.divert((text) => logs.write({ level: "alert", message: `internal error: ${text}` }));
  }

  // --- covering for another worker -----------------------------------------------------------

  async #cover(slot: number): Promise<void> {
    if (!this.#proxy || !this.#errand || this.#covers.has(slot)) return;
    const { sockets, workers } = this.#errand;
    const covering = this.#proxy.cover(soleShareOf(sockets, slot, workers));
    this.#covers.set(slot, covering);
    try {
      await covering;
    } catch (error) {
      this.#covers.delete(slot);
      if (!(error instanceof NetError)) throw error;
      this.#logs?.write({ level: "alert", message: `Cannot cover for a worker: ${error.message}` });
    }
  }

  async #uncover(slot: number): Promise<void> {
    const covering = this.#covers.get(slot);
    this.#covers.delete(slot);
    await (await covering)?.();
  }

  // --- the end -------------------------------------------------------------------------------

  #orphaned(): void {
    if (this.#stopping) return;
    const message = "the master process has gone: shutting down gracefully";
    this.#logs?.write({ level: "alert", message });
    this.#drain("told");
  }

  #drain(manner: DrainManner): void {
    this.#guard(this.#drained(manner));
  }

  async #drained(manner: DrainManner): Promise<void> {
    const drained = this.#proxy?.drain(manner);
    this.#release();
    void this.#say({ is: "retired" });
    await drained;
    this.#finish(OK);
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#release();
    await this.#proxy?.stop();
    this.#finish(OK);
  }

  /** A socket that any process holds open goes on taking clients in, for nobody. */
  #release(): void {
    for (const { descriptors } of this.#errand?.sockets ?? []) {
      for (const descriptor of descriptors) this.#runtime.release?.(descriptor);
    }
    this.#errand = null;
  }

  #finish(status: number): void {
    this.#logs?.close();
    this.#end(status);
  }

  // --- the rest ------------------------------------------------------------------------------

  #say(message: FromWorker): Promise<void> {
    return this.#parent.send(message);
  }

  #guard(work: Promise<void>): void {
    work.catch((error) => this.#bugs.caught(error));
  }
}
