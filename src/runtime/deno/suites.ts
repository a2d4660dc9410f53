/**
 * The ciphers and groups of Deno's TLS library (rustls), which cannot be chosen; and whether a list
 * that an administrator wrote allows them all. If it does, passing over it opens no door; if it does
 * not, the server must not start. OpenSSL's cipher language: openssl-ciphers(1).
 */

/** Six suites for TLS 1.2, with the words of OpenSSL's language that mean them. */
const SUITES: readonly { readonly name: string; readonly words: ReadonlySet<string> }[] = [
  suite("ECDHE-ECDSA-AES256-GCM-SHA384", "aECDSA ECDSA AES AES256 AESGCM FIPS"),
  suite("ECDHE-ECDSA-AES128-GCM-SHA256", "aECDSA ECDSA AES AES128 AESGCM FIPS"),
  suite("ECDHE-ECDSA-CHACHA20-POLY1305", "aECDSA ECDSA CHACHA20"),
  suite("ECDHE-RSA-AES256-GCM-SHA384", "aRSA AES AES256 AESGCM FIPS"),
  suite("ECDHE-RSA-AES128-GCM-SHA256", "aRSA AES AES128 AESGCM FIPS"),
  suite("ECDHE-RSA-CHACHA20-POLY1305", "aRSA CHACHA20"),
];

function suite(name: string, words: string) {
  const all = `${name} ${words} ALL DEFAULT HIGH kEECDH kECDHE ECDHE EECDH TLSv1.2`;
  return { name, words: new Set(all.split(" ")) };
}

const TLS13: readonly string[] = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_AES_128_GCM_SHA256",
  "TLS_CHACHA20_POLY1305_SHA256",
];

/** With the other names that OpenSSL has for each. */
const GROUPS: readonly (readonly string[])[] = [
  ["X25519"],
  ["P-256", "prime256v1", "secp256r1"],
  ["P-384", "secp384r1"],
];

/**
 * Null when the cipher string allows every suite that could be used with keys of these types, which
 * are named as in node:crypto; else why it cannot be honoured.
 */
export function ciphersRefused(ciphers: string, keyTypes: readonly string[]): string | null {
  const allowed = allowedBy(ciphers);
  const kinds = keyTypes.map((type) => type === "rsa" ? "aRSA" : "aECDSA");
  const usable = SUITES.filter(({ words }) => kinds.some((kind) => words.has(kind)));
  return besides(usable.map(({ name }) => name).filter((name) => !allowed.has(name)));
}

export function suitesRefused(list: string): string | null {
  const allowed = list.split(":");
  return besides(TLS13.filter((name) => !allowed.includes(name)));
}

export function curvesRefused(curves: string): string | null {
  const allowed = curves.split(":").map((name) => name.replace(/^\?/, "").toLowerCase());
  const extra = GROUPS.filter((names) =>
    !names.some((name) => allowed.includes(name.toLowerCase()))
  );
  return besides(extra.map(([name]) => name));
}

function besides(extra: readonly string[]): string | null {
  return extra.length === 0
    ? null
    : `Deno's TLS library (rustls) would also use ${extra.join(", ")}`;
}

/** Names of the suites that are left when the list has been gone through. */
function allowedBy(ciphers: string): ReadonlySet<string> {
  const allowed = new Set<string>();
  const dead = new Set<string>();
  for (const [, sign, text] of ciphers.matchAll(/([!+-]?)(@?[^:,; @]+)/g)) {
    for (const { name } of named(text)) {
      if (sign === "!") dead.add(name);
      if (sign === "!" || sign === "-") allowed.delete(name);
      else if (sign === "" && !dead.has(name)) allowed.add(name);
    }
    // A higher level than the usual one leaves suites out by the size of keys.
    if (/^@SECLEVEL=[3-9]/.test(text)) allowed.clear();
  }
  return allowed;
}

/** `ECDHE+AESGCM`: what all of the words mean. Commands such as `@STRENGTH` mean no suite. */
function named(text: string): typeof SUITES {
  const parts = text.split("+");
  return SUITES.filter(({ words }) => parts.every((part) => words.has(part)));
}
