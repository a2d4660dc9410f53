/** Byte strings: every byte comes through, and peer bytes are shown without doing harm. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  concat,
  decode,
  encode,
  printable,
  toByteString,
  toDisplay,
  trim,
} from "../../../src/core/bytes.ts";

const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

describe("byte strings", () => {
  test("every byte survives decode and encode", () => {
    assert.deepEqual(encode(decode(everyByte)), everyByte);
    assert.equal(decode(everyByte).length, 256);
    assert.equal(decode(everyByte).charCodeAt(0xff), 0xff);
  });

  test("long texts are whole, over every seam of the pieces they are made in", () => {
    for (const size of [0, 1, 4095, 4096, 4097, 8192, 200_001]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 7) & 255);
      assert.deepEqual(encode(decode(bytes)), bytes);
    }
  });

  const ranges: readonly [number | undefined, number | undefined, string][] = [
    [undefined, undefined, "abcdef"],
    [2, undefined, "cdef"],
    [2, 4, "cd"],
    [0, 0, ""],
    [6, 6, ""],
    [4, 2, ""],
  ];
  for (const [start, end, expected] of ranges) {
    test(`decode from ${start} to ${end} is "${expected}"`, () => {
      assert.equal(decode(encode("abcdef"), start, end), expected);
    });
  }

  const displayed: readonly [string, string, string][] = [
    ["ASCII", "a b", "a b"],
    ["UTF-8", "gr\xc3\xb6\xc3\x9fe", "größe"],
    ["a malformed byte", "a\xffb", "a\ufffdb"],
    ["a cut sequence", "a\xc3", "a\ufffd"],
  ];
  for (const [what, bytes, shown] of displayed) {
    test(`display of ${what}`, () => assert.equal(toDisplay(bytes), shown));
  }

  test("configuration text becomes UTF-8 bytes and back", () => {
    assert.equal(toByteString("größe"), "gr\xc3\xb6\xc3\x9fe");
    assert.equal(toDisplay(toByteString("größe 🦀")), "größe 🦀");
  });

  test("trim takes white space of protocols only, never a byte of UTF-8", () => {
    assert.equal(trim(" \t\r\n a b \r\n"), "a b");
    // U+00E0 is C3 A0 in UTF-8, and String.trim would take the A0.
    assert.equal(trim("voil\xc3\xa0"), "voil\xc3\xa0");
    assert.equal(trim("\x0b\x0ca"), "\x0b\x0ca");
    assert.equal(trim(" \r\n "), "");
  });
});

describe("concat", () => {
  const cases: readonly [string[], string][] = [
    [[], ""],
    [["one"], "one"],
    [["a", "", "bc"], "abc"],
    [["", ""], ""],
  ];
  for (const [parts, whole] of cases) {
    test(`${parts.length} parts are "${whole}"`, () => {
      assert.equal(decode(concat(parts.map(encode))), whole);
    });
  }

  test("views into larger buffers are taken as they are seen", () => {
    const buffer = encode("xxABxx");
    assert.equal(decode(concat([buffer.subarray(2, 3), buffer.subarray(3, 4)])), "AB");
  });
});

describe("printable", () => {
  const cases: readonly [string, string][] = [
    ["a LOGIN bob", "a LOGIN bob"],
    ["line\r\nforged line", "line\\r\\nforged line"],
    ["\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"],
    ["tab\there", "tab\\x09here"],
    ["back\\slash \\r", "back\\\\slash \\\\r"],
    ["gr\xc3\xb6\xc3\x9fe", "gr\xc3\xb6\xc3\x9fe"],
    ["", ""],
  ];
  for (const [raw, shown] of cases) {
    test(`${JSON.stringify(raw)} is shown as ${shown}`, () => assert.equal(printable(raw), shown));
  }

  test("cuts at the limit, counted before escaping, and says so", () => {
    assert.equal(printable("abcdef", 6), "abcdef");
    assert.equal(printable("abcdefg", 6), "abcdef...");
    assert.equal(printable("\r\r\r", 2), "\\r\\r...");
    assert.equal(printable("x".repeat(1000)).length, 203);
  });

  test("no control character gets through, whatever comes in", () => {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(printable(decode(everyByte), 256), /[\x00-\x1f\x7f]/);
  });
});
