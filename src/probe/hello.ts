/**
 * A ClientHello of our own, and what a server says to it: which TLS versions it has, whatever versions
 * the runtime's library has. RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2.
 *
 * No handshake is ever finished. To learn of TLS 1.3 it is offered without a key share: a server that has
 * it asks for one (HelloRetryRequest), which tells enough.
 */

import { concat, encode } from "../core/bytes.ts";
import type { TlsVersion } from "../net/ports.ts";

const NUMBERS: Readonly<Record<TlsVersion, number>> = {
  TLSv1: 0x0301,
  "TLSv1.1": 0x0302,
  "TLSv1.2": 0x0303,
  "TLSv1.3": 0x0304,
};

/** ECDHE and RSA key exchange with what servers of each age have; the last ones are TLS 1.3's. */
const CIPHERS = [
  ...[0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014],
  ...[0x009e, 0x009f, 0x0033, 0x0039, 0x009c, 0x009d, 0x002f, 0x0035, 0x003c, 0x000a],
];
const CIPHERS_13 = [0x1301, 0x1302, 0x1303];
/** Those that Web Crypto can decrypt. */
const CIPHERS_AES = [0x1301, 0x1302];
/** X25519, P-256, P-384, P-521. */
const GROUPS = [0x001d, 0x0017, 0x0018, 0x0019];
const P256 = 0x0017;
const SIGNATURES = [
  ...[0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601],
  ...[0x0807, 0x0203, 0x0201],
];

export interface HelloOptions {
  /** Ask for a stapled OCSP response. */
  readonly staple?: boolean;
  /** TLS 1.3: a public key on P-256, uncompressed; without it the server is made to ask for one. */
  readonly keyShare?: Uint8Array;
}

/** One TLS record. `random`: 32 bytes. `name` is for SNI; literals are not sent. */
export function clientHello(
  version: TlsVersion,
  random: Uint8Array,
  name: string | null,
  options: HelloOptions = {},
): Uint8Array {
  const number = NUMBERS[version];
  const modern = version === "TLSv1.3";
  const body = concat([
    u16(Math.min(number, NUMBERS["TLSv1.2"])),
    random,
    // TLS 1.3's middlebox compatibility wants a session id.
    vector(1, modern ? random : new Uint8Array(0)),
    vector(2, words(!modern ? CIPHERS : options.keyShare ? CIPHERS_AES : CIPHERS_13)),
    Uint8Array.of(1, 0),
    vector(2, concat(extensions(version, name, options))),
  ]);
  const handshake = concat([Uint8Array.of(1), u24(body.length), body]);
  return concat([Uint8Array.of(22, 3, 1), u16(handshake.length), handshake]);
}

function extensions(
  version: TlsVersion,
  name: string | null,
  { staple = false, keyShare }: HelloOptions,
): Uint8Array[] {
  const found: Uint8Array[] = [];
  const add = (type: number, data: Uint8Array) => found.push(u16(type), vector(2, data));
  if (name !== null) add(0, vector(2, concat([Uint8Array.of(0), vector(2, encode(name))])));
  // OCSP, from any responder, without extensions.
  if (staple) add(5, Uint8Array.of(1, 0, 0, 0, 0));
  // Whoever likes another group better would ask for a key of it.
  add(10, vector(2, words(keyShare ? [P256] : GROUPS)));
  add(11, vector(1, Uint8Array.of(0)));
  if (NUMBERS[version] >= NUMBERS["TLSv1.2"]) add(13, vector(2, words(SIGNATURES)));
  if (version !== "TLSv1.3") {
    add(0xff01, Uint8Array.of(0));
    return found;
  }
  add(43, vector(1, u16(NUMBERS[version])));
  add(51, vector(2, keyShare ? concat([u16(P256), vector(2, keyShare)]) : new Uint8Array(0)));
  return found;
}

/** `choice`: the server's version; `alert`: it refuses, by number; `other`: this is no TLS. */
export type ServerAnswer =
  | { readonly is: "choice"; readonly version: TlsVersion }
  | { readonly is: "alert"; readonly number: number }
  | { readonly is: "other" };

const ALERT = 21;
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const SUPPORTED_VERSIONS = 43;

/** What the first record says; null when it has not all come. */
export function readAnswer(bytes: Uint8Array): ServerAnswer | null {
  if (bytes.length < 5) return null;
  const [type, major] = bytes;
  const end = 5 + number16(bytes, 3);
  if (major !== 3 || (type !== ALERT && type !== HANDSHAKE)) return { is: "other" };
  if (bytes.length < end) return null;
  const record = bytes.subarray(5, end);
  if (type === ALERT) {
    return record.length === 2 ? { is: "alert", number: record[1] } : { is: "other" };
  }
  if (record[0] !== SERVER_HELLO || record.length < 42) return { is: "other" };
  const number = chosen(record.subarray(4));
  const version = (Object.keys(NUMBERS) as TlsVersion[]).find((name) => NUMBERS[name] === number);
  return version ? { is: "choice", version } : { is: "other" };
}

/** The version of a ServerHello: in an extension since TLS 1.3. */
function chosen(hello: Uint8Array): number {
  const legacy = number16(hello, 0);
  let at = 34 + 1 + hello[34] + 2 + 1 + 2;
  while (at + 4 <= hello.length) {
    const size = number16(hello, at + 2);
    if (number16(hello, at) === SUPPORTED_VERSIONS && size === 2 && at + 6 <= hello.length) {
      return number16(hello, at + 4);
    }
    at += 4 + size;
  }
  return legacy;
}

function number16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 255);
}

function u24(value: number): Uint8Array {
  return Uint8Array.of(value >> 16, (value >> 8) & 255, value & 255);
}

function words(values: readonly number[]): Uint8Array {
  return concat(values.map(u16));
}

/** Length in `size` bytes, then the data. */
export function vector(size: 1 | 2, data: Uint8Array): Uint8Array {
  return concat([size === 1 ? Uint8Array.of(data.length) : u16(data.length), data]);
}
