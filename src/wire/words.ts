/**
 * Command lines of POP3 (RFC 1939), SMTP (RFC 5321) and SASL exchanges: words between runs of spaces.
 * Trailing spaces are ignored; any other byte, 8-bit and NUL included, belongs to a word.
 */

import { type ByteString, SP } from "../core/bytes.ts";

/**
 * The words of a line, at most `most` + 1 of them: one too many shows that there were too many. The
 * first word is empty when the line begins with a space, so that no command hides behind one.
 */
export function words(line: ByteString, most: number): ByteString[] {
  const found: ByteString[] = [];
  let at = 0;
  do {
    const start = at;
    at = wordEnd(line, at);
    found.push(line.slice(start, at));
    at = spacesEnd(line, at);
  } while (at < line.length && found.length <= most);
  return found;
}

function wordEnd(line: ByteString, at: number): number {
  while (at < line.length && line.charCodeAt(at) !== SP) at++;
  return at;
}

function spacesEnd(line: ByteString, at: number): number {
  while (at < line.length && line.charCodeAt(at) === SP) at++;
  return at;
}

/**
 * The one of `verbs`, letters in upper case, that the word is in any case; empty when it is none.
 * JavaScript's own upper case would make the byte 0xDF, a letter in Latin-1, into `SS`.
 */
export function verbOf(word: ByteString, verbs: readonly string[]): string {
  for (const verb of verbs) if (isVerb(word, verb)) return verb;
  return "";
}

function isVerb(word: ByteString, verb: string): boolean {
  if (word.length !== verb.length) return false;
  for (let i = 0; i < verb.length; i++) {
    if ((word.charCodeAt(i) & ~0x20) !== verb.charCodeAt(i)) return false;
  }
  return true;
}

/** Everything after the first word and the spaces behind it, inner and trailing spaces kept. */
export function remainder(line: ByteString): ByteString {
  return line.slice(spacesEnd(line, wordEnd(line, 0)));
}

/** The line without trailing spaces. */
export function trimmed(line: ByteString): ByteString {
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) === SP) end--;
  return line.slice(0, end);
}
