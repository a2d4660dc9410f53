/** Lines from bytes: ends, caps, what a peer may send instead, and what it costs. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type ByteString, concat, decode, encode } from "../../../src/core/bytes.ts";
import { Reader } from "../../../src/wire/reader.ts";
import { type Fed, feedEveryWay } from "./feeding.ts";

/** Lines as text; stray ones with `!` before, too long ones as `long`. */
class Lines implements Fed<string> {
  readonly reader: Reader = new Reader();
  readonly #cap: number;

  constructor(cap: number) {
    this.#cap = cap;
  }

  add(bytes: Uint8Array): void {
    this.reader.add(bytes);
  }

  next(): string | null {
    const line = this.reader.line(this.#cap);
    if (line === null || line === "long") return line;
    return (line.stray ? "!" : "") + decode(this.reader.bytes, line.start, line.end);
  }
}

const lines = (text: ByteString, cap = 4096) =>
  feedEveryWay(encode(text), () => new Lines(cap), (line) => line === "long");

describe("lines", () => {
  const cases: readonly (readonly [what: string, text: ByteString, lines: readonly string[]])[] = [
    ["nothing", "", []],
    ["no end yet", "NOOP", []],
    ["CR LF", "NOOP\r\n", ["NOOP"]],
    ["LF alone", "NOOP\n", ["NOOP"]],
    ["CR alone is no end", "NOOP\r", []],
    ["empty lines", "\r\n\n\r\n", ["", "", ""]],
    ["several, of both kinds", "a\nb\r\nc\nd", ["a", "b", "c"]],
    ["spaces stay", "  a  b  \r\n", ["  a  b  "]],
    ["a CR inside", "NO\rOP\r\n", ["!NO\rOP"]],
    ["a CR before the CR", "NOOP\r\r\n", ["!NOOP\r"]],
    ["a CR at the start", "\rNOOP\n", ["!\rNOOP"]],
    ["CRs only", "\r\r\r\n", ["!\r\r"]],
    ["LF CR", "a\n\rb\r\n", ["a", "!\rb"]],
    ["a stray CR behind a line is the next line's", "a\nb\rc\n", ["a", "!b\rc"]],
    ["NUL and 8-bit bytes are bytes", "\0\x80\xff\xa0\r\n", ["\0\x80\xff\xa0"]],
    ["other controls are bytes", "\x0b\x0c\x85\x1a\t\n", ["\x0b\x0c\x85\x1a\t"]],
  ];
  for (const [what, text, expected] of cases) {
    test(what, () => assert.deepEqual(lines(text), expected));
  }
});

describe("the cap counts the line with its end", () => {
  const cap = 8;
  const cases: readonly (readonly [text: ByteString, lines: readonly string[]])[] = [
    ["12345\r\n", ["12345"]],
    ["123456\r\n", ["123456"]],
    ["1234567\r\n", ["long"]],
    ["1234567\n", ["1234567"]],
    ["12345678\n", ["long"]],
    ["1234567", []],
    ["12345678", ["long"]],
    ["12345678901234567890", ["long"]],
    // Each line for itself, however many are pipelined.
    ["123456\r\n123456\r\n123456\r\n", ["123456", "123456", "123456"]],
    ["1\n1234567\r\n2\n", ["1", "long"]],
  ];
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => assert.deepEqual(lines(text, cap), expected));
  }
});

describe("unread bytes", () => {
  test("are taken as a whole, and the reader is empty", () => {
    const reader = new Reader();
    reader.add(encode("a\nb"));
    reader.line(100);
    reader.add(encode("c\nd"));
    assert.equal(reader.length, 4);
    assert.equal(decode(reader.rest()), "bc\nd");
    assert.equal(reader.length, 0);
    assert.equal(reader.line(100), null);
    reader.add(encode("e\n"));
    assert.equal(lineText(reader), "e");
  });

  test("are forgotten by clear, also what was known about them", () => {
    const reader = new Reader();
    reader.add(encode("RCPT TO:<x"));
    assert.equal(reader.line(100), null);
    reader.clear();
    reader.add(encode("a\nb\n"));
    assert.equal(lineText(reader), "a");
    assert.equal(lineText(reader), "b");
  });

  test("given away are not written over by what comes later", () => {
    const reader = new Reader();
    const chunk = encode("abc\ndef");
    reader.add(chunk);
    reader.line(100);
    reader.add(encode("ghi"));
    reader.add(encode("jkl"));
    const given = reader.rest();
    reader.add(encode("0000"));
    reader.add(encode("0000000000000000"));
    assert.equal(decode(given), "defghijkl");
    assert.equal(decode(chunk), "abc\ndef");
  });

  test("any bytes in any pieces come out again, whole or by lines", () => {
    const piece = fc.array(fc.constantFrom("a", "b", "\r", "\n"), { maxLength: 12 });
    const pieces = fc.array(piece.map((bytes) => encode(bytes.join(""))), { maxLength: 30 });
    fc.assert(fc.property(pieces, fc.nat(5), (chunks, every) => {
      const reader = new Reader();
      const read: Uint8Array[] = [];
      for (const [i, chunk] of chunks.entries()) {
        reader.add(chunk);
        if (i % (every + 1) > 0) continue;
        for (let at = reader.at; reader.line(1e6) !== null; at = reader.at) {
          read.push(reader.bytes.slice(at, reader.at));
        }
      }
      const rest = reader.rest();
      assert.equal(decode(concat([...read, rest])), decode(concat(chunks)));
      if (chunks.length % (every + 1) === 1) assert.equal(rest.includes(10), false);
    }));
  });

  function lineText(reader: Reader): string | null {
    const line = reader.line(100);
    return line && line !== "long" ? decode(reader.bytes, line.start, line.end) : line;
  }
});

describe("a megabyte of buffer", () => {
  const MEGABYTE = 1 << 20;
  /** Quadratic work would be minutes. */
  const ENOUGH_MS = 4000;

  function within(run: () => void, enough = ENOUGH_MS): void {
    const start = performance.now();
    run();
    const ms = performance.now() - start;
    assert.ok(ms < enough, `${ms} ms`);
  }

  test("filled byte by byte", () => {
    const reader = new Reader();
    const byte = encode("x");
    within(() => {
      for (let i = 0; i < MEGABYTE - 1; i++) {
        reader.add(byte);
        assert.equal(reader.line(MEGABYTE), null);
      }
    });
    reader.add(encode("\n"));
    assert.equal((reader.line(MEGABYTE) as { end: number }).end, MEGABYTE - 1);
  });

  test("full of lines that end with LF alone", () => {
    const reader = new Reader();
    reader.add(encode("NOOP\n".repeat(MEGABYTE / 5)));
    within(() => {
      let count = 0;
      while (reader.line(MEGABYTE) !== null) count++;
      assert.equal(count, Math.floor(MEGABYTE / 5));
    }, 1000);
  });

  test("always behind by half a line", () => {
    const reader = new Reader();
    const chunk = encode("x".repeat(100) + "\n" + "x".repeat(100));
    within(() => {
      for (let i = 0; i < 50_000; i++) {
        reader.add(chunk);
        assert.notEqual(reader.line(MEGABYTE), null);
      }
    });
    assert.ok(
      reader.length < 200 && reader.bytes.buffer.byteLength < 2000,
      "what was read is let go",
    );
  });
});
