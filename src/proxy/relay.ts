/**
 * The relay: two connections joined, bytes passed on as they come. No parsing, no copy, no timer and
 * no closure per chunk.
 *
 * Backpressure: when one side's queue is long, the other is paused until it has drained. A FIN is
 * passed on (a client may half-close and still get its answers, unlike in nginx); with the backend's,
 * its connection is closed, since nothing could be answered any more. `proxy_timeout` is
 * idleness in both directions: a backend streaming to a silent client keeps the session alive.
 */

import { HALF_CLOSED_MS, LINGER_MS, POUR_FROM } from "../core/limits.ts";
import type { NetError } from "../core/errors.ts";
import type { Doing, LogContext, LogEvent } from "../core/log.ts";
import type { Connection, Receiver } from "../net/ports.ts";
import { Deadline, type Wheel } from "../net/wheel.ts";
import { type Guest, NO_SEAT } from "./guests.ts";
import { enter, leave, type Service } from "./service.ts";

/** One end as the relay finds it. */
export interface Side {
  readonly connection: Connection;
  /** Bytes that it said and that the other has not got. */
  readonly said: readonly Uint8Array[];
  /** It has sent FIN. */
  readonly eof: boolean;
}

export class Relay extends Deadline implements Guest {
  seat: number = NO_SEAT;
  readonly service: Service;
  readonly #context: LogContext;
  readonly #client: Half;
  readonly #backend: Half;
  /** The wheel's tick of the last byte, either way. */
  #active: number;
  /** Milliseconds without a byte that end the session. */
  #patience: number;
  readonly #wheel: Wheel;
  /** The backend has ended, or one side is gone: what is left leaves. */
  #lingering = false;
  /** Bytes that were queued when time was last up. */
  #queued = 0;
  #failed = false;

  /** Takes both connections over, with what each side has for the other already. */
  constructor(service: Service, context: LogContext, client: Side, backend: Side) {
    super();
    this.service = service;
    this.#context = context;
    this.#client = new Half(this, client.connection, backend.connection, false);
    this.#backend = new Half(this, backend.connection, client.connection, true);
    this.#patience = service.settings.proxy_timeout;
    this.#wheel = service.house.wheel;
    this.#wheel.arm(this, this.#patience);
    this.#active = this.#wheel.tick;
    enter(service.house, this);
    client.connection.receiver = this.#client;
    backend.connection.receiver = this.#backend;
    this.#client.begin(client.said);
    this.#backend.begin(backend.said);
    if (client.eof) this.#client.end();
  }

  /** Bytes came. Those that nobody waits for any more do not make a session last. */
  touch(): void {
    if (!this.#lingering) this.#active = this.#wheel.tick;
  }

  /** One side said it is done: the other may finish, but not sit idle for long. */
  halfClosed(half: Half): void {
    // After the backend's FIN the client has nothing left to ask for.
    if (half === this.#backend || this.#backend.ended) this.#linger();
    else this.#hurry(HALF_CLOSED_MS);
  }

  closed(half: Half, error: NetError | null): void {
    if (error && !half.ended) this.#broken(half, error);
    if (!this.#client.closed || !this.#backend.closed) return this.#linger();
    this.#wheel.disarm(this);
    if (!this.#failed) this.#note({ level: "info", message: "proxied session done" });
    leave(this.service.house, this);
  }

  #broken(half: Half, { errno }: NetError): void {
    const client = half === this.#client;
    const doing: Doing = `proxying and reading from ${client ? "client" : "upstream"}`;
    this.#note({ level: client ? "info" : "error", message: "recv() failed", errno, doing });
  }

  #linger(): void {
    this.#hurry(LINGER_MS);
    this.#lingering = true;
  }

  #hurry(patience: number): void {
    this.touch();
    if (patience >= this.#patience) return;
    this.#patience = patience;
    this.#wheel.arm(this, patience);
  }

  override expired(): void {
    const idle = this.#wheel.since(this.#active);
    if (idle < this.#patience) return this.#wheel.arm(this, this.#patience - idle);
    // A slow reader of what is queued is not idle.
    const queued = this.#client.queued + this.#backend.queued;
    if (this.#lingering && queued !== this.#queued) {
      this.#queued = queued;
      return this.#wheel.arm(this, this.#patience);
    }
    if (!this.#client.ended && !this.#backend.ended) {
      this.#failed = true;
      const errno = "(110: Connection timed out)";
      this.#note({ level: "info", message: "client timed out", errno, doing: "proxying" });
    }
    this.evict();
  }

  get sides(): number {
    return 2;
  }

  /** A relayed session is never interrupted by a drain. */
  retire(): void {}

  evict(): void {
    this.#client.destroy();
    this.#backend.destroy();
  }

  overstay(): void {
    this.#failed = true;
    this.#note({ level: "info", message: "shutdown timeout", doing: "proxying" });
    this.evict();
  }

  #note(event: LogEvent): void {
    if (this.service.log.enabled(event.level)) this.service.log.write(event, this.#context);
  }
}

/** One direction's source: what `from` says goes `to` the other. */
class Half implements Receiver {
  readonly #relay: Relay;
  readonly #from: Connection;
  readonly #to: Connection;
  /** With its end the session is over. */
  readonly #last: boolean;
  ended = false;
  closed = false;

  constructor(relay: Relay, from: Connection, to: Connection, last: boolean) {
    this.#relay = relay;
    this.#from = from;
    this.#to = to;
    this.#last = last;
  }

  /** Hands over what was said before; more may come unless that filled the other's queue. */
  begin(said: readonly Uint8Array[]): void {
    let room = true;
    for (const bytes of said) if (bytes.length > 0) room = this.#to.write(bytes);
    if (room) this.#from.resume();
    else this.#from.pause();
  }

  data(bytes: Uint8Array): void {
    this.#relay.touch();
    let room = this.#to.write(bytes);
    if (room && bytes.length >= POUR_FROM) room = this.#from.pour?.(this.#to) ?? true;
    if (!room) this.#from.pause();
  }

  get queued(): number {
    return this.#from.queued;
  }

  /** `from` has taken all that was queued for it: the other side may speak again. */
  drain(): void {
    this.#relay.touch();
    this.#to.resume();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#to.end();
    // Whatever else the client says could not be answered any more.
    if (this.#last) this.#from.destroy();
    this.#relay.halfClosed(this);
  }

  close(error: NetError | null): void {
    this.closed = true;
    // Nobody is left to read what the other side still says; what was queued for it leaves first.
    this.#to.resume();
    this.#to.end();
    this.#relay.closed(this, error);
    this.ended = true;
  }

  destroy(): void {
    this.ended = true;
    this.#from.destroy();
  }
}
