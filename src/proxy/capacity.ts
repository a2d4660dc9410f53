/**
 * `worker_connections`: how many connections, to clients and to backends together, the process holds.
 * As in nginx a client beyond it is turned away with a line at `alert`, and so is a login whose backend
 * connection would be one too many. Connections to auth servers are not counted: those that idle are
 * bounded by themselves, and the others belong to clients that are.
 */

import { CAPACITY_NOTE_MS } from "../core/limits.ts";
import type { LogEvent } from "../core/log.ts";
import type { Clock } from "../net/ports.ts";

export class Capacity {
  /** `worker_connections` of the configuration in force. */
  most = Infinity;
  /** Connections that are open. */
  inUse = 0;
  readonly #clock: Clock;
  #notedAt = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get full(): boolean {
    return this.inUse >= this.most;
  }

  /** The line about it, null when one was written lately: a crowd must not fill the disk too. */
  complaint(): LogEvent | null {
    const now = this.#clock.monotonic();
    if (now - this.#notedAt < CAPACITY_NOTE_MS) return null;
    this.#notedAt = now;
    return { level: "alert", message: `${this.most} worker_connections are not enough` };
  }
}
