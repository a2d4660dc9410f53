/**
 * Chains of certificates, as far as the runtimes do not tell of them: how deep one is (nginx's
 * `ssl_verify_depth`), and what is wrong with one that Deno calls unverifiable without saying why.
 *
 * Nothing here decides whether a certificate is trusted. That is the TLS library's verdict; these
 * functions explain it.
 */

import type { X509Certificate } from "node:crypto";
import { describe } from "../certificate.ts";

/** A peer may send as many as it likes; OpenSSL stops at 100, nobody means more than a handful. */
const LONGEST_CHAIN = 16;

/** From the leaf upwards, as far as issuers are found among those that the peer sent and our own. */
function pathOf(leaf: X509Certificate, trusted: readonly X509Certificate[]): X509Certificate[] {
  const known = [...trusted];
  let sent = leaf.issuerCertificate;
  for (let i = 0; sent && i < LONGEST_CHAIN; i++) {
    known.push(sent);
    sent = sent.issuerCertificate;
  }
  const path = [leaf];
  while (path.length < LONGEST_CHAIN) {
    const last = path[path.length - 1];
    if (isSelfIssued(last)) break;
    const issuer = known.find((one) => last.checkIssued(one));
    if (!issuer) break;
    path.push(issuer);
  }
  return path;
}

/** By name: `checkIssued` denies it of a certificate that may not sign others, such as a lone leaf. */
function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

/**
 * How many certificates lie between a verified one and its anchor. An anchor that was neither sent nor
 * configured is the system's, one step beyond what is known.
 */
export function chainDepth(leaf: X509Certificate, trusted: readonly X509Certificate[]): number {
  const path = pathOf(leaf, trusted);
  const anchors = isSelfIssued(path[path.length - 1]) ? 1 : 0;
  return Math.max(0, path.length - 1 - anchors);
}

/** What OpenSSL says when it finds no issuer at all, and Deno for nearly everything. */
const COARSE = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

/** A truer name of the fault than `COARSE`, where the chain shows one. */
export function refineFault(
  fault: string,
  leaf: X509Certificate,
  trusted: readonly X509Certificate[],
): string {
  if (fault !== COARSE) return fault;
  if (isSelfIssued(leaf)) return "DEPTH_ZERO_SELF_SIGNED_CERT";
  const path = pathOf(leaf, trusted);
  const anchor = path[path.length - 1];
  if (!trusted.some((one) => one.fingerprint256 === anchor.fingerprint256)) {
    return path.length > 1 ? "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" : fault;
  }
  for (const certificate of path) {
    const { notBefore, notAfter } = describe(certificate);
    if (Date.now() > notAfter) return "CERT_HAS_EXPIRED";
    if (Date.now() < notBefore) return "CERT_NOT_YET_VALID";
  }
  return "UNSPECIFIED";
}
