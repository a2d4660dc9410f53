/** IMAP commands from bytes: tags, arguments in every form, literals, caps, and garbage. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type ByteString, decode, encode } from "../../../src/core/bytes.ts";
import { IMAP_ID_STRINGS, IMAP_TAG } from "../../../src/core/limits.ts";
import { type ImapItem, ImapReader } from "../../../src/wire/imap.ts";
import { type Fed, feedEveryWay } from "./feeding.ts";

const VERBS = ["LOGIN", "NOOP", "ID"];

class Commands implements Fed<string> {
  readonly reader: ImapReader = new ImapReader(VERBS);
  readonly #cap: number;

  constructor(cap: number) {
    this.#cap = cap;
  }

  add(bytes: Uint8Array): void {
    this.reader.add(bytes);
  }

  next(): string | null {
    const item = this.reader.next(this.#cap);
    return item && shown(item);
  }
}

/** `tag VERB [arg] [arg]`, `literal`, `tag invalid`, `tag fatal`, `tag long`; `*` for no tag. */
function shown(item: ImapItem): string {
  switch (item.is) {
    case "literal":
      return "literal";
    case "command":
      return [item.tag, item.verb, ...item.args.map((arg) => `[${arg}]`)].join(" ");
    case "invalid":
      return `${item.tag ?? "*"} ${item.fatal ? "fatal" : "invalid"}`;
    case "long":
      return `${item.tag ?? "*"} long`;
  }
}

const read = (text: ByteString, cap = 4096) =>
  feedEveryWay(encode(text), () => new Commands(cap), (item) => / (long|fatal)$/.test(item));

type Cases = readonly (readonly [text: ByteString, items: readonly string[]])[];

function table(cases: Cases, cap?: number): void {
  for (const [text, items] of cases) {
    const name = text.length > 70 ? `${text.slice(0, 60)} ... (${text.length} bytes)` : text;
    test(JSON.stringify(name), () => assert.deepEqual(read(text, cap), items));
  }
}

describe("a command", () => {
  table([
    ["", []],
    ["a NOOP", []],
    ["a NOOP\r", []],
    ["a NOOP\r\n", ["a NOOP"]],
    ["a NOOP\n", ["a NOOP"]],
    ["a nOoP\r\n", ["a NOOP"]],
    ["a   NOOP   \r\n", ["a NOOP"]],
    ["a NOOP\r\nb NOOP\nc NOOP\r\nd", ["a NOOP", "b NOOP", "c NOOP"]],
    ["a NOOP 1 2 3\r\n", ["a NOOP [1] [2] [3]"]],
    ["a NOOP 1 2 3 4\r\n", ["a invalid"]],
    ["a NOOPS\r\n", ["a invalid"]],
    ["a NOOP\tx\r\n", ["a invalid"]],
    ["a\tNOOP\r\n", ["* invalid"]],
    ["a SELECT INBOX\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a NO\0OP\r\n", ["a invalid"]],
    ["a N\xd6\xd6P\r\n", ["a invalid"]],
    ["a NO\rOP\r\n", ["a invalid"]],
    ["a NOOP\r\r\n", ["a invalid"]],
    ["a\rb NOOP\r\n", ["* invalid"]],
    ["\r\n", ["* invalid"]],
    ["\n\n", ["* invalid", "* invalid"]],
  ]);
});

describe("a tag", () => {
  const longest = "t".repeat(IMAP_TAG);
  table([
    ["A-1.b_2 NOOP\r\n", ["A-1.b_2 NOOP"]],
    [`${longest} NOOP\r\n`, [`${longest} NOOP`]],
    [`${longest}t NOOP\r\n`, ["* invalid"]],
    [" NOOP\r\n", ["* invalid"]],
    ["NOOP\r\n", ["* invalid"]],
    ["a\r\n", ["* invalid"]],
    ["a \r\n", ["a invalid"]],
    ["a+b NOOP\r\n", ["* invalid"]],
    ["* NOOP\r\n", ["* invalid"]],
    ["+ NOOP\r\n", ["* invalid"]],
    ["a\0 NOOP\r\n", ["* invalid"]],
    ["\xe4 NOOP\r\n", ["* invalid"]],
  ]);
});

