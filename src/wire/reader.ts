/**
 * Unread bytes of one peer, and lines cut from them. Knows no grammar and no state.
 *
 * A line ends with LF, or with CR LF; a CR anywhere else makes the line invalid, so that no two
 * readers of the same bytes can disagree about where a line ends (request smuggling). A line longer
 * than the cap is `"long"` whether or not its end has arrived: any split of the bytes reads alike.
 */

import { concat, CR, EMPTY, LF } from "../core/bytes.ts";

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
  /** From `#from` up to `#scanned` there is no LF: spares scanning the same bytes again. */
  #from = -1;
  #scanned = 0;

  add(chunk: Uint8Array): void {
    const read = this.at;
    this.bytes = read === this.bytes.length ? chunk : concat([this.bytes.subarray(read), chunk]);
    this.at = 0;
    this.#from -= read;
    this.#scanned -= read;
  }

  /** Takes all that is unread. */
  rest(): Uint8Array {
    const rest = this.bytes.subarray(this.at);
    this.clear();
    return rest;
  }

  clear(): void {
    this.bytes = EMPTY;
    this.at = 0;
    this.#from = -1;
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
  const cr = bytes.indexOf(CR, start);
  return { start, end, stray: cr >= 0 && cr < end };
}
