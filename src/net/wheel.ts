/**
 * A timing wheel: thousands of deadlines on one clock timer. Arming and disarming cost a few pointer
 * writes; a deadline fires up to one tick late, never early. Sessions embed their entry, so a deadline
 * allocates nothing.
 */

import type { Clock, Timer } from "./ports.ts";

/** Intrusive list node. Extend or embed it; the wheel owns the fields. */
export abstract class Deadline {
  previous: Deadline | null = null;
  next: Deadline | null = null;
  /** The tick at which it fires; meaningless while disarmed. */
  due = 0;

  abstract expired(): void;
}

class Slot extends Deadline {
  override previous: Deadline = this;
  override next: Deadline = this;
  expired(): void {}
}

const SLOTS = 512;

export class Wheel {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => new Slot());
  readonly #start: number;
  #tick = 0;
  #armed = 0;
  #timer: Timer | null = null;

  /** `tickMs` is the resolution, and the most that a deadline is late. */
  constructor(clock: Clock, tickMs = 50) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#start = clock.monotonic();
  }

  /** Arms (or moves) a deadline `ms` from now. */
  arm(deadline: Deadline, ms: number): void {
    this.disarm(deadline);
    if (this.#armed === 0) this.#tick = this.#now();
    const ticks = Math.max(
      1,
      Math.ceil((this.#clock.monotonic() - this.#start + ms) / this.#tickMs),
    );
    deadline.due = Math.max(ticks, this.#tick + 1);
    const slot = this.#slots[deadline.due % SLOTS];
    deadline.previous = slot.previous;
    deadline.next = slot;
    slot.previous!.next = deadline;
    slot.previous = deadline;
    this.#armed++;
    this.#timer ??= this.#nextTurn();
  }

  disarm(deadline: Deadline): void {
    if (deadline.next === null) return;
    deadline.previous!.next = deadline.next;
    deadline.next.previous = deadline.previous;
    deadline.previous = deadline.next = null;
    this.#armed--;
  }

  /** Deadlines armed now (for tests and metrics). */
  get size(): number {
    return this.#armed;
  }

  /** A coarse clock for activity: the current tick, kept up while anything is armed. */
  get tick(): number {
    return this.#tick;
  }

  /** Milliseconds since a tick. */
  since(tick: number): number {
    return (this.#tick - tick) * this.#tickMs;
  }

  #now(): number {
    return Math.floor((this.#clock.monotonic() - this.#start) / this.#tickMs);
  }

  /**
   * On the boundary of a tick: turns at any other phase would add up to a tick of their own. Whole
   * milliseconds, since a timer that comes a fraction too early has to be set again.
   */
  #nextTurn(): Timer {
    const into = (this.#clock.monotonic() - this.#start) % this.#tickMs;
    return this.#clock.after(Math.ceil(this.#tickMs - into), this.#turn);
  }

  #turn = (): void => {
    this.#timer = null;
    const bugs: unknown[] = [];
    const now = this.#now();
    const last = this.#tick;
    this.#tick = Math.max(last, now);
    // A process that slept long visits each slot once, not once a missed tick.
    const turns = Math.min(now - last, SLOTS);
    for (let i = 1; i <= turns; i++) this.#visit(this.#slots[(last + i) % SLOTS], now, bugs);
    if (this.#armed > 0) this.#timer ??= this.#nextTurn();
    // Only now: one session's bug must not take the deadlines of all others with it.
    if (bugs.length > 0) throw bugs[0];
  };

  /** Expires what is due in the slot; entries of later rounds stay. */
  #visit(slot: Slot, now: number, bugs: unknown[]): void {
    const due: Deadline[] = [];
    for (let entry: Deadline = slot.next!; entry !== slot; entry = entry.next!) {
      if (entry.due <= now) due.push(entry);
    }
    for (const entry of due) {
      // An earlier one may have disarmed or moved it.
      if (entry.next === null || entry.due > now) continue;
      this.disarm(entry);
      try {
        entry.expired();
      } catch (error) {
        bugs.push(error);
      }
    }
  }
}
