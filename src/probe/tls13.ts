/**
 * As much of a TLS 1.3 handshake (RFC 8446) as shows the server's Certificate message, which is encrypted:
 * one key exchange over P-256, the server's handshake keys, its messages up to the certificate. Then it is
 * broken off in good order.
 *
 * Nothing is verified here and nothing secret is ever sent: this is for looking, never for talking.
 */

import { concat, EMPTY, encode, hexOf } from "../core/bytes.ts";
import { PROBE_RECORDS } from "../core/limits.ts";
import { clientHello, vector } from "./hello.ts";
import type { Talk } from "./talk.ts";

/** A key and what makes its nonces (section 5.3). */
interface Direction {
  readonly key: CryptoKey;
  readonly iv: Uint8Array;
}

interface Suite {
  readonly hash: "SHA-256" | "SHA-384";
  readonly size: number;
  readonly keySize: number;
}

/** Those that Web Crypto has; section B.4. */
const SUITES: Readonly<Record<number, Suite>> = {
  0x1301: { hash: "SHA-256", size: 32, keySize: 16 },
  0x1302: { hash: "SHA-384", size: 48, keySize: 32 },
};

const [ALERT, HANDSHAKE, APPLICATION_DATA] = [21, 22, 23];
const [SERVER_HELLO, CERTIFICATE] = [2, 11];

/**
 * The body of the server's Certificate message, or why there is none; the talk is then over. Rejects
 * with a `Fault`.
 */
export async function peekCertificate(
  talk: Talk,
  random: Uint8Array,
  name: string | null,
): Promise<Uint8Array | string> {
  const pair = await crypto.subtle.generateKey(EXCHANGE, false, ["deriveBits"]) as CryptoKeyPair;
  const keyShare = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const hello = clientHello("TLSv1.3", random, name, { staple: true, keyShare });
  talk.connection.write(hello);
  const records = new Records(talk);
  const first = await records.next();
  if (first.type !== HANDSHAKE || first.body[0] !== SERVER_HELLO) return refusal(first);
  const answer = readServerHello(first.body);
  if (typeof answer === "string") return answer;
  const shared = await agree(pair.privateKey, answer.share);
  if (!shared) return "the server's key is no point of P-256";
  const transcript = concat([hello.subarray(5), first.body]);
  const keys = await handshakeKeys(answer.suite, shared, transcript);
  const found = await readCertificate(records, keys.server);
  await talk.leave(await sealed(keys.client, CANCELLED));
  return found;
}

const EXCHANGE = { name: "ECDH", namedCurve: "P-256" } as const;

/** The shared secret; null for what is no public key. */
async function agree(mine: CryptoKey, share: Uint8Array): Promise<Uint8Array | null> {
  try {
    const theirs = await crypto.subtle.importKey("raw", own(share), EXCHANGE, false, []);
    const algorithm = { name: "ECDH", public: theirs };
    return new Uint8Array(await crypto.subtle.deriveBits(algorithm, mine, 256));
  } catch {
    // Web Crypto has an exception of its own for each kind of nonsense.
    return null;
  }
}

/** user_canceled, a warning (section 6.1). */
const CANCELLED = Uint8Array.of(1, 90);

function refusal({ type }: RecordIn): string {
  return type === ALERT ? "the server refuses this handshake" : "the answer is not TLS 1.3";
}

// --- ServerHello -----------------------------------------------------------------------------------

/** Section 4.1.3: the hash of "HelloRetryRequest" begins so. */
const RETRY = "cf21ad74e59a6111";
const KEY_SHARE = 51;
const P256 = 0x0017;

function readServerHello(body: Uint8Array): { suite: Suite; share: Uint8Array } | string {
  if (hexOf(body.subarray(6, 14)) === RETRY) return "the server has no key exchange over P-256";
  let at = 38 + 1 + body[38];
  const suite = SUITES[number(body, at, 2)];
  if (!suite) return "the server wants another cipher than AES";
  at += 2 + 1 + 2;
  while (at + 4 <= body.length) {
    const [type, size] = [number(body, at, 2), number(body, at + 2, 2)];
    const data = body.subarray(at + 4, at + 4 + size);
    if (type === KEY_SHARE && number(data, 0, 2) === P256) {
      return { suite, share: data.subarray(4) };
    }
    at += 4 + size;
  }
  return "the answer is not TLS 1.3";
}

function number(bytes: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = at; i < at + size; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

// --- keys (section 7.1) ------------------------------------------------------------------------------

async function handshakeKeys(suite: Suite, shared: Uint8Array, transcript: Uint8Array) {
  const { hash, size } = suite;
  const zero = new Uint8Array(size);
  const early = await hmac(suite, zero, zero);
  const derived = await expand(suite, early, "derived", await digest(hash, EMPTY), size);
  const secret = await hmac(suite, derived, shared);
  const context = await digest(hash, transcript);
  const direction = async (label: string): Promise<Direction> => {
    const traffic = await expand(suite, secret, label, context, size);
    const key = await expand(suite, traffic, "key", EMPTY, suite.keySize);
    return {
      key: await crypto.subtle.importKey("raw", own(key), "AES-GCM", false, ["encrypt", "decrypt"]),
      iv: await expand(suite, traffic, "iv", EMPTY, 12),
    };
  };
  return { client: await direction("c hs traffic"), server: await direction("s hs traffic") };
}

/** HKDF-Expand-Label; nothing here is longer than one block of the hash. */
async function expand(
  suite: Suite,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  const info = concat([
    Uint8Array.of(length >> 8, length & 255),
    vector(1, encode(`tls13 ${label}`)),
    vector(1, context),
    Uint8Array.of(1),
  ]);
  return (await hmac(suite, secret, info)).subarray(0, length);
}

async function hmac({ hash }: Suite, key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const made = await crypto.subtle.importKey("raw", own(key), { name: "HMAC", hash }, false, [
    "sign",
  ]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, own(data)));
}

