/**
 * Parameters of `listen` that belong to a socket, where the socket is not the listener's alone: it is
 * that of a wildcard on the same port, or it was there before a reload. Said, not ignored.
 */

import type { Listen, ServerSettings } from "../config/settings.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { formatEndpoint } from "../net/address.ts";
import { familyAndPort, isWildcard } from "./gates.ts";

const OPTIONS = ["backlog", "rcvbuf", "sndbuf", "so_keepalive"] as const;

/** Warnings about what the wildcard's socket, which several listeners share, does not have. */
export function sharingFindings(servers: readonly ServerSettings[]): Diagnostic[] {
  const listens = servers.flatMap(({ listen }) => listen);
  const wildcards = new Map(
    listens.flatMap((listen) =>
      listen.at.filter(isWildcard).map((at) => [familyAndPort(at), { at, listen }] as const)
    ),
  );
  return listens.filter(({ bind }) => !bind).flatMap((listen) =>
    listen.at.filter((at) => !isWildcard(at)).flatMap((at) => {
      const wildcard = wildcards.get(familyAndPort(at));
      const lost = wildcard ? OPTIONS.filter((name) => differs(listen, wildcard.listen, name)) : [];
      return lost.filter((name) => listen[name] !== undefined).map((name): Diagnostic => {
        const [own, shared] = [at, wildcard!.at].map(formatEndpoint);
        return {
          at: listen.position,
          severity: "warning",
          rule: "shared-socket",
          message: `${name} of "${own}" has no effect: it shares the socket of "${shared}"`,
          hint: `write it at the listen of "${shared}"`,
        };
      });
    })
  );
}

/** Sentences about what another configuration would change of sockets that stay open. */
export function keptOptions(
  before: readonly ServerSettings[],
  after: readonly ServerSettings[],
): readonly string[] {
  const open = byAddress(before);
  return [...byAddress(after)].flatMap(([address, listen]) => {
    const kept = open.get(address);
    const changed = kept ? [...OPTIONS, "ipv6only"] as const : [];
    return changed.filter((name) => differs(listen, kept!, name)).map((name) =>
      `${name} of "${address}" has no effect before a restart: its socket stays open`
    );
  });
}

function byAddress(servers: readonly ServerSettings[]): ReadonlyMap<string, Listen> {
  const listens = servers.flatMap(({ listen }) => listen);
  return new Map(
    listens.flatMap((listen) => listen.at.map((at) => [formatEndpoint(at), listen] as const)),
  );
}

function differs(
  one: Listen,
  other: Listen,
  name: typeof OPTIONS[number] | "ipv6only",
): boolean {
  return JSON.stringify(one[name]) !== JSON.stringify(other[name]);
}
