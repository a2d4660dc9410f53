/**
 * TLS to an auth server, `https://` URLs: RFC 9110 section 4.3.4 (whose certificate it must be), RFC 9525
 * (names).
 *
 * Rule: no question is asked before the certificate was found good. The library only reports, for it
 * names one fault where there may be three, and whoever mends a certificate wants to know them all.
 */

import type { AuthHttpUrl } from "../config/settings.ts";
import type { TlsContext, TlsInfo, TlsLibrary } from "../net/ports.ts";
import { certificateFindings, certificateReport } from "./certificates.ts";
import type { CertificateReport } from "./model.ts";

/** How TLS is begun with one server; made once, because reading a store of authorities takes long. */
export interface Secure {
  readonly context: TlsContext;
  /** Name or address that the certificate must have. */
  readonly host: string;
}

/** What was agreed. */
export interface Secured {
  /** OpenSSL's spelling: `TLSv1.3`, `TLS_AES_256_GCM_SHA384`. */
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: CertificateReport | null;
}

/** Days before the end of a certificate from which on it is worth a warning. */
const SOON_DAYS = 30;

/** Null for plain HTTP. `ca` undefined: the system's store. Throws a `TlsSettingError`. */
export function secureFor(
  { tls, at }: AuthHttpUrl,
  library: TlsLibrary,
  ca: readonly string[] | undefined,
): Secure | null {
  if (!tls || at.is === "unix") return null;
  const context = library.client({ verify: false, ...(ca && { ca }) });
  return { context, host: at.is === "name" ? at.host : at.address };
}

/** `now`: milliseconds since 1970. */
export function securedBy(info: TlsInfo, now: number): Secured {
  const { protocol, cipher } = info;
  return { protocol, cipher, certificate: certificateReport(info, now) };
}

/** Everything that forbids to trust the certificate, in one sentence; null when nothing does. */
export function distrust(
  { peer, verify }: Pick<TlsInfo, "peer" | "verify">,
  host: string,
  now: number,
): string | null {
  if (peer === null) return "it showed no certificate";
  const faults = certificateFindings({ peer, verify }, host, now, 0)
    .filter(({ severity }) => severity === "error");
  if (faults.length > 0) return faults.map(({ message }) => message).join("; ");
  // Whatever is not looked at once more here is still the library's to forbid.
  return verify.ok ? null : `the certificate is not trusted: ${verify.text} (${verify.code})`;
}

/** `in 7 days, on 2026-11-28`; null while it is far. */
export function endsSoon({ certificate }: Secured): string | null {
  if (certificate === null || certificate.daysLeft >= SOON_DAYS) return null;
  const { daysLeft, notAfter } = certificate;
  return `in ${daysLeft} ${daysLeft === 1 ? "day" : "days"}, on ${notAfter.slice(0, 10)}`;
}

/** What a failed handshake says, and what most likely lies behind it. */
export function handshakeFailure(said: string): string {
  const plain = /wrong version number|packet length too long|http request/i.test(said)
    ? "; perhaps it speaks http only"
    : "";
  return `the TLS handshake failed: ${said.replace(/^TLS handshake failed: /, "")}${plain}`;
}
