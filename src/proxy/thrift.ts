/**
 * Memory goes back to the system when a crowd of connections has come and it is quiet: what their
 * logins have left behind, and compiled code, which comes back within some hundred logins.
 *
 * Each time the crowd has to be twice as large as the last time. Who is never quiet keeps all.
 */

import { THRIFT_CONNECTIONS, THRIFT_QUIET_MS } from "../core/limits.ts";
import type { Host } from "../net/ports.ts";
import { Deadline, type Wheel } from "../net/wheel.ts";
import type { Capacity } from "./capacity.ts";

/** nginx's connection counter. */
export interface Counter {
  connections: number;
}

export class Thrift extends Deadline {
  /** So many connections are a crowd; infinite while one is being watched. */
  crowd: number;
  readonly #host: Host;
  readonly #wheel: Wheel;
  readonly #capacity: Capacity;
  readonly #counter: Counter;
  /** The counter when last looked at. */
  #seen = 0;

  constructor(host: Host, wheel: Wheel, capacity: Capacity, counter: Counter) {
    super();
    this.#host = host;
    this.#wheel = wheel;
    this.#capacity = capacity;
    this.#counter = counter;
    this.crowd = host.shrink ? THRIFT_CONNECTIONS : Infinity;
  }

  /** There is a crowd: waits for half a second without a newcomer. */
  watch(): void {
    this.crowd = Infinity;
    this.#seen = this.#counter.connections;
    this.#wheel.arm(this, THRIFT_QUIET_MS);
  }

  override expired(): void {
    if (this.#counter.connections !== this.#seen) return this.watch();
    this.#host.shrink?.();
    this.crowd = Math.max(THRIFT_CONNECTIONS, 2 * this.#capacity.inUse);
  }
}
