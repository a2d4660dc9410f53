/**
 * From settings to the options of `node:tls`: protocols, ciphers, groups, DH parameters, tickets. Every
 * setting is tried alone, so that an error names the one at fault.
 */

import { constants, createHash } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { type TlsServerSettings, TlsSettingError, type TlsVersion } from "../../net/ports.ts";
import { childrenOf, elementAt } from "../../core/der.ts";
import { attempt, type Setting } from "./errors.ts";

/**
 * How one runtime's library differs from OpenSSL. A reason makes a setting an error instead of a dead
 * letter; a function judges the value, and gives the reason or null.
 */
export interface Lacks {
  readonly ciphers?: string | ((ciphers: string, keyTypes: readonly string[]) => string | null);
  readonly ciphersuites?: string | ((suites: string) => string | null);
  readonly curves?: string | ((curves: string) => string | null);
  readonly crl?: string;
  readonly dhparam?: string;
  /** TLS 1.0 and 1.1, which are then left out. */
  readonly oldProtocols?: string;
  readonly protocolsGap?: string;
  readonly sessionTickets?: string;
  readonly ticketKeys?: string;
  /** The cipher string in the library's own language. */
  readonly translate?: (ciphers: string) => string;
}

/** All but certificates and authorities. */
export function serverOptions(
  settings: TlsServerSettings,
  lacks: Lacks,
  keyTypes: readonly string[],
): SecureContextOptions {
  return {
    ...(settings.sessionTimeout !== undefined && { sessionTimeout: settings.sessionTimeout }),
    ...protocolOptions(settings.protocols, lacks, serverFlags(settings, lacks)),
    ...serverCiphers(settings, lacks, keyTypes),
    ...curveOptions(settings.curves, lacks),
    ...dhOptions(settings.dhparam, lacks),
    ...ticketKeyOptions(settings.ticketKeys, lacks),
  };
}

function serverFlags(settings: TlsServerSettings, lacks: Lacks): number {
  // nginx lets nobody renegotiate: it is work for the server at the client's word (CVE-2009-3555).
  let flags = constants.SSL_OP_NO_RENEGOTIATION;
  if (settings.preferServerCiphers) flags |= constants.SSL_OP_CIPHER_SERVER_PREFERENCE;
  if (settings.prioritizeChaCha) flags |= constants.SSL_OP_PRIORITIZE_CHACHA;
  if (settings.sessionTickets === false) {
    refuse("sessionTickets", lacks.sessionTickets);
    flags |= constants.SSL_OP_NO_TICKET;
  }
  return flags;
}

// --- protocols ----------------------------------------------------------------------------------

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

const WITHOUT: Readonly<Record<TlsVersion, number>> = {
  "TLSv1": constants.SSL_OP_NO_TLSv1,
  "TLSv1.1": constants.SSL_OP_NO_TLSv1_1,
  "TLSv1.2": constants.SSL_OP_NO_TLSv1_2,
  "TLSv1.3": constants.SSL_OP_NO_TLSv1_3,
};

export function protocolOptions(
  protocols: readonly TlsVersion[],
  lacks: Lacks,
  flags: number,
): SecureContextOptions {
  const wanted = VERSIONS.filter((version) => protocols.includes(version));
  const usable = lacks.oldProtocols ? wanted.filter(isModern) : wanted;
  const [least] = usable;
  const most = usable[usable.length - 1];
  if (!least) {
    throw new TlsSettingError("protocols", lacks.oldProtocols ?? "no protocol is enabled");
  }
  if (VERSIONS.indexOf(most) - VERSIONS.indexOf(least) >= usable.length) {
    refuse("protocols", lacks.protocolsGap);
  }
  let secureOptions = flags;
  for (const version of VERSIONS) if (!usable.includes(version)) secureOptions |= WITHOUT[version];
  return { minVersion: least, maxVersion: most, secureOptions };
}

function isModern(version: TlsVersion): boolean {
  return version === "TLSv1.2" || version === "TLSv1.3";
}

// --- ciphers and groups -------------------------------------------------------------------------

