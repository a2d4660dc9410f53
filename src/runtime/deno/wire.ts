/**
 * The bytes of one Deno connection: a reading loop that can be held, a writing queue, FIN. It knows
 * neither receivers nor TLS; its sink is a connection's plain side, or the ciphertext under TLS.
 *
 * Reads use a small buffer while a connection is quiet and a larger one while it is busy: thousands of
 * sessions are idle at any time, and each has a read pending.
 */

import { concat, EMPTY } from "../../core/bytes.ts";
import { NetError } from "../../core/errors.ts";
import { netError } from "../host/errno.ts";

/** What a `Deno.Conn` has, and `NodeTransport` imitates. */
export interface Transport {
  read(into: Uint8Array): Promise<number | null>;
  /** May take less than all of it. */
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** What a connection reads from and writes to: a wire, or TLS over one. */
export interface Layer {
  /** Bytes not yet taken by the system (or by TLS). */
  readonly queued: number;
  /** Queues everything. */
  write(bytes: Uint8Array): void;
  /** FIN, once the queue has left. */
  end(): void;
  /** From now on the sink gets neither data nor the end. A layer begins like this. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

/** Who is told. Nothing comes after `failed`, and nothing after `destroy`. */
export interface Sink {
  data(bytes: Uint8Array): void;
  end(): void;
  /** The queue is empty. */
  drain(): void;
  /** Our FIN has left. */
  finished(): void;
  failed(error: NetError): void;
}

const SMALLEST_READ = 1024;
const LARGEST_READ = 64 * 1024;

/** Small chunks are joined up to this, so that a queue of short lines costs one system call. */
const LARGEST_WRITE = 64 * 1024;

export class Wire implements Layer {
  /** Changes when TLS comes between. */
  sink: Sink;
  #transport: Transport | null = null;
  #closed = false;
  // Reading.
  #buffer: Uint8Array = EMPTY;
  #size = SMALLEST_READ;
  #flowing = false;
  #reading = false;
  #held: Uint8Array[] = [];
  #ended = false;
  #endTold = false;
  // Writing.
  #queue: Uint8Array[] = [];
  #queued = 0;
  #writing = false;
  #ending = false;
  #finSent = false;
  #whenFlushed: (() => void)[] = [];

  constructor(sink: Sink) {
    this.sink = sink;
  }

  open(transport: Transport): void {
    this.#transport = transport;
    this.#startWriting();
    if (this.#flowing) void this.#readOn();
  }

  get queued(): number {
    return this.#queued;
  }

  /** The peer's FIN was seen and told. */
  get ended(): boolean {
    return this.#endTold;
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    this.#queued = 0;
    this.#held = [];
    this.#transport?.close();
  }

  // --- reading ---

  pause(): void {
    this.#flowing = false;
  }

  resume(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    // Never from within the caller: it may be in the middle of `data`.
    if (this.#held.length > 0 || this.#ended) queueMicrotask(() => this.#deliverHeld());
    else void this.#readOn();
  }

  /** Puts bytes back in front of all that was not yet delivered. */
  unread(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#held.unshift(bytes);
  }

  #deliverHeld(): void {
    while (this.#flowing && !this.#closed && this.#held.length > 0) {
      this.sink.data(this.#held.shift()!);
    }
    if (this.#flowing) void this.#readOn();
  }

  async #readOn(): Promise<void> {
    const transport = this.#transport;
    if (this.#reading || !transport) return;
    this.#reading = true;
    while (this.#flowing && !this.#closed && !this.#ended) {
      if (this.#buffer.length === 0) this.#buffer = new Uint8Array(this.#size);
      const size = await transport.read(this.#buffer).catch(netError);
      if (this.#closed) return;
      if (size instanceof NetError) {
        this.sink.failed(size);
        return;
      }
      if (size === null) this.#ended = true;
      else this.#arrived(this.#take(size));
    }
    this.#reading = false;
    this.#tellEnd();
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#flowing) this.sink.data(bytes);
    else this.#held.push(bytes);
  }

  #tellEnd(): void {
    if (!this.#ended || this.#endTold || !this.#flowing || this.#closed) return;
    if (this.#held.length > 0) return;
    this.#endTold = true;
    this.#buffer = EMPTY;
    this.sink.end();
  }

  /** What was read, as bytes of the receiver's own, and the size of the next read. */
  #take(size: number): Uint8Array {
    const buffer = this.#buffer;
    // Handing over a buffer that is mostly empty would waste it, copying one that is full costs more.
    const whole = size > buffer.length / 2;
    if (size === buffer.length) this.#size = Math.min(4 * this.#size, LARGEST_READ);
    else if (size < buffer.length / 8) this.#size = Math.max(this.#size / 4, SMALLEST_READ);
    if (whole || this.#size !== buffer.length) this.#buffer = EMPTY;
    return whole ? buffer.subarray(0, size) : buffer.slice(0, size);
  }

  // --- writing ---

  write(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#startWriting();
  }

  end(): void {
    this.#ending = true;
    this.#startWriting();
  }

  /** Calls back as soon as nothing is queued: at once, when that is so and the connection is open. */
  flushed(then: () => void): void {
    if (this.#queued === 0 && this.#transport && !this.#writing) then();
    else this.#whenFlushed.push(then);
  }

  #startWriting(): void {
    const transport = this.#transport;
    if (this.#writing || !transport || this.#closed) return;
    if (this.#queue.length === 0 && !this.#ending && this.#whenFlushed.length === 0) return;
    this.#writing = true;
    void this.#writeOn(transport);
  }

  async #writeOn(transport: Transport): Promise<void> {
    const busy = this.#queue.length > 0;
    const error = await this.#send(transport).then(() => null, netError);
    if (this.#closed) return;
    if (error) {
      this.sink.failed(error);
      return;
    }
    // Nothing is written after FIN. Since `#send` looked last there may be more, or the end.
    this.#writing = this.#finSent;
    if (this.#queue.length > 0) return this.#startWriting();
    if (busy) this.sink.drain();
    if (this.#queued === 0) { for (const then of this.#whenFlushed.splice(0)) then(); }
    if (this.#closed) return;
    if (this.#finSent) this.sink.finished();
    else this.#startWriting();
  }

  async #send(transport: Transport): Promise<void> {
    while (this.#queue.length > 0) {
      let rest = this.#next();
      while (rest.length > 0) {
        const size = await transport.write(rest);
        if (this.#closed) return;
        this.#queued -= size;
        rest = rest.subarray(size);
      }
    }
    if (!this.#ending) return;
    this.#finSent = true;
    await transport.closeWrite();
  }

  #next(): Uint8Array {
    let count = 1;
    let size = this.#queue[0].length;
    while (count < this.#queue.length && size + this.#queue[count].length <= LARGEST_WRITE) {
      size += this.#queue[count++].length;
    }
    return concat(this.#queue.splice(0, count));
  }
}
