/**
 * Writing a PROXY header (directive `proxy_protocol`; haproxy's proxy-protocol.txt sections 2.1, 2.2):
 * it tells a backend who the client is, and in version 2 what TLS it came by. Pure.
 *
 * Version 2 carries, for a client on TLS, what nginx 1.31.4 sends: server name, ALPN and the SSL TLV;
 * and always a CRC32c at the end. Both ends are of one family: an IPv4 address beside an IPv6 one is
 * written as IPv4-mapped, in version 1 too, where nginx's mixed line is refused by its readers.
 */

import { concat, EMPTY, encode, toByteString } from "../core/bytes.ts";
import { PROXY_TLV } from "../core/limits.ts";
import { type Endpoint, formatAddress, normaliseAddress, parseAddress } from "./address.ts";
import type { TlsInfo } from "./ports.ts";
import { PROXY_V2_SIGNATURE } from "./proxy-header.ts";

/** `local` is our end of the client's connection, `tls` the client's TLS (version 2 tells of it). */
export function encodeProxyHeader(
  version: "on" | "v2",
  client: Endpoint,
  local: Endpoint,
  tls: TlsInfo | null = null,
): Uint8Array {
  const pair = pairOf(client, local);
  return version === "on" ? encodeV1(pair) : encodeV2(pair, tls);
}

interface Pair {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** Bytes of an address on the wire: 16 when either is IPv6. */
  readonly width: 4 | 16;
  readonly ports: readonly [number, number];
}

/** Null when either end has no IP address. */
function pairOf(client: Endpoint, local: Endpoint): Pair | null {
  if (client.is === "unix" || local.is === "unix") return null;
  // Two IPv4-mapped addresses become IPv4 here.
  const source = parseAddress(normaliseAddress(client.address));
  const destination = parseAddress(normaliseAddress(local.address));
  if (!source || !destination) return null;
  const width = source.length === 4 && destination.length === 4 ? 4 : 16;
  return { source, destination, width, ports: [client.port, local.port] };
}

// --- version 1 ----------------------------------------------------------------------------------

function encodeV1(pair: Pair | null): Uint8Array {
  if (!pair) return encode("PROXY UNKNOWN\r\n");
  const { source, destination, width, ports } = pair;
  const family = width === 4 ? "TCP4" : "TCP6";
  const addresses = `${addressText(source, width)} ${addressText(destination, width)}`;
  return encode(`PROXY ${family} ${addresses} ${ports[0]} ${ports[1]}\r\n`);
}

/** RFC 5952 section 5: the form in which an IPv4-mapped address is recognised. */
function addressText(address: Uint8Array, width: number): string {
  return (address.length < width ? "::ffff:" : "") + formatAddress(address);
}

// --- version 2 ----------------------------------------------------------------------------------

const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPECIFIED = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;

const TYPE_ALPN = 0x01;
const TYPE_AUTHORITY = 0x02;
const TYPE_CRC32C = 0x03;
const TYPE_SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_CN = 0x22;
const SSL_CIPHER = 0x23;
const SSL_SIGNATURE = 0x24;
const SSL_KEY = 0x25;

/** Bits of the SSL TLV's first byte. */
const CLIENT_SSL = 1;
const CLIENT_CERT_CONN = 2;
const CLIENT_CERT_SESS = 4;
/** X509_V_ERR_UNSPECIFIED: what stands for "no certificate, nothing verified". */
const UNVERIFIED = 1;

function encodeV2(pair: Pair | null, tls: TlsInfo | null): Uint8Array {
  const block = concat([
    ...(pair ? addressBlock(pair) : []),
    ...(tls ? tlsTlvs(tls) : []),
    tlv(TYPE_CRC32C, uint32(0)),
  ]);
  const family = pair ? (pair.width === 4 ? TCP4 : TCP6) : UNSPECIFIED;
  const header = concat([
    PROXY_V2_SIGNATURE,
    Uint8Array.of(pair ? PROXY : LOCAL, family),
    uint16(block.length),
    block,
  ]);
  // Over all of it, the checksum itself being zero; which it is so far.
  header.set(uint32(crc32c(header)), header.length - 4);
  return header;
}

function addressBlock({ source, destination, width, ports }: Pair): Uint8Array[] {
  return [widened(source, width), widened(destination, width), ...ports.map(uint16)];
}

const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255);

function widened(address: Uint8Array, width: number): Uint8Array {
  return address.length === width ? address : concat([MAPPED, address]);
}

function tlsTlvs(tls: TlsInfo): Uint8Array[] {
  const flags = CLIENT_SSL |
    (tls.peer ? CLIENT_CERT_SESS : 0) | (tls.peer && !tls.resumed ? CLIENT_CERT_CONN : 0);
  const ssl = concat([
    Uint8Array.of(flags),
    uint32(verifyResult(tls)),
    text(SSL_VERSION, tls.protocol),
    text(SSL_CN, tls.peer?.commonName),
    text(SSL_CIPHER, tls.cipher),
    text(SSL_SIGNATURE, tls.own?.signature),
    text(SSL_KEY, tls.own?.key),
  ]);
  return [text(TYPE_AUTHORITY, tls.sni), text(TYPE_ALPN, tls.alpn), tlv(TYPE_SSL, ssl)];
}

/** OpenSSL's number for how the client's certificate verified. */
function verifyResult({ peer, verify }: TlsInfo): number {
  if (!peer) return UNVERIFIED;
  if (verify.ok) return 0;
  return /^\d{1,5}$/.test(verify.code) ? Number(verify.code) : UNVERIFIED;
}

/** Nothing when there is no text, or so much that no honest client sent it. */
function text(type: number, value: string | null | undefined): Uint8Array {
  if (!value) return EMPTY;
  const bytes = encode(toByteString(value));
  // Left out, not cut: the beginning of a name is another name.
  return bytes.length > PROXY_TLV ? EMPTY : tlv(type, bytes);
}

function tlv(type: number, value: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(type), uint16(value.length), value]);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >> 16, value >> 8, value);
}

/** Castagnoli's polynomial (RFC 3720 appendix B.4), its bits reversed. */
const CRC32C_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C of the bytes, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) crc = CRC32C_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
