/**
 * What to probe: `imap://mail.example.com`, `smtps://[::1]:465`, `pop3://unix:/run/pop3.sock`. RFC 3986's
 * authority without user information: a password has no place in an argument.
 */

import { type Endpoint, formatEndpoint, ip, parseAddress, unix } from "../net/address.ts";
import type { ProtocolName } from "../session/machine.ts";

export interface Target {
  /** As it was given. */
  readonly url: string;
  readonly scheme: Scheme;
  readonly protocol: ProtocolName;
  /** TLS from the first byte. */
  readonly implicitTls: boolean;
  /** Name or literal, for TLS and for looking up; null for a unix socket. */
  readonly host: string | null;
  readonly port: number;
  /** Where to connect instead of looking the host up. */
  readonly at: Endpoint | null;
  /** A listener that wants a PROXY header. */
  readonly behindProxy?: boolean;
}

const SCHEMES = {
  imap: ["imap", 143, false],
  imaps: ["imap", 993, true],
  pop3: ["pop3", 110, false],
  pop3s: ["pop3", 995, true],
  smtp: ["smtp", 25, false],
  smtps: ["smtp", 465, true],
  submission: ["smtp", 587, false],
  submissions: ["smtp", 465, true],
} as const satisfies Readonly<Record<string, readonly [ProtocolName, number, boolean]>>;
export type Scheme = keyof typeof SCHEMES;
const SCHEME_NAMES = Object.keys(SCHEMES) as readonly Scheme[];

/** A target, or what is wrong with the text. */
export function parseTarget(url: string): Target | string {
  const match = /^([a-z0-9]+):\/\/(.*?)\/?$/i.exec(url);
  if (!match) return "it is no URL, such as imap://mail.example.com";
  const scheme = match[1].toLowerCase();
  if (!isScheme(scheme)) return `the scheme is one of ${SCHEME_NAMES.join(", ")}`;
  const [protocol, usual, implicitTls] = SCHEMES[scheme];
  const base = { url, scheme, protocol, implicitTls };
  const rest = match[2];
  if (rest.startsWith("unix:")) {
    const path = url.slice(url.indexOf("unix:") + "unix:".length);
    return { ...base, host: null, port: 0, at: unix(path) };
  }
  if (rest.includes("@")) {
    return "a user is given by --user, and a password never on a command line";
  }
  const place = parsePlace(rest, usual);
  if (typeof place === "string") return place;
  const { port } = place;
  const host = asciiHost(place.host);
  if (host === null) return `"${place.host}" is no host name`;
  return { ...base, host, port, at: parseAddress(host) ? ip(host, port) : null };
}

function isScheme(word: string): word is Scheme {
  return Object.hasOwn(SCHEMES, word);
}

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT`. */
function parsePlace(text: string, usual: number): { host: string; port: number } | string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:/?#[\]\s]+))(?::(\d{1,5}))?$/i.exec(text);
  if (!match) return "behind :// stands HOST, HOST:PORT, [IPV6]:PORT or unix:PATH";
  const host = match[1] ?? match[2];
  if (match[1] !== undefined && !parseAddress(host)) return `"${host}" is no IPv6 address`;
  const port = match[3] === undefined ? usual : Number(match[3]);
  if (port < 1 || port > 65535) return `port ${match[3]} is not 1 to 65535`;
  return { host, port };
}

/** A name in another script as DNS and certificates have it (RFC 5891). */
function asciiHost(host: string): string | null {
  if (/^[\x20-\x7e]*$/.test(host)) return host;
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return null;
  }
}

/** `--connect-to`: where to connect whatever the URL says; a port may be left to the URL. */
export function parseConnectTo(
  text: string,
): { readonly host: string; readonly port: number | null } | Endpoint | string {
  if (text.startsWith("unix:")) return unix(text.slice("unix:".length));
  const place = parsePlace(text, 0xffff);
  if (typeof place === "string") return "it is HOST:PORT, [IPV6]:PORT or unix:PATH";
  return /:\d+$/.test(text) && !(text.endsWith("]")) ? place : { host: place.host, port: null };
}

/** A listener of a configuration as a target; wildcards are reached by loopback. */
export function listenerTarget(listener: {
  readonly protocol: ProtocolName;
  readonly ssl: boolean;
  readonly at: Endpoint;
  readonly name: string;
  readonly behindProxy: boolean;
}): Target {
  const { protocol, ssl, at, name, behindProxy } = listener;
  const reached = at.is === "unix" ? at : ip(LOOPBACK[at.address] ?? at.address, at.port);
  const scheme = `${protocol}${ssl ? "s" : ""}` as Scheme;
  return {
    url: `${scheme}://${formatEndpoint(reached)}`,
    scheme,
    protocol,
    implicitTls: ssl,
    host: name,
    port: at.is === "unix" ? 0 : at.port,
    at: reached,
    behindProxy,
  };
}

const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
