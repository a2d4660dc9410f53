/**
 * What is asked of the runtime's TLS library for one server: the choices with their files read, and
 * what the library refuses told in nginx's words, all of it in one go.
 */

import type { ServerSettings } from "../../config/settings.ts";
import type { Feature, Runtime } from "../../net/ports.ts";
import { loadPairs } from "./certificates.ts";
import { type Choice, placeOf, type Source, type TlsChoices } from "./choices.ts";
import { CANNOT_OPEN, CANNOT_READ, cannotLoad, type TlsFindings } from "./findings.ts";
import type { Asked } from "./make.ts";

export function askedOf(
  choices: TlsChoices,
  settings: ServerSettings,
  runtime: Runtime,
  findings: TlsFindings,
): Asked {
  const can = (feature: Feature) => runtime.supports(feature) === true;
  const given = <T>({ value, written }: Choice<T>, feature: Feature) =>
    written || can(feature) ? value : undefined;
  const dhparam = choices.dhparam && findings.text(choices.dhparam, CANNOT_READ);
  const trust = readTrust(settings, findings);
  return {
    choices,
    authorities: trust.authorities.map(({ source }) => source),
    revocations: trust.revocations?.source ?? null,
    settings: {
      certificates: loadPairs(choices, runtime.tls, findings),
      protocols: choices.protocols.value,
      ciphers: given(choices.ciphers, "tls-ciphers"),
      ciphersuites: choices.ciphersuites?.value,
      curves: given(choices.curves, "tls-curves"),
      dhparam: dhparam !== null && can("tls-dhparam") ? dhparam : undefined,
      preferServerCiphers: choices.preferServerCiphers.value,
      prioritizeChaCha: choices.prioritizeChaCha?.value,
      requestCertificate: verifies(settings),
      ca: verifies(settings) ? trust.authorities.map(({ pem }) => pem) : undefined,
      crl: trust.revocations && can("tls-crl") ? [trust.revocations.pem] : undefined,
      verifyDepth: settings.ssl_verify_depth,
      alpn: [settings.protocol],
      sessionTickets: choices.sessionTickets.value || !can("tls-tickets-off"),
      ticketKeys: ticketKeys(settings, can("tls-ticket-keys"), findings),
      sessionTimeout: settings.ssl_session_timeout / 1000,
      sessionCache: can("tls-session-cache") ? sessionsKept(settings) : undefined,
    },
  };
}

interface Trust {
  readonly authorities: readonly Loaded[];
  readonly revocations: Loaded | null;
}

interface Loaded {
  readonly source: Source;
  readonly pem: string;
}

function verifies({ ssl_verify_client }: ServerSettings): boolean {
  return ssl_verify_client !== "off";
}

/** As in nginx, the files are not looked at where no certificate is asked for. */
function readTrust(settings: ServerSettings, findings: TlsFindings): Trust {
  const read = (directive: TrustDirective, what: string): Loaded | null => {
    const value = settings[directive];
    if (value === null || !verifies(settings)) return null;
    const source = { value, directive, at: placeOf(settings, directive), written: true };
    const pem = findings.text(source, cannotLoad(what));
    return pem === null ? null : { source, pem };
  };
  const named = read("ssl_client_certificate", "certificate");
  const unnamed = read("ssl_trusted_certificate", "certificate");
  return {
    authorities: [named, unnamed].filter((one) => one !== null),
    revocations: read("ssl_crl", "CRL"),
  };
}

type TrustDirective = "ssl_client_certificate" | "ssl_trusted_certificate" | "ssl_crl";

const TICKET_KEYS: readonly number[] = [48, 80];

function ticketKeys(
  settings: ServerSettings,
  supported: boolean,
  findings: TlsFindings,
): readonly Uint8Array[] | undefined {
  const keys = settings.ssl_session_ticket_key.flatMap((value, i) => {
    const directive = "ssl_session_ticket_key";
    const source = {
      value,
      directive,
      at: placeOf(settings, directive, i),
      written: true,
    } as const;
    const key = findings.bytes(source, CANNOT_OPEN);
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
