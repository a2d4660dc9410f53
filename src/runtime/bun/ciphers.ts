/**
 * OpenSSL's cipher strings (openssl-ciphers(1)) in BoringSSL's dialect. BoringSSL passes over words
 * that it does not know; where such a word takes ciphers away, as in `!CBC`, ciphers would be offered
 * that the administrator excluded. Those words are spelled out here, and what cannot be said is refused.
 */

import { TlsSettingError } from "../../net/ports.ts";

const SHA256: readonly string[] = ["ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256"];

const TLS10: readonly string[] = [
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
];

/** Words for ciphers that BoringSSL has, which it does not know itself. */
const UNKNOWN: Readonly<Record<string, readonly string[]>> = {
  SHA256,
  "TLSv1.0": TLS10,
  CBC: [...SHA256, "SHA1"],
};

export function boringCiphers(ciphers: string): string {
  const words = ciphers.match(/@[^:,; @]+|[^:,; @]+/g) ?? [];
  return words.flatMap(spelledOut).join(":");
}

function spelledOut(word: string): readonly string[] {
  if (word.startsWith("@")) return command(word);
  const [, sign, name] = /^([!+-]?)(.*)$/s.exec(word)!;
  if (Object.hasOwn(UNKNOWN, name)) return UNKNOWN[name].map((each) => sign + each);
  const parts = name.split("+");
  const lost = parts.some((part) => Object.hasOwn(UNKNOWN, part) || /^SUITEB/.test(part));
  if (lost) throw new TlsSettingError("ciphers", `BoringSSL does not know "${word}"`);
  return [word];
}

/** BoringSSL has no security levels: nothing is below what it does, so a low one is granted. */
function command(word: string): readonly string[] {
  const level = /^@SECLEVEL=(\d+)$/.exec(word)?.[1];
  if (level === undefined) return [word];
  if (Number(level) <= 1) return [];
  throw new TlsSettingError("ciphers", `BoringSSL has no security levels, so not "${word}"`);
}

/** The TLS 1.3 suites of BoringSSL, which cannot be chosen. Null when the list allows them all. */
export function suitesRefused(list: string): string | null {
  const allowed = list.split(":");
  const extra = TLS13.filter((name) => !allowed.includes(name));
  return extra.length === 0 ? null : `Bun's TLS library would also use ${extra.join(", ")}`;
}

const TLS13: readonly string[] = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
];
