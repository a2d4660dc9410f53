/**
 * A certificate authority for tests, made in the process: no openssl command and no stored keys that
 * would expire. RFC 5280 (certificates, revocation lists), RFC 8018 section 6.2 (encrypted keys).
 *
 * What is asked for twice with the same options is made once per process: key generation, RSA above
 * all, would otherwise be the slowest part of many suites.
 */

import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
  X509CrlReason,
} from "@peculiar/x509";
import { concat } from "../../src/core/bytes.ts";
import { parseAddress } from "../../src/net/address.ts";
import type { CertificateAndKey } from "../../src/net/ports.ts";

export type KeyType = "ecdsa" | "rsa";

/** `valid`: a year around now. `soon`: 7 days are left. `expired`: since yesterday. `future`: from tomorrow. */
export type Validity = "valid" | "soon" | "expired" | "future";

export interface LeafOptions {
  /** subjectAltName: DNS names and IP literals. Default `localhost`, `127.0.0.1`, `::1`. */
  readonly names?: readonly string[];
  /** Default: the first name. */
  readonly commonName?: string;
  /** Adds `O=` in front of the common name. */
  readonly organisation?: string;
  /** ECDSA P-256 (default) or RSA 2048. */
  readonly key?: KeyType;
  readonly validity?: Validity;
  /** Extended key usage; default `server`. */
  readonly usage?: "server" | "client";
  /** Tells apart certificates that are otherwise equal (two clients, a renewed certificate). */
  readonly variant?: string;
}

/** Certificate (PEM, leaf first, intermediates behind) and key (PKCS#8 PEM), fit for a `TlsServerSettings`. */
export interface Leaf extends CertificateAndKey {
  /** Upper-case hex, as in `Certificate.serial`. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const DAY = 86_400_000;

const ALGORITHMS = {
  ecdsa: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  },
} as const;

export class TestAuthority {
  /** The authority's own certificate, PEM: a trust anchor when it is a root. */
  readonly certificate: string;
  readonly name: JsonName;
  readonly #keys: CryptoKeyPair;
  /** PEM of the authorities between this one's leaves and the root; empty for a root. */
  readonly #chain: string;
  readonly #issued = new Map<string, Promise<Leaf>>();

  private constructor(certificate: string, name: JsonName, keys: CryptoKeyPair, chain: string) {
    this.certificate = certificate;
    this.name = name;
    this.#keys = keys;
    this.#chain = chain;
  }

  static async root(commonName = "Doorpost Test Root"): Promise<TestAuthority> {
    const keys = await generateKeys("ecdsa");
    const name = authorityName(commonName);
    const { notBefore, notAfter } = period("valid");
    const made = await X509CertificateGenerator.createSelfSigned({
      serialNumber: nextSerial(),
      name,
      notBefore,
      notAfter,
      keys,
      signingAlgorithm: ALGORITHMS.ecdsa,
      extensions: await authorityExtensions(keys.publicKey, keys.publicKey),
    });
    return new TestAuthority(pemOf(made), name, keys, "");
  }

