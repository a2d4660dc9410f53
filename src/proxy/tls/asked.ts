/**
 * What is asked of the runtime's TLS library for one server: the choices with their files read, and
 * what the library refuses told in nginx's words, all of it in one go.
 */

import type { ServerSettings } from "../../config/settings.ts";
import {
  type Feature,
  type Runtime,
  type TlsContext,
  type TlsLibrary,
  type TlsServerSettings,
  TlsSettingError,
} from "../../net/ports.ts";
import { loadPairs } from "./certificates.ts";
import { type Choice, placeOf, type Source, type TlsChoices } from "./choices.ts";
import type { TlsFindings } from "./findings.ts";

export function askedOf(
  choices: TlsChoices,
  settings: ServerSettings,
  runtime: Runtime,
  findings: TlsFindings,
): TlsServerSettings {
  const can = (feature: Feature) => runtime.supports(feature) === true;
  const given = <T>({ value, written }: Choice<T>, feature: Feature) =>
    written || can(feature) ? value : undefined;
  const requestCertificate = settings.ssl_verify_client !== "off";
  const dhparam = choices.dhparam && findings.text(choices.dhparam, "BIO_new_file()");
  return {
    certificates: loadPairs(choices, runtime.tls, findings),
    protocols: choices.protocols.value,
    ciphers: given(choices.ciphers, "tls-ciphers"),
    ciphersuites: choices.ciphersuites?.value,
    curves: given(choices.curves, "tls-curves"),
    dhparam: dhparam !== null && can("tls-dhparam") ? dhparam : undefined,
    preferServerCiphers: choices.preferServerCiphers.value,
    prioritizeChaCha: choices.prioritizeChaCha?.value,
    requestCertificate,
    ...(requestCertificate && authorities(settings, can("tls-crl"), findings)),
    alpn: [settings.protocol],
    sessionTickets: choices.sessionTickets.value || !can("tls-tickets-off"),
    ticketKeys: ticketKeys(settings, can("tls-ticket-keys"), findings),
    sessionTimeout: settings.ssl_session_timeout / 1000,
    sessionCache: can("tls-session-cache") ? sessionsKept(settings) : undefined,
  };
}

function authorities(
  settings: ServerSettings,
  canRevoke: boolean,
  findings: TlsFindings,
): Pick<TlsServerSettings, "ca" | "crl" | "verifyDepth"> {
  const read = (directive: AuthorityDirective, what: string) => {
    const source = sourceOf(settings, directive);
    return source && findings.text(source, `cannot load ${what}`);
  };
  const ca = [
    read("ssl_client_certificate", "certificate"),
    read("ssl_trusted_certificate", "certificate"),
  ];
  const crl = read("ssl_crl", "CRL");
  return {
    ca: ca.filter((pem) => pem !== null),
    crl: crl !== null && canRevoke ? [crl] : undefined,
    verifyDepth: settings.ssl_verify_depth,
  };
}

type AuthorityDirective = "ssl_client_certificate" | "ssl_trusted_certificate" | "ssl_crl";

function sourceOf(settings: ServerSettings, directive: AuthorityDirective): Source | null {
  const value = settings[directive];
  return value === null
    ? null
    : { value, directive, at: placeOf(settings, directive), written: true };
}

const TICKET_KEYS: readonly number[] = [48, 80];

function ticketKeys(
  settings: ServerSettings,
  supported: boolean,
  findings: TlsFindings,
): readonly Uint8Array[] | undefined {
  const keys = settings.ssl_session_ticket_key.flatMap((value, i) => {
    const directive = "ssl_session_ticket_key";
    const source = { value, directive, at: placeOf(settings, directive, i), written: true } as const;
    const key = findings.bytes(source, "cannot load ticket key");
    if (key === null || TICKET_KEYS.includes(key.length)) return key ?? [];
    findings.add("error", "invalid-value", source, `"${value}" must be 48 or 80 bytes`);
    return [];
  });
  return supported && keys.length > 0 ? keys : undefined;
}

/** nginx's rule of thumb: a megabyte of shared memory holds about 4000 sessions. */
const SESSION_BYTES = 256;

function sessionsKept({ ssl_session_cache: cache }: ServerSettings): number | undefined {
  if (cache.is !== "cache") return undefined;
  const { builtin, shared } = cache;
  return shared ? Math.floor(shared.size / SESSION_BYTES) : builtin ?? undefined;
}
