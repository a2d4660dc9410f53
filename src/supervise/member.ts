/** One worker as its master sees it: from its start to its exit, with a limit on every wait. */

import { WORKER_END_MS, WORKER_RETIRE_MS, WORKER_START_MS } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Child, ChildExit, ChildWatcher, Owner, Runtime, Timer } from "../net/ports.ts";
import { type Errand, type FromWorker, type ToWorker, WORKER } from "./messages.ts";

export interface MemberWatcher {
  /** It accepts. */
  ready(member: Member): void;
  /** Once and last. */
  gone(member: Member, exit: ChildExit): void;
}

export interface MemberOptions {
  readonly runtime: Pick<Runtime, "host" | "clock">;
  readonly log: Log;
  readonly errand: Errand;
  /** Of this process; the errand's `sockets` speak of them by the child's numbers. */
  readonly descriptors: readonly number[];
}

export class Member implements ChildWatcher {
  readonly slot: number;
  /** When it got ready, by the monotonic clock; null before. */
  readyAt: number | null = null;
  /** What it runs as. */
  owner: Owner | null = null;
  /** Why it could not start, in its own words. */
  fault: string | null = null;
  readonly #options: MemberOptions;
  readonly #watcher: MemberWatcher;
  readonly #child: Child;
  #timer: Timer | null = null;
  #over = false;
  #retired: (() => void) | null = null;
  #reopenWhenReady = false;

  constructor(options: MemberOptions, watcher: MemberWatcher) {
    this.#options = options;
    this.#watcher = watcher;
    this.slot = options.errand.slot;
    this.#child = options.runtime.host.spawn!([WORKER], options.descriptors, this);
    this.#killAfter(WORKER_START_MS, "did not get ready");
    this.#note("notice", `start worker process ${this.pid}`);
  }

  get pid(): number {
    return this.#child.pid;
  }

  // --- what it says --------------------------------------------------------------------------

  message(message: unknown): void {
    const said = message as FromWorker;
    switch (said.is) {
      case "awake":
        return this.#tell({ is: "serve", errand: this.#options.errand });
      case "ready":
        this.#wait(null);
        this.owner = said.owner;
        this.readyAt = this.#options.runtime.clock.monotonic();
        if (this.#reopenWhenReady) this.reopen();
        return this.#watcher.ready(this);
      case "failed":
        this.fault = said.why;
        return;
      case "retired":
        return this.#retired?.();
    }
  }

  exited(exit: ChildExit): void {
    this.#over = true;
    this.#wait(null);
    this.#retired?.();
    this.#watcher.gone(this, exit);
  }

  // --- what it is told -----------------------------------------------------------------------

  cover(slot: number): void {
    this.#tell({ is: "cover", slot });
  }

  uncover(slot: number): void {
    this.#tell({ is: "uncover", slot });
  }

  /** Resolves when it accepts no more, or has had its time for that. `patience` as in `drain`. */
  retire(patience: number | null): Promise<void> {
    if (this.#over) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.runtime.clock.after(WORKER_RETIRE_MS, resolve);
      this.#retired = () => {
        timer.cancel();
        resolve();
      };
      this.#tell({ is: "retire" });
      this.#endAfter(patience);
    });
  }

  /** Milliseconds that its sessions have; null: as long as they want. */
  drain(patience: number | null): void {
    this.#child.signal("SIGQUIT");
    this.#endAfter(patience);
  }

  stop(): void {
    this.#child.signal("SIGTERM");
    this.#killAfter(WORKER_END_MS, "did not end");
  }

  kill(): void {
    this.#child.signal("SIGKILL");
  }

  /** Before it is ready the signal would end it, or find no logs. */
  reopen(): void {
    if (this.readyAt === null) this.#reopenWhenReady = true;
    else this.#child.signal("SIGUSR1");
  }

  /** It keeps the time itself: this is for one that hangs. */
  #endAfter(patience: number | null): void {
    if (patience === null) this.#wait(null);
    else this.#killAfter(patience + WORKER_END_MS, "did not end");
  }

  #killAfter(ms: number, why: string): void {
    if (this.#over) return;
    this.#wait(this.#options.runtime.clock.after(ms, () => {
      this.#note("alert", `worker process ${this.pid} ${why} in ${ms / 1000} s: it is killed`);
      this.#child.signal("SIGKILL");
    }));
  }

  #wait(timer: Timer | null): void {
    this.#timer?.cancel();
    this.#timer = timer;
  }

  #tell(message: ToWorker): void {
    this.#child.send(message);
  }

  #note(level: "notice" | "alert", message: string): void {
    this.#options.log.write({ level, message });
  }
}
