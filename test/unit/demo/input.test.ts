/** Lines, sizes and caps of the demo's input buffer, however its bytes come. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode, encode } from "../../../src/core/bytes.ts";
import { Input, LONG } from "../../../src/demo/input.ts";

function inputOf(...chunks: string[]): Input {
  const input = new Input();
  for (const chunk of chunks) input.add(encode(chunk));
  return input;
}

describe("lines", () => {
  const cases: [title: string, chunks: string[], lines: (string | null | typeof LONG)[]][] = [
    ["end with CR LF", ["one\r\ntwo\r\n"], ["one", "two", null]],
    ["end with LF alone", ["one\ntwo\n"], ["one", "two", null]],
    ["keep a CR that stands alone", ["o\rne\r\n"], ["o\rne"]],
    ["may be empty", ["\r\n\n"], ["", "", null]],
    ["come in pieces", ["on", "e", "\r", "\ntw", "o\n"], ["one", "two", null]],
    ["are awaited", ["one"], [null]],
    ["may fill the cap with their end", ["12345678\r\n"], ["12345678"]],
    ["are long with one byte more", ["123456789\r\n"], [LONG]],
    ["are long before their end has come", ["1234567890"], [LONG]],
    ["are awaited up to the cap", ["123456789"], [null]],
  ];
  for (const [title, chunks, lines] of cases) {
    test(title, () => {
      const input = inputOf(...chunks);
      assert.deepEqual(lines.map(() => input.line(10)), lines);
    });
  }

  test("are found after a look in vain", () => {
    const input = inputOf("on");
    assert.equal(input.line(10), null);
    input.add(encode("e\r\nt"));
    assert.equal(input.line(10), "one");
    assert.equal(input.line(10), null);
    input.add(encode("wo\n"));
    assert.equal(input.line(10), "two");
  });
});

describe("bytes", () => {
  test("are taken across chunks, or not at all", () => {
    const input = inputOf("abc", "def", "gh\r\n");
    assert.equal(input.take(11), null);
    assert.equal(decode(input.take(7)!), "abcdefg");
    assert.equal(input.size, 3);
    assert.equal(input.line(10), "h");
  });

  test("of size zero are an empty array", () => {
    assert.deepEqual(inputOf().take(0), new Uint8Array(0));
  });

  test("can be given back", () => {
    const input = inputOf("abc\r\n", "def\r\n");
    assert.equal(input.line(10), "abc");
    const some = input.some()!;
    assert.equal(decode(some), "def\r\n");
    input.unread(some.subarray(1));
    assert.equal(input.line(10), "ef");
    assert.equal(input.some(), null);
  });

  test("given back do not hide a line end from the search", () => {
    const input = inputOf("abc");
    assert.equal(input.line(10), null);
    const some = input.some()!;
    input.add(encode("\nrest"));
    input.unread(some.subarray(1));
    assert.equal(input.line(10), "bc");
  });
});
