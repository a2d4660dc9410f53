/** FETCH in the demo: every data item of RFC 3501 section 6.4.5, as clients ask for it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encode } from "../../../../src/core/bytes.ts";
import { DEMO_IMAP_ITEMS } from "../../../../src/core/limits.ts";
import { filled, NOW, selected } from "./start.ts";

/** The answer to one item about message 2, the multipart one, without what stands around it. */
function item(asked: string, number = 2): string {
  const said = selected().say(`b FETCH ${number} ${asked}\r\n`);
  const found = /^\* \d+ FETCH \((.*)\)\r\nb OK FETCH completed\r\n$/s.exec(said);
  assert.ok(found, said);
  return found[1];
}

const ENVELOPE = '"Mon, 2 Feb 2026 23:30:00 -0800" "=?UTF-8?B?R3LDvMOfZQ==?=" ' +
  '(("=?UTF-8?Q?J=C3=BCrgen?=" NIL "juergen" "example.net")) '.repeat(3) +
  '((NIL NIL "demo" "example.com")) NIL NIL NIL NIL';

describe("items", () => {
  const cases: [asked: string, answer: string][] = [
    ["UID", "UID 2"],
    ["FLAGS", "FLAGS (\\Flagged)"],
    ["INTERNALDATE", 'INTERNALDATE " 2-Feb-2026 12:00:00 +0000"'],
    ["ENVELOPE", `ENVELOPE (${ENVELOPE})`],
    ["RFC822.SIZE", "RFC822.SIZE 372"],
    ["(uid Flags)", "UID 2 FLAGS (\\Flagged)"],
    [
      "BODY",
      'BODY (("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 10 1)' +
      '("message" "rfc822" NIL NIL NIL "7bit" 28 ' +
      '(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1) 3) "mixed")',
    ],
    [
      "BODYSTRUCTURE",
      'BODYSTRUCTURE (("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 10 1 NIL NIL NIL NIL)' +
      '("message" "rfc822" NIL NIL NIL "7bit" 28 ' +
      '(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ' +
      '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 1 NIL NIL NIL NIL) 3 NIL NIL NIL NIL) ' +
      '"mixed" ("boundary" "b") NIL NIL NIL)',
    ],
    ["FAST", 'FLAGS (\\Flagged) INTERNALDATE " 2-Feb-2026 12:00:00 +0000" RFC822.SIZE 372'],
  ];
  for (const [asked, answer] of cases) test(asked, () => assert.equal(item(asked), answer));

  test("ALL and FULL add to FAST", () => {
    assert.equal(item("ALL"), `${item("FAST")} ${item("ENVELOPE")}`);
    assert.equal(item("full"), `${item("ALL")} ${item("BODY")}`);
  });
});

