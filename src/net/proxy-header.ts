/**
 * The PROXY protocol, versions 1 and 2 (haproxy's proxy-protocol.txt): who the client really is, said
 * by a load balancer in front of us, or by us to a backend. Pure; any split of a header reads alike.
 */

import { type ByteString, concat, decode, encode, printable } from "../core/bytes.ts";
import { LOG_QUOTE, PROXY_HEADER } from "../core/limits.ts";
import { type Endpoint, formatAddress, ip, parseAddress } from "./address.ts";

export interface ProxyAddresses {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

export type ProxyHeader =
  | { readonly is: "more" }
  /** `addresses` null: UNKNOWN, LOCAL, or a family that is not for TCP. */
  | { readonly is: "header"; readonly size: number; readonly addresses: ProxyAddresses | null }
  | { readonly is: "broken"; readonly why: string };

const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
/** `PROXY TCP6 ` and the longest addresses and ports. */
const V1_LONGEST = 107;
const MORE: ProxyHeader = { is: "more" };

export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  const shared = Math.min(bytes.length, SIGNATURE.length);
  for (let i = 0; i < shared; i++) {
    if (bytes[i] !== SIGNATURE[i]) return parseV1(bytes);
  }
  return bytes.length < 16 ? MORE : parseV2(bytes);
}

function parseV1(bytes: Uint8Array): ProxyHeader {
  const start = decode(bytes, 0, Math.min(bytes.length, V1_LONGEST));
  const broken: ProxyHeader = {
    is: "broken",
    why: `broken header: "${printable(start.split(/[\r\n]/)[0], LOG_QUOTE)}"`,
  };
  const known = "PROXY ";
  if (!known.startsWith(start.slice(0, known.length))) return broken;
  const end = start.indexOf("\n");
  if (end < 0) return bytes.length >= V1_LONGEST ? broken : MORE;
  const size = end + 1;
  if (start[end - 1] !== "\r") return broken;
  const line = start.slice(known.length, end - 1);
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { is: "header", size, addresses: null };
  }
  const addresses = v1Addresses(line);
  return addresses ? { is: "header", size, addresses } : broken;
}

function v1Addresses(line: ByteString): ProxyAddresses | null {
  const match = /^TCP([46]) ([^ ]+) ([^ ]+) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (!match) return null;
  const [, family, from, to, fromPort, toPort] = match;
  const length = family === "4" ? 4 : 16;
  const source = parseAddress(from);
  const destination = parseAddress(to);
  const ports = [Number(fromPort), Number(toPort)];
  if (source?.length !== length || destination?.length !== length) return null;
  if (ports.some((port) => port > 65535)) return null;
  return {
    source: ip(formatAddress(source), ports[0]),
    destination: ip(formatAddress(destination), ports[1]),
  };
}

function parseV2(bytes: Uint8Array): ProxyHeader {
  const version = bytes[12] >> 4;
  if (version !== 2) return { is: "broken", why: `unknown PROXY protocol version: ${version}` };
  const command = bytes[12] & 15;
  if (command > 1) return { is: "broken", why: `unknown PROXY protocol command: ${command}` };
  const length = (bytes[14] << 8) | bytes[15];
  const size = 16 + length;
  if (size > PROXY_HEADER) return { is: "broken", why: "header is too large" };
  if (bytes.length < size) return MORE;
  const family = bytes[13] >> 4;
  const stream = (bytes[13] & 15) === 1;
  // LOCAL, a datagram, a unix socket or nothing: no address that could be used.
  if (command === 0 || !stream || (family !== 1 && family !== 2)) {
    return { is: "header", size, addresses: null };
  }
  const width = family === 1 ? 4 : 16;
  if (length < 2 * width + 4) return { is: "broken", why: "header is too short for its addresses" };
  if (!tlvsFit(bytes.subarray(16 + 2 * width + 4, size))) {
    return { is: "broken", why: "header has a TLV that does not fit" };
  }
  const port = (at: number) => (bytes[at] << 8) | bytes[at + 1];
  const addresses = 16 + 2 * width;
  return {
    is: "header",
    size,
    addresses: {
      source: ip(formatAddress(bytes.subarray(16, 16 + width)), port(addresses)),
      destination: ip(formatAddress(bytes.subarray(16 + width, addresses)), port(addresses + 2)),
    },
  };
}

/** TLVs are walked and skipped: none is needed, but one that overruns the header is an attack. */
function tlvsFit(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return false;
    at += 3 + ((bytes[at + 1] << 8) | bytes[at + 2]);
  }
  return at === bytes.length;
}

/** The header that tells a backend who `client` is; `local` is our end of the client's connection. */
export function encodeProxyHeader(
  version: "on" | "v2",
  client: Endpoint,
  local: Endpoint,
): Uint8Array {
  return version === "on" ? encodeV1(client, local) : encodeV2(client, local);
}

function encodeV1(client: Endpoint, local: Endpoint): Uint8Array {
  if (client.is === "unix" || local.is === "unix") return encode("PROXY UNKNOWN\r\n");
  const family = client.address.includes(":") ? 6 : 4;
  // A line of mixed families is nonsense to every reader.
  if ((local.address.includes(":") ? 6 : 4) !== family) return encode("PROXY UNKNOWN\r\n");
  return encode(
    `PROXY TCP${family} ${client.address} ${local.address} ${client.port} ${local.port}\r\n`,
  );
}

function encodeV2(client: Endpoint, local: Endpoint): Uint8Array {
  const block = client.is === "unix" || local.is === "unix" ? null : addressBlock(client, local);
  const body = block ?? new Uint8Array(0);
  const head = Uint8Array.of(
    ...SIGNATURE,
    block ? 0x21 : 0x20,
    block ? (block.length === 12 ? 0x11 : 0x21) : 0,
    body.length >> 8,
    body.length & 255,
  );
  return concat([head, body]);
}

function addressBlock(
  client: Extract<Endpoint, { is: "ip" }>,
  local: Extract<Endpoint, { is: "ip" }>,
): Uint8Array | null {
  const source = parseAddress(client.address);
  const destination = parseAddress(local.address);
  if (!source || !destination) return null;
  const width = Math.max(source.length, destination.length);
  const ports = Uint8Array.of(
    client.port >> 8,
    client.port & 255,
    local.port >> 8,
    local.port & 255,
  );
  return concat([mapped(source, width), mapped(destination, width), ports]);
}

/** An IPv4 address beside an IPv6 one is written as IPv4-mapped. */
function mapped(address: Uint8Array, width: number): Uint8Array {
  if (address.length === width) return address;
  return concat([Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255), address]);
}