/** node:tls takes a list without TLS 1.3 suites to mean that TLS 1.3 is off; OpenSSL's own list is not so. */
const TLS13_SUITES = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

function serverCiphers(
  { ciphers, ciphersuites, protocols }: TlsServerSettings,
  lacks: Lacks,
  keyTypes: readonly string[],
): SecureContextOptions {
  const older = protocols.some((version) => version !== "TLSv1.3");
  const chosen = cipherOptions(ciphers, lacks, older ? keyTypes : []);
  if (ciphersuites === undefined || !protocols.includes("TLSv1.3")) return chosen;
  if (lacks.ciphersuites !== undefined) {
    refuse("ciphersuites", judged(lacks.ciphersuites, (judge) => judge(ciphersuites)));
    return chosen;
  }
  attempt("ciphersuites", 0, () => createSecureContext({ ciphers: onlySuites(ciphersuites) }));
  const list = chosen.ciphers?.slice(TLS13_SUITES.length) ?? ":DEFAULT";
  return { ciphers: ciphersuites + list };
}

function onlySuites(list: string): string {
  if (list.split(":").every(isSuite)) return list;
  throw new TlsSettingError("ciphersuites", "no cipher match");
}

function isSuite(word: string): boolean {
  return word.startsWith("TLS_");
}

/** @param keyTypes of the server's certificates, as node:crypto names them; empty: TLS 1.3 alone. */
export function cipherOptions(
  ciphers: string | undefined,
  lacks: Lacks,
  keyTypes: readonly string[],
): SecureContextOptions {
  if (ciphers === undefined) return {};
  if (lacks.ciphers !== undefined) {
    refuse("ciphers", judged(lacks.ciphers, (judge) => judge(ciphers, keyTypes)));
    return {};
  }
  // As in OpenSSL, TLS 1.3 suites are not chosen by this list.
  const words = ciphers.split(/[:,; ]+/).filter((word) => !isSuite(word)).join(":");
  const own = lacks.translate?.(words) ?? words;
  attempt("ciphers", 0, () => createSecureContext({ ciphers: own }));
  return { ciphers: `${TLS13_SUITES}:${own}` };
}

function curveOptions(curves: string | undefined, lacks: Lacks): SecureContextOptions {
  if (curves === undefined || curves === "auto") return {};
  if (lacks.curves !== undefined) {
    refuse("curves", judged(lacks.curves, (judge) => judge(curves)));
    return {};
  }
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

// --- tickets ------------------------------------------------------------------------------------

/** nginx's two layouts: name, AES key, HMAC key of 16 bytes each; or name, HMAC key, AES key of 16 + 32 + 32. */
const SHORT_KEY = 48;
const LONG_KEY = 80;

function ticketKeyOptions(
  keys: readonly Uint8Array[] | undefined,
  lacks: Lacks,
): SecureContextOptions {
  if (keys === undefined || keys.length === 0) return {};
  refuse("ticketKeys", lacks.ticketKeys);
  keys.forEach((key, index) => {
    if (key.length === SHORT_KEY || key.length === LONG_KEY) return;
    throw new TlsSettingError("ticketKeys", "must be 48 or 80 bytes", index);
  });
  return { ticketKeys: nodeTicketKey(keys[0]) } as SecureContextOptions;
}

/** Node has name, HMAC key and AES key of 16 bytes each: a long key is made into one, the same everywhere. */
function nodeTicketKey(key: Uint8Array): Uint8Array {
  if (key.length === LONG_KEY) return createHash("sha384").update(key).digest();
  const order = [key.subarray(0, 16), key.subarray(32), key.subarray(16, 32)];
  return Uint8Array.from(order.flatMap((part) => [...part]));
}

// --- refusals -----------------------------------------------------------------------------------

function judged<Judge>(
  lack: string | Judge,
  ask: (judge: Judge) => string | null,
): string | undefined {
  return typeof lack === "string" ? lack : ask(lack) ?? undefined;
}

export function refuse(setting: Setting, reason: string | undefined): void {
  if (reason !== undefined) throw new TlsSettingError(setting, reason);
}
