/**
 * The results of certificate verification as OpenSSL numbers and words them (`X509_V_ERR_*`), which is
 * what nginx logs and administrators search for: `18:self-signed certificate`.
 * Every runtime names them alike (`DEPTH_ZERO_SELF_SIGNED_CERT`), but words them differently.
 */

import type { TlsInfo } from "../net/ports.ts";

type Verify = TlsInfo["verify"];

const OK: Verify = { ok: true, code: "0", text: "ok" };

/** Name without the `X509_V_ERR_` prefix, number, text. */
const RESULTS: Readonly<Record<string, readonly [number, string]>> = {
  UNSPECIFIED: [1, "unspecified certificate verification error"],
  UNABLE_TO_GET_ISSUER_CERT: [2, "unable to get issuer certificate"],
  UNABLE_TO_GET_CRL: [3, "unable to get certificate CRL"],
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: [4, "unable to decrypt certificate's signature"],
  UNABLE_TO_DECRYPT_CRL_SIGNATURE: [5, "unable to decrypt CRL's signature"],
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: [6, "unable to decode issuer public key"],
  CERT_SIGNATURE_FAILURE: [7, "certificate signature failure"],
  CRL_SIGNATURE_FAILURE: [8, "CRL signature failure"],
  CERT_NOT_YET_VALID: [9, "certificate is not yet valid"],
  CERT_HAS_EXPIRED: [10, "certificate has expired"],
  CRL_NOT_YET_VALID: [11, "CRL is not yet valid"],
  CRL_HAS_EXPIRED: [12, "CRL has expired"],
  ERROR_IN_CERT_NOT_BEFORE_FIELD: [13, "format error in certificate's notBefore field"],
  ERROR_IN_CERT_NOT_AFTER_FIELD: [14, "format error in certificate's notAfter field"],
  ERROR_IN_CRL_LAST_UPDATE_FIELD: [15, "format error in CRL's lastUpdate field"],
  ERROR_IN_CRL_NEXT_UPDATE_FIELD: [16, "format error in CRL's nextUpdate field"],
  OUT_OF_MEM: [17, "out of memory"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [18, "self-signed certificate"],
  SELF_SIGNED_CERT_IN_CHAIN: [19, "self-signed certificate in certificate chain"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [20, "unable to get local issuer certificate"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [21, "unable to verify the first certificate"],
  CERT_CHAIN_TOO_LONG: [22, "certificate chain too long"],
  CERT_REVOKED: [23, "certificate revoked"],
  NO_ISSUER_PUBLIC_KEY: [24, "issuer certificate doesn't have a public key"],
  PATH_LENGTH_EXCEEDED: [25, "path length constraint exceeded"],
  INVALID_PURPOSE: [26, "unsuitable certificate purpose"],
  CERT_UNTRUSTED: [27, "certificate not trusted"],
  CERT_REJECTED: [28, "certificate rejected"],
  SUBJECT_ISSUER_MISMATCH: [29, "subject issuer mismatch"],
  AKID_SKID_MISMATCH: [30, "authority and subject key identifier mismatch"],
  AKID_ISSUER_SERIAL_MISMATCH: [31, "authority and issuer serial number mismatch"],
  KEYUSAGE_NO_CERTSIGN: [32, "key usage does not include certificate signing"],
  UNABLE_TO_GET_CRL_ISSUER: [33, "unable to get CRL issuer certificate"],
  UNHANDLED_CRITICAL_EXTENSION: [34, "unhandled critical extension"],
  KEYUSAGE_NO_CRL_SIGN: [35, "key usage does not include CRL signing"],
  INVALID_NON_CA: [37, "invalid non-CA certificate (has CA markings)"],
  INVALID_EXTENSION: [41, "invalid or inconsistent certificate extension"],
  PERMITTED_VIOLATION: [47, "permitted subtree violation"],
  EXCLUDED_VIOLATION: [48, "excluded subtree violation"],
  HOSTNAME_MISMATCH: [62, "hostname mismatch"],
  EMAIL_MISMATCH: [63, "email address mismatch"],
  IP_ADDRESS_MISMATCH: [64, "IP address mismatch"],
  EE_KEY_TOO_SMALL: [66, "EE certificate key too weak"],
  CA_KEY_TOO_SMALL: [67, "CA certificate key too weak"],
  CA_MD_TOO_WEAK: [68, "CA signature digest algorithm too weak"],
  INVALID_CA: [79, "invalid CA certificate"],
  // Not OpenSSL's: the name that node:tls gives to a failed comparison of names.
  ERR_TLS_CERT_ALTNAME_INVALID: [62, "hostname mismatch"],
};

/** Whether the name is of this table, and not of some other kind of error. */
export function isVerifyCode(codeName: string): boolean {
  return Object.hasOwn(RESULTS, codeName);
}

/** `""`, `"OK"` or null is success. A name that nobody knows is `UNSPECIFIED`, never a success. */
export function verifyResult(codeName: string | null): Verify {
  if (codeName === null || codeName === "" || codeName === "OK") return OK;
  const [number, text] = RESULTS[isVerifyCode(codeName) ? codeName : "UNSPECIFIED"];
  return { ok: false, code: String(number), text };
}
