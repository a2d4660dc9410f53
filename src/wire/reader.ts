/**
 * Unread bytes of one peer, and lines cut from them. Knows no grammar and no state.
 *
 * A line ends with LF, or with CR LF; a CR anywhere else makes the line invalid, so that no two
 * readers of the same bytes can disagree about where a line ends (request smuggling). A line longer
 * than the cap is `"long"` whether or not its end has arrived: any split of the bytes reads alike.
 */

import { type ByteString, CR, decode, EMPTY, LF } from "../core/bytes.ts";

/** A line: bytes [start, end) of `reader.bytes`, without its line end. */
export interface Line {
  readonly start: number;
  readonly end: number;
  /** Whether a CR stands where none may. */
  readonly stray: boolean;
}

export class Reader {
  bytes: Uint8Array = EMPTY;
  /** Where the unread bytes begin. */
  at = 0;
  /** Holds `bytes` and has room behind them; null when they are a chunk as it came. */
  #store: Uint8Array | null = null;
  /** From `#from` up to `#scanned` there is no LF: spares scanning the same bytes again. */
  #from = -1;
  #scanned = 0;

  add(chunk: Uint8Array): void {
    const end = this.bytes.length;
    if (this.at === end) {
      this.bytes = chunk;
      this.#store = null;
      this.take(0);
    } else if (this.#store && end + chunk.length <= this.#store.length) {
      this.#store.set(chunk, end);
      this.bytes = this.#store.subarray(0, end + chunk.length);
    } else this.#move(chunk);
  }

  /**
   * Into a new store, twice as large as needed: a peer that sends byte by byte would otherwise have all
   * that is unread copied for each of them. The old one may still be looked at by others.
   */
  #move(chunk: Uint8Array): void {
    const unread = this.bytes.subarray(this.at);
    const size = unread.length + chunk.length;
    this.#store = new Uint8Array(2 * size);
    this.#store.set(unread);
    this.#store.set(chunk, unread.length);
    this.bytes = this.#store.subarray(0, size);
    this.#from -= this.at;
    this.#scanned -= this.at;
    this.at = 0;
  }

  /** Takes all that is unread. */
  rest(): Uint8Array {
    const rest = this.at === this.bytes.length ? EMPTY : this.bytes.subarray(this.at);
    this.clear();
    return rest;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.#store = null;
    this.take(0);
  }

  get length(): number {
    return this.bytes.length - this.at;
  }

  /** The next LF at or after `from`, or -1. */
  findLf(from: number): number {
    const lf = this.bytes.indexOf(LF, from === this.#from ? this.#scanned : from);
    if (lf < 0) {
      this.#from = from;
      this.#scanned = this.bytes.length;
    }
    return lf;
  }

  /** Moves past what was read, up to `position`. */
  take(position: number): void {
    this.at = position;
    this.#from = -1;
  }

  /** What a line says. */
  text(line: Line): ByteString {
    return decode(this.bytes, line.start, line.end);
  }

  /** Takes the next line; null when its end has not come yet. */
  line(cap: number): Line | "long" | null {
    const start = this.at;
    const lf = this.findLf(start);
    if (lf < 0) return this.length >= cap ? "long" : null;
    if (lf + 1 - start > cap) return "long";
    this.take(lf + 1);
    return lineAt(this.bytes, start, lf);
  }
}

/** The line that begins at `start` and whose LF is at `lf`. */
export function lineAt(bytes: Uint8Array, start: number, lf: number): Line {
  const end = lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
  // `indexOf` would look through all that is pipelined behind the line.
  let at = start;
  while (at < end && bytes[at] !== CR) at++;
  return { start, end, stray: at < end };
}
