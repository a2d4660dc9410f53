/** Words of a command line: which bytes part them, and which do not. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ByteString } from "../../../src/core/bytes.ts";
import { remainder, trimmed, verbOf, words } from "../../../src/wire/words.ts";

describe("words", () => {
  const cases: readonly (readonly [text: ByteString, most: number, words: readonly string[]])[] = [
    ["", 3, [""]],
    ["NOOP", 3, ["NOOP"]],
    ["NOOP   ", 3, ["NOOP"]],
    ["a b c", 3, ["a", "b", "c"]],
    ["a   b  c  ", 3, ["a", "b", "c"]],
    // No command hides behind a space.
    [" NOOP", 3, ["", "NOOP"]],
    ["   ", 3, [""]],
    // One too many is shown, and no more.
    ["a b c d", 3, ["a", "b", "c", "d"]],
    ["a b c d e f", 3, ["a", "b", "c", "d"]],
    ["a b c d e f", 1, ["a", "b"]],
    ["a\tb\0c\xa0d\x0be", 3, ["a\tb\0c\xa0d\x0be"]],
    ["\xc3\xa9 \xff", 3, ["\xc3\xa9", "\xff"]],
  ];
  for (const [text, most, expected] of cases) {
    test(`${JSON.stringify(text)}, at most ${most}`, () => {
      assert.deepEqual(words(text, most), expected);
    });
  }
});

describe("everything after the first word", () => {
  const cases: readonly (readonly [text: ByteString, rest: ByteString])[] = [
    ["PASS", ""],
    ["PASS ", ""],
    ["PASS secret", "secret"],
    ["PASS    se cret  ", "se cret  "],
    ["PASS \t \x00\xff ", "\t \x00\xff "],
    [" PASS x", "PASS x"],
    ["", ""],
  ];
  for (const [text, rest] of cases) {
    test(JSON.stringify(text), () => assert.equal(remainder(text), rest));
  }
});

describe("the line without trailing spaces", () => {
  const cases: readonly (readonly [text: ByteString, trimmed: ByteString])[] = [
    ["mail  from:<a@b>  SIZE=10   ", "mail  from:<a@b>  SIZE=10"],
    ["  x", "  x"],
    ["x\t ", "x\t"],
    ["   ", ""],
    ["", ""],
  ];
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => assert.equal(trimmed(text), expected));
  }
});

describe("a command word", () => {
  const cases: readonly (readonly [word: ByteString, verb: string])[] = [
    ["NOOP", "NOOP"],
    ["nOoP", "NOOP"],
    ["", ""],
    ["NOOP1", ""],
    ["NO-OP", ""],
    ["NO\0OP", ""],
    // Latin-1's sharp s is SS in upper case, and micro and y with diaeresis leave Latin-1.
    ["PA\xdf", ""],
    ["\xb5\xff", ""],
    ["__proto__", ""],
    ["constructor", ""],
    ["noo", ""],
    // 0x20 away from letters, but no letters.
    ["\x0eOOP", ""],
  ];
  for (const [word, verb] of cases) {
    test(JSON.stringify(word), () => assert.equal(verbOf(word, ["NOOP", "PASS"]), verb));
  }
});
