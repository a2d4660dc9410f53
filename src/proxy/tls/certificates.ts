/** A server's certificates and keys: read, opened with one of the pass phrases, held to each other. */

import { type CertificateAndKey, type TlsLibrary, TlsSettingError } from "../../net/ports.ts";
import type { PairSource, TlsChoices } from "./choices.ts";
import { CANNOT_OPEN, cannotLoad, shown, type TlsFindings } from "./findings.ts";

/** Pairs that can be used; of the others the findings tell. */
export function loadPairs(
  choices: TlsChoices,
  tls: TlsLibrary,
  findings: TlsFindings,
): readonly CertificateAndKey[] {
  if (choices.lonely) {
    const message = '"Certificate" and "PrivateKey" in "ssl_conf_command" go in pairs';
    findings.add("error", "no-certificate", choices.lonely, message);
  }
  const passphrases = loadPassphrases(choices, findings);
  return choices.pairs.flatMap((source) => {
    const certificate = loadCertificate(source, tls, findings);
    const opened = loadKey(source, certificate ?? "", passphrases, tls, findings);
    return certificate !== null && opened ? [{ certificate, ...opened }] : [];
  });
}

/** One a line; as in nginx empty lines are none, and a carriage return is part of the line's end. */
function loadPassphrases({ passwordFile }: TlsChoices, findings: TlsFindings): readonly string[] {
  const text = passwordFile && findings.text(passwordFile, CANNOT_OPEN);
  return text === null ? [] : text.split(/\r?\n/).filter((line) => line !== "");
}

function loadCertificate(
  { certificate: source }: PairSource,
  tls: TlsLibrary,
  findings: TlsFindings,
): string | null {
  const pem = findings.text(source, cannotLoad("certificate"));
  if (pem === null) return null;
  try {
    tls.inspect(pem);
    return pem;
  } catch (error) {
    if (!(error instanceof TlsSettingError)) throw error;
    const message = `cannot load certificate "${shown(source)}": ${error.message}`;
    findings.add("error", "tls-setting", source, message);
    return null;
  }
}

type OpenedKey = Omit<CertificateAndKey, "certificate">;

/** The key with what opens it. A certificate that cannot be read has been told of. */
function loadKey(
  { key: source }: PairSource,
  certificate: string,
  passphrases: readonly string[],
  tls: TlsLibrary,
  findings: TlsFindings,
): OpenedKey | null {
  const key = findings.text(source, cannotLoad("certificate key"));
  if (key === null) return null;
  const locked = /ENCRYPTED/.test(key);
  const candidates = locked ? passphrases.map((passphrase) => ({ key, passphrase })) : [{ key }];
  let fault = locked ? "it is encrypted, and no pass phrase is known" : "";
  for (const candidate of candidates) {
    const outcome = tryKey({ certificate, ...candidate }, tls);
    if (outcome === "fits") return candidate;
    if (outcome === "unknown") return null;
    if (outcome === "mismatch") {
      const message = `SSL_CTX_use_PrivateKey("${shown(source)}") failed`;
      findings.add("error", "tls-setting", source, `${message} (SSL: key values mismatch)`);
      return null;
    }
    fault = outcome.message;
  }
  const hint = locked ? "put its pass phrase into the file of `ssl_password_file`" : undefined;
  const message = `cannot load certificate key "${shown(source)}": ${fault}`;
  findings.add("error", "tls-setting", source, message, hint);
  return null;
}

/** `unknown`: the key can be read, the certificate cannot. */
function tryKey(
  pair: CertificateAndKey,
  tls: TlsLibrary,
): "fits" | "mismatch" | "unknown" | TlsSettingError {
  try {
    return tls.matches(pair) ? "fits" : "mismatch";
  } catch (error) {
    if (!(error instanceof TlsSettingError)) throw error;
    return error.setting === "key" ? error : "unknown";
  }
}
