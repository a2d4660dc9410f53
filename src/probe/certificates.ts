/**
 * What there is to say about a server's certificate: the TLS library's verdict, and name and expiry
 * looked at once more, because a library reports one fault where there may be three. RFC 9525 for names.
 */

import { parseAddress } from "../net/address.ts";
import type { TlsInfo } from "../net/ports.ts";
import type { CertificateReport, ChainReport, Finding } from "./model.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

export function certificateReport(
  { peer, verify }: Pick<TlsInfo, "peer" | "verify">,
  now: number,
): CertificateReport | null {
  if (!peer) return null;
  return {
    subject: peer.subject,
    issuer: peer.issuer,
    names: peer.names.length > 0 ? peer.names : [peer.commonName].filter((name) => name !== ""),
    serial: peer.serial,
    fingerprint: peer.fingerprint,
    notBefore: new Date(peer.notBefore).toISOString(),
    notAfter: new Date(peer.notAfter).toISOString(),
    daysLeft: Math.floor((peer.notAfter - now) / DAY_MS),
    verified: verify.ok,
    verdict: verify.text,
  };
}

/** What the server sent above its own certificate. */
export function chainReport(
  { chain = [] }: Pick<TlsInfo, "chain">,
  now: number,
): readonly ChainReport[] {
  return chain.slice(1).map(({ subject, issuer, notAfter }) => ({
    subject,
    issuer,
    notAfter: new Date(notAfter).toISOString(),
    daysLeft: Math.floor((notAfter - now) / DAY_MS),
  }));
}

/** An intermediate whose time ends before the server's own certificate takes it along. */
export function chainFindings(
  { chain = [] }: Pick<TlsInfo, "chain">,
  now: number,
  warnDays: number,
): Finding[] {
  return chain.slice(1).flatMap(({ subject, notAfter }): Finding[] => {
    const day = new Date(notAfter).toISOString().slice(0, 10);
    const days = Math.floor((notAfter - now) / DAY_MS);
    if (now > notAfter) {
      const message = `the certificate of ${subject} in the chain expired on ${day}`;
      return [{ id: "chain-expired", severity: "error", message }];
    }
    if (days >= warnDays) return [];
    const left = `${days} ${days === 1 ? "day" : "days"}`;
    const message = `the certificate of ${subject} in the chain expires in ${left}, on ${day}`;
    return [{ id: "chain-expires-soon", severity: "warning", message }];
  });
}

/** OpenSSL's codes for dates and names, which have findings of their own. */
const DATES: readonly string[] = ["9", "10"];
const NAMES: readonly string[] = ["62", "64"];
/** The issuer was not found. */
const LOST: readonly string[] = ["2", "20", "21"];

/** `host` null: there is no name to compare. */
export function certificateFindings(
  { peer, verify, chain }: Pick<TlsInfo, "peer" | "verify" | "chain">,
  host: string | null,
  now: number,
  warnDays: number,
): Finding[] {
  if (!peer) return [];
  const found: Finding[] = [];
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const days = Math.floor((peer.notAfter - now) / DAY_MS);
  if (now > peer.notAfter) {
    const message = `the certificate expired on ${day(peer.notAfter)}`;
    found.push({ id: "certificate-expired", severity: "error", message });
  } else if (now < peer.notBefore) {
    const message = `the certificate is not valid before ${day(peer.notBefore)}`;
    found.push({ id: "certificate-not-yet-valid", severity: "error", message });
  } else if (days < warnDays) {
    const left = `${days} ${days === 1 ? "day" : "days"}`;
    const message = `the certificate expires in ${left}, on ${day(peer.notAfter)}`;
    found.push({ id: "certificate-expires-soon", severity: "warning", message });
  }
  const named = host === null || peer.names.some((name) => covers(name, host));
  if (!named) {
    const names = peer.names.join(", ") || "no name at all";
    const message = `the certificate does not cover ${host}: it is for ${names}`;
    found.push({ id: "certificate-name", severity: "error", message });
  }
  const { ok, code, text } = verify;
  if (!ok && !DATES.includes(code) && !NAMES.includes(code)) {
    const alone = LOST.includes(code) && (chain?.length ?? 2) < 2;
    const hint = alone ? "; the server sends no intermediate certificate" : "";
    const message = `the certificate is not trusted: ${text} (${code})${hint}`;
    found.push({ id: "certificate-chain", severity: "error", message });
  }
  return found;
}

/** A name of a certificate against a host: literals by their bytes, a wildcard for one label. */
export function covers(name: string, host: string): boolean {
  const address = parseAddress(host);
  if (address) return parseAddress(name)?.join() === address.join();
  const [pattern, wanted] = [name, host].map((each) => each.toLowerCase().replace(/\.$/, ""));
  if (!pattern.startsWith("*.")) return pattern === wanted;
  const dot = wanted.indexOf(".");
  return dot > 0 && wanted.slice(dot) === pattern.slice(1);
}
