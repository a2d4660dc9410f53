/**
 * The TLS library of the runtimes that do TLS through `node:tls` (Node and Deno): settings become
 * contexts, and every setting is tried alone first, so that an error names the one at fault. Deno
 * reports bad keys only at the first handshake otherwise, and an administrator long before that.
 */

import { constants, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import {
  type CertificateAndKey,
  type TlsClientSettings,
  type TlsContext,
  type TlsInfo,
  type TlsLibrary,
  type TlsServerSettings,
  TlsSettingError,
  type TlsVersion,
} from "../../net/ports.ts";
import { certificatesOf, inspectPem } from "../certificate.ts";
import { childrenOf, elementAt } from "../der.ts";
import { describeOwn } from "../own.ts";

/** What one runtime's `node:tls` cannot do. A reason makes the setting an error instead of a dead letter. */
export interface Lacks {
  readonly ciphers?: string;
  readonly crl?: string;
  readonly curves?: string;
  readonly dhparam?: string;
  readonly oldProtocols?: string;
  readonly sessionTickets?: string;
  /** One context holds one certificate: a pair of kinds needs a choice of contexts. */
  readonly severalCertificates?: true;
  /** Why a context that was made cannot be used, where the runtime finds out only then. */
  readonly fault?: (secure: SecureContext) => string | null;
}

/** What is known of a server's certificate beforehand. */
export interface OwnCertificate {
  readonly fingerprint256: string;
  /** As node:crypto names it: `rsa`, `ec` ... */
  readonly keyType: string;
  readonly own: TlsInfo["own"];
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
  readonly trusted: readonly X509Certificate[];
  readonly alpn: readonly string[];
}

export interface ClientContext extends TlsContext {
  readonly tlsContext: "client";
  readonly secure: SecureContext;
  readonly verify: boolean;
  readonly trusted: readonly X509Certificate[];
  readonly alpn: readonly string[];
}

type Setting = TlsSettingError["setting"];

export function makeTlsLibrary(lacks: Lacks): TlsLibrary {
  return {
    server: (settings) => serverContext(settings, lacks),
    client: (settings) => clientContext(settings, lacks),
    inspect: inspectPem,
    matches: (pair) => keyFits(certificateOf(pair, 0, "certificates"), keyOf(pair, 0)),
  };
}

function serverContext(settings: TlsServerSettings, lacks: Lacks): ServerContext {
  if (settings.certificates.length === 0) {
    throw new TlsSettingError("certificates", "a server needs a certificate");
  }
  const checked = settings.certificates.map((pair, i) => checkPair(pair, i, "certificates"));
  const trusted = trustedCertificates(settings.ca);
  const common: SecureContextOptions = {
    sessionIdContext: SESSION_ID_CONTEXT,
    ...(settings.sessionTimeout !== undefined && { sessionTimeout: settings.sessionTimeout }),
    ...protocolOptions(settings.protocols, lacks, serverFlags(settings, lacks)),
    ...cipherOptions(settings.ciphers, lacks),
    ...curveOptions(settings.curves, lacks),
    ...dhOptions(settings.dhparam, lacks),
    ...trustOptions(trusted, settings, lacks),
  };
  const choice = (pairs: readonly CertificateAndKey[], first: number): Choice => ({
    certificates: checked.slice(first, first + pairs.length),
    secure: tried({ ...common, ...pairOptions(pairs) }, lacks, first),
  });
  return {
    tlsContext: "server",
    choices: lacks.severalCertificates
      ? settings.certificates.map((pair, index) => choice([pair], index))
      : [choice(settings.certificates, 0)],
    requestCertificate: settings.requestCertificate ?? false,
    trusted,
    alpn: settings.alpn ?? [],
  };
}

function pairOptions(pairs: readonly CertificateAndKey[]): SecureContextOptions {
  return { cert: pairs.map((pair) => pair.certificate), key: pairs.map(keyOption) };
}

function clientContext(settings: TlsClientSettings, lacks: Lacks): ClientContext {
  const pair = settings.certificate;
  if (pair) checkPair(pair, 0, "certificate");
  const trusted = trustedCertificates(settings.ca);
  const secure = build({
    ...(pair && pairOptions([pair])),
    ...(settings.protocols && protocolOptions(settings.protocols, lacks, 0)),
    ...cipherOptions(settings.ciphers, lacks),
    ...trustOptions(trusted, settings, lacks),
  }, "certificate");
  const { verify, alpn = [] } = settings;
  return { tlsContext: "client", secure, verify, trusted, alpn };
}

/** OpenSSL resumes sessions of servers that ask for certificates only when they carry a context id. */
const SESSION_ID_CONTEXT = "doorpost";

function serverFlags(settings: TlsServerSettings, lacks: Lacks): number {
  let flags = 0;
  if (settings.preferServerCiphers) flags |= constants.SSL_OP_CIPHER_SERVER_PREFERENCE;
  if (settings.sessionTickets === false) {
    refuse("sessionTickets", lacks.sessionTickets);
    flags |= constants.SSL_OP_NO_TICKET;
  }
  return flags;
}

// --- certificates and keys ----------------------------------------------------------------------

/** That both can be read, and belong together. */
function checkPair(
  pair: CertificateAndKey,
  index: number,
  setting: "certificates" | "certificate",
): OwnCertificate {
  const certificate = certificateOf(pair, index, setting);
  const key = keyOf(pair, index);
  if (!keyFits(certificate, key)) {
    throw new TlsSettingError("key", "the key does not belong to the certificate", index);
  }
  const { fingerprint256 } = certificate;
  return { fingerprint256, keyType: key.asymmetricKeyType ?? "", own: describeOwn(certificate) };
}

function certificateOf(pair: CertificateAndKey, index: number, setting: Setting): X509Certificate {
  const [leaf] = attempt(setting, index, () => everyCertificate(pair.certificate));
  if (leaf) return leaf;
  throw new TlsSettingError(setting, "no certificate in PEM form was found", index);
}

function everyCertificate(pem: string): X509Certificate[] {
  return certificatesOf(pem).map((der) => new X509Certificate(der));
}

function keyOf(pair: CertificateAndKey, index: number): KeyObject {
  const { key, passphrase } = pair;
  return attempt("key", index, () => createPrivateKey({ key, format: "pem", passphrase }));
}

function keyFits(certificate: X509Certificate, key: KeyObject): boolean {
  return certificate.checkPrivateKey(key);
}

function keyOption(pair: CertificateAndKey): { pem: string; passphrase?: string } {
  const { key, passphrase } = pair;
  return passphrase === undefined ? { pem: key } : { pem: key, passphrase };
}

function trustedCertificates(ca: readonly string[] | undefined): X509Certificate[] {
  return (ca ?? []).flatMap((pem, index) => {
    const found = attempt("ca", index, () => everyCertificate(pem));
    if (found.length > 0) return found;
    throw new TlsSettingError("ca", "no certificate in PEM form was found", index);
  });
}

function trustOptions(
  trusted: readonly X509Certificate[],
  settings: { readonly ca?: readonly string[]; readonly crl?: readonly string[] },
  lacks: Lacks,
): SecureContextOptions {
  const { ca, crl = [] } = settings;
  if (crl.length > 0) refuse("crl", lacks.crl);
  crl.forEach((pem, index) => attempt("crl", index, () => createSecureContext({ crl: pem })));
  return {
    // One certificate an entry: of a text with several, some versions read the first alone.
    ...(ca && { ca: trusted.map((certificate) => certificate.toString()) }),
    ...(crl.length > 0 && { crl: [...crl] }),
  };
}

// --- protocols, ciphers, groups -----------------------------------------------------------------

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

const WITHOUT: Readonly<Record<TlsVersion, number>> = {
  "TLSv1": constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
};

function protocolOptions(
  protocols: readonly TlsVersion[],
  lacks: Lacks,
  flags: number,
): SecureContextOptions {
  const wanted = VERSIONS.filter((version) => protocols.includes(version));
  const usable = lacks.oldProtocols ? wanted.filter(isModern) : wanted;
  if (usable.length === 0) {
    throw new TlsSettingError("protocols", lacks.oldProtocols ?? "no protocol is enabled");
  }
  // Versions may be named with a gap between them.
  let secureOptions = flags;
  for (const version of VERSIONS) if (!usable.includes(version)) secureOptions |= WITHOUT[version];
  return { minVersion: usable[0], maxVersion: usable[usable.length - 1], secureOptions };
}

function isModern(version: TlsVersion): boolean {
  return version === "TLSv1.2" || version === "TLSv1.3";
}

/** node:tls takes a list without TLS 1.3 suites to mean that TLS 1.3 is off; OpenSSL's own list is not so. */
const TLS13_SUITES = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

function cipherOptions(ciphers: string | undefined, lacks: Lacks): SecureContextOptions {
  if (ciphers === undefined) return {};
  refuse("ciphers", lacks.ciphers);
  attempt("ciphers", 0, () => createSecureContext({ ciphers }));
  const named = /(?:^|:)TLS_/.test(ciphers);
  return { ciphers: named ? ciphers : `${TLS13_SUITES}:${ciphers}` };
}

function curveOptions(curves: string | undefined, lacks: Lacks): SecureContextOptions {
  if (curves === undefined || curves === "auto") return {};
  refuse("curves", lacks.curves);
  attempt("curves", 0, () => createSecureContext({ ecdhCurve: curves }));
  return { ecdhCurve: curves };
}

function dhOptions(dhparam: string | undefined, lacks: Lacks): SecureContextOptions {
  if (dhparam === undefined) return {};
  refuse("dhparam", lacks.dhparam);
  attempt("dhparam", 0, () => {
    // node:tls passes over what it cannot read.
    const block = /-----BEGIN DH PARAMETERS-----([^-]+)-----END/.exec(dhparam);
    if (!block) throw new Error("no DH parameters in PEM form were found");
    const der = Uint8Array.from(atob(block[1].replace(/\s+/g, "")), (c) => c.charCodeAt(0));
    if (childrenOf(der, elementAt(der, 0)).length < 2) throw new RangeError("malformed DER");
    createSecureContext({ dhparam });
  });
  return { dhparam };
}

// --- errors -------------------------------------------------------------------------------------

function refuse(setting: Setting, reason: string | undefined): void {
  if (reason !== undefined) throw new TlsSettingError(setting, reason);
}

function attempt<T>(setting: Setting, index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TlsSettingError(setting, wordsOf(error), index);
  }
}

function tried(options: SecureContextOptions, lacks: Lacks, index: number): SecureContext {
  const secure = build(options, "certificates", index);
  const fault = lacks.fault?.(secure) ?? null;
  if (fault !== null) throw new TlsSettingError("certificates", fault, index);
  return secure;
}

function build(options: SecureContextOptions, setting: Setting, index = 0): SecureContext {
  return attempt(setting, index, () => createSecureContext(options));
}

/** OpenSSL's reason where there is one: the rest of its messages are numbers and source files. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { reason } = error as { reason?: unknown };
  if (typeof reason === "string" && reason !== "") return reason;
  const parts = /error:[0-9A-F]+:([^:]*):([^:]*):([^:]+)/i.exec(error.message);
  return parts ? parts[3].trim() : error.message;
}
