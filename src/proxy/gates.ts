/**
 * Which sockets to bind, and which server a connection belongs to (nginx's `listen` rules): purely by
 * local address and port. When a wildcard is bound on a port, other addresses of that port share its
 * socket unless they say `bind`. (In nginx `backlog=` and its like say so too, and the start fails:
 * Linux refuses such a socket beside that of the wildcard.)
 */

import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Connection, ListenOptions } from "../net/ports.ts";
import type { Listen } from "../config/settings.ts";
import type { Door } from "./admit.ts";

/** One socket and the doors behind it. */
export interface Gate {
  readonly key: string;
  readonly at: Endpoint;
  readonly options: ListenOptions;
  /** By local address; the socket's own address is the fallback. */
  readonly doors: ReadonlyMap<string, Door>;
  readonly fallback: Door;
}

export interface Entry {
  readonly listen: Listen;
  /** Of all its addresses, each of which gives it a text of its own. */
  readonly door: Omit<Door, "text">;
}

/** The sockets that the entries need. */
export function planGates(entries: readonly Entry[]): Gate[] {
  const spots = entries.flatMap(({ listen, door }) =>
    listen.at.map((at) => ({ listen, door: { ...door, text: formatEndpoint(at) }, at }))
  );
  const gates = new Map<string, Gate & { doors: Map<string, Door> }>();
  const own = (spot: typeof spots[number]) => isWildcard(spot.at) || spot.listen.bind;
  const wildcards = new Set(
    spots.filter((spot) => isWildcard(spot.at)).map((spot) => familyAndPort(spot.at)),
  );
  const shared = (spot: typeof spots[number]) =>
    !own(spot) && wildcards.has(familyAndPort(spot.at));
  for (const spot of spots.filter((spot) => !shared(spot))) {
    // Each kernel-chosen port is a socket of its own.
    const free = spot.at.is === "ip" && spot.at.port === 0 ? `#${gates.size}` : "";
    const key = formatEndpoint(spot.at) + free;
    const options = listenOptions(spot.listen);
    gates.set(key, { key, at: spot.at, options, doors: new Map(), fallback: spot.door });
  }
  for (const spot of spots.filter(shared)) {
    const at = spot.at as Extract<Endpoint, { is: "ip" }>;
    const any = at.address.includes(":") ? "[::]" : "0.0.0.0";
    gates.get(`${any}:${at.port}`)!.doors.set(at.address, spot.door);
  }
  return [...gates.values()].map((gate) => ({
    ...gate,
    options: { ...gate.options, secure: secure(gate) },
  }));
}

/** TLS from the first byte, whichever the door. */
function secure({ doors, fallback }: Gate): boolean {
  return [fallback, ...doors.values()].every(({ ssl, proxyProtocol }) => ssl && !proxyProtocol);
}

export function doorFor(gate: Gate, connection: Connection): Door {
  if (gate.doors.size === 0 || connection.local.is === "unix") return gate.fallback;
  return gate.doors.get(connection.local.address) ?? gate.fallback;
}

export function isWildcard(at: Endpoint): boolean {
  return at.is === "ip" && at.port !== 0 && (at.address === "0.0.0.0" || at.address === "::");
}

export function familyAndPort(at: Endpoint): string {
  return at.is === "unix" ? at.path : `${at.address.includes(":") ? 6 : 4} ${at.port}`;
}

function listenOptions(listen: Listen): ListenOptions {
  const { so_keepalive } = listen;
  return {
    backlog: listen.backlog,
    receiveBuffer: listen.rcvbuf,
    sendBuffer: listen.sndbuf,
    ipv6Only: listen.ipv6only,
    keepAlive: so_keepalive?.on
      ? {
        idle: so_keepalive.idle,
        interval: so_keepalive.interval,
        count: so_keepalive.count,
      }
      : undefined,
  };
}
