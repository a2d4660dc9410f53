/** A clock that stands still until a test moves it. Timers fire in order of time, then of making. */

import type { Clock, Timer } from "../../net/ports.ts";

interface Alarm extends Timer {
  readonly at: number;
  readonly run: () => void;
}

export class MemoryClock implements Clock {
  readonly #start: number;
  #elapsed = 0;
  #alarms: Alarm[] = [];

  /** `start`: milliseconds since 1970. */
  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, run: () => void): Timer {
    const alarm: Alarm = {
      at: this.#elapsed + Math.max(0, ms),
      run,
      cancel: () => void (this.#alarms = this.#alarms.filter((other) => other !== alarm)),
    };
    // Behind all that are due at the same moment.
    const place = this.#alarms.findIndex((other) => other.at > alarm.at);
    this.#alarms.splice(place < 0 ? this.#alarms.length : place, 0, alarm);
    return alarm;
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Moves on by `ms`, firing what falls due on the way, also timers made on the way. */
  advance(ms: number): void {
    const until = this.#elapsed + ms;
    while (this.step(until)) { /* each call fires one timer */ }
  }

  /** Fires the first timer that is due by `until` (monotonic) and gives true, or just goes there. */
  step(until: number): boolean {
    const first = this.#alarms[0];
    if (!first || first.at > until) {
      this.#elapsed = Math.max(this.#elapsed, until);
      return false;
    }
    this.#alarms.shift();
    this.#elapsed = Math.max(this.#elapsed, first.at);
    first.run();
    return true;
  }
}
