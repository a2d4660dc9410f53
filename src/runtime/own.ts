/**
 * The certificate that a server shows, in the words in which OpenSSL and haproxy name its algorithms.
 * A PROXY protocol header tells a backend of them (haproxy's proxy-protocol.txt, section 2.2.6).
 */

import type { KeyObject } from "node:crypto";
import type { TlsInfo } from "../net/ports.ts";
import { childrenOf, contentOf, elementAt, oidText } from "../core/der.ts";

/** OpenSSL's short names of signature algorithms. */
const SIGNATURES: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.5": "RSA-SHA1",
  "1.2.840.113549.1.1.10": "RSASSA-PSS",
  "1.2.840.113549.1.1.11": "RSA-SHA256",
  "1.2.840.113549.1.1.12": "RSA-SHA384",
  "1.2.840.113549.1.1.13": "RSA-SHA512",
  "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
  "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
  "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
  "1.3.101.112": "ED25519",
};

const CURVE_BITS: Readonly<Record<string, number>> = {
  prime256v1: 256,
  "P-256": 256,
  secp384r1: 384,
  "P-384": 384,
  secp521r1: 521,
  "P-521": 521,
};

/** Of an `X509Certificate`; undefined where an algorithm has no such name. */
export function describeOwn(
  x509: { readonly raw: Uint8Array; readonly publicKey: KeyObject },
): TlsInfo["own"] {
  const signature = SIGNATURES[signatureOid(x509.raw)];
  const key = keyName(x509.publicKey);
  return signature !== undefined && key !== undefined ? { signature, key } : undefined;
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue } */
function signatureOid(der: Uint8Array): string {
  const [, algorithm] = childrenOf(der, elementAt(der, 0));
  const [oid] = childrenOf(der, algorithm);
  return oidText(contentOf(der, oid));
}

function keyName({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType?.startsWith("rsa")) return `RSA${asymmetricKeyDetails?.modulusLength}`;
  const bits = CURVE_BITS[asymmetricKeyDetails?.namedCurve ?? ""];
  return asymmetricKeyType === "ec" && bits !== undefined ? `EC${bits}` : undefined;
}