describe("bare arguments are any bytes up to a space", () => {
  table([
    ["a LOGIN john secret\r\n", ["a LOGIN [john] [secret]"]],
    ["a LOGIN   john    secret  \r\n", ["a LOGIN [john] [secret]"]],
    ["a LOGIN j(o)hn% se*\\cret\r\n", ["a LOGIN [j(o)hn%] [se*\\cret]"]],
    ['a LOGIN jo"hn s{3}\r\n', ['a LOGIN [jo"hn] [s{3}]']],
    ["a LOGIN jo{3+}hn s{3+}\r\n", ["a LOGIN [jo{3+}hn] [s{3+}]"]],
    ["a LOGIN (john) [secret]\r\n", ["a LOGIN [(john)] [[secret]]"]],
    ["a LOGIN j\xf6hn \0\x01\x7f\xff\r\n", ["a LOGIN [j\xf6hn] [\0\x01\x7f\xff]"]],
    ["a LOGIN john\tx y\r\n", ["a LOGIN [john\tx] [y]"]],
  ]);
});

describe("quoted arguments", () => {
  table([
    ['a LOGIN "john" "secret"\r\n', ["a LOGIN [john] [secret]"]],
    ['a LOGIN "jo hn" ""\r\n', ["a LOGIN [jo hn] []"]],
    ['a LOGIN "j\\"o\\\\h\\n" x\r\n', ['a LOGIN [j"o\\hn] [x]']],
    ['a LOGIN "\\"" "\\\\"\r\n', ['a LOGIN ["] [\\]']],
    ['a LOGIN "john"secret\r\n', ["a LOGIN [john] [secret]"]],
    ['a LOGIN "a""b"\r\n', ["a LOGIN [a] [b]"]],
    ['a LOGIN "{3}" "{3+}"\r\n', ["a LOGIN [{3}] [{3+}]"]],
    ['a LOGIN "\0\xff" x\r\n', ["a LOGIN [\0\xff] [x]"]],
    ['a LOGIN "john secret\r\nb NOOP\r\n', ["a invalid", "b NOOP"]],
    ['a LOGIN "john\\"\r\nb NOOP\r\n', ["a invalid", "b NOOP"]],
    ['a LOGIN "john\\\r\nb NOOP\r\n', ["a invalid", "b NOOP"]],
    ['a LOGIN "jo\rhn" x\r\nb NOOP\r\n', ["a invalid", "b NOOP"]],
    ['a LOGIN "john" "\r\nb NOOP\r\n', ["a invalid", "b NOOP"]],
  ]);
});

