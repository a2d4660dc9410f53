/**
 * SASL messages: base64 as nginx reads it, PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login),
 * CRAM-MD5 (RFC 2195), EXTERNAL (RFC 4422). Pure.
 *
 * Base64 is read generously: padding is optional, `=` ends the data. Everything else outside the
 * alphabet is an error.
 */

import { type ByteString, encode } from "../core/bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64 = /^[A-Za-z0-9+/]*$/;

/** The decoded bytes as a byte string, or null when it is not base64. */
export function decodeBase64(text: ByteString): ByteString | null {
  const padding = text.indexOf("=");
  const data = padding < 0 ? text : text.slice(0, padding);
  return data.length % 4 !== 1 && BASE64.test(data) ? atob(data) : null;
}

export function encodeBase64(text: ByteString): string {
  const bytes = encode(text);
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const word = (bytes[i] << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63] +
      (left > 1 ? ALPHABET[(word >> 6) & 63] : "=") + (left > 2 ? ALPHABET[word & 63] : "=");
  }
  return out;
}

export interface Credentials {
  readonly user: ByteString;
  readonly password: ByteString;
}

/** `authzid NUL authcid NUL password`; the authzid is skipped, as nginx does. */
export function parsePlain(message: ByteString): Credentials | "login" | "password" {
  const first = message.indexOf("\0");
  if (first < 0 || first === message.length - 1) return "login";
  const second = message.indexOf("\0", first + 1);
  if (second < 0) return "password";
  return { user: message.slice(first + 1, second), password: message.slice(second + 1) };
}

/** `user SP digest`, the digest being 32 characters. */
export function parseCramMd5(message: ByteString): Credentials | null {
  const space = message.indexOf(" ");
  if (space < 0 || message.length - space - 1 !== 32) return null;
  return { user: message.slice(0, space), password: message.slice(space + 1) };
}

/** `AUTH PLAIN`'s initial response (RFC 4616) for logging in at a backend. */
export function plainMessage(user: ByteString, password: ByteString): string {
  return encodeBase64(`\0${user}\0${password}`);
}
