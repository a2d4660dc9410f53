/** MD5 and HMAC-MD5 by the vectors of RFC 1321 appendix A.5 and RFC 2202 section 2. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { encode, hexOf } from "../../../src/core/bytes.ts";
import { hmacMd5, md5 } from "../../../src/probe/md5.ts";

const DIGESTS: readonly (readonly [string, string])[] = [
  ["", "d41d8cd98f00b204e9800998ecf8427e"],
  ["a", "0cc175b9c0f1b6a831c399e269772661"],
  ["abc", "900150983cd24fb0d6963f7d28e17f72"],
  ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
  ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
  [
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "d174ab98d277d9f5a5611c2c9f419d9f",
  ],
  ["1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
];

for (const [text, digest] of DIGESTS) {
  test(`md5 of "${text.slice(0, 20)}"`, () => assert.equal(hexOf(md5(encode(text))), digest));
}

const MACS: readonly (readonly [key: string, text: string, mac: string])[] = [
  ["\x0b".repeat(16), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"],
  ["Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"],
  [
    "\xaa".repeat(80),
    "Test Using Larger Than Block-Size Key - Hash Key First",
    "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
  ],
];

for (const [key, text, mac] of MACS) {
  test(`hmac-md5 of "${text.slice(0, 20)}"`, () => {
    assert.equal(hexOf(hmacMd5(encode(key), encode(text))), mac);
  });
}
