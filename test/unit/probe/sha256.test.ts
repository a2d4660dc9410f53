/** SHA-256, HMAC and PBKDF2 by the vectors of FIPS 180-2, RFC 4231 and RFC 7914, and any bytes. */

import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { encode, hexOf } from "../../../src/core/bytes.ts";
import { hmacSha256, pbkdf2Sha256, sha256 } from "../../../src/probe/sha256.ts";

test("known digests", () => {
  const known = (text: string, digest: string) => assert.equal(hexOf(sha256(encode(text))), digest);
  known("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  known("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(
    hexOf(hmacSha256(encode("Jefe"))(encode("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  assert.equal(
    hexOf(pbkdf2Sha256(encode("passwd"), encode("salt"), 1)),
    "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
  );
});

test("any bytes, as node:crypto has it", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  fc.assert(fc.property(bytes, bytes, fc.integer({ min: 1, max: 9 }), (key, text, times) => {
    assert.equal(hexOf(sha256(text)), createHash("sha256").update(text).digest("hex"));
    const mac = createHmac("sha256", key).update(text).digest("hex");
    assert.equal(hexOf(hmacSha256(key)(text)), mac);
    const derived = pbkdf2Sync(key, text, times, 32, "sha256").toString("hex");
    assert.equal(hexOf(pbkdf2Sha256(key, text, times)), derived);
  }));
});
