/**
 * What a probe that failed makes of it: a finding, with a guess at the cause where servers that are not
 * what they were taken for give themselves away. Pure.
 */

import type { ByteString } from "../core/bytes.ts";
import { formatEndpoint } from "../net/address.ts";
import type { ProtocolName } from "../session/machine.ts";
import type { Finding, FindingId } from "./model.ts";
import type { Fault } from "./talk.ts";
import type { Scheme, Target } from "./target.ts";

/** How far the session had come. */
export interface Circumstances {
  readonly target: Target;
  /** It answered in its protocol. */
  readonly reached: boolean;
  /** A PROXY header was sent. */
  readonly introduced: boolean;
  /** What was offered. */
  readonly alpn: readonly string[];
}

const IDS: Readonly<Record<Fault["kind"], FindingId>> = {
  unreachable: "unreachable",
  timeout: "timeout",
  closed: "protocol-error",
  tls: "tls-failed",
  protocol: "protocol-error",
};

export function findingOf(fault: Fault, seen: Circumstances): Finding {
  const { kind, message } = fault;
  if (kind === "tls" && /no application protocol/i.test(message)) {
    const said = `the server refuses the ALPN protocol ${seen.alpn.join(", ")}; ` +
      "--alpn none offers none";
    return { id: "alpn-refused", severity: "error", message: said };
  }
  // Under TLS 1.3 it comes behind the handshake.
  if (kind !== "timeout" && /certificate.required/i.test(message)) {
    const said = "the server demands a client certificate; --cert and --key show one";
    return { id: "client-certificate-required", severity: "error", message: said };
  }
  const hint = guess(fault, seen);
  const whole = hint === null ? message : `${message}; ${hint}`;
  return { id: IDS[kind], severity: "error", message: whole };
}

function guess({ kind, message, said }: Fault, seen: Circumstances): string | null {
  const { target, reached } = seen;
  if (kind === "tls") {
    if (target.implicitTls && NOT_TLS.test(message)) {
      return `perhaps it begins without TLS (${counterpart(target)})`;
    }
    const versions = /protocol version|unsupported protocol/i.test(message);
    return versions ? "--tls-scan tells which versions there are" : null;
  }
  if (reached || kind === "unreachable") return null;
  if (kind === "protocol") return said === undefined ? null : whoSays(said, target);
  return silence(kind, seen);
}

/** OpenSSL and BoringSSL; rustls. */
const NOT_TLS = /wrong version number|http request|packet length too long|InvalidContentType/i;

/** Greetings that tell what a server is. */
const GREETINGS: readonly (readonly [RegExp, string, Scheme | null])[] = [
  [/^\* (?:OK|PREAUTH|BYE)\b/, "IMAP", "imap"],
  [/^(?:\+OK|-ERR)\b/, "POP3", "pop3"],
  [/^220[ -].*\bFTP\b/i, "FTP", null],
  [/^[245]\d\d[ -]/, "SMTP", "smtp"],
  [/^HTTP\//, "HTTP", null],
  [/^SSH-/, "SSH", null],
  // An alert or a handshake record.
  [/^[\x15\x16]\x03/, "TLS", null],
];

/**
 * What a backend may be that would not let the proxy log in.
 * @param greeting its first line; null: it said nothing
 * @param proxied `proxy_protocol` is on
 */
export function guessBackend(
  greeting: ByteString | null,
  protocol: ProtocolName,
  proxied: boolean,
): string | null {
  if (greeting === null) {
    const header = proxied
      ? "no PROXY header (proxy_protocol off)"
      : "a PROXY header (proxy_protocol on)";
    return `perhaps it wants TLS from the first byte, or ${header}`;
  }
  const [, said] = GREETINGS.find(([pattern]) => pattern.test(greeting)) ?? [];
  return said === undefined || said === protocol.toUpperCase() ? null : `that is ${said}`;
}

function whoSays(greeting: ByteString, target: Target): string | null {
  const found = GREETINGS.find(([pattern]) => pattern.test(greeting));
  if (!found) return null;
  const [, protocol, scheme] = found;
  if (protocol === "TLS") return `it speaks TLS from the first byte: ${counterpart(target)}`;
  if (scheme === null) return `that is ${protocol}`;
  return `that is ${protocol}: ${urlOf(target, target.implicitTls ? WITH_TLS[scheme] : scheme)}`;
}

/** A server that is silent waits for something; one that hangs up has not got it. */
function silence(kind: Fault["kind"], { target, introduced }: Circumstances): string {
  const wants = [
    ...(target.implicitTls ? [] : [`TLS from the first byte (${counterpart(target)})`]),
    introduced ? "no PROXY header" : "a PROXY header (--proxy-protocol v1)",
  ];
  if (kind === "closed") wants.push("nobody from our address");
  return `perhaps it wants ${wants.join(", or ")}`;
}

type Pair = Readonly<Record<string, Scheme>>;
const WITH_TLS: Pair = { imap: "imaps", pop3: "pop3s", smtp: "smtps", submission: "submissions" };
const WITHOUT_TLS: Pair = {
  imaps: "imap",
  pop3s: "pop3",
  smtps: "smtp",
  submissions: "submission",
};

/** The same place with TLS instead of without, or the other way. */
function counterpart(target: Target): string {
  return urlOf(target, WITH_TLS[target.scheme] ?? WITHOUT_TLS[target.scheme]);
}

function urlOf(target: Target, scheme: Scheme): string {
  const { host, port, at } = target;
  if (at) return `${scheme}://${formatEndpoint(at)}`;
  return `${scheme}://${host}:${port}`;
}
