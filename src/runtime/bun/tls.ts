/**
 * Bun's TLS library, BoringSSL: contexts, and what a finished handshake found out.
 *
 * A server never refuses a certificate here: it reports (nginx's `optional` and `optional_no_ca` need
 * that). A client refuses by itself, unless its settings say otherwise; RFC 9525 for names.
 */

import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import process from "node:process";
import { getCACertificates } from "node:tls";
import { NetError } from "../../core/errors.ts";
import {
  type TlsClientSettings,
  type TlsContext,
  type TlsInfo,
  type TlsLibrary,
  type TlsServerSettings,
  TlsSettingError,
} from "../../net/ports.ts";
import { describe, inspectPem, verifyResult } from "../certificate.ts";
import {
  type ClientContext,
  makeTlsLibrary,
  type OwnCertificate,
  type ServerContext,
  type Ways,
} from "../tls/library.ts";
import { LONGEST_CHAIN } from "../tls/chain.ts";
import {
  type ClientCertificate,
  describeAll,
  judgeCertificate,
  NO_CERTIFICATE,
  NOT_ASKED,
  readable,
  type Trust,
} from "../tls/trust.ts";
import type { Native } from "./connection.ts";
import { codeOf, lowerConstant } from "./failures.ts";
import { BUN_WAYS } from "./ways.ts";

/** What `upgradeTLS` needs, ready made: the same objects serve every connection. */
export interface BunContext extends TlsContext {
  readonly native: unknown;
  /** Bun wants it beside the context. Never refuses: `judge` does that. */
  readonly policy: Bun.TLSOptions;
  /** A server asks the client for a certificate; a client refuses what does not verify. */
  readonly demanding: boolean;
  /** A server's own. */
  readonly certificates: readonly OwnCertificate[];
  /** Whom a server trusts; null for clients. */
  readonly trust: Trust | null;
  /** A client tells of the server's whole chain. */
  readonly tellsChain: boolean;
}

export function makeBunTls(ways: Ways): TlsLibrary {
  const library = makeTlsLibrary(ways);
  return {
    server: (settings) => serverContext(settings, library),
    client: (settings) => clientContext(settings, library),
    inspect: inspectPem,
    matches: (pair) => inWords(() => library.matches(pair)),
  };
}

export const tls: TlsLibrary = makeBunTls(BUN_WAYS);

function serverContext(settings: TlsServerSettings, library: TlsLibrary): BunContext {
  const made = inWords(() => library.server(settings)) as ServerContext;
  const { requestCertificate } = made;
  const [{ secure, certificates }] = made.choices;
  return {
    tlsContext: "server",
    native: secure.context,
    policy: { requestCert: requestCertificate, ...policy(made.alpn) } as Bun.TLSOptions,
    demanding: requestCertificate,
    certificates,
    trust: made.trust,
    tellsChain: false,
  };
}

function clientContext(settings: TlsClientSettings, library: TlsLibrary): BunContext {
  const ca = settings.ca ?? systemAuthorities();
  const made = inWords(() => library.client({ ...settings, ca })) as ClientContext;
  return {
    tlsContext: "client",
    native: made.secure.context,
    policy: policy(made.alpn),
    demanding: made.verify,
    certificates: [],
    trust: null,
    tellsChain: made.tellsChain,
  };
}

function inWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TlsSettingError)) throw error;
    throw new TlsSettingError(error.setting, lowerConstant(error.message), error.index);
  }
}

export const tlsVersion = `BoringSSL ${process.versions.boringssl?.slice(0, 12) ?? ""}`;

function policy(alpn: readonly string[]): Bun.TLSOptions {
  if (alpn.length === 0) return { rejectUnauthorized: false };
  return { rejectUnauthorized: false, ALPNProtocols: protocolList(alpn) };
}

