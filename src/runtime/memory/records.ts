/**
 * The wire form of the pretended TLS: records framed as in RFC 8446 section 5.1 (type, version, length),
 * so that a reader can tell them from plaintext, with a fixed mask where a cipher would be.
 */

import { concat, decode, encode } from "../../core/bytes.ts";
import { NetError } from "../../core/errors.ts";

export const ALERT = 21;
export const HANDSHAKE = 22;
export const DATA = 23;

export interface TlsRecord {
  readonly type: number;
  readonly body: Uint8Array;
}

const HEADER = 5;
/** RFC 8446 section 5.1: no record holds more. */
const LARGEST = 16_384;
/** Makes "ciphertext" unlike its plaintext. */
const MASK = 0xa5;

/** The bytes as one or more records. */
export function seal(type: number, body: Uint8Array): Uint8Array {
  const records: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += LARGEST) {
    const part = body.subarray(at, at + LARGEST);
    records.push(
      Uint8Array.of(type, 3, 3, part.length >> 8, part.length & 255),
      masked(type, part),
    );
  }
  return concat(records);
}

function masked(type: number, body: Uint8Array): Uint8Array {
  return type === DATA ? body.map((byte) => byte ^ MASK) : body;
}

/** Cuts records out of what arrives. */
export class RecordReader {
  #held: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array): void {
    this.#held = this.#held.length === 0 ? bytes : concat([this.#held, bytes]);
  }

  /** The next whole record, or null. Throws a `NetError` when the bytes cannot be one. */
  next(): TlsRecord | null {
    const held = this.#held;
    if (held.length > 0 && (held[0] < ALERT || held[0] > DATA)) throw WRONG_VERSION;
    if (held.length > 1 && held[1] !== 3) throw WRONG_VERSION;
    if (held.length < HEADER) return null;
    const size = (held[3] << 8) | held[4];
    if (size > LARGEST) throw WRONG_VERSION;
    if (held.length < HEADER + size) return null;
    this.#held = held.subarray(HEADER + size);
    return { type: held[0], body: masked(held[0], held.subarray(HEADER, HEADER + size)) };
  }
}

const WRONG_VERSION = new NetError("EPROTO", "TLS handshake failed: wrong version number");

/** A handshake message: its type as in RFC 8446 section 4, then JSON. */
export function message(type: number, content: unknown): Uint8Array {
  const json = encode(JSON.stringify(content));
  return seal(HANDSHAKE, concat([Uint8Array.of(type), json]));
}

/** The content of a message of the given type; throws a `NetError` for anything else. */
export function contentOf(record: TlsRecord, type: number): unknown {
  if (record.type === ALERT) throw new NetError("EPROTO", `TLS alert: ${decode(record.body)}`);
  try {
    if (record.type === HANDSHAKE && record.body[0] === type) {
      return JSON.parse(decode(record.body, 1));
    }
  } catch {
    // Falls through: malformed is as bad as out of order.
  }
  throw new NetError("EPROTO", "TLS handshake failed: unexpected message");
}
