/** A client of the demo over the memory runtime: what it sends, and all that it was told. */

import { decode, encode } from "../../../src/core/bytes.ts";
import type { Endpoint } from "../../../src/net/address.ts";
import type { Connection, Receiver } from "../../../src/net/ports.ts";
import type { MemoryRuntime } from "../../../src/runtime/memory.ts";

export class Peer implements Receiver {
  readonly connection: Connection;
  readonly #runtime: MemoryRuntime;
  ended = false;
  closed = false;
  size = 0;
  #heard = "";

  constructor(runtime: MemoryRuntime, to: Endpoint) {
    this.#runtime = runtime;
    this.connection = runtime.connect(to, {}, this);
  }

  data(bytes: Uint8Array): void {
    this.size += bytes.length;
    this.#heard += decode(bytes);
  }

  drain(): void {}

  end(): void {
    this.ended = true;
  }

  close(): void {
    this.closed = true;
  }

  /** The server has closed, in good order or not. */
  get gone(): boolean {
    return this.ended || this.closed;
  }

  /** Sends, and gives back what came until nothing moves any more. */
  async say(text = ""): Promise<string> {
    if (text !== "") this.connection.write(encode(text));
    await this.#runtime.advance(0);
    const heard = this.#heard;
    this.#heard = "";
    return heard;
  }
}
