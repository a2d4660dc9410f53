/** SASL messages: base64 as nginx reads it, and the three mechanisms' plain texts. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type ByteString, decode } from "../../../src/core/bytes.ts";
import {
  decodeBase64,
  encodeBase64,
  parseCramMd5,
  parsePlain,
  plainMessage,
} from "../../../src/wire/sasl.ts";

const byteStrings = fc.uint8Array({ maxLength: 300 }).map((bytes) => decode(bytes));
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

describe("base64", () => {
  // RFC 4648 section 10.
  const vectors: readonly (readonly [text: string, encoded: string])[] = [
    ["", ""],
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["fooba", "Zm9vYmE="],
    ["foobar", "Zm9vYmFy"],
    ["\0", "AA=="],
    ["\xff\xff\xff", "////"],
    ["\xfb\xef\xbe", "++++"],
  ];
  for (const [text, encoded] of vectors) {
    test(JSON.stringify(text), () => {
      assert.equal(encodeBase64(text), encoded);
      assert.equal(decodeBase64(encoded), text);
      assert.equal(decodeBase64(encoded.replace(/=/g, "")), text, "without padding");
    });
  }

  const generous: readonly (readonly [encoded: ByteString, text: ByteString | null])[] = [
    ["=", ""],
    ["====", ""],
    ["Zm9v=", "foo"],
    ["Zm9v=Zm9v", "foo"],
    ["Zm9v=*\0\xff", "foo"],
    ["Zg=", "f"],
    ["Zg=x=", "f"],
    // Bits that belong to no byte are not looked at.
    ["Zh", "f"],
    ["Zm//", "fo\xff"],
    // One character is no byte.
    ["Z", null],
    ["Zm9vZ", null],
    ["Z=", null],
    ["Zm9vZ===", null],
    // Foreign bytes.
    ["*", null],
    ["Zm9v*", null],
    ["Zm-v", null],
    ["Zm_v", null],
    ["Zm9v ", null],
    ["Zm 9v", null],
    ["Zm\t9v", null],
    ["Zm\x009v", null],
    ["Zm9\x80", null],
    ["\xda\xed\xb9\xf6", null],
  ];
  for (const [encoded, text] of generous) {
    test(`${JSON.stringify(encoded)} is ${JSON.stringify(text)}`, () => {
      assert.equal(decodeBase64(encoded), text);
    });
  }

  test("agrees with the platform's about any bytes", () => {
    fc.assert(fc.property(byteStrings, (text) => {
      assert.equal(encodeBase64(text), btoa(text));
      assert.equal(decodeBase64(btoa(text)), text);
      assert.equal(decodeBase64(btoa(text).replace(/=/g, "")), text);
    }));
  });

  test("agrees with the platform's about any letters", () => {
    const letters = fc.array(fc.constantFrom(...ALPHABET), { maxLength: 80 });
    fc.assert(fc.property(letters, (chosen) => {
      const text = chosen.join("");
      const expected = text.length % 4 === 1 ? null : atob(text);
      assert.equal(decodeBase64(text), expected);
    }));
  });

  test("any other text is refused, never mistaken", () => {
    fc.assert(fc.property(byteStrings, (text) => {
      const data = text.split("=", 1)[0];
      const sound = [...data].every((letter) => ALPHABET.includes(letter)) && data.length % 4 !== 1;
      assert.equal(decodeBase64(text) !== null, sound);
    }));
  });

  test("a megabyte takes no time to speak of", () => {
    const text = "A".repeat(1 << 20);
    const start = performance.now();
    assert.equal(decodeBase64(text)?.length, text.length / 4 * 3);
    assert.ok(performance.now() - start < 2000);
  });
});

describe("PLAIN", () => {
  const cases: readonly (readonly [ByteString, ReturnType<typeof parsePlain>])[] = [
    ["\0bob\0secret", { user: "bob", password: "secret" }],
    ["admin\0bob\0secret", { user: "bob", password: "secret" }],
    ["\0\0", { user: "", password: "" }],
    ["\0bob\0", { user: "bob", password: "" }],
    ["\0\0secret", { user: "", password: "secret" }],
    ["\0bob\0se\0cret\0", { user: "bob", password: "se\0cret\0" }],
    ["\0bo b\0\r\n\xff", { user: "bo b", password: "\r\n\xff" }],
    ["", "login"],
    ["bob", "login"],
    ["\0", "login"],
    ["\0bob", "password"],
    ["admin\0bob", "password"],
  ];
  for (const [message, expected] of cases) {
    test(JSON.stringify(message), () => assert.deepEqual(parsePlain(message), expected));
  }

  test("what is written is read back", () => {
    const parts = byteStrings.map((text) => text.replaceAll("\0", ""));
    fc.assert(fc.property(parts, parts, (user, password) => {
      assert.deepEqual(parsePlain(decodeBase64(plainMessage(user, password))!), { user, password });
    }));
  });
});

describe("CRAM-MD5", () => {
  const digest = "b913a602c7eda7a495b4e6e7334d3890";
  const cases: readonly (readonly [ByteString, ReturnType<typeof parseCramMd5>])[] = [
    // RFC 2195 section 2.
    [`tim ${digest}`, { user: "tim", password: digest }],
    [` ${digest}`, { user: "", password: digest }],
    [`tim ${digest.toUpperCase()}`, { user: "tim", password: digest.toUpperCase() }],
    [`tim ${"?".repeat(32)}`, { user: "tim", password: "?".repeat(32) }],
    [`tim x${digest.slice(1, 31)} `, { user: "tim", password: `x${digest.slice(1, 31)} ` }],
    [`tim jones ${digest}`, null],
    [`tim  ${digest}`, null],
    [`tim ${digest}0`, null],
    [`tim ${digest.slice(1)}`, null],
    [`tim`, null],
    ["", null],
    [digest, null],
  ];
  for (const [message, expected] of cases) {
    test(JSON.stringify(message), () => assert.deepEqual(parseCramMd5(message), expected));
  }
});
