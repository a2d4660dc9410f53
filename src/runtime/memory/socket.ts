/**
 * One end of an in-memory byte stream, as a kernel would have it: a bounded receive buffer, FIN, reset.
 * Knows neither receivers nor TLS; `MemoryConnection` stands on it.
 */

import { concat } from "../../core/bytes.ts";
import { NetError } from "../../core/errors.ts";
import type { Scheduler } from "./schedule.ts";

/** What the owner of a socket is told, always from a task of its own. */
export interface SocketOwner {
  bytes(bytes: Uint8Array): void;
  /** All that was queued has been taken by the other side's buffer. */
  drained(): void;
  fin(): void;
  /** Once and last. */
  gone(error: NetError | null): void;
}

/** How many of the `available` bytes are delivered at once; at least 1. */
export type Chunking = (available: number) => number;

/** What all sockets of a runtime share. */
export interface Wire {
  readonly scheduler: Scheduler;
  readonly chunking: Chunking;
  /** Bytes that the receive buffer of one end holds. */
  readonly window: number;
}

export class MemorySocket {
  owner: SocketOwner | null = null;
  readonly #wire: Wire;
  #other: MemorySocket | null = null;
  #outbox: Uint8Array[] = [];
  #queued = 0;
  /** The other side's buffer was full: somebody waits to be told that there is room. */
  #behind = false;
  #inbox: Uint8Array[] = [];
  #arrived = 0;
  #reading = false;
  #ending = false;
  #finSent = false;
  #finHere = false;
  #finTold = false;
  #gone = false;
  #readPosted = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  static join(one: MemorySocket, other: MemorySocket): void {
    one.#other = other;
    other.#other = one;
    one.#push();
    other.#push();
  }

  get queued(): number {
    return this.#queued;
  }

  get gone(): boolean {
    return this.#gone;
  }

  write(bytes: Uint8Array): void {
    if (this.#gone || this.#ending || bytes.length === 0) return;
    // Somebody who writes to a socket that nobody holds any more is told by a reset.
    if (this.#other?.gone) return this.#post(() => this.#reset());
    this.#outbox.push(bytes);
    this.#queued += bytes.length;
    this.#push();
  }

  /** FIN once the queue is empty. */
  end(): void {
    if (this.#gone || this.#ending) return;
    this.#ending = true;
    this.#push();
  }

  /** Whether bytes may be delivered; what arrives meanwhile stays in the buffer. */
  set reading(reading: boolean) {
    this.#reading = reading;
    if (reading) this.#postRead();
  }

  /** Close without waiting. The other side sees FIN, or a reset when something was left unread. */
  destroy(): void {
    if (this.#gone) return;
    const unread = this.#arrived > 0;
    this.#leave(null);
    const other = this.#other;
    if (!other || other.gone) return;
    if (unread || other.#queued > 0) other.#post(() => other.#reset());
    else other.#finArrived();
  }

  /** Fails a socket that was never joined. */
  fail(error: NetError): void {
    if (!this.#gone) this.#leave(error);
  }

  // --- sending ---

  #push(): void {
    const other = this.#other;
    if (!other || this.#gone) return;
    while (this.#outbox.length > 0 && !other.gone) {
      const room = this.#wire.window - other.#arrived;
      this.#behind ||= room <= 0;
      if (room <= 0) return;
      this.#queued -= other.#take(this.#outbox, room);
    }
    if (this.#behind) this.#post(() => this.#drained());
    this.#behind = false;
    if (this.#ending && !this.#finSent) this.#sendFin(other);
  }

  #drained(): void {
    if (!this.#gone && this.#queued === 0) this.owner?.drained();
  }

  #sendFin(other: MemorySocket): void {
    this.#finSent = true;
    if (!other.gone) other.#finArrived();
    this.#partIfBothEnded();
  }

  // --- receiving ---

  /** Takes at most `room` bytes off the front of the queue. */
  #take(queue: Uint8Array[], room: number): number {
    const first = queue[0];
    const part = first.subarray(0, room);
    if (part.length === first.length) queue.shift();
    else queue[0] = first.subarray(part.length);
    this.#inbox.push(part);
    this.#arrived += part.length;
    this.#postRead();
    return part.length;
  }

  #finArrived(): void {
    this.#finHere = true;
    this.#postRead();
  }

  #postRead(): void {
    if (this.#readPosted || this.#gone) return;
    this.#readPosted = true;
    this.#post(() => {
      this.#readPosted = false;
      this.#read();
    });
  }

  #read(): void {
    if (!this.#reading || this.#gone || !this.owner) return;
    if (this.#arrived > 0) {
      const bytes = this.#chunk();
      const other = this.#other;
      if (other) other.#push();
      this.owner.bytes(bytes);
      this.#postRead();
    } else if (this.#finHere && !this.#finTold) {
      this.#finTold = true;
      this.owner.fin();
      this.#partIfBothEnded();
    }
  }

  /** A copy, so that neither side can see the other's later changes. */
  #chunk(): Uint8Array {
    const size = Math.max(1, Math.min(this.#arrived, this.#wire.chunking(this.#arrived)));
    const parts: Uint8Array[] = [];
    for (let left = size; left > 0;) {
      const part = this.#inbox[0].subarray(0, left);
      if (part.length === this.#inbox[0].length) this.#inbox.shift();
      else this.#inbox[0] = this.#inbox[0].subarray(part.length);
      parts.push(part);
      left -= part.length;
    }
    this.#arrived -= size;
    return Uint8Array.from(concat(parts));
  }

  // --- leaving ---

  #partIfBothEnded(): void {
    if (this.#finSent && this.#finTold && !this.#gone) this.#leave(null);
  }

  #reset(): void {
    if (!this.#gone) this.#leave(new NetError("ECONNRESET", "connection reset by peer"));
  }

  #leave(error: NetError | null): void {
    this.#gone = true;
    this.#outbox = [];
    this.#queued = 0;
    this.#inbox = [];
    this.#arrived = 0;
    this.#post(() => this.owner?.gone(error));
  }

  #post(task: () => void): void {
    this.#wire.scheduler.post(task);
  }
}