/** RFC 7301 section 3.1: each name behind its length. */
function protocolList(names: readonly string[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(names.flatMap((name) => [name.length, ...new TextEncoder().encode(name)]));
}

/** Undefined leaves Bun its built-in list, for systems that have none. */
function systemAuthorities(): readonly string[] | undefined {
  const found = getCACertificates("system");
  return found.length > 0 ? found : undefined;
}

// --- after a handshake ----------------------------------------------------------------------------

/**
 * @param error what Bun found wrong with the peer's certificate.
 * @returns why the peer must not be talked to, or what is to be known of it.
 */
export function judge(
  socket: Native,
  context: BunContext,
  serverName: string | undefined,
  error: Error | null,
): TlsInfo | NetError {
  const found = context.trust
    ? clientOf(socket, context, context.trust, error)
    : serverOf(socket, context, serverName, error);
  const { verify } = found;
  if (!context.trust && context.demanding && !verify.ok) {
    return new NetError("EPROTO", `certificate verify error: (${verify.code}:${verify.text})`);
  }
  const cipher = socket.getCipher().name;
  const own = shown(context.certificates, cipher)?.own;
  return {
    protocol: socket.getTLSVersion(),
    cipher,
    alpn: socket.alpnProtocol || null,
    sni: nameSent(socket, context.tlsContext === "server", serverName),
    ...found,
    ...(own && { own }),
    resumed: socket.isSessionReused(),
  };
}

function clientOf(
  socket: Native,
  { demanding }: BunContext,
  trust: Trust,
  error: Error | null,
): ClientCertificate {
  if (!demanding) return NOT_ASKED;
  const leaf = socket.getPeerX509Certificate() as X509Certificate | undefined;
  if (!leaf) return NO_CERTIFICATE;
  const fault = faultOf(socket, leaf, undefined, error);
  const resumed = socket.isSessionReused();
  return judgeCertificate({ leaf, sent: sentBy(socket), fault, resumed }, trust);
}

function serverOf(
  socket: Native,
  { tellsChain }: BunContext,
  serverName: string | undefined,
  error: Error | null,
): Pick<TlsInfo, "verify" | "peer" | "chain"> {
  const x509 = socket.getPeerX509Certificate() as X509Certificate | undefined;
  const verify = verifyResult(x509 ? faultOf(socket, x509, serverName, error) : "UNSPECIFIED");
  const chain = x509 && tellsChain ? describeAll([x509, ...sentBy(socket)]) : [];
  return { verify, peer: x509 ? describe(x509) : null, ...(tellsChain && { chain }) };
}

/** Of several, Bun cannot tell which one was shown; up to TLS 1.2 the cipher suite does. */
function shown(
  certificates: readonly OwnCertificate[],
  cipher: string,
): OwnCertificate | undefined {
  if (certificates.length < 2) return certificates[0];
  if (cipher.startsWith("TLS_")) return undefined;
  const type = cipher.includes("ECDSA") ? "ec" : "rsa";
  const fitting = certificates.filter(({ keyType }) => keyType === type);
  return fitting.length === 1 ? fitting[0] : undefined;
}

function nameSent(socket: Native, server: boolean, serverName: string | undefined): string | null {
  if (server) return socket.getServername() || null;
  return serverName && isIP(serverName) === 0 ? serverName : null;
}

/** What Bun says when nothing is wrong with the certificate but its names. */
const NAME_MISMATCH = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Null is a verified certificate, and the name that was asked for. */
function faultOf(
  socket: Native,
  x509: X509Certificate,
  serverName: string | undefined,
  error: Error | null,
): string | null {
  const code = codeOf(error) ?? (socket.authorized ? undefined : "UNSPECIFIED");
  // Not told a name, as with an address, Bun looks for `localhost`.
  if (serverName !== undefined && isIP(serverName) !== 0) {
    if (code !== undefined && code !== NAME_MISMATCH) return precise(code, x509);
    return x509.checkIP(serverName) ? null : "IP_ADDRESS_MISMATCH";
  }
  if (code !== undefined) return precise(code, x509);
  return serverName === undefined || x509.checkHost(serverName) ? null : "HOSTNAME_MISMATCH";
}

/** BoringSSL takes a certificate that may not sign others for no issuer of itself; OpenSSL is not so. */
function precise(code: string, x509: X509Certificate): string {
  if (code !== "UNABLE_TO_VERIFY_LEAF_SIGNATURE" || x509.subject !== x509.issuer) return code;
  return x509.verify(x509.publicKey) ? "DEPTH_ZERO_SELF_SIGNED_CERT" : code;
}

interface ChainLink {
  readonly raw?: Uint8Array;
  readonly issuerCertificate?: ChainLink;
}

/** What the peer sent besides its own certificate. */
function sentBy(socket: Native): readonly X509Certificate[] {
  // `false` asks Bun for the chain; a later Bun may read the word as Node does, and give it by `true`.
  const chains = [false, true].map((which) => chain(socket, which));
  return chains.sort((a, b) => b.length - a.length)[0].slice(1)
    .map((link) => link.raw ? readable(link.raw) : null).filter((one) => one !== null);
}

function chain(socket: Native, which: boolean): readonly ChainLink[] {
  const read = socket.getPeerCertificate as (this: Native, which: boolean) => ChainLink | null;
  const links: ChainLink[] = [];
  let link = read.call(socket, which);
  while (link && links.length < LONGEST_CHAIN && !links.includes(link)) {
    links.push(link);
    link = link.issuerCertificate ?? null;
  }
  return links;
}
