/**
 * Reading a PROXY header, versions 1 and 2 (haproxy's proxy-protocol.txt sections 2.1 and 2.2): who the
 * client really is, said by a load balancer in front of us. Pure; any split of a header reads alike,
 * and bytes behind it are the client's own. Writing one is in proxy-encode.ts.
 */

import { type ByteString, decode, printable } from "../core/bytes.ts";
import { LOG_QUOTE, PROXY_HEADER } from "../core/limits.ts";
import { type Endpoint, formatAddress, ip, normaliseAddress, parseAddress } from "./address.ts";

export interface ProxyAddresses {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

export type ProxyHeader =
  | { readonly is: "more" }
  /** `addresses` null: UNKNOWN, LOCAL, or a family that is not for TCP. */
  | { readonly is: "header"; readonly size: number; readonly addresses: ProxyAddresses | null }
  | { readonly is: "broken"; readonly why: string };

/** What no version 1 line and no mail client begins with. */
export const PROXY_V2_SIGNATURE: Uint8Array = Uint8Array.of(
  13,
  10,
  13,
  10,
  0,
  13,
  10,
  0x51,
  0x55,
  0x49,
  0x54,
  10,
);
/** `PROXY TCP6 ` and the longest addresses and ports. */
const V1_LONGEST = 107;
const MORE: ProxyHeader = { is: "more" };

export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  const shared = Math.min(bytes.length, PROXY_V2_SIGNATURE.length);
  for (let i = 0; i < shared; i++) {
    if (bytes[i] !== PROXY_V2_SIGNATURE[i]) return parseV1(bytes);
  }
  return bytes.length < 16 ? MORE : parseV2(bytes);
}

function parseV1(bytes: Uint8Array): ProxyHeader {
  const start = decode(bytes, 0, Math.min(bytes.length, V1_LONGEST));
  const known = "PROXY ";
  if (!known.startsWith(start.slice(0, known.length))) return brokenLine(start);
  const end = start.indexOf("\n");
  if (end < 0) return bytes.length >= V1_LONGEST ? brokenLine(start) : MORE;
  const line = start.slice(known.length, end - 1);
  // One CR, before the LF: elsewhere it would end the line for another reader of the same bytes.
  if (start.indexOf("\r") !== end - 1) return brokenLine(start);
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { is: "header", size: end + 1, addresses: null };
  }
  const addresses = v1Addresses(line);
  return addresses ? { is: "header", size: end + 1, addresses } : brokenLine(start);
}

function brokenLine(start: ByteString): ProxyHeader {
  const line = start.split(/[\r\n]/, 1)[0];
  return { is: "broken", why: `broken header: "${printable(line, LOG_QUOTE)}"` };
}

function v1Addresses(line: ByteString): ProxyAddresses | null {
  const match = /^TCP([46]) ([^ ]+) ([^ ]+) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (!match) return null;
  const [, family, from, to, fromPort, toPort] = match;
  const length = family === "4" ? 4 : 16;
  const ports = [Number(fromPort), Number(toPort)];
  // Both of the family that was announced: a mixed line has no one meaning.
  if (parseAddress(from)?.length !== length || parseAddress(to)?.length !== length) return null;
  if (ports.some((port) => port > 65535)) return null;
  return {
    source: ip(normaliseAddress(from), ports[0]),
    destination: ip(normaliseAddress(to), ports[1]),
  };
}

function parseV2(bytes: Uint8Array): ProxyHeader {
  const version = bytes[12] >> 4;
  if (version !== 2) return { is: "broken", why: `unknown PROXY protocol version: ${version}` };
  const command = bytes[12] & 15;
  if (command > 1) return { is: "broken", why: `unknown PROXY protocol command: ${command}` };
  const size = 16 + ((bytes[14] << 8) | bytes[15]);
  if (size > PROXY_HEADER) return { is: "broken", why: "header is too large" };
  if (bytes.length < size) return MORE;
  const family = bytes[13] >> 4;
  const stream = (bytes[13] & 15) === 1;
  // LOCAL, a datagram, a unix socket or nothing: no address that could be used.
  if (command === 0 || !stream || (family !== 1 && family !== 2)) {
    return { is: "header", size, addresses: null };
  }
  return v2Addresses(bytes, size, family === 1 ? 4 : 16);
}

/** `width`: bytes of one address. */
function v2Addresses(bytes: Uint8Array, size: number, width: 4 | 16): ProxyHeader {
  const ports = 16 + 2 * width;
  if (size < ports + 4) return { is: "broken", why: "header is too short for its addresses" };
  if (!tlvsFit(bytes.subarray(ports + 4, size))) {
    return { is: "broken", why: "header has a TLV that does not fit" };
  }
  const address = (at: number) => normaliseAddress(formatAddress(bytes.subarray(at, at + width)));
  const port = (at: number) => (bytes[at] << 8) | bytes[at + 1];
  return {
    is: "header",
    size,
    addresses: {
      source: ip(address(16), port(ports)),
      destination: ip(address(16 + width), port(ports + 2)),
    },
  };
}

/** TLVs are walked and skipped: none is needed, but one that overruns the header is an attack. */
function tlvsFit(bytes: Uint8Array): boolean {
  let at = 0;
  while (at + 3 <= bytes.length) at += 3 + ((bytes[at + 1] << 8) | bytes[at + 2]);
  return at === bytes.length;
}