describe("sections", () => {
  const cases: [section: string, bytes: string | null][] = [
    ["1", "sch=C3=B6n"],
    [
      "1.MIME",
      "Content-Type: text/plain; charset=utf-8\r\n" +
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
    ],
    ["2", "Subject: inner\r\n\r\ninner text"],
    ["2.MIME", "Content-Type: message/rfc822\r\n\r\n"],
    ["2.HEADER", "Subject: inner\r\n\r\n"],
    ["2.TEXT", "inner text"],
    ["2.1", "inner text"],
    ["2.HEADER.FIELDS (SUBJECT)", "Subject: inner\r\n\r\n"],
    ["HEADER.FIELDS (To X-None)", "To: demo@example.com\r\n\r\n"],
    ["HEADER.FIELDS.NOT (From Subject Date Content-Type)", "To: demo@example.com\r\n\r\n"],
    ["HEADER.FIELDS (X-None)", "\r\n"],
    ["3", null],
    ["1.1", null],
    ["2.2", null],
    ["1.HEADER", null],
    ["1.TEXT", null],
  ];
  for (const [section, bytes] of cases) {
    test(section, () => {
      const value = bytes === null ? "NIL" : `{${bytes.length}}\r\n${bytes}`;
      assert.equal(item(`BODY.PEEK[${section}]`), `BODY[${section}] ${value}`);
    });
  }

  test("of a message without parts: 1 is its body", () => {
    assert.equal(item("BODY.PEEK[1]", 1), "BODY[1] {7}\r\nfirst\r\n");
    assert.equal(item("BODY.PEEK[2]", 1), "BODY[2] NIL");
    assert.equal(item("BODY.PEEK[TEXT]", 1), "BODY[TEXT] {7}\r\nfirst\r\n");
  });

  test("have the old names", () => {
    const whole = item("BODY.PEEK[]", 1).slice("BODY[] ".length);
    assert.equal(item("RFC822", 1), `RFC822 ${whole} FLAGS (\\Seen)`);
    assert.equal(
      item("RFC822.HEADER", 1),
      item("BODY.PEEK[HEADER]", 1).replace("BODY[HEADER]", "RFC822.HEADER"),
    );
    assert.equal(item("RFC822.TEXT", 1), "RFC822.TEXT {7}\r\nfirst\r\n FLAGS (\\Seen)");
  });
});

describe("partials", () => {
  const cases: [partial: string, answer: string][] = [
    ["<0.3>", "<0> {3}\r\nfir"],
    ["<2.100>", "<2> {5}\r\nrst\r\n"],
    ["<7.1>", "<7> {0}\r\n"],
    ["<100.1>", "<100> {0}\r\n"],
  ];
  for (const [partial, answer] of cases) {
    test(partial, () => {
      assert.equal(item(`BODY.PEEK[TEXT]${partial}`, 1), `BODY[TEXT]${answer}`);
    });
  }
});

describe("reading", () => {
  test("marks the message as read, and says so", () => {
    selected().play(`
      C: b FETCH 1 BODY[TEXT]
      S: * 1 FETCH (BODY[TEXT] {7}
      S: first
      S:  FLAGS (\\Seen))
      S: b OK FETCH completed
      C: c FETCH 1 BODY[TEXT]
      S: * 1 FETCH (BODY[TEXT] {7}
      S: first
      S: )
      S: c OK FETCH completed`);
  });

  test("by PEEK marks nothing", () => {
    const talk = selected();
    talk.say("b FETCH 1:3 (BODY.PEEK[] RFC822.HEADER)\r\n");
    talk.play("C: c FETCH 1 FLAGS\nS: * 1 FETCH (FLAGS ())\nS: c OK FETCH completed");
  });

  test("shows flags once when they were asked for", () => {
    assert.match(
      item("(BODY[TEXT] FLAGS)", 1),
      /^BODY\[TEXT\] \{7\}\r\nfirst\r\n FLAGS \(\\Seen\)$/,
    );
  });
});

describe("message sets", () => {
  const cases: [set: string, uids: string][] = [
    ["1", "1"],
    ["1:3", "1 2 3"],
    ["3:1", "1 2 3"],
    ["1,3", "1 3"],
    ["*", "3"],
    ["2:*", "2 3"],
    ["*:2", "2 3"],
    ["9:*", "3"],
  ];
  for (const [set, uids] of cases) {
    test(set, () => {
      const said = selected().say(`b FETCH ${set} UID\r\n`);
      assert.equal([...said.matchAll(/UID (\d+)/g)].map((found) => found[1]).join(" "), uids);
    });
  }

  test("of UIDs pass over what is not there", () => {
    selected().play("C: b UID FETCH 5,7:9 FLAGS\nS: b OK FETCH completed");
  });

  test("of an empty folder are empty", () => {
    selected(filled(), "Trash").play("C: b FETCH 1:* FLAGS\nS: b OK FETCH completed");
  });

  test("by UID show it, once", () => {
    selected().play(`
      C: b UID FETCH 3 (FLAGS)
      S: * 3 FETCH (UID 3 FLAGS (\\Seen $Label1))
      S: b OK FETCH completed
      C: c UID FETCH 3 (FLAGS UID)
      S: * 3 FETCH (FLAGS (\\Seen $Label1) UID 3)
      S: c OK FETCH completed`);
  });
});

