/**
 * nginx's `host:port` grammar, as `listen`, `auth_http`, `resolver` and syslog servers share it: an IPv4
 * literal, a bracketed IPv6 one, a name or (for `listen`) `*`, then perhaps a port or a range of ports.
 *
 * Rule: problems are nginx's words (`invalid port`, `no host` ...), so that callers can build its sentences.
 */

import { UNIX_PATH } from "../core/limits.ts";
import { formatAddress, parseAddress } from "../net/address.ts";

export interface HostPort {
  /** Canonical literal, name, or `*`. */
  readonly host: string;
  readonly is: "ip" | "name" | "any";
  /** First and last port; null = none was given. */
  readonly ports: readonly [number, number] | null;
}

export interface Problem {
  readonly problem: string;
}

/** What `listen` may say besides. */
interface Allowances {
  /** `143`, `*:143`, `10000-10100`. */
  readonly listen?: boolean;
}

export function parseHostPort(text: string, allow: Allowances = {}): HostPort | Problem {
  if (text.startsWith("[")) return parseBracketed(text, allow);
  const colon = text.indexOf(":");
  if (colon < 0 && allow.listen && /^\d+(-\d+)?$/.test(text)) return withPorts("*", text, allow);
  const host = colon < 0 ? text : text.slice(0, colon);
  return withPorts(host, colon < 0 ? null : text.slice(colon + 1), allow);
}

function parseBracketed(text: string, allow: Allowances): HostPort | Problem {
  const close = text.indexOf("]");
  if (close < 0) return { problem: "invalid host" };
  const inner = text.slice(1, close);
  const rest = text.slice(close + 1);
  if (inner === "") return { problem: "no host" };
  if (rest !== "" && !rest.startsWith(":")) return { problem: "invalid host" };
  if (!inner.includes(":") || !parseAddress(inner)) return { problem: "invalid IPv6 address" };
  return withPorts(inner, rest === "" ? null : rest.slice(1), allow);
}

function withPorts(host: string, port: string | null, allow: Allowances): HostPort | Problem {
  if (host === "") return { problem: "no host" };
  const ports = port === null ? null : parsePorts(port, allow);
  if (ports !== null && "problem" in ports) return ports;
  if (host === "*" && allow.listen) return { host, is: "any", ports };
  const bytes = parseAddress(host);
  if (bytes) return { host: formatAddress(bytes), is: "ip", ports };
  // A space or slash in a name is a slip of the pen; the resolver would only say "not found".
  return /[\s/[\]]/.test(host) ? { problem: "invalid host" } : { host, is: "name", ports };
}

function parsePorts(text: string, allow: Allowances): readonly [number, number] | Problem {
  const [first, last, more] = text.split("-");
  if (last === undefined) {
    const port = parsePort(text);
    return port === null ? { problem: "invalid port" } : [port, port];
  }
  if (!allow.listen) return { problem: "invalid port" };
  const from = parsePort(first);
  const to = more === undefined ? parsePort(last) : null;
  if (from === null || to === null) return { problem: "invalid port" };
  return from <= to ? [from, to] : { problem: "invalid port range" };
}

function parsePort(text: string): number | null {
  if (!/^\d{1,9}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : null;
}

/** The path after `unix:`, or nginx's words about it. */
export function parseUnixPath(path: string): { readonly path: string } | Problem {
  if (path === "") return { problem: "no path in the unix domain socket" };
  if (new TextEncoder().encode(path).length > UNIX_PATH) {
    return { problem: "too long path in the unix domain socket" };
  }
  return { path };
}
