/**
 * The workers of one configuration, one in each slot. One that dies is replaced, after 100 ms at first
 * and up to 10 s when its successors die young; meanwhile a neighbour accepts what comes to its sockets.
 */

import { RESPAWN_MOST_MS, RESPAWN_MS, WORKER_STEADY_MS } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { ChildExit, Owner, Runtime, Timer } from "../net/ports.ts";
import { Member, type MemberWatcher } from "./member.ts";
import type { Errand, Handed } from "./messages.ts";

/** Standard input, output and error come first. */
const FIRST_DESCRIPTOR = 3;

export interface CrewOptions {
  readonly runtime: Pick<Runtime, "host" | "clock">;
  readonly log: Log;
  readonly source: Errand["source"];
  readonly recording: Errand["recording"];
  readonly workers: number;
  /** By descriptors of this process, which stay open while the crew may need a replacement. */
  readonly sockets: readonly Handed[];
  /** `worker_shutdown_timeout`. */
  readonly patience: number | null;
}

type Stage = "starting" | "serving" | "leaving";

export class Crew implements MemberWatcher {
  /** Resolves when the last worker has ended and none will follow. */
  readonly ended: Promise<void>;
  readonly #options: CrewOptions;
  /** Every process that has not ended. */
  readonly #members = new Set<Member>();
  readonly #ready = new Map<number, Member>();
  /** Who accepts for a slot that is empty. */
  readonly #covers = new Map<number, Member>();
  /** Slots that wait for a replacement. */
  readonly #awaited = new Map<number, Timer>();
  /** The wait before a slot's latest replacement. */
  readonly #waits = new Map<number, number>();
  #stage: Stage = "starting";
  #end: () => void = () => {};
  /** While starting. */
  #started: { readonly good: () => void; readonly bad: (why: string) => void } | null = null;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => this.#end = resolve);
  }

  /** Resolves with null when all workers accept, or with why one of them cannot. To be called first. */
  start(): Promise<string | null> {
    return new Promise((resolve) => {
      this.#started = { good: () => resolve(null), bad: resolve };
      for (let slot = 0; slot < this.#options.workers; slot++) this.#spawn(slot);
    });
  }

  get size(): number {
    return this.#members.size;
  }

  /** What the workers run as, once one is ready. */
  get owner(): Owner | null {
    for (const { owner } of this.#ready.values()) return owner;
    return null;
  }

  /** Others have taken over: one after the other stops accepting. Resolves when none accepts. */
  async retire(): Promise<void> {
    this.#leave();
    for (const member of [...this.#members]) await member.retire(this.#options.patience);
  }

  /** Takes no new clients; sessions have the configured time. */
  drain(): void {
    this.#leave();
    for (const member of this.#members) member.drain(this.#options.patience);
  }

  /** Ends all sessions now. */
  stop(): void {
    this.#leave();
    for (const member of this.#members) member.stop();
  }

  /** Without waiting for anything. */
  kill(): void {
    this.#leave();
    for (const member of this.#members) member.kill();
  }

  reopen(): void {
    for (const member of this.#members) member.reopen();
  }

  #leave(): void {
    this.#started?.bad("it was told to end before it was ready");
    this.#started = null;
    this.#stage = "leaving";
    for (const timer of this.#awaited.values()) timer.cancel();
    this.#awaited.clear();
    if (this.#members.size === 0) this.#end();
  }

  // --- workers -------------------------------------------------------------------------------

  #spawn(slot: number): void {
    const { runtime, log, source, recording, workers, sockets } = this.#options;
    const descriptors = sockets.flatMap((socket) => socket.descriptors);
    let next = FIRST_DESCRIPTOR;
    const inChild = sockets.map(({ key, descriptors }) => ({
      key,
      descriptors: descriptors.map(() => next++),
    }));
    const errand = { source, recording, slot, workers, sockets: inChild };
    this.#members.add(new Member({ runtime, log, errand, descriptors }, this));
  }

  ready(member: Member): void {
    this.#ready.set(member.slot, member);
    this.#uncover(member.slot);
    if (this.#stage !== "starting" || this.#ready.size < this.#options.workers) return;
    this.#stage = "serving";
    this.#started?.good();
    this.#started = null;
  }

  gone(member: Member, exit: ChildExit): void {
    this.#members.delete(member);
    const was = this.#ready.get(member.slot) === member;
    if (was) this.#ready.delete(member.slot);
    const how = `worker process ${member.pid} ${described(exit)}`;
    switch (this.#stage) {
      case "starting":
        this.#started?.bad(member.fault ?? `${how} before it was ready`);
        this.#started = null;
        return;
      case "serving":
        return this.#replace(member, how);
      case "leaving":
        this.#note(exit.code === 0 ? "notice" : "alert", how);
        if (this.#members.size === 0) this.#end();
    }
  }

  #replace(member: Member, how: string): void {
    const { slot, fault } = member;
    const wait = this.#nextWait(member);
    const why = fault === null ? "" : ` (${fault})`;
    this.#note("alert", `${how}${why}: a new one starts in ${wait} ms`);
    this.#waits.set(slot, wait);
    const respawn = () => {
      this.#awaited.delete(slot);
      this.#spawn(slot);
    };
    this.#awaited.set(slot, this.#options.runtime.clock.after(wait, respawn));
    this.#arrangeCovers(member);
  }

  #nextWait({ slot, readyAt }: Member): number {
    const before = this.#waits.get(slot);
    const now = this.#options.runtime.clock.monotonic();
    const steady = readyAt !== null && now - readyAt >= WORKER_STEADY_MS;
    if (before === undefined || steady) return RESPAWN_MS;
    return Math.min(2 * before, RESPAWN_MOST_MS);
  }

  // --- covering ------------------------------------------------------------------------------

  /** For the slot of the worker that died, and for those that it covered itself. */
  #arrangeCovers(dead: Member): void {
    const orphans = [...this.#covers].filter(([, by]) => by === dead).map(([slot]) => slot);
    for (const slot of new Set([dead.slot, ...orphans])) {
      this.#covers.delete(slot);
      this.#cover(slot);
    }
  }

  #cover(slot: number): void {
    if (this.#ready.has(slot)) return;
    const { workers } = this.#options;
    for (let step = 1; step < workers; step++) {
      const neighbour = this.#ready.get((slot + step) % workers);
      if (!neighbour) continue;
      this.#covers.set(slot, neighbour);
      return neighbour.cover(slot);
    }
  }

  /** The slot has its own worker again, who may have to cover for those that nobody could. */
  #uncover(slot: number): void {
    this.#covers.get(slot)?.uncover(slot);
    this.#covers.delete(slot);
    if (this.#stage !== "serving") return;
    for (let other = 0; other < this.#options.workers; other++) {
      if (!this.#covers.has(other)) this.#cover(other);
    }
  }

  #note(level: "notice" | "alert", message: string): void {
    this.#options.log.write({ level, message });
  }
}

/** By which a process is ended from outside, or by its own fault. */
const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** In nginx's words. */
function described({ code, signal, fault }: ChildExit): string {
  if (fault !== undefined) return `could not be started (${fault})`;
  if (signal === null) return `exited with code ${code}`;
  const number = SIGNAL_NUMBERS[signal];
  return `exited on signal ${number === undefined ? signal : `${number} (${signal})`}`;
}
