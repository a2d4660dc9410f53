/**
 * A certificate for this machine's loopback names, made on the spot and signed by itself. It is
 * handed on as PEM text and never touches a disk.
 */

import { hexOf } from "../core/bytes.ts";
import type { CertificateAndKey } from "../net/ports.ts";
import { DAY_MS } from "./dates.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** `now` in milliseconds since 1970. ECDSA P-256, for localhost, 127.0.0.1 and ::1. */
export async function makeCertificate(now: number): Promise<CertificateAndKey> {
  // Only a demo needs these: a proxy that starts does not wait for them. The first is what the
  // second asks for at its top level, and a bundler must be told so.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: "CN=localhost, O=Doorpost demo",
    // An hour back, for a client whose clock is slow.
    notBefore: new Date(now - DAY_MS / 24),
    notAfter: new Date(now + 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem") + "\n",
    key: x509.PemConverter.encode(key, "PRIVATE KEY") + "\n",
  };
}

/** RFC 5280 section 4.1.2.2: positive, and unique for its issuer. Browsers refuse a repeated one. */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] & 0x7f) | 0x40;
  return hexOf(bytes);
}
