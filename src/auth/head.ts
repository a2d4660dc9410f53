/**
 * Reads the head of an auth server's answer: status line, headers, blank line. nginx's grammar, which
 * is laxer than RFC 9112 in line ends and the status line, and stricter in header names.
 *
 * Rules:
 * - Any split of the bytes gives the same result. The cap is on bytes, not on what a read delivers.
 * - A first line that begins `HTTP/` is the status line; else it is a header already.
 * - Lines end with CR LF or LF; a CR elsewhere is a fault. Names are letters, digits and `-`: an
 *   underscore or a folded line is a fault. A name without colon has an empty value.
 */

import { type ByteString, decode, LF } from "../core/bytes.ts";
import { AUTH_RESPONSE } from "../core/limits.ts";

/** Receives the lines as they come. */
export interface HeadSink {
  status(line: ByteString): void;
  /** `name` as the server spelled it; spaces around `value` are gone. */
  header(name: ByteString, value: ByteString): void;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9-]*$/;

export class HeadReader {
  /** The blank line was read. */
  done = false;
  /** What is wrong, to follow `auth http server PEER`; nothing is read after a fault. */
  fault: string | null = null;

  readonly #sink: HeadSink;
  #line = "";
  #first = true;
  #size = 0;

  constructor(sink: HeadSink) {
    this.#sink = sink;
  }

  /** Takes bytes and says how many of them belong to the head: all, unless it ended. */
  push(bytes: Uint8Array): number {
    let at = 0;
    while (!this.done && this.fault === null && at < bytes.length) {
      const end = bytes.indexOf(LF, at);
      const next = end < 0 ? bytes.length : end + 1;
      this.#size += next - at;
      // A line that fills the cap to the last byte without being the last one cannot be saved either.
      if (this.#size > AUTH_RESPONSE || (end < 0 && this.#size === AUTH_RESPONSE)) {
        this.fault = `sent too long response: no empty line within ${AUTH_RESPONSE} bytes`;
        return at;
      }
      this.#line += decode(bytes, at, end < 0 ? next : end);
      at = next;
      if (end >= 0) this.#endOfLine();
    }
    return at;
  }

  #endOfLine(): void {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    const first = this.#first;
    this.#first = false;
    if (first && line.startsWith("HTTP/")) {
      if (line.includes("\r")) this.fault = "sent invalid response";
      else this.#sink.status(line);
    } else if (line === "") {
      this.done = true;
    } else this.#header(line);
  }

  #header(line: ByteString): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    if (!NAME.test(name) || line.includes("\r")) {
      this.fault = "sent invalid header in response";
      return;
    }
    this.#sink.header(name, colon < 0 ? "" : trim(line, colon + 1));
  }
}

/** The rest of the line without spaces at its ends; tabs stay. */
function trim(line: ByteString, from: number): ByteString {
  let end = line.length;
  while (from < end && line[from] === " ") from++;
  while (end > from && line[end - 1] === " ") end--;
  return line.slice(from, end);
}
