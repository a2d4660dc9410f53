/**
 * The TLS library of the runtimes, all of which make contexts by `node:tls`: settings become contexts.
 * What `options.ts`, `keys.ts` and `chain.ts` do not say of a context is here.
 */

import { createHash, type X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import {
  type TlsClientSettings,
  type TlsContext,
  type TlsLibrary,
  type TlsServerSettings,
  TlsSettingError,
} from "../../net/ports.ts";
import { inspectPem } from "../certificate.ts";
import { attempt, type Setting } from "./errors.ts";
import {
  type CheckedPair,
  checkPair,
  oneOfAKind,
  type OwnCertificate,
  pairMatches,
  trustedCertificates,
} from "./keys.ts";
import { cipherOptions, type Lacks, protocolOptions, refuse, serverOptions } from "./options.ts";
import type { Resumed, Trust } from "./trust.ts";

export type { OwnCertificate } from "./keys.ts";

/** What else a runtime's adapter has to say about contexts. */
export interface Ways extends Lacks {
  /** One context holds one certificate: a pair of kinds needs a choice of contexts. */
  readonly severalCertificates?: true;
  /** Why a context that was made cannot be used, where the runtime finds out only then. */
  readonly fault?: (secure: SecureContext) => string | null;
  /** Given as `ca` when no authority is trusted, where an empty list would mean the runtime's own. */
  readonly nobody?: string;
  /** What a resumed session still knows of the client; default all. */
  readonly resumed?: Resumed;
  /** See `Trust`. */
  readonly coarse?: true;
  /** Keeps so many sessions; becomes the `server` option of `TLSSocket`. */
  readonly sessionStore?: (size: number) => object;
}

export interface Choice {
  readonly certificates: readonly OwnCertificate[];
  readonly secure: SecureContext;
}

export interface ServerContext extends TlsContext {
  readonly tlsContext: "server";
  /** One, or one a certificate where a context holds no more. */
  readonly choices: readonly Choice[];
  readonly requestCertificate: boolean;
  readonly trust: Trust;
  readonly alpn: readonly string[];
  readonly sessionStore: object | null;
}

export interface ClientContext extends TlsContext {
  readonly tlsContext: "client";
  readonly secure: SecureContext;
  readonly verify: boolean;
  readonly trusted: readonly X509Certificate[];
  /** See `Trust`. */
  readonly coarse: boolean;
  readonly alpn: readonly string[];
  /** Whether `TlsInfo.chain` is wanted. */
  readonly tellsChain: boolean;
}

export function makeTlsLibrary(ways: Ways): TlsLibrary {
  return {
    server: (settings) => serverContext(settings, ways),
    client: (settings) => clientContext(settings, ways),
    inspect: inspectPem,
    matches: pairMatches,
  };
}

// --- servers ------------------------------------------------------------------------------------

function serverContext(asked: TlsServerSettings, ways: Ways): ServerContext {
  // Who asks nobody trusts nobody: with the system's authorities at hand the library would look for
  // issuers of its own certificate among them, in files, at every handshake.
  const settings = { ...asked, ca: asked.requestCertificate ? asked.ca ?? [] : [] };
  const trusted = trustedCertificates(settings.ca);
  const trust = trustOptions(trusted, settings, ways);
  const pairs = tryPairs(settings);
  const keyTypes = pairs instanceof TlsSettingError ? ANY_KEY : pairs.map((pair) => pair.keyType);
  const options = serverOptions(settings, ways, keyTypes);
  if (pairs instanceof TlsSettingError) throw pairs;
  const identity = identityOf(settings, pairs);
  const common = { ...options, ...trust, sessionIdContext: identity.slice(0, SESSION_ID_CONTEXT) };
  const choice = (some: readonly CheckedPair[]): Choice => ({
    certificates: some,
    secure: tried({ ...common, ...pairOptions(some) }, ways, pairs.indexOf(some[0])),
  });
  return {
    tlsContext: "server",
    choices: ways.severalCertificates ? pairs.map((pair) => choice([pair])) : [choice(pairs)],
    requestCertificate: settings.requestCertificate ?? false,
    trust: {
      identity,
      trusted,
      verifyDepth: settings.verifyDepth,
      resumed: ways.resumed ?? "all",
      coarse: ways.coarse ?? false,
    },
    alpn: settings.alpn ?? [],
    sessionStore: settings.sessionCache ? ways.sessionStore?.(settings.sessionCache) ?? null : null,
  };
}

const ANY_KEY: readonly string[] = ["rsa", "ec"];

/** The error is for later: it comes behind all that can be said without certificates. */
function tryPairs({ certificates }: TlsServerSettings): readonly CheckedPair[] | TlsSettingError {
  if (certificates.length === 0) {
    return new TlsSettingError("certificates", "a server needs a certificate");
  }
  try {
    return oneOfAKind(certificates.map((pair, i) => checkPair(pair, i, "certificates")));
  } catch (error) {
    if (error instanceof TlsSettingError) return error;
    throw error;
  }
}

/** SSL_MAX_SID_CTX_LENGTH. */
const SESSION_ID_CONTEXT = 32;

/**
 * What a session was made under. As in nginx, it is resumed only where the server shows the same
 * certificates and asks the same of the client's: never to get around another server's authorities.
 */
function identityOf(
  { requestCertificate, ca, crl, verifyDepth }: TlsServerSettings,
  pairs: readonly CheckedPair[],
): string {
  const own = pairs.map(({ fingerprint256 }) => fingerprint256);
  const text = JSON.stringify([own, requestCertificate, ca, crl, verifyDepth]);
  return createHash("sha256").update(text).digest("hex");
}

// --- clients ------------------------------------------------------------------------------------

function clientContext(settings: TlsClientSettings, ways: Ways): ClientContext {
  const { verify, alpn = [], certificate, protocols, chain: tellsChain = false } = settings;
  const pair = certificate && checkPair(certificate, 0, "certificate");
  const trusted = trustedCertificates(settings.ca);
  const secure = build({
    ...(pair && pairOptions([pair])),
    ...(protocols && protocolOptions(protocols, ways, 0)),
    ...cipherOptions(settings.ciphers, ways, ANY_KEY),
    ...trustOptions(trusted, settings, ways),
  }, "certificate");
  const { coarse = false } = ways;
  return { tlsContext: "client", secure, verify, trusted, coarse, alpn, tellsChain };
}

// --- both ---------------------------------------------------------------------------------------

function pairOptions(pairs: readonly CheckedPair[]): SecureContextOptions {
  return { cert: pairs.map((pair) => pair.certificate), key: pairs.map((pair) => pair.key) };
}

function trustOptions(
  trusted: readonly X509Certificate[],
  settings: { readonly ca?: readonly string[]; readonly crl?: readonly string[] },
  ways: Ways,
): SecureContextOptions {
  const { ca, crl = [] } = settings;
  if (crl.length > 0) refuse("crl", ways.crl);
  crl.forEach((pem, index) => attempt("crl", index, () => createSecureContext({ crl: pem })));
  // One certificate an entry: of a text with several, some versions read the first alone.
  const authorities = trusted.map((certificate) => certificate.toString());
  if (ways.nobody !== undefined && authorities.length === 0) authorities.push(ways.nobody);
  return { ...(ca && { ca: authorities }), ...(crl.length > 0 && { crl: [...crl] }) };
}

function tried(options: SecureContextOptions, ways: Ways, index: number): SecureContext {
  const secure = build(options, "certificates", index);
  const fault = ways.fault?.(secure) ?? null;
  if (fault !== null) throw new TlsSettingError("certificates", fault, index);
  return secure;
}

function build(options: SecureContextOptions, setting: Setting, index = 0): SecureContext {
  return attempt(setting, index, () => createSecureContext(options));
}
