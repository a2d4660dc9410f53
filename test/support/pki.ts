/**
 * Client certificates of every kind that nginx tells apart, as files for `openssl s_client`. What the
 * test authority cannot make (X.509 v1) is made by openssl.
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Leaf, selfSigned, TestAuthority, testAuthority, unknownAuthority } from "./ca.ts";
import { runProgram } from "./process.ts";

export interface Pki {
  /** PEM texts by file name: `NAME.pem` with chain and key for each client, authorities, lists. */
  readonly files: Readonly<Record<string, string>>;
  /** The arguments of s_client that present a client's certificate with its chain. */
  present(client: string): readonly string[];
}

/** Clients: good, bob (of a chosen name), via (one intermediate), deep (two), stranger, stranger-root ... */
export async function makePki(): Promise<Pki> {
  const authority = await testAuthority();
  const strange = await unknownAuthority();
  const first = await authority.intermediate("Level 1");
  const second = await first.intermediate("Level 2");
  const client = (from: TestAuthority, more: Parameters<TestAuthority["issue"]>[0] = {}) =>
    from.issue({ usage: "client", ...more });
  const named = { commonName: 'zoë "Z" + <z>', organisation: " Org, Inc; #1 \\" };
  const leaves: Record<string, Leaf> = {
    good: await client(authority, { commonName: "good" }),
    rsa: await client(authority, { commonName: "rsa", key: "rsa" }),
    bob: await client(authority, named),
    via: await client(first),
    deep: await client(second),
    stranger: await client(strange),
    self: await selfSigned({ usage: "client" }),
    expired: await client(authority, { validity: "expired" }),
    future: await client(authority, { validity: "future" }),
    server: await authority.issue({ usage: "server", variant: "as a client" }),
    revoked: await client(authority, { variant: "revoked" }),
  };
  const withRoot = {
    ...leaves["stranger"]!,
    certificate: leaves["stranger"]!.certificate + strange.certificate,
  };
  const old = oldCertificates();
  const files: Record<string, string> = {
    "ca.pem": authority.certificate,
    "other-ca.pem": strange.certificate,
    "level-1.pem": first.certificate,
    "anchors.pem": authority.certificate + old.root + leaves["self"]!.certificate,
    "ca.crl": await authority.crl([leaves["revoked"]!]),
    "other.crl": await strange.crl([]),
    "stranger-root.pem": withRoot.certificate + withRoot.key,
    "v1.pem": old.self,
    "v1-leaf.pem": old.leaf,
    "v1-client.pem": old.client,
  };
  for (const [name, leaf] of Object.entries(leaves)) {
    files[`${name}.pem`] = leaf.certificate + leaf.key;
  }
  // A file that begins with a bare leaf: no chain behind it.
  files["via-alone.pem"] = firstOf(leaves["via"]!.certificate) + leaves["via"]!.key;
  return { files, present: (name) => ["-cert", `${name}.pem`, "-cert_chain", `${name}.pem`] };
}

function firstOf(chain: string): string {
  return chain.slice(0, chain.indexOf("-----END CERTIFICATE-----") + 26);
}

/** A self-signed certificate of version 1, and two that it signed, of versions 1 and 3. */
function oldCertificates() {
  const folder = mkdtempSync(join(tmpdir(), "doorpost-pki-"));
  const path = (name: string) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const request = (name: string) =>
    runProgram("openssl", [
      ...["req", ...key, "-subj", `/CN=${name}`],
      ...["-keyout", path(`${name}.key`), "-out", path(`${name}.csr`)],
    ]);
  const sign = (name: string, args: readonly string[]) =>
    runProgram("openssl", [
      ...["x509", "-req", "-in", path(`${name}.csr`), "-out", path(`${name}.pem`)],
      ...["-days", "30", ...args],
    ]);
  try {
    request("v1");
    sign("v1", ["-signkey", path("v1.key")]);
    writeFileSync(path("version-3"), "extendedKeyUsage = clientAuth\n");
    const below = ["-CA", path("v1.pem"), "-CAkey", path("v1.key"), "-CAcreateserial"];
    request("v1-leaf");
    sign("v1-leaf", below);
    request("v1-client");
    sign("v1-client", [...below, "-extfile", path("version-3")]);
    const read = (name: string) => readFileSync(path(name), "utf8");
    const both = (name: string) => read(`${name}.pem`) + read(`${name}.key`);
    return {
      root: read("v1.pem"),
      self: both("v1"),
      leaf: both("v1-leaf"),
      client: both("v1-client"),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Self-signed certificates whose names and numbers are hard to print: PEM with key, by file name. */
export function oddCertificates(): Readonly<Record<string, string>> {
  const odd: Readonly<Record<string, readonly string[]>> = {
    "utf8": ["-utf8", "-subj", "/C=DE/O=Bücherei/CN=Zoë Ωmega 日本"],
    "several": ["-multivalue-rdn", "-subj", "/DC=org/DC=example/UID=u1+CN=joined+SN=name"],
    "mail": ["-subj", "/emailAddress=joe@example.com/serialNumber=77/title=Dr/GN=Jo/CN=joe"],
    "signs": ["-subj", String.raw`/CN= #lead, "quote" \+ plus \\ <less> ; trail `],
    "control": ["-subj", "/CN=tab\there\x7f"],
    "rare": ["-subj", "/street=Main/postalCode=1/businessCategory=x/organizationIdentifier=y"],
    "empty": ["-subj", "/"],
    "huge-serial": [
      "-subj",
      "/CN=huge",
      "-set_serial",
      "0xfedcba9876543210fedcba9876543210fedcba98",
    ],
    "zero-serial": ["-subj", "/CN=zero", "-set_serial", "0"],
    "minus-serial": ["-subj", "/CN=minus", "-set_serial", "-0x1234"],
    "small-serial": ["-subj", "/CN=small", "-set_serial", "0x80"],
  };
  const folder = mkdtempSync(join(tmpdir(), "doorpost-odd-"));
  const key = join(folder, "key");
  const out = join(folder, "out");
  try {
    const make = (args: readonly string[]) => {
      const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      runProgram("openssl", ["req", "-x509", ...kind, "-keyout", key, "-out", out, ...args]);
      return readFileSync(out, "utf8") + readFileSync(key, "utf8");
    };
    return Object.fromEntries(
      Object.entries(odd).map(([name, args]) => [`${name}.pem`, make(args)]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
