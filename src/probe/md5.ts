/**
 * MD5 (RFC 1321) and HMAC-MD5 (RFC 2104), which CRAM-MD5 and APOP are made of. No runtime offers MD5
 * through an interface that all of them share. For these two challenges alone: MD5 protects nothing.
 */

import { concat } from "../core/bytes.ts";

const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]] as const;
const SINES = Array.from(
  { length: 64 },
  (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) >>> 0,
);
const BLOCK = 64;

export function md5(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const view = new DataView(padded.buffer);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < padded.length; at += BLOCK) {
    const words = Array.from({ length: 16 }, (_, i) => view.getUint32(at + 4 * i, true));
    rounds(state, words);
  }
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, i) => digest.setUint32(4 * i, word, true));
  return new Uint8Array(digest.buffer);
}

/** A 1 bit, zeros, and the length in bits as 64 bits. */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = Math.ceil((message.length + 9) / BLOCK) * BLOCK;
  const padded = new Uint8Array(size);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(size - 8, (message.length * 8) >>> 0, true);
  view.setUint32(size - 4, Math.floor(message.length / 2 ** 29), true);
  return padded;
}

function rounds(state: number[], words: readonly number[]): void {
  let [a, b, c, d] = state;
  for (let i = 0; i < 64; i++) {
    const round = i >> 4;
    const [mixed, index] = mix(round, i, b, c, d);
    const sum = (a + mixed + SINES[i] + words[index]) | 0;
    const by = SHIFTS[round][i % 4];
    [a, d, c, b] = [d, c, b, (b + ((sum << by) | (sum >>> (32 - by)))) | 0];
  }
  [a, b, c, d].forEach((word, i) => state[i] = (state[i] + word) >>> 0);
}

/** F, G, H and I of section 3.4, each with the word that its step takes. */
function mix(round: number, i: number, b: number, c: number, d: number): [number, number] {
  if (round === 0) return [(b & c) | (~b & d), i];
  if (round === 1) return [(d & b) | (~d & c), (5 * i + 1) % 16];
  if (round === 2) return [b ^ c ^ d, (3 * i + 5) % 16];
  return [c ^ (b | ~d), (7 * i) % 16];
}

export function hmacMd5(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? md5(key) : key);
  const inner = md5(concat([block.map((byte) => byte ^ 0x36), message]));
  return md5(concat([block.map((byte) => byte ^ 0x5c), inner]));
}