  /** An authority that this one vouches for; its leaves carry its certificate behind their own. */
  async intermediate(commonName = "Doorpost Test Intermediate"): Promise<TestAuthority> {
    const keys = await generateKeys("ecdsa");
    const name = authorityName(commonName);
    const { notBefore, notAfter } = period("valid");
    const made = await X509CertificateGenerator.create({
      serialNumber: nextSerial(),
      subject: name,
      issuer: this.name,
      notBefore,
      notAfter,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHMS.ecdsa,
      extensions: await authorityExtensions(keys.publicKey, this.#keys.publicKey),
    });
    const certificate = pemOf(made);
    return new TestAuthority(certificate, name, keys, certificate + this.#chain);
  }

  /** A leaf certificate; the same options give the same one. */
  issue(options: LeafOptions = {}): Promise<Leaf> {
    const which = JSON.stringify(options, Object.keys(options).sort());
    const known = this.#issued.get(which);
    if (known) return known;
    const made = this.#issue(options);
    this.#issued.set(which, made);
    return made;
  }

  async #issue(options: LeafOptions): Promise<Leaf> {
    const keys = await generateKeys(options.key ?? "ecdsa");
    const serialNumber = nextSerial();
    const valid = period(options.validity ?? "valid");
    const made = await X509CertificateGenerator.create({
      serialNumber,
      subject: subjectOf(options),
      issuer: this.name,
      ...valid,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHMS.ecdsa,
      extensions: [
        ...leafExtensions(options),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    const key = await privatePem(keys);
    return { certificate: pemOf(made) + this.#chain, key, serial: serialNumber, ...valid };
  }

  /** A revocation list (PEM) that names these leaves. */
  async crl(revoked: readonly Leaf[]): Promise<string> {
    const now = Date.now();
    const list = await X509CrlGenerator.create({
      issuer: new X509Certificate(this.certificate).subjectName.toJSON(),
      thisUpdate: new Date(now - DAY),
      nextUpdate: new Date(now + 30 * DAY),
      entries: revoked.map((leaf) => ({
        serialNumber: leaf.serial,
        revocationDate: new Date(now - DAY),
        reason: X509CrlReason.keyCompromise,
      })),
      signingAlgorithm: ALGORITHMS.ecdsa,
      signingKey: this.#keys.privateKey,
      extensions: [await AuthorityKeyIdentifierExtension.create(this.#keys.publicKey)],
    });
    return withFinalNewline(PemConverter.encode(list.rawData, "X509 CRL"));
  }
}

let shared: Promise<TestAuthority> | null = null;
let stranger: Promise<TestAuthority> | null = null;

/** The root that the process's tests trust. */
export function testAuthority(): Promise<TestAuthority> {
  return shared ??= TestAuthority.root();
}

/** A root that nobody trusts. */
export function unknownAuthority(): Promise<TestAuthority> {
  return stranger ??= TestAuthority.root("Unknown Root");
}

const alone = new Map<string, Promise<Leaf>>();

/** A leaf that signed itself; the same options give the same one. */
export function selfSigned(options: LeafOptions = {}): Promise<Leaf> {
  const which = JSON.stringify(options, Object.keys(options).sort());
  const known = alone.get(which);
  if (known) return known;
  const made = signItself(options);
  alone.set(which, made);
  return made;
}

async function signItself(options: LeafOptions): Promise<Leaf> {
  const type = options.key ?? "ecdsa";
  const keys = await generateKeys(type);
  const serialNumber = nextSerial();
  const valid = period(options.validity ?? "valid");
  const made = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    name: subjectOf(options),
    ...valid,
    keys,
    signingAlgorithm: ALGORITHMS[type],
    extensions: leafExtensions(options),
  });
  return { certificate: pemOf(made), key: await privatePem(keys), serial: serialNumber, ...valid };
}

/**
 * The leaf with its key encrypted (PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC). The result carries
 * no passphrase: the test gives the right or a wrong one.
 */
export async function encryptKey(leaf: Leaf, passphrase: string): Promise<Leaf> {
  const iterations = 2048;
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const phrase = new TextEncoder().encode(passphrase);
  const base = await crypto.subtle.importKey("raw", phrase, "PBKDF2", false, ["deriveKey"]);
  const key = await crypto.subtle.deriveKey(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    base,
    { name: "AES-CBC", length: 256 },
    false,
    ["encrypt"],
  );
  const plain = PemConverter.decodeFirst(leaf.key);
  const sealed = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, plain);
  const hmacWithSha256 = sequence(oid("2a864886f70d0209"), tlv(0x05));
  const pbkdf2 = sequence(
    oid("2a864886f70d01050c"),
    sequence(
      tlv(0x04, salt),
      tlv(0x02, Uint8Array.of(iterations >> 8, iterations & 255)),
      hmacWithSha256,
    ),
  );
  const aes256Cbc = sequence(oid("60864801650304012a"), tlv(0x04, iv));
  const pbes2 = sequence(oid("2a864886f70d01050d"), sequence(pbkdf2, aes256Cbc));
  const info = sequence(pbes2, tlv(0x04, new Uint8Array(sealed)));
  return { ...leaf, key: PemConverter.encode(bufferOf(info), "ENCRYPTED PRIVATE KEY") + "\n" };
}

// --- parts -----------------------------------------------------------------------------------

const keyUsages = { server: ExtendedKeyUsage.serverAuth, client: ExtendedKeyUsage.clientAuth };

function leafExtensions(options: LeafOptions): Extension[] {
  const names = namesOf(options).map((value) => ({
    type: parseAddress(value) ? "ip" as const : "dns" as const,
    value,
  }));
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
    new ExtendedKeyUsageExtension([keyUsages[options.usage ?? "server"]]),
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
  ];
}

async function authorityExtensions(own: CryptoKey, issuer: CryptoKey): Promise<Extension[]> {
  return [
    new BasicConstraintsExtension(true, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    await SubjectKeyIdentifierExtension.create(own),
    await AuthorityKeyIdentifierExtension.create(issuer),
  ];
}

function authorityName(commonName: string): JsonName {
  return [{ O: ["Doorpost, Tests"] }, { CN: [commonName] }];
}

function namesOf(options: LeafOptions): readonly string[] {
  if (options.names) return options.names;
  return options.usage === "client" ? [] : ["localhost", "127.0.0.1", "::1"];
}

function subjectOf(options: LeafOptions): JsonName {
  const common = { CN: [options.commonName ?? namesOf(options)[0] ?? "client"] };
  return options.organisation ? [{ O: [options.organisation] }, common] : [common];
}

/** Whole seconds: certificates hold no fractions. */
function period(validity: Validity): { notBefore: Date; notAfter: Date } {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const days =
    { valid: [-30, 335], soon: [-30, 7], expired: [-30, -1], future: [1, 335] }[validity];
  return { notBefore: new Date(now + days[0] * DAY), notAfter: new Date(now + days[1] * DAY) };
}

let serials = 0x5ea10000;

/** Letters in it, so that a test sees whether hex is shown in the right case. */
function nextSerial(): string {
  return (++serials).toString(16).toUpperCase();
}

function generateKeys(type: KeyType): Promise<CryptoKeyPair> {
  const usages: KeyUsage[] = ["sign", "verify"];
  return crypto.subtle.generateKey(ALGORITHMS[type], true, usages) as Promise<CryptoKeyPair>;
}

async function privatePem(keys: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return withFinalNewline(PemConverter.encode(der, "PRIVATE KEY"));
}

function pemOf(certificate: X509Certificate): string {
  return withFinalNewline(certificate.toString("pem"));
}

function withFinalNewline(pem: string): string {
  return pem.endsWith("\n") ? pem : pem + "\n";
}

// --- DER, as much as an encrypted key needs ---------------------------------------------------

function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const body = concat(parts);
  const n = body.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return concat([Uint8Array.of(tag, ...length), body]);
}

function sequence(...parts: Uint8Array[]): Uint8Array {
  return tlv(0x30, ...parts);
}

function oid(hex: string): Uint8Array {
  return tlv(0x06, Uint8Array.from(hex.match(/../g)!, (pair) => parseInt(pair, 16)));
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
