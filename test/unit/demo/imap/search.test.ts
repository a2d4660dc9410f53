/** SEARCH keys of RFC 3501 section 6.4.4, over the three messages of the test mailbox. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEMO_IMAP_DEPTH, DEMO_IMAP_ITEMS } from "../../../../src/core/limits.ts";
import { filled, loggedIn, selected } from "./start.ts";

describe("keys", () => {
  const cases: [keys: string, numbers: string][] = [
    ["ALL", "1 2 3"],
    ["2:*", "2 3"],
    ["UID 1,3", "1 3"],
    ["SEEN", "3"],
    ["UNSEEN", "1 2"],
    ["FLAGGED", "2"],
    ["unflagged", "1 3"],
    ["ANSWERED", ""],
    ["DELETED", ""],
    ["UNDRAFT", "1 2 3"],
    ["KEYWORD $label1", "3"],
    ["UNKEYWORD $Label1", "1 2"],
    ["OLD", "1 2 3"],
    ["RECENT", ""],
    ["NEW", ""],
    ["LARGER 100", "2"],
    ["SMALLER 100", "1 3"],
    ["ON 2-Feb-2026", "2"],
    ["BEFORE 2-Feb-2026", "1"],
    ["SINCE 2-Feb-2026", "2 3"],
    ['SINCE "2-Feb-2026"', "2 3"],
    ["SENTON 2-Feb-2026", "2"],
    ["SENTBEFORE 2-Feb-2026", ""],
    ["SENTSINCE 2-Feb-2026", "2"],
    ["FROM BOB", "1"],
    ["FROM j\xc3\xbcrgen", "2"],
    ["TO demo", "2"],
    ["CC demo", ""],
    ['SUBJECT "Gr\xc3\xbc\xc3\x9fe"', "2"],
    ["SUBJECT {7+}\r\nGr\xc3\xbc\xc3\x9fe", "2"],
    ["HEADER Subject one", "1"],
    ['HEADER From ""', "1 2"],
    ["HEADER X-None x", ""],
    ["BODY sch\xc3\xb6n", "2"],
    ['BODY "INNER TEXT"', "2"],
    ["BODY one", ""],
    ["TEXT one", "1"],
    ["TEXT last", "3"],
    ["UNSEEN FLAGGED", "2"],
    ["NOT UNSEEN", "3"],
    ["NOT NOT SEEN", "3"],
    ["OR FROM bob SEEN", "1 3"],
    ["OR (UNSEEN NOT FLAGGED) (SEEN KEYWORD $Label1)", "1 3"],
    ["(1:2 (UNSEEN))", "1 2"],
    ["CHARSET UTF-8 SUBJECT one", "1"],
    ["charset us-ascii all", "1 2 3"],
  ];
  for (const [keys, numbers] of cases) {
    test(JSON.stringify(keys), () => {
      const found = numbers === "" ? "" : ` ${numbers}`;
      assert.equal(
        selected().say(`b SEARCH ${keys}\r\n`),
        `* SEARCH${found}\r\nb OK SEARCH completed\r\n`,
      );
    });
  }

  test("find by UID", () => {
    const mailbox = filled();
    mailbox.inbox.remove(new Set([mailbox.inbox.messages[0]]));
    selected(mailbox).play(`
      C: b UID SEARCH ALL
      S: * SEARCH 2 3
      S: b OK SEARCH completed
      C: c SEARCH ALL
      S: * SEARCH 1 2
      S: c OK SEARCH completed`);
  });

  test("know what is recent", () => {
    const talk = loggedIn();
    talk.say("b SELECT INBOX\r\n");
    talk.play("C: c SEARCH NEW\nS: * SEARCH 1 2\nS: c OK SEARCH completed");
  });
});

describe("faults", () => {
  const nested = (depth: number) => "(".repeat(depth) + "ALL" + ")".repeat(depth);
  const cases: [keys: string, reply: string][] = [
    ["SHOES", "BAD Unknown search key"],
    ["constructor", "BAD Unknown search key"],
    ["SUBJECT", "BAD Expected a space"],
    ["NOT", "BAD Expected a space"],
    ["OR SEEN", "BAD Expected a space"],
    ["(SEEN", "BAD Expected )"],
    ["SEEN)", "BAD Too many arguments"],
    ["ON yesterday", "BAD Expected a date such as 1-Feb-2026"],
    ["LARGER many", "BAD Expected a number"],
    ["7", "BAD No such message"],
    ["CHARSET KOI8-R ALL", "NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset"],
    [nested(DEMO_IMAP_DEPTH), "BAD Search keys nested too deep"],
    ["NOT ".repeat(10_000) + "ALL", "BAD Search keys nested too deep"],
    ["ALL ".repeat(DEMO_IMAP_ITEMS) + "ALL", "BAD Too many search keys"],
  ];
  for (const [keys, reply] of cases) {
    test(keys.slice(0, 40), () => selected().play(`C: b SEARCH ${keys}\nS: b ${reply}`));
  }

  test("nesting up to the cap is none", () => {
    assert.match(selected().say(`b SEARCH ${nested(DEMO_IMAP_DEPTH - 1)}\r\n`), /b OK/);
  });
});
