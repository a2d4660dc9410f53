/**
 * What a server makes of a client's certificate: the TLS library's verdict, bounded by
 * `ssl_verify_depth`, and remembered where a resumed session brings the certificate back without it.
 *
 * Why remember: rustls, as Deno has it, resumes a session and reports its client certificate as
 * verified whatever it found at the first handshake, also one of another server with other
 * authorities. OpenSSL, as Node has it, keeps its verdict but not the chain, so that a chain which was
 * too long would be short the second time. A session whose first handshake nobody here remembers is
 * not vouched for by anyone.
 */

import { X509Certificate } from "node:crypto";
import { CLIENT_VERDICTS } from "../../core/limits.ts";
import type { Certificate, TlsInfo } from "../../net/ports.ts";
import { describe, verifyResult } from "../certificate.ts";
import { depthOf, pathOf, refineFault } from "./chain.ts";

/** Whom a server context trusts. */
export interface Trust {
  /** The same for contexts that trust alike. */
  readonly identity: string;
  readonly trusted: readonly X509Certificate[];
  /** Absent: chains may be of any length. */
  readonly verifyDepth: number | undefined;
  /** What a resumed session still knows of the client. */
  readonly resumed: Resumed;
  /** The library tells hardly one fault from another, and takes any listed certificate as an anchor. */
  readonly coarse: boolean;
}

/** All; the verdict without the chain; or neither. */
export type Resumed = "all" | "verdict" | "nothing";

/** What the library says of a client. */
export interface Shown {
  readonly leaf: X509Certificate;
  /** What came with it, in any order. */
  readonly sent: readonly X509Certificate[];
  /** OpenSSL's name of the fault, null when it verified. */
  readonly fault: string | null;
  readonly resumed: boolean;
}

interface Verdict {
  readonly fault: string | null;
  readonly depth?: number;
}

export type ClientCertificate = Pick<TlsInfo, "verify" | "peer">;

export function judgeCertificate(shown: Shown, trust: Trust): ClientCertificate {
  try {
    const { fault, depth } = shown.resumed ? again(shown, trust) : first(shown, trust);
    return { verify: verifyResult(fault), peer: describe(shown.leaf, depth) };
  } catch (error) {
    if (error instanceof RangeError) return NO_CERTIFICATE;
    throw error;
  }
}

/** None was given, or one that the library could read and we cannot: nobody shall be let in by it. */
export const NO_CERTIFICATE: ClientCertificate = {
  verify: verifyResult("UNSPECIFIED"),
  peer: null,
};

/** Of a server that did not ask. */
export const NOT_ASKED: ClientCertificate = { verify: verifyResult(null), peer: null };

/** A certificate of a peer; null when node:crypto cannot read it, whatever it throws then. */
export function readable(der: Uint8Array): X509Certificate | null {
  try {
    return new X509Certificate(der);
  } catch {
    return null;
  }
}

/**
 * Those of a peer's chain that can be read (the library's verdict does not hang on the others), without
 * roots above the first: Bun puts the one that we trust there, whether it was sent or not.
 */
export function describeAll(chain: readonly X509Certificate[]): readonly Certificate[] {
  return chain.flatMap((one, index) => {
    if (index > 0 && one.subject === one.issuer) return [];
    try {
      return [describe(one)];
    } catch (error) {
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
}

/** OpenSSL does not look beyond the depth, and then has not found the issuer: nginx's very words. */
const TOO_DEEP: Verdict = { fault: "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" };

function first(shown: Shown, trust: Trust): Verdict {
  const verdict = judge(shown, trust);
  if (trust.resumed !== "all") remember(keyOf(shown, trust), verdict);
  return verdict;
}

function judge({ leaf, sent, fault }: Shown, trust: Trust): Verdict {
  const { trusted, coarse, verifyDepth = Infinity } = trust;
  if (fault !== null && !coarse) return { fault };
  const path = pathOf(leaf, sent, trusted);
  if (fault !== null) return { fault: refineFault(fault, path, trusted, "client") };
  const depth = depthOf(path, trusted);
  // An anchor must be its own issuer, as OpenSSL wants it.
  if (depth === null) return coarse ? { fault: "UNABLE_TO_GET_ISSUER_CERT" } : TOO_DEEP;
  return depth > verifyDepth ? TOO_DEEP : { fault: null, depth };
}

function again(shown: Shown, trust: Trust): Verdict {
  if (trust.resumed === "all") return judge(shown, trust);
  const known = verdicts.get(keyOf(shown, trust));
  if (trust.resumed === "verdict") {
    if (shown.fault !== null) return { fault: shown.fault };
    return known ?? judge(shown, trust);
  }
  if (known?.fault !== null) return known ?? { fault: "UNSPECIFIED" };
  return Date.now() > describe(shown.leaf).notAfter ? { fault: "CERT_HAS_EXPIRED" } : known;
}

/** Of this process, across reloads: its tickets outlive them too. */
const verdicts = new Map<string, Verdict>();

function keyOf({ leaf }: Shown, { identity }: Trust): string {
  return `${identity} ${leaf.fingerprint256}`;
}

/** The newest verdicts stay: a ticket is used soon or never. */
function remember(key: string, verdict: Verdict): void {
  verdicts.delete(key);
  verdicts.set(key, verdict);
  if (verdicts.size <= CLIENT_VERDICTS) return;
  const [oldest] = verdicts.keys();
  verdicts.delete(oldest);
}
