/**
 * The request of nginx's `auth_http` protocol, byte for byte: a GET whose headers are the question.
 * Directives: `auth_http` (request line, Host), `auth_http_header`, `auth_http_pass_client_cert`,
 * `ssl_verify_client` (certificate lines).
 *
 * Rules:
 * - Pure. What no request changes is written once, in `prepareRequest`.
 * - User, password and certificate are escaped as nginx does it: 0x00-0x20 and `%` as `%HH`, every
 *   other byte raw. Other values are raw, but CR, LF and NUL are escaped in them too, so that nothing
 *   which a client says can end its line and begin a header of its own.
 * - The password is revealed here only, and only by `writeRequest`.
 */

import { type ByteString, encode, printable, toByteString } from "../core/bytes.ts";
import { addressOf } from "../net/address.ts";
import type { Certificate, TlsInfo } from "../net/ports.ts";
import type { Attempt, Envelope, Peer } from "../session/machine.ts";
import type { ServerSettings } from "../config/settings.ts";

/** What the requests of one server block are made from. */
export type RequestSettings = Pick<
  ServerSettings,
  "auth_http" | "auth_http_header" | "auth_http_pass_client_cert" | "ssl_verify_client"
>;

/** nginx asks by HTTP/1.0; HTTP/1.1 keeps the connection and differs in nothing else. */
export type HttpVersion = "1.0" | "1.1";

/** The parts of a request that stay the same for one server block. */
export interface PreparedRequest {
  /** Request line and Host. */
  readonly head: { readonly [version in HttpVersion]: ByteString };
  /** The `auth_http_header` lines and the empty line. */
  readonly tail: ByteString;
  /** `head` and `tail` fit for a log: values that may be shared secrets are masked. */
  readonly shownHead: { readonly [version in HttpVersion]: ByteString };
  readonly shownTail: ByteString;
  /** Whether `Auth-SSL-Verify` and the certificate lines are wanted, and the certificate itself. */
  readonly verify: boolean;
  readonly certificate: boolean;
  /** False when a configured header could change how messages are framed: ask by HTTP/1.0 alone. */
  readonly mayPersist: boolean;
}

const MASK = "****";

/** Headers that HTTP itself reads; said twice or wrongly, they would garble a shared connection. */
const FRAMING =
  /^(host|connection|keep-alive|proxy-connection|transfer-encoding|content-length|te|trailer|upgrade|expect)$/i;

export function prepareRequest(settings: RequestSettings): PreparedRequest {
  const url = settings.auth_http;
  const uri = raw(toByteString(url.uri.startsWith("/") ? url.uri : `/${url.uri}`));
  const host = raw(toByteString(url.host));
  // A query may hold an API key.
  const shownUri = uri.replace(/\?.*$/s, `?${MASK}`);
  const headers = settings.auth_http_header;
  return {
    head: heads(uri, host),
    // Verbatim, as nginx: what the administrator wrote is trusted, a second Host included.
    tail: headers.map(([name, value]) => bytesOf(`${name}: ${value}\r\n`)).join("") + "\r\n",
    shownHead: heads(shownUri, host),
    shownTail: headers.map(([name]) => `${printable(name)}: ${MASK}\r\n`).join("") + "\r\n",
    verify: settings.ssl_verify_client !== "off",
    certificate: settings.auth_http_pass_client_cert,
    mayPersist: headers.every(([name, value]) =>
      !FRAMING.test(name) && !/[\r\n]/.test(name + value)
    ),
  };
}

function heads(uri: ByteString, host: ByteString): PreparedRequest["head"] {
  const head = (version: HttpVersion) => `GET ${uri} HTTP/${version}\r\nHost: ${host}\r\n`;
  return { "1.0": head("1.0"), "1.1": head("1.1") };
}

/** The request as it goes over the wire. Holds the password: never log it, never keep it. */
export function writeRequest(
  prepared: PreparedRequest,
  attempt: Attempt,
  version: HttpVersion,
): Uint8Array {
  const password = sendsCredentials(attempt) ? escaped(attempt.password.reveal()) : "";
  return encode(
    prepared.head[version] + question(prepared, attempt, password) + prepared.tail,
  );
}

/**
 * The lines of the request for debug logs and `test-auth`, without line ends. The password or digest,
 * the URI's query and the values of `auth_http_header` show as `****`.
 */
export function showRequest(
  prepared: PreparedRequest,
  attempt: Attempt,
  version: HttpVersion,
): readonly string[] {
  // The mask is always of one length: that a password is empty is a secret as well.
  const password = sendsCredentials(attempt) ? MASK : "";
  const text = prepared.shownHead[version] + question(prepared, attempt, password) +
    prepared.shownTail;
  return text.split("\r\n").slice(0, -2).map((line) => printable(line, Infinity));
}

/**
 * Methods `none` and `external` have no password. nginx sent the one of an earlier attempt with
 * EXTERNAL, and for `none` read from a buffer that was no longer its own (CVE-2025-53859).
 */
