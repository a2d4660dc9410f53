/** nginx's tokens: separators, comments, quotes, escapes. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Findings } from "../../../src/config/findings.ts";
import { Tokens } from "../../../src/config/nginx-tokens.ts";

interface Read {
  readonly tokens: readonly string[];
  readonly faults: readonly string[];
}

/** Words as they are, signs in angle brackets. */
function read(text: string): Read {
  const findings = new Findings();
  const tokens = new Tokens("t", text, findings);
  const all: string[] = [];
  for (let token = tokens.next(); token.is !== "end"; token = tokens.next()) {
    all.push(token.is === "word" ? token.word.text : `<${token.is}>`);
  }
  const faults = findings.list(["t"]).map(({ at, message }) =>
    `${at.line}:${at.column} ${message}`
  );
  return { tokens: all, faults };
}

describe("words", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["a b\t\r\nc;", ["a", "b", "c", "<;>"]],
    ["a{b;}", ["a", "<{>", "b", "<;>", "<}>"]],
    ["a#b # c ; d\n#e\nf", ["a#b", "f"]],
    ["# only a comment", []],
    ["a}b;", ["a}b", "<;>"]],
    [`a"b"c 'd'`, [`a"b"c`, "d"]],
    [`"a ; { } # 'b'" 'c "d"'`, [`a ; { } # 'b'`, `c "d"`]],
    ['"two\nlines"', ["two\nlines"]],
    ['""', [""]],
    ['"a"{', ["a", "<{>"]],
    ['"a";', ["a", "<;>"]],
    ['"a")b', ["a", ")b"]],
    ["${a}b $c", ["${a}b", "$c"]],
    ["$ {", ["$", "<{>"]],
  ];
  for (const [text, tokens] of cases) {
    test(JSON.stringify(text), () => assert.deepEqual(read(text), { tokens, faults: [] }));
  }
});

describe("escapes", () => {
  const cases: readonly (readonly [string, string])[] = [
    [String.raw`a\"b\'c\\d`, String.raw`a"b'c\d`],
    [String.raw`\t\r\n`, "\t\r\n"],
    [String.raw`"a\"b"`, 'a"b'],
    [String.raw`'it\'s'`, "it's"],
    [String.raw`"a\\"`, "a\\"],
    // Any other backslash hides its character and stays.
    [String.raw`a\;b`, String.raw`a\;b`],
    [String.raw`a\ b`, String.raw`a\ b`],
    [String.raw`\d\x`, String.raw`\d\x`],
    ["a\\", "a\\"],
  ];
  for (const [text, word] of cases) {
    test(text, () => assert.deepEqual(read(text), { tokens: [word], faults: [] }));
  }
});

describe("faults", () => {
  test("behind a closing quote stands a letter, a quote, a comment or a }", () => {
    for (const char of ["b", "'", "#", "}"]) {
      assert.deepEqual(read(`"a"${char}`).faults[0], `1:4 unexpected "${char}"`);
    }
  });

  test("a quote is never closed: the place is where it opens", () => {
    const { tokens, faults } = read('a\n  "b ; c');
    assert.deepEqual(tokens, ["a", "b ; c"]);
    assert.deepEqual(faults, ['2:3 unexpected end of file, expecting ";" or "}"']);
  });

  test("words over 4096 bytes", () => {
    assert.deepEqual(read("x".repeat(4096)).faults, []);
    assert.deepEqual(read("é".repeat(2048)).faults, []);
    assert.deepEqual(read("0123456789" + "x".repeat(4087)).faults, [
      '1:1 too long parameter "0123456789..." started',
    ]);
    assert.deepEqual(read("é".repeat(2049)).faults.length, 1);
    assert.deepEqual(read(`'${"x".repeat(4097)}'`).faults, [
      `1:1 too long parameter, probably missing terminating "'" character`,
    ]);
  });
});

test("places count lines and columns from 1, and end with their line", () => {
  const tokens = new Tokens("t", 'a\r\n  "b\nc" ;', new Findings());
  const places = [tokens.next(), tokens.next(), tokens.next()].map(({ word }) => word.at);
  assert.deepEqual(places, [
    { file: "t", line: 1, column: 1, length: 1 },
    { file: "t", line: 2, column: 3, length: 2 },
    { file: "t", line: 3, column: 4, length: 1 },
  ]);
});
