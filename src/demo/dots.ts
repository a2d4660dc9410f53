/**
 * Dot-stuffing (RFC 5321 section 4.5.2, RFC 1939 section 3): what SMTP's DATA reads and POP3's RETR
 * writes. A line ends with CR LF and with nothing else.
 */

import { concat, CR, EMPTY, LF } from "../core/bytes.ts";

const DOT = 0x2e;

type State = "start" | "dot" | "dot-cr" | "text" | "cr";

/** Reads a message up to its final dot and takes the stuffing out. */
export class DotReader {
  readonly #cap: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  #state: State = "start";

  /** Beyond `cap` bytes a message is read to its end but not kept. */
  constructor(cap: number) {
    this.#cap = cap;
  }

  /** Takes bytes; null while the end has not come, else those behind it. */
  push(bytes: Uint8Array): Uint8Array | null {
    const kept = new Uint8Array(bytes.length + 1);
    let size = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      const before = this.#state;
      if (before === "dot-cr" && byte === LF) {
        this.#keep(kept.subarray(0, size));
        return bytes.subarray(i + 1);
      }
      this.#state = following(before, byte);
      // The CR was held back: it might have been the end's.
      if (before === "dot-cr") kept[size++] = CR;
      if (this.#state !== "dot" && this.#state !== "dot-cr") kept[size++] = byte;
    }
    this.#keep(kept.subarray(0, size));
    return null;
  }

  /** The message, or null when it was beyond the cap. */
  message(): Uint8Array | null {
    return this.#size > this.#cap ? null : concat(this.#parts);
  }

  #keep(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size > this.#cap) this.#parts = [EMPTY];
    else if (part.length > 0) this.#parts.push(part);
  }
}

function following(state: State, byte: number): State {
  if (state === "start" && byte === DOT) return "dot";
  if (state === "dot" && byte === CR) return "dot-cr";
  if (state === "cr" && byte === LF) return "start";
  return byte === CR ? "cr" : "text";
}

/** Doubles the dot that begins a line, and adds the final dot. The lines must end with CR LF. */
export function stuff(message: Uint8Array): Uint8Array {
  const stuffed = [DOT_LINE.subarray(0, 0)];
  let from = 0;
  for (let at = message.indexOf(DOT); at >= 0; at = message.indexOf(DOT, at + 1)) {
    if (at > 0 && message[at - 1] !== LF) continue;
    stuffed.push(message.subarray(from, at), DOT_LINE.subarray(0, 1));
    from = at;
  }
  stuffed.push(message.subarray(from));
  if (message.length > 0 && message[message.length - 1] !== LF) stuffed.push(LINE_END);
  stuffed.push(DOT_LINE);
  return concat(stuffed);
}

const DOT_LINE: Uint8Array = Uint8Array.of(DOT, CR, LF);
const LINE_END: Uint8Array = Uint8Array.of(CR, LF);
