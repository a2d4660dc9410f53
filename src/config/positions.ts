/** From offsets in a text to lines and columns. */

import type { Position } from "../core/diagnostic.ts";

export class Lines {
  readonly #file: string;
  readonly #text: string;
  /** Offset of each line's first character. */
  readonly #starts: number[] = [0];

  constructor(file: string, text: string) {
    this.#file = file;
    this.#text = text;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) {
      this.#starts.push(at + 1);
    }
  }

  /** The place of the characters from `start` to `end`, cut at the end of their first line. */
  at(start: number, end: number): Position {
    const line = this.#lineOf(start);
    const stop = this.#text.indexOf("\n", start);
    const last = stop < 0 ? end : Math.min(end, stop);
    return {
      file: this.#file,
      line: line + 1,
      column: start - this.#starts[line] + 1,
      length: Math.max(1, last - start),
    };
  }

  /** Index of the line that holds the offset, by bisection. */
  #lineOf(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** A place as a key of a map. */
export function placeKey({ file, line, column }: Position): string {
  return `${line}:${column}:${file}`;
}
