/**
 * Chains of certificates, as far as the runtimes do not tell of them: how deep a verified one is
 * (nginx's `ssl_verify_depth`), and what is wrong with one that Deno calls unverifiable without saying
 * why.
 *
 * Nothing here decides that a certificate is trusted: that is the TLS library's verdict. These
 * functions explain it, and may find a trusted chain too long, never the reverse.
 */

import type { X509Certificate } from "node:crypto";
import { describe, extendedUsages } from "../certificate.ts";

/** A peer may send as many as it likes; OpenSSL stops at 100, nobody means more than a handful. */
export const LONGEST_CHAIN = 16;

/**
 * The shortest way from the leaf to a trusted self-issued certificate, over what the peer sent and our
 * own; without any, the longest that was found. Every link is held by its signature, so that no
 * certificate that a peer slips in can shorten the way.
 */
export function pathOf(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): readonly X509Certificate[] {
  const known = [...trusted, ...sent.slice(0, LONGEST_CHAIN)];
  const seen = new Set([leaf.fingerprint256]);
  const paths: X509Certificate[][] = [[leaf]];
  // Shortest first: a path is followed after all those that are shorter.
  for (const path of paths) {
    if (depthOf(path, trusted) !== null) return path;
    const last = path[path.length - 1];
    if (isSelfIssued(last) || path.length === LONGEST_CHAIN) continue;
    for (const one of known) {
      if (seen.has(one.fingerprint256) || !isIssuer(one, last)) continue;
      seen.add(one.fingerprint256);
      paths.push([...path, one]);
    }
  }
  return paths[paths.length - 1];
}

function isIssuer(one: X509Certificate, of: X509Certificate): boolean {
  return of.checkIssued(one) && of.verify(one.publicKey);
}

/** By name: `checkIssued` denies it of a certificate that may not sign others, such as a lone leaf. */
function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

function isAmong(certificate: X509Certificate, list: readonly X509Certificate[]): boolean {
  return list.some((one) => one.fingerprint256 === certificate.fingerprint256);
}

/**
 * How many certificates lie between the first of a path and its anchor, a self-issued one that is
 * trusted; null when the path leads to none.
 */
export function depthOf(
  path: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): number | null {
  const top = path[path.length - 1];
  return isSelfIssued(top) && isAmong(top, trusted) ? Math.max(0, path.length - 2) : null;
}

/** Names of faults that Deno gives for nearly everything. */
const COARSE: ReadonlySet<string> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
]);

/** OpenSSL's name of the fault, where the path shows one; for libraries that do not tell them apart. */
export function refineFault(
  fault: string,
  path: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
  purpose: keyof typeof PURPOSES,
): string {
  if (!COARSE.has(fault)) return fault;
  const top = path[path.length - 1];
  if (!isAmong(top, trusted)) return withoutAnchor(path, trusted);
  for (const certificate of path) {
    const { notBefore, notAfter } = describe(certificate);
    if (Date.now() > notAfter) return "CERT_HAS_EXPIRED";
    if (Date.now() < notBefore) return "CERT_NOT_YET_VALID";
  }
  const usages = extendedUsages(path[0].raw);
  return usages && !usages.includes(PURPOSES[purpose]) ? "INVALID_PURPOSE" : "UNSPECIFIED";
}

/** RFC 5280 section 4.2.1.12: what the peer that has the certificate is. */
const PURPOSES = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

function withoutAnchor(
  path: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): string {
  const alone = path.length === 1;
  if (isSelfIssued(path[path.length - 1])) {
    return alone ? "DEPTH_ZERO_SELF_SIGNED_CERT" : "SELF_SIGNED_CERT_IN_CHAIN";
  }
  if (alone) return "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  return path.some((one) => isAmong(one, trusted))
    ? "UNABLE_TO_GET_ISSUER_CERT"
    : "UNABLE_TO_GET_ISSUER_CERT_LOCALLY";
}
