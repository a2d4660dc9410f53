/**
 * Bytes and byte strings.
 *
 * A *byte string* is a JavaScript string in which every character stands for one byte (0x00-0xFF).
 * Mail protocols carry passwords and names of no declared charset: a byte string keeps them exactly
 * and still allows string operations. It becomes bytes again only in `encode`.
 */

/** A string whose every character is one byte, 0x00-0xFF. */
export type ByteString = string;

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const NUL = 0x00;
export const EMPTY: Uint8Array = new Uint8Array(0);

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const forDisplay = new TextDecoder();

/** Byte string to bytes. Characters above 0xFF are a programming error and lose their high bits. */
export function encode(text: ByteString): Uint8Array {
  const { length } = text;
  const bytes = new Uint8Array(length);
  // Nearly all text is ASCII: as UTF-8 it has a byte a character, anything else finds no room.
  if (utf8.encodeInto(text, bytes).read === length) return bytes;
  for (let i = 0; i < length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** As `decode`. */
export type Decoder = (bytes: Uint8Array, start: number, end: number) => ByteString;

let decoder: Decoder = decodePortably;

/** For a runtime that has a native decoder of ISO 8859-1, which is several times as quick. */
export function useDecoder(native: Decoder): void {
  decoder = native;
}

/** Bytes from `start` (inclusive) to `end` (exclusive) as a byte string. */
export function decode(bytes: Uint8Array, start = 0, end: number = bytes.length): ByteString {
  return decoder(bytes, start, end);
}

function decodePortably(bytes: Uint8Array, start: number, end: number): ByteString {
  // Nearly all bytes are ASCII, for which the UTF-8 decoder is right and ten times as quick as a loop:
  // longer sequences make the text shorter, malformed ones become U+FFFD.
  const part = bytes.subarray(start, end);
  const text = fromUtf8.decode(part);
  return text.length === part.length && !text.includes("\ufffd") ? text : decodeAny(part);
}

/** Spreading is quick; the loop keeps long parts off the stack. */
function decodeAny(bytes: Uint8Array): ByteString {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return text;
}

/** A JavaScript string as UTF-8, held as a byte string (for values that come from configuration). */
export function toByteString(text: string): ByteString {
  return decode(utf8.encode(text));
}

/** A byte string read as UTF-8, for display only: malformed bytes become U+FFFD. */
export function toDisplay(text: ByteString): string {
  return forDisplay.decode(encode(text));
}

/** Without spaces, tabs and line ends around it. `String.trim` would take 0xA0 too, a byte of UTF-8. */
export function trim(text: ByteString): ByteString {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(byte: number): boolean {
  return byte === SP || byte === 0x09 || byte === CR || byte === LF;
}

/** Two lower-case digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** One part is given back as it is, without a copy. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Peer bytes made safe to show on one line: CR and LF as `\r` `\n`, other controls as `\xHH`,
 * the rest as it is. At most `limit` characters, with `...` behind when cut.
 */
export function printable(text: ByteString, limit = 200): string {
  const cut = text.length > limit;
  const shown = cut ? text.slice(0, limit) : text;
  // deno-lint-ignore no-control-regex
  const safe = shown.replace(/[\x00-\x1f\x7f\\]/g, (char) => {
    if (char === "\r") return "\\r";
    if (char === "\n") return "\\n";
    if (char === "\\") return "\\\\";
    return "\\x" + char.charCodeAt(0).toString(16).padStart(2, "0");
  });
  return cut ? safe + "..." : safe;
}
