/**
 * Output that Bun's `write` did not take. A connection has one only while it has something queued.
 * Bytes are queued as they came, without a copy.
 */

/** What the queue needs of a socket: gives the bytes taken, below zero when it is gone. */
interface Writable {
  write(bytes: Uint8Array): number;
}

const TAKEN = new Uint8Array(0);

export class Outbox {
  /** Bytes queued. */
  size = 0;
  readonly #chunks: Uint8Array[] = [];
  #next = 0;

  /** @param taken how many bytes of it have left already. */
  add(bytes: Uint8Array, taken = 0): void {
    this.#chunks.push(taken > 0 ? bytes.subarray(taken) : bytes);
    this.size += bytes.length - taken;
  }

  /** Writes as much as the socket takes. True when nothing is left. */
  flush(socket: Writable): boolean {
    const chunks = this.#chunks;
    while (this.#next < chunks.length) {
      const bytes = chunks[this.#next];
      const taken = socket.write(bytes);
      if (taken < 0) return false;
      this.size -= taken;
      if (taken < bytes.length) {
        if (taken > 0) chunks[this.#next] = bytes.subarray(taken);
        return false;
      }
      // Not `shift`: a long queue would be moved once a chunk.
      chunks[this.#next++] = TAKEN;
    }
    return true;
  }
}
