/** Dot-stuffing both ways. RFC 5321 section 4.5.2, RFC 1939 section 3. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat, decode, encode } from "../../../src/core/bytes.ts";
import { DotReader, stuff } from "../../../src/demo/dots.ts";

/** The message and what follows it, or null when the end has not come. */
function read(bytes: string, size = bytes.length, cap = 1000): [string | null, string] | null {
  const reader = new DotReader(cap);
  for (let at = 0; at < bytes.length; at += size) {
    const rest = reader.push(encode(bytes.slice(at, at + size)));
    if (!rest) continue;
    const message = reader.message();
    return [message && decode(message), decode(rest) + bytes.slice(at + size)];
  }
  return null;
}

describe("reading DATA", () => {
  const cases: [title: string, sent: string, message: string | null, rest?: string][] = [
    ["ends at a dot that stands alone", "one\r\n.\r\n", "one\r\n"],
    ["may end at once", ".\r\n", ""],
    ["takes a dot away from the front of a line", "..one\r\n...\r\n.\r\n", ".one\r\n..\r\n"],
    ["takes it from a line that nobody stuffed, too", ".one\r\n.\r\n", "one\r\n"],
    ["leaves dots within a line", "a.b.\r\n.\r\n", "a.b.\r\n"],
    ["gives back what follows", "one\r\n.\r\nQUIT\r\n", "one\r\n", "QUIT\r\n"],
    ["does not end at LF . LF", "one\n.\nMAIL\r\n.\r\n", "one\n.\nMAIL\r\n"],
    ["does not end at LF . CR LF", "one\n.\r\ntwo\r\n.\r\n", "one\n.\r\ntwo\r\n"],
    ["does not end at CR LF . LF", "one\r\n.\ntwo\r\n.\r\n", "one\r\n\ntwo\r\n"],
    ["does not end at CR LF . CR CR LF", "one\r\n.\r\r\ntwo\r\n.\r\n", "one\r\n\r\r\ntwo\r\n"],
    ["keeps a CR that stands alone", "o\rne\r\n.\r\n", "o\rne\r\n"],
    ["has not ended", "one\r\n.", null],
    ["has not ended either", "one\r\n.\r", null],
  ];
  for (const [title, sent, message, rest = ""] of cases) {
    test(title, () => {
      for (const size of [sent.length, 1, 2, 3]) {
        assert.deepEqual(read(sent, size), message === null ? null : [message, rest]);
      }
    });
  }

  test("beyond the cap goes on to the end and keeps nothing", () => {
    assert.deepEqual(read("x".repeat(30) + "\r\n.\r\nNOOP", 7, 20), [null, "NOOP"]);
  });
});

describe("writing RETR", () => {
  const cases: [string, string][] = [
    ["one\r\n", "one\r\n.\r\n"],
    [".one\r\n.\r\na.b\r\n", "..one\r\n..\r\na.b\r\n.\r\n"],
    ["no end", "no end\r\n.\r\n"],
    ["", ".\r\n"],
  ];
  for (const [message, written] of cases) {
    test(JSON.stringify(message), () => assert.equal(decode(stuff(encode(message))), written));
  }

  test("is undone by reading, whatever the lines and the pieces", () => {
    const line = fc.stringMatching(/^[.a\r]{0,5}$/).map((text) => text.replace(/\r$/, ""));
    fc.assert(fc.property(fc.array(line), fc.integer({ min: 1, max: 9 }), (lines, size) => {
      const message = lines.map((text) => text + "\r\n").join("");
      const written = decode(concat([stuff(encode(message)), encode("NEXT")]));
      assert.deepEqual(read(written, size), [message, "NEXT"]);
    }));
  });
});
