/**
 * A name server for tests, as a function from query to answer (RFC 1035). Its zone are lines:
 *
 *     PTR 192.0.2.1 client.example
 *     A client.example 192.0.2.1
 *     PTR 192.0.2.2 -servfail
 *
 * In place of the value: `-servfail`, `-refused`, `-empty` (no records), `-silent` (no answer at all),
 * `-short` (an address of the wrong length). What the zone does not know does not exist: NXDOMAIN. A
 * name is bytes, whatever they are: that is the point of some tests.
 */

import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { ByteString } from "../../src/core/bytes.ts";
import { reverseName } from "../../src/net/resolver.ts";
import {
  address,
  message,
  NOERROR,
  NXDOMAIN,
  pointer,
  readQuery,
  record,
  REFUSED,
  SERVFAIL,
} from "./dns.ts";

/** Null: the query stays without an answer. */
export function answerFrom(zone: readonly ByteString[], bytes: Uint8Array): Uint8Array | null {
  const query = readQuery(bytes);
  const value = valueOf(zone, query.type, query.name);
  switch (value) {
    case null:
      return message(query, { rcode: isKnown(zone, query.name) ? NOERROR : NXDOMAIN });
    case "-servfail":
      return message(query, { rcode: SERVFAIL });
    case "-refused":
      return message(query, { rcode: REFUSED });
    case "-empty":
      return message(query);
    case "-silent":
      return null;
    case "-short":
      return message(query, { answers: [record(null, "A", Uint8Array.of(127, 0, 0))] });
    default:
      return message(query, {
        answers: [query.type === "PTR" ? pointer(value) : address(null, value)],
      });
  }
}

function valueOf(zone: readonly ByteString[], type: string, name: string): ByteString | null {
  for (const line of zone) {
    const [, kind, owner, value] = /^(\S+) (\S+) (.*)$/s.exec(line)!;
    const known = kind === "PTR" ? reverseName(owner) : owner;
    if (kind === type && known.toLowerCase() === name.toLowerCase()) return value;
  }
  return null;
}

/** A name that has records of another type exists. */
function isKnown(zone: readonly ByteString[], name: string): boolean {
  return zone.some((line) => line.split(" ")[1].toLowerCase() === name.toLowerCase());
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
