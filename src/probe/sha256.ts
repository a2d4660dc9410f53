/**
 * SHA-256 (FIPS 180-4), HMAC (RFC 2104) and PBKDF2 (RFC 8018 section 5.2) over it, for SCRAM-SHA-256. Web
 * Crypto has them all, but as promises, and a login is a script without waits.
 */

import { concat } from "../core/bytes.ts";

const BLOCK = 64;
const SHA256_SIZE = 32;

/** The first 32 bits of the fraction of a root: square ones start the state, cubic ones are the rounds'. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
}

const PRIMES = primes(64);
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const ROUNDS = Int32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));

function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    if (found.every((prime) => n % prime !== 0)) found.push(n);
  }
  return found;
}

/** The digest, 32 bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  return finish(Int32Array.from(START), message, message.length);
}

/** The rest of a message, whose length in all is `total`, on a state that has taken whole blocks. */
function finish(state: Int32Array, rest: Uint8Array, total: number): Uint8Array {
  const padded = new Uint8Array(Math.ceil((rest.length + 9) / BLOCK) * BLOCK);
  padded.set(rest);
  padded[rest.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(total / 2 ** 29));
  view.setUint32(padded.length - 4, (total * 8) >>> 0);
  for (let at = 0; at < padded.length; at += BLOCK) compress(state, view, at);
  const digest = new DataView(new ArrayBuffer(SHA256_SIZE));
  state.forEach((word, i) => digest.setInt32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

const schedule = new Int32Array(64);

function compress(state: Int32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) schedule[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [near, far] = [schedule[i - 2], schedule[i - 15]];
    const one = turn(near, 17) ^ turn(near, 19) ^ (near >>> 10);
    const two = turn(far, 7) ^ turn(far, 18) ^ (far >>> 3);
    schedule[i] = one + schedule[i - 7] + two + schedule[i - 16];
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const sum = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const first = (h + sum + ((e & f) ^ (~e & g)) + ROUNDS[i] + schedule[i]) | 0;
    const other = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const second = (other + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => state[i] += word);
}

function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/** HMAC with one key, whose two first blocks are taken once for all messages. */
export function hmacSha256(key: Uint8Array): (message: Uint8Array) => Uint8Array {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? sha256(key) : key);
  const begun = (mask: number) => {
    const state = Int32Array.from(START);
    compress(state, new DataView(block.map((byte) => byte ^ mask).buffer), 0);
    return state;
  };
  const [inner, outer] = [begun(0x36), begun(0x5c)];
  return (message) => {
    const digest = finish(inner.slice(), message, BLOCK + message.length);
    return finish(outer.slice(), digest, BLOCK + SHA256_SIZE);
  };
}

/** One block of output, which is what SCRAM wants ("Hi" in RFC 5802). */
export function pbkdf2Sha256(
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): Uint8Array {
  const hmac = hmacSha256(password);
  let last = hmac(concat([salt, Uint8Array.of(0, 0, 0, 1)]));
  const sum = last.slice();
  for (let i = 1; i < iterations; i++) {
    last = hmac(last);
    for (let at = 0; at < SHA256_SIZE; at++) sum[at] ^= last[at];
  }
  return sum;
}
