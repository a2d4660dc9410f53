/** What rules ask about addresses. */

import type { Listen, ServerSettings } from "../config/settings.ts";
import { type Endpoint, inCidr, parseCidr } from "../net/address.ts";

const LOOPBACK = [parseCidr("127.0.0.0/8")!, parseCidr("::1")!];

/** Loopback and unix sockets: nobody else can listen in. */
export function isLocal(at: Endpoint): boolean {
  return at.is === "unix" || LOOPBACK.some((range) => inCidr(at, range));
}

/** The listeners that other machines can reach without TLS from the first byte. */
export function plainPublic(server: ServerSettings): readonly Listen[] {
  return server.listen.filter((listen) => !listen.ssl && listen.at.some((at) => !isLocal(at)));
}

export function ports(server: ServerSettings): ReadonlySet<number> {
  return new Set(
    server.listen.flatMap((listen) => listen.at.map((at) => at.is === "ip" ? at.port : 0)),
  );
}