describe("literals", () => {
  table([
    ["a LOGIN {4}\r\njohn {6}\r\nsecret\r\n", ["literal", "literal", "a LOGIN [john] [secret]"]],
    ["a LOGIN {4}\r\n", ["literal"]],
    ["a LOGIN {4}\r\njoh", ["literal"]],
    ["a LOGIN {4+}\r\njohn {6+}\r\nsecret\r\n", ["a LOGIN [john] [secret]"]],
    ["a LOGIN john {6}\r\nsecret\r\n", ["literal", "a LOGIN [john] [secret]"]],
    ["a LOGIN {4}\njohn {6+}\nsecret\n", ["literal", "a LOGIN [john] [secret]"]],
    ['a LOGIN {4+}\r\njohn "secret"\r\n', ["a LOGIN [john] [secret]"]],
    ["a LOGIN {4+}\r\njohn   secret  \r\n", ["a LOGIN [john] [secret]"]],
    // What is in a literal is no line, no argument, no command.
    ["a LOGIN {7+}\r\nx\r\nNOOP {2+}\r\n\r\n\r\n", ["a LOGIN [x\r\nNOOP] [\r\n]"]],
    ["a LOGIN {5+}\r\n\0\r\n\n\xff {1+}\r\n\0\r\n", ["a LOGIN [\0\r\n\n\xff] [\0]"]],
    ["a LOGIN {8+}\r\nb {10+}\r {1+}\r\nx\r\n", ["a LOGIN [b {10+}\r] [x]"]],
    // Of nothing.
    ["a LOGIN u {0}\r\n\r\n", ["literal", "a LOGIN [u] []"]],
    ["a LOGIN {0+}\r\n {0+}\r\n\r\n", ["a LOGIN [] []"]],
    ["a LOGIN {0+}\r\n\r\nb NOOP\r\n", ["a LOGIN []", "b NOOP"]],
    ["a LOGIN {0000000004+}\r\njohn x\r\n", ["a LOGIN [john] [x]"]],
    // Only a space or the end of the line behind one.
    ["a LOGIN {4+}\r\njohnny x\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN {4+}\r\njohn{1+}\r\n", ["a fatal"]],
    ['a LOGIN {4+}\r\njohn"x"\r\nb NOOP\r\n', ["a invalid", "b NOOP"]],
    ["a LOGIN {4+}\r\njohn\rx\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    // Too many of them.
    ["a NOOP {1+}\r\n1 {1+}\r\n2 {1+}\r\n3\r\n", ["a NOOP [1] [2] [3]"]],
    ["a NOOP {1+}\r\n1 {1+}\r\n2 {1+}\r\n3 4\r\n", ["a invalid"]],
    ["a NOOP 1 2 3 {1+}\r\n", ["a fatal"]],
    ["a NOOP 1 2 3 {1}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    // Of commands that are none: not waited for.
    ["a BOGUS {4}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a BOGUS {4+}\r\nb NOOP\r\n", ["a fatal"]],
    ["a+ NOOP {4+}\r\n", ["* fatal"]],
    ["whatever +}\r\n", ["whatever fatal"]],
    // Prompts belong to one command.
    ["a LOGIN {1}\r\nx{\r\nb LOGIN {1}\r\ny z\r\n", [
      "literal",
      "a invalid",
      "literal",
      "b LOGIN [y] [z]",
    ]],
  ]);
});

describe("what only looks like a literal", () => {
  table([
    ...[
      "{}",
      "{x}",
      "{-1}",
      "{4",
      "{4 }",
      "{ 4}",
      "{4}x",
      "{4+}x",
      "{+4}",
      "{4++}",
      "{0x4}",
      "{4.0}",
    ]
      .map((text) => [`a LOGIN ${text}\r\nb NOOP\r\n`, ["a invalid", "b NOOP"]] as const)
      .filter(([text]) => !text.includes("+}\r")),
    ["a LOGIN {+}\r\n", ["a fatal"]],
    ["a LOGIN {4++}\r\n", ["a fatal"]],
    ["a LOGIN {4} x\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN {00000000004}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN {99999999999999999999}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN {99999999999999999999+}\r\n", ["a fatal"]],
    ["a LOGIN {4\0}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN {\xb2}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
  ]);
});

describe("ID takes a list", () => {
  const pairs = (count: number) => Array(count).fill('"x"').join(" ");
  const args = (count: number) => Array(count).fill("[x]").join(" ");
  table([
    ["a ID NIL\r\n", ["a ID [NIL]"]],
    ['a ID ("name" "x" "os" NIL)\r\n', ["a ID [name] [x] [os] [NIL]"]],
    ['a ID("name" "x")\r\n', ["a invalid"]],
    ["a ID ()\r\n", ["a ID"]],
    ["a ID ({4+}\r\nname {1+}\r\nx)\r\n", ["a ID [name] [x]"]],
    ["a ID ({4}\r\nname {1}\r\nx)\r\n", ["literal", "literal", "a ID [name] [x]"]],
    [`a ID (${pairs(IMAP_ID_STRINGS)})\r\n`, [`a ID ${args(IMAP_ID_STRINGS)}`]],
    [`a ID (${pairs(IMAP_ID_STRINGS + 1)})\r\nb NOOP\r\n`, ["a invalid", "b NOOP"]],
  ]);
});

describe("the cap counts a command with its literals", () => {
  const cap = 40;
  const line = (size: number) => `a LOGIN ${"u".repeat(size - 10)}\r\n`;
  const announced = (size: number, plus: string) =>
    `a LOGIN u {${size}${plus}}\r\n${"p".repeat(size)}\r\n`;
  const whole = (size: number, plus: string) => size - announced(0, plus).length - 1;
  table([
    [line(cap - 1), [`a LOGIN [${"u".repeat(cap - 11)}]`]],
    [line(cap), [`a LOGIN [${"u".repeat(cap - 10)}]`]],
    [line(cap + 1), ["a long"]],
    [line(cap + 1) + line(cap), ["a long"]],
    [line(cap).slice(0, -1), []],
    ["x".repeat(cap - 1), []],
    ["x".repeat(cap), ["* long"]],
    ["x".repeat(10 * cap), ["* long"]],
    [`a ${"x".repeat(cap - 2)}`, ["a long"]],
    [line(cap).repeat(3), Array(3).fill(`a LOGIN [${"u".repeat(cap - 10)}]`)],
    // The line end behind a literal counts too.
    [announced(whole(cap, "+"), "+"), [`a LOGIN [u] [${"p".repeat(whole(cap, "+"))}]`]],
    [announced(whole(cap + 1, "+"), "+"), ["a long"]],
    // A synchronising literal is refused before it is sent, another ends the connection.
    ["a LOGIN u {24}\r\n", ["literal"]],
    ["a LOGIN u {25}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN u {23+}\r\n", []],
    ["a LOGIN u {24+}\r\nb NOOP\r\n", ["a long"]],
    ["a LOGIN u {9999999999}\r\nb NOOP\r\n", ["a invalid", "b NOOP"]],
    ["a LOGIN u {9999999999+}\r\n", ["a long"]],
    ["a LOGIN {20+}\r\n12345678901234567890 {1+}\r\n", ["a long"]],
  ], cap);

  test("even of a tag: what stands behind the cap does not matter", () => {
    assert.deepEqual(read(`${"t".repeat(12)} NOOP\r\n`, 10), ["* long"]);
    assert.deepEqual(read(`${"t".repeat(9)} NOOP\r\n`, 10), [`${"t".repeat(9)} long`]);
    assert.deepEqual(read("a NOOP\r\n", 1), ["* long"]);
  });
});

describe("any bytes", () => {
  // Bytes that mean something come often.
  const pieces = fc.oneof(
    fc.constantFrom(
      "a ",
      "LOGIN ",
      "NOOP",
      "ID ",
      '"',
      "\\",
      "{",
      "}",
      "+}",
      "(",
      ")",
      " ",
      "\r\n",
    ),
    fc.constantFrom(
      "\r",
      "\n",
      "\0",
      "\xff",
      "{1}\r\n",
      "{3+}\r\n",
      "{12+}\r\n",
      "x",
      "\r\na NOOP\r\n",
    ),
    fc.uint8Array({ maxLength: 5 }).map((bytes) => decode(bytes)),
  );
  const texts = fc.array(pieces, { maxLength: 25 }).map((parts) => parts.join(""));

  test("read alike in every split, under any cap", () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 80 }), (text, cap) => {
        for (const item of read(text, cap)) assert.ok(item.length <= 2 * cap + 40, item);
      }),
      { numRuns: 300 },
    );
  });

  test("arguments of any bytes survive as non-synchronising literals", () => {
    const args = fc.array(fc.uint8Array({ maxLength: 60 }).map((bytes) => decode(bytes)), {
      maxLength: 3,
    });
    fc.assert(fc.property(args, (values) => {
      const literals = values.map((value) => ` {${value.length}+}\r\n${value}`).join("");
      const reader = new ImapReader(VERBS);
      reader.add(encode(`t LOGIN${literals}\r\n`));
      const item = reader.next(4096);
      assert.ok(item?.is === "command");
      assert.deepEqual(item.args, values);
      assert.equal(reader.length, 0);
    }));
  });
});

