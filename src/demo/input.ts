/**
 * Unread bytes of one peer of a demo backend. Unlike the proxy's reader it keeps chunks apart until
 * they are asked for, because a mailbox takes whole messages.
 *
 * A line ends with LF, a CR before it belongs to the end.
 */

import { type ByteString, concat, CR, decode, LF } from "../core/bytes.ts";

/** The peer sent a line beyond the cap. */
export const LONG: unique symbol = Symbol("long line");

export class Input {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;
  /** So many bytes are known to hold no LF: spares looking at them again. */
  #scanned = 0;

  get size(): number {
    return this.#size;
  }

  add(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  clear(): void {
    this.#chunks.length = this.#size = this.#scanned = 0;
  }

  /** Takes the next line without its end; null when its end has not come. `cap` counts the end too. */
  line(cap: number): ByteString | typeof LONG | null {
    const lf = this.#findLf();
    if (lf < 0) return this.#size >= cap ? LONG : null;
    if (lf + 1 > cap) return LONG;
    const bytes = this.take(lf + 1)!;
    return decode(bytes, 0, lf > 0 && bytes[lf - 1] === CR ? lf - 1 : lf);
  }

  /** Takes exactly so many bytes, null when they have not all come. */
  take(size: number): Uint8Array | null {
    if (size > this.#size) return null;
    const parts: Uint8Array[] = [];
    for (let missing = size; missing > 0;) {
      const part = this.#shift(missing);
      parts.push(part);
      missing -= part.length;
    }
    return concat(parts);
  }

  /** Takes what lies together, at least one byte; null when there is none. */
  some(): Uint8Array | null {
    return this.#chunks.length === 0 ? null : this.#shift(this.#chunks[0].length);
  }

  /** Gives back bytes that were taken last. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.unshift(bytes);
    this.#size += bytes.length;
    this.#scanned = 0;
  }

  /** Takes from the first chunk, at most `most` bytes. */
  #shift(most: number): Uint8Array {
    const chunk = this.#chunks[0];
    if (chunk.length <= most) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(most);
    const part = chunk.length <= most ? chunk : chunk.subarray(0, most);
    this.#size -= part.length;
    this.#scanned = Math.max(0, this.#scanned - part.length);
    return part;
  }

  #findLf(): number {
    let start = 0;
    for (const chunk of this.#chunks) {
      const from = this.#scanned - start;
      const at = from < chunk.length ? chunk.indexOf(LF, Math.max(0, from)) : -1;
      if (at >= 0) return start + at;
      start += chunk.length;
    }
    this.#scanned = this.#size;
    return -1;
  }
}
