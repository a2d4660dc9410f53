/**
 * What `test-auth` asks: from what a person typed to an `Attempt`, the same that a session would make
 * of a client's login. Pure: the salt and the digest function come from the caller.
 */

import type { ByteString } from "../core/bytes.ts";
import { NO_SECRET, type Secret } from "../core/secret.ts";
import { ip } from "../net/address.ts";
import type { TlsInfo } from "../net/ports.ts";
import type { Attempt, AuthMethod, Envelope, ProtocolName } from "../session/machine.ts";

/** The methods that answer a challenge. */
export type DigestMethod = "apop" | "cram-md5";

/** XOAUTH2 and OAUTHBEARER (RFC 7628): the password is a bearer token. */
export function isToken(method: AuthMethod): boolean {
  return method === "xoauth2" || method === "oauthbearer";
}

/** The digest of RFC 1939 section 7 (APOP) or RFC 2195 (CRAM-MD5), lower-case hex. */
export type Digest = (method: DigestMethod, password: Secret, salt: string) => Secret;

/** A login as a person would describe it. */
export interface Asked {
  readonly protocol: ProtocolName;
  readonly method: AuthMethod;
  readonly user: ByteString;
  /** The password itself, for digests too. */
  readonly password: Secret;
  /** A literal. */
  readonly clientIp: string;
  readonly attempt: number;
  readonly envelope: Envelope | null;
  readonly tls: TlsInfo | null;
  /** `<R.T@NAME>`. */
  readonly salt: string;
}

export function attemptOf(asked: Asked, digest: Digest): Attempt {
  const { method, password, salt } = asked;
  const answers = method === "apop" || method === "cram-md5";
  const empty = method === "none" || method === "external";
  return {
    protocol: asked.protocol,
    method,
    user: asked.user,
    password: answers ? digest(method, password, salt) : empty ? NO_SECRET : password,
    salt: answers ? salt : null,
    attempt: asked.attempt,
    peer: { address: ip(asked.clientIp, 0), host: "[UNAVAILABLE]", proxied: null },
    envelope: method === "none" ? asked.envelope : null,
    tls: asked.tls,
  };
}

/** A client on TLS; of it an auth server is told the protocol and the cipher. */
export function tlsOf(protocol: string, cipher: string): TlsInfo {
  const verify = { ok: false, code: "0", text: "no certificate" };
  return { protocol, cipher, alpn: null, sni: null, verify, peer: null, resumed: false };
}

/**
 * The envelope as the client's own lines, which is what an auth server is sent. A bare address is put
 * into the command that it belongs to.
 */
export function envelopeOf(helo: ByteString, from: ByteString, to: ByteString): Envelope {
  const line = (command: string, text: ByteString) => {
    if (text.toUpperCase().startsWith(command)) return text;
    return `${command}${text.startsWith("<") ? text : `<${text}>`}`;
  };
  return { helo, from: line("MAIL FROM:", from), to: line("RCPT TO:", to) };
}
