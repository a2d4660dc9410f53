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

import { type ByteString, CR, decode, LF, SP } from "../core/bytes.ts";
import { AUTH_RESPONSE } from "../core/limits.ts";

/** Receives the lines as they come. Spaces around a `value` are gone. */
export interface HeadSink {
  status(line: ByteString): void;
  /** A header that decides something. */
  field?(name: FieldName, value: ByteString): void;
  /** Any header; `name` as the server spelled it. */
  header?(name: ByteString, value: ByteString): void;
}

/** The headers that decide something. */
const FIELDS = [
  "auth-status",
  "auth-server",
  "auth-port",
  "auth-user",
  "auth-pass",
  "auth-wait",
  "auth-error-code",
  "connection",
  "content-length",
  "transfer-encoding",
] as const;
export type FieldName = typeof FIELDS[number];

const COLON = 0x3a;

export class HeadReader {
  /** The blank line was read. */
  done = false;
  /** What is wrong, to follow `auth http server PEER`; nothing is read after a fault. */
  fault: string | null = null;

  readonly #sink: HeadSink;
  /** A line whose end has not come yet. */
  #begun = "";
  #first = true;
  #size = 0;

  constructor(sink: HeadSink) {
    this.#sink = sink;
  }

  /** Takes bytes and says how many of them belong to the head: all, unless it ended. */
  push(bytes: Uint8Array): number {
    // One text of all that may be head: most answers come whole, and words are cheap to cut from it.
    const text = decode(bytes, 0, Math.min(bytes.length, AUTH_RESPONSE + 1 - this.#size));
    let at = 0;
    while (!this.done && this.fault === null && at < text.length) {
      const lf = lineEnd(text, at);
      const next = lf < 0 ? text.length : lf + 1;
      this.#size += next - at;
      // A line that fills the cap to the last byte without being the last one cannot be saved either.
      if (this.#size > AUTH_RESPONSE || (lf < 0 && this.#size === AUTH_RESPONSE)) {
        this.fault = `sent too long response: no empty line within ${AUTH_RESPONSE} bytes`;
        return at;
      }
      if (lf < 0) this.#begun += text.slice(at);
      else if (this.#begun === "") this.#line(text, at, lf);
      else this.#rejoin(text.slice(at, lf));
      at = next;
    }
    return at;
  }

  #rejoin(rest: ByteString): void {
    const line = this.#begun + rest;
    this.#begun = "";
    this.#line(line, 0, line.length);
  }

  /** A line of `text` without its LF. */
  #line(text: ByteString, start: number, lf: number): void {
    const end = lf > start && text.charCodeAt(lf - 1) === CR ? lf - 1 : lf;
    const first = this.#first;
    this.#first = false;
    if (start === end) this.done = true;
    else if (first && text.startsWith("HTTP/", start)) this.#status(text, start, end);
    else this.#header(text, start, end);
  }

  #status(text: ByteString, start: number, end: number): void {
    if (hasCr(text, start, end)) this.fault = "sent invalid response";
    else this.#sink.status(text.slice(start, end));
  }

  #header(text: ByteString, start: number, end: number): void {
    let colon = start;
    while (colon < end && isNameByte(text.charCodeAt(colon), colon > start)) colon++;
    const named = colon > start && (colon === end || text.charCodeAt(colon) === COLON);
    if (!named || hasCr(text, colon, end)) {
      this.fault = "sent invalid header in response";
      return;
    }
    const field = this.#sink.field && fieldAt(text, start, colon);
    if (field) this.#sink.field!(field, valueAt(text, colon + 1, end));
    this.#sink.header?.(text.slice(start, colon), valueAt(text, colon + 1, end));
  }
}

/** The next LF, or -1. A head has short lines: a loop is quicker than the native search. */
function lineEnd(text: ByteString, from: number): number {
  for (let at = from; at < text.length; at++) if (text.charCodeAt(at) === LF) return at;
  return -1;
}

function hasCr(text: ByteString, from: number, end: number): boolean {
  for (let at = from; at < end; at++) if (text.charCodeAt(at) === CR) return true;
  return false;
}

/** Without spaces at its ends; tabs stay. */
function valueAt(text: ByteString, from: number, end: number): ByteString {
  while (from < end && text.charCodeAt(from) === SP) from++;
  while (end > from && text.charCodeAt(end - 1) === SP) end--;
  return from < end ? text.slice(from, end) : "";
}

/** Compared where it stands: most headers are of no interest, and need not become words. */
function fieldAt(text: ByteString, start: number, end: number): FieldName | null {
  for (const field of FIELDS) {
    if (field.length === end - start && standsAt(field, text, start)) return field;
  }
  return null;
}

/** Name bytes alone are compared: of these, 0x20 makes a letter small and changes nothing else. */
function standsAt(field: FieldName, text: ByteString, start: number): boolean {
  for (let i = 0; i < field.length; i++) {
    if ((text.charCodeAt(start + i) | 0x20) !== field.charCodeAt(i)) return false;
  }
  return true;
}

function isNameByte(byte: number, hyphen: boolean): boolean {
  const letter = byte | 0x20;
  return (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) ||
    (hyphen && byte === 0x2d);
}
