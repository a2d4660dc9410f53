/** What of a DNS answer is believed: RFC 1035 messages, right ones, wrong ones and malicious ones. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat, decode, encode } from "../../../src/core/bytes.ts";
import { DNS_MESSAGE, DNS_VALUES } from "../../../src/core/limits.ts";
import {
  encodeQuestion,
  isDomainName,
  type Question,
  readReply,
  type Reply,
} from "../../../src/net/dns-message.ts";
import {
  address,
  label,
  message,
  type MessageParts,
  pointer,
  type Query,
  readQuery,
  record,
  TYPE,
  uint16,
  wireName,
} from "../../support/dns.ts";

const PTR: Question = { id: 0x1234, type: "PTR", name: "1.2.0.192.in-addr.arpa" };
const A: Question = { id: 0x1234, type: "A", name: "Mail.Example" };
const AAAA: Question = { id: 0x1234, type: "AAAA", name: "mail.example" };

const found = (ttl: number, ...values: string[]): Reply => ({ is: "answer", values, ttl });
const failure = (code: number): Reply => ({ is: "failure", code });
const asked = (question: Question): Query => readQuery(encodeQuestion(question));

function reply(question: Question, parts: MessageParts): Reply | null {
  return readReply(message(asked(question), parts), question);
}

describe("a question", () => {
  test("is one, with recursion desired", () => {
    const bytes = encodeQuestion(AAAA);
    const head = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    assert.equal(decode(bytes), `${head}\x04mail\x07example\x00\x00\x1c\x00\x01`);
  });

  const names: readonly (readonly [name: string, may: boolean])[] = [
    ["a", true],
    [`${"a".repeat(63)}.example`, true],
    [Array(127).fill("a").join("."), true],
    ["", false],
    [".", false],
    ["mail.example.", false],
    [".mail.example", false],
    ["mail..example", false],
    [`${"a".repeat(64)}.example`, false],
    [`${Array(127).fill("a").join(".")}a`, false],
  ];
  for (const [name, may] of names) {
    test(`${may ? "may" : "must not"} be about ${JSON.stringify(name)}`, () => {
      assert.equal(isDomainName(name), may);
      if (may) assert.equal(asked({ ...A, name }).name, name);
    });
  }
});

describe("an answer", () => {
  const cases: readonly (readonly [string, Question, MessageParts, Reply | null])[] = [
    ["a name", PTR, { answers: [pointer("mail.example")] }, found(60, "mail.example")],
    ["letter case is kept", PTR, { answers: [pointer("MAIL.Example")] }, found(60, "MAIL.Example")],
    [
      "several names, the least TTL",
      PTR,
      { answers: [pointer("a.example", 300), pointer("b.example", 20)] },
      found(20, "a.example", "b.example"),
    ],
    ["an address", A, { answers: [address("mail.example", "192.0.2.1")] }, found(60, "192.0.2.1")],
    [
      "IPv6 addresses in canonical form",
      AAAA,
      { answers: [address(null, "2001:db8:0::1"), address(null, "::ffff:192.0.2.1")] },
      found(60, "2001:db8::1", "::ffff:c000:201"),
    ],
    [
      "a delegation by CNAME (RFC 2317)",
      PTR,
      {
        answers: [
          record(null, "CNAME", wireName("1.0-63.2.0.192.in-addr.arpa"), { ttl: 5 }),
          record("1.0-63.2.0.192.in-addr.arpa", "PTR", wireName("mail.example")),
        ],
      },
      found(5, "mail.example"),
    ],
    [
      "a chain of CNAMEs in the wrong order",
      A,
      {
        answers: [
          address("c.example", "192.0.2.3", 300),
          record("B.example", "CNAME", wireName("C.example"), { ttl: 200 }),
          record(null, "CNAME", wireName("b.EXAMPLE"), { ttl: 250 }),
        ],
      },
      found(200, "192.0.2.3"),
    ],
    [
      "a loop of CNAMEs",
      A,
      {
        answers: [
          record(null, "CNAME", wireName("b.example")),
          record("b.example", "CNAME", wireName("mail.example")),
        ],
      },
      failure(3),
    ],
    ["a CNAME to itself", A, { answers: [record(null, "CNAME", uint16(0xc00c))] }, failure(3)],
    [
      "a CNAME that leads out of the answer",
      A,
      { answers: [record(null, "CNAME", wireName("b.example"))] },
      failure(3),
    ],
    ["no record", A, {}, failure(3)],
    ["records of others only", A, { answers: [address("other.example", "192.0.2.9")] }, failure(3)],
    ["other types only", A, { answers: [address(null, "2001:db8::1")] }, failure(3)],
    [
      "records of others among the right ones",
      A,
      {
        answers: [
          address("other.example", "192.0.2.9"),
          record(null, "TXT", encode("\x02hi")),
          record(null, "A", encode("\x7f\0\0\x01"), { class: 3 }),
          address(null, "192.0.2.1"),
        ],
      },
      found(60, "192.0.2.1"),
    ],
    ["a TTL of 0", A, { answers: [address(null, "192.0.2.1", 0)] }, found(0, "192.0.2.1")],
    [
      "a negative TTL is 0 (RFC 2181 section 8)",
      A,
      { answers: [address(null, "192.0.2.1", 0x80000001)] },
      found(0, "192.0.2.1"),
    ],
    [
      "the longest TTL",
      A,
      { answers: [address(null, "192.0.2.1", 0x7fffffff)] },
      found(0x7fffffff, "192.0.2.1"),
    ],
    [
      "what stands behind the answers is not read",
      A,
      { answers: [address(null, "192.0.2.1")], counts: [1, 1, 7, 7], rest: encode("\xff\xff?") },
      found(60, "192.0.2.1"),
    ],
    ["FORMERR", A, { rcode: 1 }, failure(1)],
    ["SERVFAIL", A, { rcode: 2 }, failure(2)],
    ["NXDOMAIN", A, { rcode: 3 }, failure(3)],
    ["NOTIMP", A, { rcode: 4 }, failure(4)],
    ["REFUSED", A, { rcode: 5 }, failure(5)],
    ["NOTZONE", A, { rcode: 10 }, failure(10)],
    ["NXDOMAIN with records", A, { rcode: 3, answers: [address(null, "192.0.2.1")] }, failure(3)],
    ["FORMERR without the question", A, { rcode: 1, question: new Uint8Array(0) }, failure(1)],
    ["truncated", A, { flags: 0x8380 }, { is: "truncated" }],
    [
      "truncated, with a record",
      A,
      { flags: 0x8380, answers: [address(null, "192.0.2.1")] },
      { is: "truncated" },
    ],
  ];
  for (const [what, question, parts, expected] of cases) {
    test(what, () => assert.deepEqual(reply(question, parts), expected));
  }

  test("of very many addresses gives the first", () => {
    const answers = Array.from({ length: 200 }, (_, i) => address(null, `192.0.2.${i}`));
    const result = reply(A, { answers });
    assert.equal(result?.is === "answer" && result.values.length, DNS_VALUES);
  });
});

describe("not an answer to this question", () => {
  const other = (question: Partial<Question>) => asked({ ...A, ...question }).question;
  const cases: readonly (readonly [string, MessageParts])[] = [
    ["another id", { id: 0x1235 }],
    ["a query", { flags: 0x0100 }],
    ["another opcode", { flags: 0x8180 | (4 << 11) }],
    ["no question", { question: new Uint8Array(0) }],
    ["two questions", { counts: [2, 1, 0, 0] }],
    ["another name", { question: other({ name: "mail.example.net" }) }],
    ["another type", { question: other({ type: "AAAA" }) }],
    ["another class", { question: concat([wireName(A.name), uint16(1), uint16(3)]) }],
    ["half a question", { question: wireName(A.name) }],
    [
      "one label that looks like two",
      { question: concat([label("mail.example"), encode("\0"), uint16(1), uint16(1)]) },
    ],
  ];
  for (const [what, parts] of cases) {
    test(what, () => {
      for (const answers of [[address("mail.example", "192.0.2.1")], []]) {
        assert.equal(reply(A, { answers, ...parts }), null);
      }
    });
  }

  test("the question in another letter case is the same", () => {
    const question = other({ name: "mAIL.eXAMPLE" });
    assert.deepEqual(
      reply(A, { question, answers: [address(null, "192.0.2.1")] }),
      found(60, "192.0.2.1"),
    );
  });

  test("more than a message may have", () => {
    const size = message(asked(A), {}).length;
    const rest = (length: number) => ({ rest: new Uint8Array(length - size), rcode: 3 });
    assert.deepEqual(reply(A, rest(DNS_MESSAGE)), failure(3));
    assert.equal(reply(A, rest(DNS_MESSAGE + 1)), null);
  });
});

describe("a malformed answer to this question", () => {
  const here = uint16(message(asked(A)).length | 0xc000);
  const cases: readonly (readonly [string, Question, readonly Uint8Array[]])[] = [
    ["an IPv4 address of 3 bytes", A, [record(null, "A", encode("\x7f\0\0"))]],
    ["an IPv4 address of 5 bytes", A, [record(null, "A", encode("\x7f\0\0\x01\0"))]],
    ["an IPv4 address of no bytes", A, [record(null, "A", new Uint8Array(0))]],
    ["an IPv4 address of 16 bytes", A, [record(null, "A", new Uint8Array(16))]],
    ["an IPv6 address of 4 bytes", AAAA, [record(null, "AAAA", encode("\x7f\0\0\x01"))]],
    ["an IPv6 address of 15 bytes", AAAA, [record(null, "AAAA", new Uint8Array(15))]],
    ["data longer than the message", A, [record(null, "A", encode("\x7f\0\0\x01"), { length: 5 })]],
    ["data of 65535 bytes", A, [record(null, "A", encode("\x7f\0\0\x01"), { length: 65535 })]],
    ["half a record", A, [record(null, "A", new Uint8Array(0)).subarray(0, 11)]],
    ["an owner that does not end", A, [encode("\x3fabc")]],
    ["an owner that points to itself", A, [here]],
    ["an owner that points out of the message", A, [uint16(0xffff)]],
    [
      "an owner that points behind itself",
      A,
      [concat([
        uint16(0xc000 | (here[1] + 10)),
        record(null, "A", encode("\x7f\0\0\x01")).slice(2),
      ])],
    ],
    ["half a pointer", A, [encode("\xc0")]],
    ["a label type that is none", A, [encode("\x40abc"), encode("\x80abc")]],
    ["a name that does not fill its data", PTR, [
      record(null, "PTR", concat([wireName("a"), encode("b")])),
    ]],
    ["a name longer than its data", PTR, [record(null, "PTR", wireName("abc"), { length: 2 })]],
    ["a name without data", PTR, [record(null, "PTR", new Uint8Array(0))]],
    ["a CNAME that is no name", A, [record(null, "CNAME", encode("\x05abc"))]],
    [
      "a name of 257 bytes",
      PTR,
      [record(null, "PTR", concat([...Array(128).fill(label("a")), encode("\0")]))],
    ],
    ["one bad address among good ones", A, [
      address(null, "192.0.2.1"),
      record(null, "A", encode("1")),
    ]],
  ];
  for (const [what, question, answers] of cases) {
    test(what, () => assert.deepEqual(reply(question, { answers }), failure(1)));
  }

  test("fewer records than announced", () => {
    const parts = { answers: [address(null, "192.0.2.1")], counts: [1, 2, 0, 0] as const };
    assert.deepEqual(reply(A, parts), failure(1));
  });

  test("the longest name there is, and one byte more", () => {
    const name = (last: number) => [63, 63, 63, last].map((size) => "n".repeat(size)).join(".");
    const long = name(61);
    assert.equal(long.length, 253);
    assert.deepEqual(reply(PTR, { answers: [pointer(long)] }), found(60, long));
    assert.deepEqual(reply(PTR, { answers: [pointer(name(62))] }), failure(1));
  });
});

describe("names of an attacker's making", () => {
  const cases: readonly (readonly [what: string, labels: readonly string[], name: string])[] = [
    ["spaces", ["a b", "example"], "a b.example"],
    ["a line break", ["a\r\nMAIL FROM:<x>"], "a\r\nMAIL FROM:<x>"],
    ["NUL", ["a\0b"], "a\0b"],
    ["8-bit bytes", ["\xc3\xa9\xff", "example"], "\xc3\xa9\xff.example"],
    ["brackets", ["[UNAVAILABLE]"], "[UNAVAILABLE]"],
    ["a dot inside a label", ["mail.example"], "mail\\.example"],
    ["a backslash", ["mail\\", "example"], "mail\\\\.example"],
    ["the root", [], ""],
  ];
  for (const [what, labels, name] of cases) {
    test(`${what} reach the caller byte for byte`, () => {
      const data = concat([...labels.map(label), encode("\0")]);
      assert.deepEqual(reply(PTR, { answers: [record(null, "PTR", data)] }), found(60, name));
    });
  }
});

describe("any bytes at all", () => {
  const question: Question = { id: 7, type: "A", name: "a.b" };
  const head = message({ ...asked(question), id: 7 }, { counts: [1, 9, 9, 9] });

  test("never make the reader throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        readReply(bytes, question);
        readReply(concat([head, bytes]), question);
      }),
      { numRuns: 2000 },
    );
  });

  test("one byte changed is read or refused", () => {
    const good = message(asked(PTR), {
      answers: [
        record(null, "CNAME", wireName("x.example")),
        record("x.example", "PTR", uint16(0xc00c)),
      ],
    });
    for (let at = 0; at < good.length; at++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const bytes = good.slice();
        bytes[at] ^= bit;
        readReply(bytes, PTR);
      }
    }
  });

  test("pointers upon pointers cost next to nothing", () => {
    // Each record's owner is a pointer to the pointer before: the reader gives up early.
    const chain: Uint8Array[] = [];
    let at = message(asked(A)).length;
    let target = 12;
    while (at + 12 < DNS_MESSAGE) {
      const owner = uint16(0xc000 | target);
      const fields = concat([uint16(TYPE.TXT), uint16(1), uint16(0), uint16(0), uint16(0)]);
      chain.push(concat([owner, fields]));
      target = Math.min(at, 0x3fff);
      at += 12;
    }
    const start = performance.now();
    assert.deepEqual(reply(A, { answers: chain }), failure(1));
    assert.ok(performance.now() - start < 500);
  });
});
