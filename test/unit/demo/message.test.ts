/** Structure of messages: header fields, parameters, MIME parts. RFC 5322, RFC 2045, RFC 2046. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../../src/core/bytes.ts";
import { DEMO_PARTS } from "../../../src/core/limits.ts";
import {
  countLines,
  type Entity,
  fieldOf,
  parseMessage,
  parseParametrised,
} from "../../../src/demo/message.ts";

function parse(...lines: string[]): Entity {
  return parseMessage(encode(lines.join("\r\n")));
}

/** `mixed[plain "one", html "two"]`. */
function shape(entity: Entity): string {
  const name = entity.type.value.split("/")[1];
  if (entity.children.length > 0) return `${name}[${entity.children.map(shape).join(", ")}]`;
  return `${name} ${JSON.stringify(decode(entity.raw, entity.body, entity.end))}`;
}

describe("header fields", () => {
  test("are found whatever their case, the first of several", () => {
    const entity = parse("SUBJECT: one", "Subject: two", "", "");
    assert.equal(fieldOf(entity, "subject"), "one");
    assert.equal(fieldOf(entity, "from"), null);
  });

  test("are unfolded", () => {
    assert.equal(
      fieldOf(parse("Subject: one", " two", "\tthree", "", ""), "subject"),
      "one two\tthree",
    );
  });

  test("keep bytes that only look like spaces", () => {
    assert.equal(fieldOf(parse("Subject: voil\xc3\xa0", "", ""), "subject"), "voil\xc3\xa0");
  });

  test("end at the empty line", () => {
    const entity = parse("Subject: one", "", "From: body", "");
    assert.equal(fieldOf(entity, "from"), null);
    assert.equal(decode(entity.raw, entity.body), "From: body\r\n");
  });

  test("may be all there is", () => {
    const entity = parse("Subject: one");
    assert.equal(fieldOf(entity, "subject"), "one");
    assert.equal(entity.body, entity.end);
  });

  test("may be none", () => assert.equal(decode(parse("", "body").raw, 2), "body"));

  test("that are none are passed over", () => {
    assert.equal(fieldOf(parse("nonsense", "Subject: one", "", ""), "subject"), "one");
  });
});

describe("parameters", () => {
  const cases: [string, ReturnType<typeof parseParametrised>][] = [
    ["text/plain", { value: "text/plain", parameters: [] }],
    ["TEXT/Plain ; Charset=UTF-8", { value: "text/plain", parameters: [["charset", "UTF-8"]] }],
    ['a/b; name="x; y=\\"z\\""; b=c', {
      value: "a/b",
      parameters: [["name", 'x; y="z"'], ["b", "c"]],
    }],
    ["a/b; ; junk; b=c", { value: "a/b", parameters: [["b", "c"]] }],
    ['a/b; name="open', { value: "a/b", parameters: [["name", "open"]] }],
    ["", null],
  ];
  for (const [text, found] of cases) {
    test(text || "(empty)", () => assert.deepEqual(parseParametrised(text), found));
  }
});

describe("parts", () => {
  const MIXED = "Content-Type: multipart/mixed; boundary=b";
  const cases: [title: string, lines: string[], shape: string][] = [
    ["a message without a type is plain text", ["", "one"], 'plain "one"'],
    ["a type that is none is plain text", ["Content-Type: text", "", "one"], 'plain "one"'],
    [
      "stand between delimiters, whose line breaks are theirs",
      [
        MIXED,
        "",
        "preamble",
        "--b",
        "",
        "one",
        "--b",
        "Content-Type: text/html",
        "",
        "two",
        "--b--",
      ],
      'mixed[plain "one", html "two"]',
    ],
    [
      "may contain a longer boundary",
      [MIXED, "", "--b", "", "--bb", "--b--", "epilogue"],
      'mixed[plain "--bb"]',
    ],
    [
      "may have spaces behind the delimiter",
      [MIXED, "", "--b  ", "", "one", "--b-- "],
      'mixed[plain "one"]',
    ],
    [
      "that nobody closes run to the end",
      [MIXED, "", "--b", "", "one", ""],
      'mixed[plain "one\\r\\n"]',
    ],
    ["may be empty", [MIXED, "", "--b", "--b--"], 'mixed[plain ""]'],
    ["that are not there make a multipart plain text", [MIXED, "", "one"], 'plain "one"'],
    [
      "nest",
      [
        ...[MIXED, "", "--b", "Content-Type: multipart/alternative; boundary=c", ""],
        ...["--c", "", "one", "--c", "", "two", "--c--", "--b", "", "three", "--b--"],
      ],
      'mixed[alternative[plain "one", plain "two"], plain "three"]',
    ],
    [
      "may be messages",
      [MIXED, "", "--b", "Content-Type: message/rfc822", "", "Subject: x", "", "one", "--b--"],
      'mixed[rfc822[plain "one"]]',
    ],
    [
      "of a digest are messages unless they say otherwise",
      [
        "Content-Type: multipart/digest; boundary=b",
        "",
        "--b",
        "",
        "Subject: x",
        "",
        "one",
        "--b--",
      ],
      'digest[rfc822[plain "one"]]',
    ],
  ];
  for (const [title, lines, expected] of cases) {
    test(title, () => assert.equal(shape(parse(...lines)), expected));
  }

  test("are counted up to the cap", () => {
    const many = Array.from({ length: DEMO_PARTS + 50 }, () => "--b\r\n\r\nx").join("\r\n");
    assert.equal(parse(MIXED, "", many).children.length, DEMO_PARTS);
  });

  test("nest up to the cap", () => {
    let depth = 0;
    let message = "Subject: innermost\r\n\r\n";
    for (let i = 0; i < 1000; i++) message = `Content-Type: message/rfc822\r\n\r\n${message}`;
    for (let at = parse(message); at.children.length > 0; at = at.children[0]) depth++;
    assert.ok(depth > 5 && depth < 20, `depth ${depth}`);
  });
});

test("lines are counted with the last one, ended or not", () => {
  const lines = (body: string) => countLines(parse("", body));
  assert.deepEqual([lines(""), lines("a"), lines("a\r\n"), lines("a\r\nb\n\n")], [0, 1, 1, 3]);
});

test("no bytes are refused", () => {
  const piece = fc.constantFrom(
    ...[
      "Content-Type: multipart/mixed; boundary=b",
      "\r\n",
      "\n",
      "--b",
      "--b--",
      " ",
      ":",
      ";",
      '"',
    ],
    "Content-Type: message/rfc822",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
    const raw = encode(pieces.join(""));
    const within = (entity: Entity): void => {
      assert.ok(entity.start <= entity.body && entity.body <= entity.end);
      assert.ok(entity.end <= raw.length);
      entity.children.forEach((child) => {
        assert.ok(entity.body <= child.start && child.end <= entity.end);
        within(child);
      });
    };
    within(parseMessage(raw));
  }));
});
