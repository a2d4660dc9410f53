/**
 * What a probe finds out about one server, as plain data: every format of output is made from it, and
 * `docs/probe.schema.json` describes it.
 */

import type { OcspReport } from "./ocsp.ts";
import type { Scheme } from "./target.ts";
import type { TranscriptLine } from "./talk.ts";

export type Severity = "error" | "warning" | "info";

/** Stable ids: scripts go by them. */
export type FindingId =
  | "unreachable"
  | "address-unreachable"
  | "timeout"
  | "protocol-error"
  | "refused"
  | "cleartext-login"
  | "starttls-missing"
  | "starttls-refused"
  | "tls-failed"
  | "alpn-refused"
  | "client-certificate-required"
  | "starttls-still-offered"
  | "capabilities-disagree"
  | "certificate-name"
  | "certificate-chain"
  | "certificate-expired"
  | "certificate-not-yet-valid"
  | "certificate-expires-soon"
  | "chain-expired"
  | "chain-expires-soon"
  | "ocsp-missing"
  | "ocsp-revoked"
  | "ocsp-stale"
  | "ocsp-unusable"
  | "tls-version-old"
  | "tls-version-missing"
  | "starttls-injection"
  | "injection-check-failed"
  | "password-withheld"
  | "no-method"
  | "login-failed"
  | "command-failed"
  | "xclient-refused"
  | "open-relay"
  | "relay-check-failed"
  | "slow-step";

/** How a check came out, in words, and what is wrong. */
export interface Checked {
  readonly said: string;
  readonly findings: readonly Finding[];
}

export interface Finding {
  readonly id: FindingId;
  readonly severity: Severity;
  readonly message: string;
}

export interface Step {
  readonly name: string;
  /** Milliseconds, with microseconds behind the point. */
  readonly ms: number;
  readonly ok: boolean;
  readonly detail: string;
}

export interface CertificateReport {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly serial: string;
  readonly fingerprint: string;
  /** RFC 3339, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days that are left, negative when it has expired. */
  readonly daysLeft: number;
  readonly verified: boolean;
  /** OpenSSL's words: `ok`, `self-signed certificate`. */
  readonly verdict: string;
}

export interface TlsReport {
  readonly by: "implicit" | "starttls";
  readonly protocol: string;
  readonly cipher: string;
  /** The protocol that was agreed on, and those that were offered. */
  readonly alpn: string | null;
  readonly alpnOffered: readonly string[];
  readonly serverName: string | null;
  readonly certificate: CertificateReport | null;
  /** The certificates above the server's own that it sent, roots left out. */
  readonly chain: readonly ChainReport[];
  /** Null: not looked for. */
  readonly ocsp: OcspReport | null;
}

export interface ChainReport {
  readonly subject: string;
  readonly issuer: string;
  /** RFC 3339, UTC. */
  readonly notAfter: string;
  readonly daysLeft: number;
}

/** Null: not asked, or not reached. */
export interface Capabilities {
  readonly cleartext: readonly string[] | null;
  readonly tls: readonly string[] | null;
  readonly loggedIn: readonly string[] | null;
}

export interface LoginReport {
  readonly user: string;
  readonly method: string;
  readonly ok: boolean;
  readonly text: string;
}

export interface VersionReport {
  readonly version: string;
  /** Null: no answer that says so. */
  readonly offered: boolean | null;
  readonly detail: string;
}

export interface Report {
  readonly target: string;
  readonly scheme: Scheme;
  /** Where it was connected to; null when nowhere. */
  readonly address: string | null;
  readonly addresses: readonly string[];
  readonly outcome: "fine" | "findings" | "unreachable";
  readonly totalMs: number;
  readonly greeting: string | null;
  readonly steps: readonly Step[];
  readonly capabilities: Capabilities;
  readonly tls: TlsReport | null;
  readonly login: LoginReport | null;
  readonly messages: number | null;
  readonly versions: readonly VersionReport[] | null;
  /** In words, how each check came out that was asked for; null: not asked for. */
  readonly checks: { readonly injection: string | null; readonly relay: string | null };
  readonly findings: readonly Finding[];
  readonly transcript: readonly TranscriptLine[];
}

/** What differs between a proxy and its backend. */
export interface Difference {
  readonly proxyOnly: readonly string[];
  readonly backendOnly: readonly string[];
  /** After the login, where both let us in: a proxy in between should change nothing. */
  readonly loggedIn: {
    readonly proxyOnly: readonly string[];
    readonly backendOnly: readonly string[];
  } | null;
  readonly sameCertificate: boolean | null;
  /** Protocol and cipher of each; null without TLS. */
  readonly tls: { readonly proxy: string | null; readonly backend: string | null };
  /** Of whole sessions; positive: the proxy is slower. */
  readonly extraMs: number;
  /** The steps that both went through, in the proxy's order. */
  readonly steps: readonly {
    readonly name: string;
    readonly proxyMs: number;
    readonly backendMs: number;
  }[];
}

/** What stands in one list alone, in its order. */
export function without(these: readonly string[], those: readonly string[]): string[] {
  return these.filter((each) => !those.includes(each));
}

/** The last list that was seen: what a client goes by. */
export function finalCapabilities({ cleartext, tls, loggedIn }: Capabilities): readonly string[] {
  return loggedIn ?? tls ?? cleartext ?? [];
}

/** Compared before the login, where a proxy speaks for itself, and after it, where it should not. */
export function differenceOf(proxy: Report, backend: Report): Difference {
  const ours = proxy.capabilities.tls ?? proxy.capabilities.cleartext ?? [];
  const theirs = backend.capabilities.tls ?? backend.capabilities.cleartext ?? [];
  const [one, other] = [proxy.tls?.certificate, backend.tls?.certificate];
  const [after, behind] = [proxy.capabilities.loggedIn, backend.capabilities.loggedIn];
  return {
    proxyOnly: without(ours, theirs),
    backendOnly: without(theirs, ours),
    loggedIn: after && behind &&
      { proxyOnly: without(after, behind), backendOnly: without(behind, after) },
    sameCertificate: one && other ? one.fingerprint === other.fingerprint : null,
    tls: { proxy: tlsName(proxy), backend: tlsName(backend) },
    extraMs: Math.round((proxy.totalMs - backend.totalMs) * 1000) / 1000,
    steps: proxy.steps.flatMap(({ name, ms }) => {
      const same = backend.steps.find((step) => step.name === name);
      return same ? [{ name, proxyMs: ms, backendMs: same.ms }] : [];
    }),
  };
}

function tlsName({ tls }: Report): string | null {
  return tls && `${tls.protocol} ${tls.cipher}`;
}

/** The status of a probe of several: the gravest of all. */
export function worst(reports: readonly Report[]): Report["outcome"] {
  if (reports.some(({ outcome }) => outcome === "unreachable")) return "unreachable";
  return reports.some(({ outcome }) => outcome === "findings") ? "findings" : "fine";
}
