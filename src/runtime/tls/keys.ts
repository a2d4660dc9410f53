/**
 * Certificates and their keys, read and held against each other before a library sees them: Deno
 * would report a bad one at the first handshake only. Encrypted keys are opened here, once, so that
 * every runtime takes every form of them that its crypto library can read.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { type CertificateAndKey, type TlsInfo, TlsSettingError } from "../../net/ports.ts";
import { certificatesOf } from "../certificate.ts";
import { describeOwn } from "../own.ts";
import { attempt, type Setting } from "./errors.ts";

/** What is known of a server's certificate beforehand. */
export interface OwnCertificate {
  readonly fingerprint256: string;
  /** As node:crypto names it: `rsa`, `ec` ... */
  readonly keyType: string;
  readonly own: TlsInfo["own"];
}

/** A pair that fits, its key open. */
export interface CheckedPair extends OwnCertificate {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export function checkPair(
  pair: CertificateAndKey,
  index: number,
  setting: "certificates" | "certificate",
): CheckedPair {
  const certificate = certificateOf(pair, index, setting);
  const key = keyOf(pair, index);
  if (!certificate.checkPrivateKey(key)) {
    throw new TlsSettingError("key", "key values mismatch", index);
  }
  return {
    certificate: pair.certificate,
    key: pair.passphrase === undefined ? pair.key : opened(key),
    fingerprint256: certificate.fingerprint256,
    keyType: key.asymmetricKeyType ?? "",
    own: describeOwn(certificate),
  };
}

/** Of several with one kind of key the last counts, as with OpenSSL. */
export function oneOfAKind(pairs: readonly CheckedPair[]): readonly CheckedPair[] {
  return pairs.filter(({ keyType }, i) =>
    !pairs.some((other, j) => j > i && other.keyType === keyType)
  );
}

/** The key is read first: what is wrong with a certificate can be asked of it alone. */
export function pairMatches(pair: CertificateAndKey): boolean {
  const key = keyOf(pair, 0);
  return certificateOf(pair, 0, "certificates").checkPrivateKey(key);
}

function everyCertificate(pem: string): X509Certificate[] {
  return certificatesOf(pem).map((der) => new X509Certificate(der));
}

/** The certificates of texts that must each have one. */
export function trustedCertificates(ca: readonly string[] | undefined): X509Certificate[] {
  return (ca ?? []).flatMap((pem, index) => {
    const found = attempt("ca", index, () => everyCertificate(pem));
    if (found.length > 0) return found;
    throw new TlsSettingError("ca", "no certificate in PEM form was found", index);
  });
}

function certificateOf(pair: CertificateAndKey, index: number, setting: Setting): X509Certificate {
  const [leaf] = attempt(setting, index, () => everyCertificate(pair.certificate));
  if (leaf) return leaf;
  throw new TlsSettingError(setting, "no certificate in PEM form was found", index);
}

function keyOf(pair: CertificateAndKey, index: number): KeyObject {
  const { key, passphrase } = pair;
  return attempt("key", index, () => createPrivateKey({ key, format: "pem", passphrase }));
}

function opened(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}
