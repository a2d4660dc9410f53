/**
 * Text of a message as a person reads it, for SEARCH: encoded words (RFC 2047), base64 and
 * quoted-printable bodies (RFC 2045 section 6), charsets as far as the runtime knows them.
 */

import { type ByteString, decode, encode } from "../core/bytes.ts";
import { decodeBase64 } from "../wire/sasl.ts";
import { type Entity, fieldOf, parameterOf } from "./message.ts";

const ENCODED_WORD = /=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bq])\?([^?\s]{0,400})\?=/gi;

/** A header value with its encoded words decoded; 8-bit text is read as UTF-8. */
export function decodeWords(value: ByteString): string {
  // Spaces between two encoded words belong to the encoding (RFC 2047 section 6.2).
  const joined = value.replace(/\?=[ \t]{1,100}=\?/g, "?==?");
  let text = "";
  let at = 0;
  for (const found of joined.matchAll(ENCODED_WORD)) {
    text += inCharset(joined.slice(at, found.index), "utf-8");
    text += inCharset(wordBytes(found[2], found[3]), found[1]);
    at = found.index + found[0].length;
  }
  return text + inCharset(joined.slice(at), "utf-8");
}

function wordBytes(encoding: string, text: ByteString): ByteString {
  if (encoding.toLowerCase() === "b") return decodeBase64(text) ?? text;
  return unquotePrintable(text.replaceAll("_", " "));
}

/** The body of a text part; null for other parts, which are not searched. */
export function decodeText(part: Entity): string | null {
  if (!part.type.value.startsWith("text/")) return null;
  const body = decode(part.raw, part.body, part.end);
  return inCharset(
    decodeTransfer(body, fieldOf(part, "content-transfer-encoding")),
    parameterOf(part.type, "charset") ?? "utf-8",
  );
}

function decodeTransfer(body: ByteString, encoding: ByteString | null): ByteString {
  switch (encoding?.trim().toLowerCase()) {
    case "base64":
      return decodeBase64(body.replace(/\s+/g, "")) ?? body;
    case "quoted-printable":
      return unquotePrintable(body.replace(/=\r?\n/g, ""));
    default:
      return body;
  }
}

function unquotePrintable(text: ByteString): ByteString {
  return text.replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function inCharset(text: ByteString, charset: string): string {
  try {
    return new TextDecoder(charset).decode(encode(text));
  } catch {
    // An unknown charset: ASCII in it is readable all the same.
    return text;
  }
}
