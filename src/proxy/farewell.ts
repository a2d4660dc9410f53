/**
 * The end of a connection: what was written leaves, FIN follows, and the client's own end is awaited
 * for a while. Closing at once with bytes unread would make the kernel send a reset that overtakes the
 * last reply.
 */

import { LINGER_MS } from "../core/limits.ts";
import type { Connection, Receiver } from "../net/ports.ts";
import { Deadline } from "../net/wheel.ts";
import { type Guest, NO_SEAT } from "./guests.ts";
import { enter, leave, type Service } from "./service.ts";

export class Farewell extends Deadline implements Receiver, Guest {
  seat: number = NO_SEAT;
  readonly #service: Service;
  readonly #connection: Connection;

  constructor(service: Service, connection: Connection) {
    super();
    this.#service = service;
    this.#connection = connection;
    enter(service.house, this);
    service.house.wheel.arm(this, LINGER_MS);
    connection.receiver = this;
    connection.resume();
    connection.end();
  }

  data(): void {}
  drain(): void {}
  end(): void {}

  close(): void {
    this.#service.house.wheel.disarm(this);
    leave(this.#service.house, this);
  }

  override expired(): void {
    this.evict();
  }

  retire(): void {}

  evict(): void {
    this.#connection.destroy();
  }
}