describe("a megabyte of buffer", () => {
  const MEGABYTE = 1 << 20;
  /** Quadratic work would be minutes. */
  const ENOUGH_MS = 4000;
  const half = "x".repeat(MEGABYTE / 2 - 100);
  const dialogues: readonly (readonly [what: string, text: ByteString])[] = [
    ["one long line", `a LOGIN ${half} ${half}`],
    ["one long literal", `a LOGIN u {${half.length}+}\r\n${half}`],
    ["a long line, then a long literal", `a LOGIN "${half}" {${half.length}+}\r\n${half}`],
    ["a long literal, then a long line", `a LOGIN {${half.length}+}\r\n${half} "${half}"`],
    ["many literals", `a ID (${Array(20).fill(`{9999+}\r\n${"y".repeat(9999)}`).join(" ")}`],
  ];
  for (const [what, text] of dialogues) {
    test(`${what}, byte by byte`, () => {
      const reader = new ImapReader(VERBS);
      const bytes = encode(text);
      const start = performance.now();
      for (let at = 0; at < bytes.length; at++) {
        reader.add(bytes.subarray(at, at + 1));
        assert.equal(reader.next(MEGABYTE), null);
      }
      const ms = performance.now() - start;
      assert.ok(ms < ENOUGH_MS, `${ms} ms`);
      reader.add(encode("\r\n"));
      assert.equal(reader.next(MEGABYTE)?.is, "command");
    });
  }
});