function sendsCredentials(attempt: Attempt): boolean {
  return attempt.method !== "none" && attempt.method !== "external";
}

/** Everything between Host and the configured headers, in nginx's order. */
function question(
  prepared: PreparedRequest,
  attempt: Attempt,
  password: ByteString,
): ByteString {
  const { method, protocol, peer, envelope, tls } = attempt;
  const user = method === "none" ? "" : escaped(attempt.user);
  return `Auth-Method: ${method}\r\nAuth-User: ${user}\r\nAuth-Pass: ${password}\r\n` +
    salt(attempt) +
    `Auth-Protocol: ${protocol}\r\nAuth-Login-Attempt: ${attempt.attempt}\r\n` +
    `Client-IP: ${raw(addressOf(peer.address))}\r\n` +
    (protocol === "smtp" ? `Client-Host: ${raw(peer.host)}\r\n` : "") +
    (peer.proxied === null ? "" : proxyProtocol(peer.proxied)) +
    (method === "none" && envelope !== null ? smtpEnvelope(envelope) : "") +
    (tls === null ? "" : tlsLines(prepared, tls));
}

/** The challenge that a digest answers; no other method has one. */
function salt({ method, salt }: Attempt): ByteString {
  const digest = method === "apop" || method === "cram-md5";
  return digest && salt !== null ? `Auth-Salt: ${raw(salt)}\r\n` : "";
}

/** A header without addresses (LOCAL, UNKNOWN, unix) says nothing. */
function proxyProtocol({ source, destination }: NonNullable<Peer["proxied"]>): ByteString {
  if (source.is !== "ip" || destination.is !== "ip") return "";
  return `Proxy-Protocol-Addr: ${raw(source.address)}\r\n` +
    `Proxy-Protocol-Port: ${source.port}\r\n` +
    `Proxy-Protocol-Server-Addr: ${raw(destination.address)}\r\n` +
    `Proxy-Protocol-Server-Port: ${destination.port}\r\n`;
}

function smtpEnvelope({ helo, from, to }: Envelope): ByteString {
  return `Auth-SMTP-Helo: ${raw(helo)}\r\nAuth-SMTP-From: ${raw(from)}\r\n` +
    `Auth-SMTP-To: ${raw(to)}\r\n`;
}

function tlsLines(prepared: PreparedRequest, tls: TlsInfo): ByteString {
  const session = "Auth-SSL: on\r\n" +
    optional("Auth-SSL-Protocol", tls.protocol) +
    optional("Auth-SSL-Cipher", tls.cipher);
  if (!prepared.verify) return session;
  if (tls.peer === null) return `${session}Auth-SSL-Verify: NONE\r\n`;
  const verify = tls.verify.ok ? "SUCCESS" : `FAILED:${tls.verify.text}`;
  return session + optional("Auth-SSL-Verify", verify) +
    certificateLines(tls.peer, prepared.certificate);
}

function certificateLines(certificate: Certificate, whole: boolean): ByteString {
  return optional("Auth-SSL-Subject", certificate.subject) +
    optional("Auth-SSL-Issuer", certificate.issuer) +
    optional("Auth-SSL-Serial", certificate.serial) +
    optional("Auth-SSL-Fingerprint", certificate.fingerprint) +
    (whole ? `Auth-SSL-Cert: ${escaped(asOpenSsl(certificate.pem))}\r\n` : "");
}

/** PEM as OpenSSL writes it: LF, and one at the end. */
function asOpenSsl(pem: string): string {
  return pem.replace(/\r\n/g, "\n").trimEnd() + "\n";
}

/** nginx leaves out what is empty among the TLS lines. */
function optional(name: string, value: ByteString): ByteString {
  return value === "" ? "" : `${name}: ${raw(value)}\r\n`;
}

/** What must be escaped, or is no byte. */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\x00-\x20%\u0100-\uffff]/;

/** nginx's escaping of credentials. Nearly every login and password passes without a change. */
function escaped(value: ByteString): ByteString {
  // deno-lint-ignore no-control-regex
  return UNSAFE.test(value) ? bytesOf(value).replace(/[\x00-\x20%]/g, percent) : value;
}

/** What would end the line, or is no byte. */
// deno-lint-ignore no-control-regex
const LINE_END = /[\r\n\x00\u0100-\uffff]/;

/** A value that is not escaped, save for what would end the line. */
function raw(value: ByteString): ByteString {
  // deno-lint-ignore no-control-regex
  return LINE_END.test(value) ? bytesOf(value).replace(/[\r\n\x00]/g, percent) : value;
}

// deno-lint-ignore no-control-regex
const WIDE = /[^\x00-\xff]/;

/**
 * Text that is no byte string, as a runtime may give for a certificate's subject, becomes UTF-8. Cut
 * to its low bits it would be dangerous: U+010A would turn into a line feed.
 */
function bytesOf(text: string): ByteString {
  return WIDE.test(text) ? toByteString(text) : text;
}

function percent(char: string): string {
  return "%" + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
}
