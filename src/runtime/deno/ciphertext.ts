/**
 * The encrypted side of a TLS connection on Deno: the stream that a `TLSSocket` runs over, backed by a
 * wire. What it must take care of, as seen with Deno 2.9:
 *
 * - A `TLSSocket` that is paused goes on reading and loses the end, so the ciphertext is held instead.
 * - Bytes that arrive before the `TLSSocket` has started make an error in it fatal for the process.
 * - An alert is written just after the stream was destroyed, so destruction waits a moment.
 */

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { NetError } from "../../core/errors.ts";
import type { Wire } from "./wire.ts";

/** A ClientHello is one record in practice, and a record holds no more than this. */
const HELLO = 16 * 1024;

export interface CiphertextEvents {
  /** The wire failed. */
  lost(error: NetError): void;
  /** Our FIN has left. */
  sent(): void;
}

export class Ciphertext extends Duplex {
  readonly #wire: Wire;
  /** The `TLSSocket` can take more. */
  #wanted = false;
  #holding = true;
  #hello: Uint8Array[] | null = [];
  #helloSize = 0;

  constructor(wire: Wire, { lost, sent }: CiphertextEvents) {
    super({ allowHalfOpen: true });
    this.#wire = wire;
    wire.sink = {
      data: (bytes) => this.#arrived(bytes),
      end: () => void this.push(null),
      drain: () => {},
      finished: sent,
      failed: lost,
    };
  }

  /** No ciphertext for the `TLSSocket` from now on. It begins like this. */
  hold(): void {
    this.#holding = true;
    this.#wire.pause();
  }

  release(): void {
    this.#holding = false;
    if (this.#wanted) this.#wire.resume();
  }

  /** The first bytes that came, a client's ClientHello among them. Nothing after `forgetHello`. */
  get hello(): Uint8Array {
    return Buffer.concat(this.#hello ?? []);
  }

  forgetHello(): void {
    this.#hello = null;
  }

  #arrived(bytes: Uint8Array): void {
    if (this.#hello && this.#helloSize < HELLO) {
      this.#hello.push(bytes);
      this.#helloSize += bytes.length;
    }
    this.#wanted = this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (!this.#wanted) this.#wire.pause();
  }

  override _read(): void {
    this.#wanted = true;
    if (!this.#holding) this.#wire.resume();
  }

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.#wire.write(bytes);
    this.#wire.flushed(done);
  }

  override destroy(): this {
    setImmediate(() => super.destroy());
    return this;
  }
}