describe("faults", () => {
  const cases: [command: string, reply: string][] = [
    ["FETCH", "Expected a space"],
    ["FETCH 1", "Expected a space"],
    ["FETCH 0 FLAGS", "Expected a message set"],
    ["FETCH x FLAGS", "Expected a message set"],
    ["FETCH 4 FLAGS", "No such message"],
    ["FETCH 1 SHOES", "Unknown data item"],
    ["FETCH 1 constructor", "Unknown data item"],
    ["FETCH 1 (FLAGS", "Expected a space"],
    ["FETCH 1 FLAGS UID", "Too many arguments"],
    ["FETCH 1 BODY[SHOES]", "Unknown body section"],
    ["FETCH 1 BODY[0]", "Unknown body section"],
    ["FETCH 1 BODY[1.]", "Unknown body section"],
    ["FETCH 1 BODY[1HEADER]", "Unknown body section"],
    ["FETCH 1 BODY[MIME]", "Unknown body section"],
    ["FETCH 1 BODY[", "Unknown body section"],
    ["FETCH 1 BODY[HEADER.FIELDS]", "Expected a space"],
    ["FETCH 1 BODY[]<0>", "Too many arguments"],
    [`FETCH 1 BODY[${"1.".repeat(100)}1]`, "Unknown body section"],
    [`FETCH 1 BODY[${"1".repeat(60_000)}!]`, "Unknown body section"],
    [`FETCH 1 (${"UID ".repeat(DEMO_IMAP_ITEMS)}UID)`, "Too many data items"],
  ];
  for (const [command, reply] of cases) {
    test(command.slice(0, 40), () => selected().play(`C: b ${command}\nS: b BAD ${reply}`));
  }
});

describe("odd messages", () => {
  /** BODYSTRUCTURE of a message, and its ENVELOPE. */
  function shown(...lines: string[]): [structure: string, envelope: string] {
    const mailbox = filled();
    mailbox.find("Trash")!.add(encode(lines.join("\r\n")), NOW);
    const said = selected(mailbox, "Trash").say("b FETCH 1 (BODYSTRUCTURE ENVELOPE)\r\n");
    const found = /BODYSTRUCTURE (.*) ENVELOPE (.*)\)\r\nb OK/s.exec(said)!;
    return [found[1], found[2]];
  }

  test("an attachment with name, description and language", () => {
    const [structure] = shown(
      'Content-Type: application/pdf; name="a\\"b.pdf"',
      "Content-ID: <1@x>",
      "Content-Description: bill",
      "Content-Disposition: ATTACHMENT; filename=a.pdf",
      "Content-Language: de",
      "Content-Location: http://x/",
      "Content-MD5: Q2hlY2s=",
      "Content-Transfer-Encoding: base64",
      "",
      "eA==",
    );
    assert.equal(
      structure,
      '("application" "pdf" ("name" "a\\"b.pdf") "<1@x>" "bill" "base64" 4 "Q2hlY2s=" ' +
        '("attachment" ("filename" "a.pdf")) "de" "http://x/")',
    );
  });

  test("bytes that cannot be quoted go as literals", () => {
    const [, envelope] = shown("Subject: Gr\xc3\xbc\xc3\x9fe", "", "");
    assert.equal(envelope, "(NIL {7}\r\nGr\xc3\xbc\xc3\x9fe NIL NIL NIL NIL NIL NIL NIL NIL)");
  });

  test("no bytes at all but a header", () => {
    assert.deepEqual(shown("Subject: x"), [
      '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)',
      '(NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL)',
    ]);
  });
});