async function digest(hash: Suite["hash"], data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(hash, own(data)));
}

/** A copy that Web Crypto takes. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

// --- records (section 5) -----------------------------------------------------------------------------

interface RecordIn {
  readonly type: number;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

const CHANGE_CIPHER_SPEC = 20;
/** Section 5.2: 2^14 and 256 bytes. */
const LONGEST = 16_640;

class Records {
  readonly #talk: Talk;
  readonly #deadline: number;

  constructor(talk: Talk) {
    this.#talk = talk;
    this.#deadline = talk.deadline();
  }

  /** The next one; those of middlebox compatibility are passed over, what is no record is of type 0. */
  async next(): Promise<RecordIn> {
    for (;;) {
      const found = this.#take();
      if (found && found.type !== CHANGE_CIPHER_SPEC) return found;
      if (!found) await this.#talk.more("waiting for the server's handshake", this.#deadline);
    }
  }

  #take(): RecordIn | null {
    const { reader } = this.#talk;
    const bytes = reader.bytes.subarray(reader.at, reader.at + reader.length);
    if (bytes.length < 5) return null;
    const size = number(bytes, 3, 2);
    if (bytes[1] !== 3 || size > LONGEST) return { type: 0, header: EMPTY, body: EMPTY };
    if (bytes.length < 5 + size) return null;
    const whole = bytes.slice(0, 5 + size);
    reader.take(reader.at + 5 + size);
    return { type: whole[0], header: whole.subarray(0, 5), body: whole.subarray(5) };
  }
}

/** Messages may be cut over records, and share them. */
async function readCertificate(records: Records, server: Direction): Promise<Uint8Array | string> {
  let stream: Uint8Array = EMPTY;
  for (let sequence = 0; sequence < PROBE_RECORDS; sequence++) {
    const record = await records.next();
    if (record.type !== APPLICATION_DATA) return refusal(record);
    const opened = await open(server, record, sequence);
    if (!opened || opened.type !== HANDSHAKE) return "the server's handshake cannot be read";
    stream = concat([stream, opened.content]);
    for (let at = 0; at + 4 <= stream.length;) {
      const end = at + 4 + number(stream, at + 1, 3);
      if (end > stream.length) break;
      if (stream[at] === CERTIFICATE) return stream.subarray(at + 4, end);
      at = end;
    }
  }
  return "the server's handshake does not end";
}

async function open({ key, iv }: Direction, { header, body }: RecordIn, sequence: number) {
  const algorithm = { name: "AES-GCM", iv: nonce(iv, sequence), additionalData: own(header) };
  try {
    const inner = new Uint8Array(await crypto.subtle.decrypt(algorithm, key, own(body)));
    let last = inner.length - 1;
    while (last > 0 && inner[last] === 0) last--;
    return { type: inner[last], content: inner.subarray(0, last) };
  } catch {
    // Web Crypto says no more than that it is not authentic.
    return null;
  }
}

/** An alert, the first record of ours. */
async function sealed({ key, iv }: Direction, alert: Uint8Array): Promise<Uint8Array> {
  const header = Uint8Array.of(APPLICATION_DATA, 3, 3, 0, alert.length + 1 + 16);
  const algorithm = { name: "AES-GCM", iv: nonce(iv, 0), additionalData: header };
  const inner = own(concat([alert, Uint8Array.of(ALERT)]));
  return concat([header, new Uint8Array(await crypto.subtle.encrypt(algorithm, key, inner))]);
}

/** Section 5.3; sequence numbers here are under 256. */
function nonce(iv: Uint8Array, sequence: number): Uint8Array<ArrayBuffer> {
  const made = own(iv);
  made[made.length - 1] ^= sequence;
  return made;
}

// --- the message (section 4.4.2) -----------------------------------------------------------------------

const STATUS_REQUEST = 5;

/** The OCSP response that is stapled to the first certificate; null without one, or when malformed. */
export function stapledTo(certificate: Uint8Array): Uint8Array | null {
  let at = 1 + certificate[0] + 3;
  at += 3 + number(certificate, at, 3);
  const end = at + 2 + number(certificate, at, 2);
  for (at += 2; at + 4 <= Math.min(end, certificate.length);) {
    const [type, size] = [number(certificate, at, 2), number(certificate, at + 2, 2)];
    // One byte for the kind, OCSP; three for the length.
    if (type === STATUS_REQUEST) return certificate.subarray(at + 8, at + 4 + size);
    at += 4 + size;
  }
  return null;
}
