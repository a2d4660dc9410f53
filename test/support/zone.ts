/**
 * A name server for tests, as a function from query to answer (RFC 1035). Its zone are lines:
 *
 *     PTR 192.0.2.1 client.example
 *     A client.example 192.0.2.1
 *     PTR 192.0.2.2 -servfail
 *
 * In place of the value: `-servfail`, `-refused`, `-silent` (no answer at all), `-short` (an address of
 * the wrong length). What the zone does not know does not exist: NXDOMAIN. A value is bytes, whatever
 * they are: that is the point of some tests.
 */

import { decode, encode } from "@dnsquery/dns-packet";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { ByteString } from "../../src/core/bytes.ts";
import { reverseName } from "../../src/net/resolver.ts";

const RCODE = { "-servfail": 2, "-refused": 5 } as const;
const NXDOMAIN = 3;
const TYPE_A = 1;
const RECURSION = 0x180;

/** Null: the query stays without an answer. */
export function answerFrom(zone: readonly ByteString[], query: Uint8Array): Uint8Array | null {
  const { id, questions } = decode(query);
  const [{ type, name }] = questions!;
  const value = valueOf(zone, type, name);
  if (value === "-silent") return null;
  const failure = value === null ? NXDOMAIN : RCODE[value as keyof typeof RCODE];
  const record = { name, class: "IN", ttl: 60 };
  const answer = value === "-short"
    ? { ...record, type: `UNKNOWN_${TYPE_A}`, data: Uint8Array.of(127, 0, 0) }
    : { ...record, type, data: value };
  const answers = failure !== undefined || value === "" ? [] : [answer];
  const message = { type: "response", id, flags: RECURSION | (failure ?? 0), questions, answers };
  // The library's types do not know records of a wrong length.
  return encode(message as Parameters<typeof encode>[0]);
}

function valueOf(zone: readonly ByteString[], type: string, name: string): ByteString | null {
  for (const line of zone) {
    const [, kind, owner, value] = /^(\S+) (\S+) ?(.*)$/s.exec(line)!;
    const known = kind === "PTR" ? reverseName(owner) : owner;
    if (kind === type && known.toLowerCase() === name.toLowerCase()) return value;
  }
  return null;
}

/** Answers on a UDP port until the function that it gives is called. */
export async function serveZone(zone: readonly ByteString[], port: number): Promise<() => void> {
  const socket = createSocket("udp4");
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  socket.on("message", (query, from) => {
    const answer = answerFrom(zone, query);
    if (answer !== null) socket.send(answer, from.port, from.address);
  });
  return () => socket.close();
}
