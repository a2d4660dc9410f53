/**
 * The client's verified reverse name, for `Client-Host` and XCLIENT NAME: the PTR name of the address,
 * if that name has the address in turn (directives `resolver`, `resolver_timeout`).
 *
 * A PTR name is whatever the owner of the address likes. It goes nowhere before it was held against the
 * letters of a host name (CVE-2026-28753: header and command injection).
 */

import { printable } from "../core/bytes.ts";
import { LOG_QUOTE } from "../core/limits.ts";
import type { Doing, LogEvent } from "../core/log.ts";
import type { Endpoint } from "../net/address.ts";
import { type Resolved, type Resolver, sameAddress } from "../net/resolver.ts";

/** The client has no name, or none that leads back to it. */
export const UNAVAILABLE = "[UNAVAILABLE]";
/** The name could not be found out just now. */
export const TEMPUNAVAIL = "[TEMPUNAVAIL]";

/** RFC 952 and RFC 1123 section 2.1, with RFC 1035's 63 characters a label and 253 in all. */
const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/;
const NOT_FOUND = 3;

/** The name, in lower case, or one of the two words above. Never rejects. */
export async function reverseNameOf(
  client: Endpoint,
  resolver: Resolver,
  note: (event: LogEvent) => void,
): Promise<string> {
  if (client.is === "unix") return TEMPUNAVAIL;
  const { address } = client;
  const say = (message: string, doing: Doing) => note({ level: "error", message, doing });

  const names = await resolver.names(address);
  if (names.is === "failed") {
    say(`${address} could not be resolved ${reason(names)}`, "in resolving client address");
    return names.code === NOT_FOUND ? UNAVAILABLE : TEMPUNAVAIL;
  }
  const [name] = names.values;
  if (!HOST_NAME.test(name)) {
    const shown = printable(name, LOG_QUOTE);
    say(`${address} resolved to invalid host name "${shown}"`, "in resolving client address");
    return TEMPUNAVAIL;
  }
  const addresses = await resolver.addresses(name, address.includes(":") ? 6 : 4);
  if (addresses.is === "failed") {
    say(`"${name}" could not be resolved ${reason(addresses)}`, "in resolving client hostname");
    return addresses.code === NOT_FOUND ? UNAVAILABLE : TEMPUNAVAIL;
  }
  const leadsBack = addresses.values.some((value) => sameAddress(value, address));
  return leadsBack ? name.toLowerCase() : UNAVAILABLE;
}

function reason({ code, text }: Extract<Resolved, { is: "failed" }>): string {
  return `(${code}: ${text})`;
}
