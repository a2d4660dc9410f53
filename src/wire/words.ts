/**
 * Command lines of POP3 (RFC 1939), SMTP (RFC 5321) and SASL exchanges: words between runs of spaces.
 * Trailing spaces are ignored; any other byte, 8-bit and NUL included, belongs to a word.
 */

import { type ByteString, decode, SP } from "../core/bytes.ts";
import type { Line } from "./reader.ts";

/**
 * The words of a line, at most `most` + 1 of them: one too many shows that there were too many. The
 * first word is empty when the line begins with a space, so that no command hides behind one.
 */
export function words(bytes: Uint8Array, line: Line, most: number): ByteString[] {
  const found: ByteString[] = [];
  const text = decode(bytes, line.start, line.end);
  let at = 0;
  do {
    const start = at;
    while (at < text.length && text.charCodeAt(at) !== SP) at++;
    found.push(text.slice(start, at));
    while (at < text.length && text.charCodeAt(at) === SP) at++;
  } while (at < text.length && found.length <= most);
  return found;
}

/**
 * A command word in upper case; empty when it is none, being letters only. JavaScript would make the
 * byte 0xDF, a letter in Latin-1, into `SS`.
 */
export function verbOf(word: ByteString): string {
  return /^[A-Za-z]+$/.test(word) ? word.toUpperCase() : "";
}

/** Everything after the first word and the spaces behind it, inner and trailing spaces kept. */
export function remainder(bytes: Uint8Array, line: Line): ByteString {
  let at = line.start;
  while (at < line.end && bytes[at] !== SP) at++;
  while (at < line.end && bytes[at] === SP) at++;
  return decode(bytes, at, line.end);
}

/** The line without trailing spaces. */
export function trimmed(bytes: Uint8Array, line: Line): ByteString {
  let end = line.end;
  while (end > line.start && bytes[end - 1] === SP) end--;
  return decode(bytes, line.start, end);
}
