/**
 * `ssl_verify_client`: whether a client's certificate, or its absence, is good enough. The handshake
 * always completes; a refusal is a protocol line inside TLS.
 */

import type { TlsInfo } from "../net/ports.ts";

export type VerifyMode = "off" | "on" | "optional" | "optional_no_ca";

export interface CertificateFault {
  /** Chooses the words for the client. */
  readonly is: "bad certificate" | "no certificate";
  /** For the log, nginx's. */
  readonly message: string;
}

/** OpenSSL verify codes that `optional_no_ca` forgives: nothing is wrong but that no CA vouches. */
const NO_CA: ReadonlySet<string> = new Set(["18", "19", "20", "21", "27"]);

/** Null: it may come in. */
export function certificateFault(mode: VerifyMode, tls: TlsInfo): CertificateFault | null {
  if (mode === "off") return null;
  const { peer, verify } = tls;
  if (peer === null) {
    if (mode !== "on") return null;
    return { is: "no certificate", message: "client sent no required SSL certificate" };
  }
  if (verify.ok || (mode === "optional_no_ca" && NO_CA.has(verify.code))) return null;
  const why = `(${verify.code}:${verify.text})`;
  return { is: "bad certificate", message: `client SSL certificate verify error: ${why}` };
}
