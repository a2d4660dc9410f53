/** Commands that change messages in the demo: STORE, COPY, MOVE, APPEND, EXPUNGE. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode, encode } from "../../../../src/core/bytes.ts";
import { DEMO_KEYWORD, DEMO_KEYWORDS, DEMO_MESSAGES } from "../../../../src/core/limits.ts";
import { filled, loggedIn, NOW, selected } from "./start.ts";

describe("STORE", () => {
  const cases: [title: string, script: string][] = [
    [
      "adds",
      `C: b STORE 1:2 +FLAGS (\\SEEN $New)
       S: * 1 FETCH (FLAGS (\\Seen $New))
       S: * 2 FETCH (FLAGS (\\Flagged \\Seen $New))
       S: b OK STORE completed`,
    ],
    [
      "takes away",
      `C: b STORE 2:3 -FLAGS (\\Flagged \\seen)
       S: * 2 FETCH (FLAGS ())
       S: * 3 FETCH (FLAGS ($Label1))
       S: b OK STORE completed`,
    ],
    ["replaces", "C: b STORE 3 FLAGS ()\nS: * 3 FETCH (FLAGS ())\nS: b OK STORE completed"],
    ["is silent on request", "C: b STORE 3 flags.silent ()\nS: b OK STORE completed"],
    [
      "takes flags without parentheses",
      `C: b STORE 1 +FLAGS \\Seen \\Draft
       S: * 1 FETCH (FLAGS (\\Seen \\Draft))
       S: b OK STORE completed`,
    ],
    [
      "by UID answers with it",
      `C: b UID STORE 3,99 +FLAGS (\\Seen)
       S: * 3 FETCH (UID 3 FLAGS (\\Seen $Label1))
       S: b OK STORE completed`,
    ],
    ["gives no \\Recent", "C: b STORE 1 +FLAGS (\\Recent)\nS: b BAD Flag cannot be set"],
    ["knows its verbs", "C: b STORE 1 *FLAGS (\\Seen)\nS: b BAD Expected FLAGS, +FLAGS or -FLAGS"],
    ["needs messages", "C: b STORE 9 +FLAGS (\\Seen)\nS: b BAD No such message"],
    [
      "takes no monstrous keyword",
      `C: b STORE 1 +FLAGS (${"k".repeat(DEMO_KEYWORD + 1)})
       S: b BAD Keyword too long`,
    ],
  ];
  for (const [title, script] of cases) test(title, () => selected().play(script));

  test("is told to others, not to oneself", () => {
    const mailbox = filled();
    const [talk, other] = [selected(mailbox), selected(mailbox)];
    talk.play(`
      C: b STORE 1 +FLAGS.SILENT (\\Seen)
      S: b OK STORE completed
      C: c NOOP
      S: c OK NOOP completed`);
    other.play("C: b NOOP\nS: * 1 FETCH (UID 1 FLAGS (\\Seen))\nS: b OK NOOP completed");
  });

  test("tells what others did first", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    mailbox.inbox.setFlags(mailbox.inbox.messages[0], ["\\Answered"]);
    talk.play(`
      C: b STORE 1 +FLAGS.SILENT (\\Seen)
      S: * 1 FETCH (UID 1 FLAGS (\\Answered))
      S: b OK STORE completed`);
  });

  test("keeps keywords within bounds", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    for (let i = 0; i < DEMO_KEYWORDS + 9; i++) talk.say(`b STORE 1 +FLAGS.SILENT (k${i})\r\n`);
    assert.equal(mailbox.inbox.messages[0].flags.size, DEMO_KEYWORDS);
  });
});

describe("COPY and MOVE", () => {
  const cases: [title: string, script: string, inbox: number[], trash: number[]][] = [
    [
      "copy with flags and UIDs",
      "C: b COPY 2:3 Trash\nS: b OK [COPYUID 1001 2:3 1:2] COPY completed",
      [1, 2, 3],
      [1, 2],
    ],
    [
      "copy by UID",
      "C: b UID COPY 3,1 Trash\nS: b OK [COPYUID 1001 1,3 1:2] COPY completed",
      [1, 2, 3],
      [1, 2],
    ],
    [
      "need a folder to go to",
      "C: b UID COPY 3,1 trash\nS: b NO [TRYCREATE] No such folder",
      [1, 2, 3],
      [],
    ],
    [
      "move",
      `C: b MOVE 1,3 Trash
       S: * OK [COPYUID 1001 1,3 1:2] Moved
       S: * 3 EXPUNGE
       S: * 1 EXPUNGE
       S: b OK MOVE completed`,
      [2],
      [1, 2],
    ],
    [
      "move by UID",
      `C: b UID MOVE 2 Trash
       S: * OK [COPYUID 1001 2 1] Moved
       S: * 2 EXPUNGE
       S: b OK MOVE completed`,
      [1, 3],
      [1],
    ],
    ["move none", "C: b UID MOVE 99 Trash\nS: b OK MOVE completed", [1, 2, 3], []],
  ];
  for (const [title, script, inbox, trash] of cases) {
    test(title, () => {
      const mailbox = filled();
      selected(mailbox).play(script);
      const uids = (name: string) => mailbox.find(name)!.messages.map(({ uid }) => uid);
      assert.deepEqual([uids("INBOX"), uids("Trash")], [inbox, trash]);
    });
  }

  test("copy keeps flags and the date", () => {
    const mailbox = filled();
    selected(mailbox).say("b COPY 3 Trash\r\n");
    const [copy] = mailbox.find("Trash")!.messages;
    assert.deepEqual([[...copy.flags.values()], copy.received], [["\\Seen", "$Label1"], NOW]);
  });

  test("copy all or nothing", () => {
    const mailbox = filled();
    const { inbox } = mailbox;
    while (inbox.messages.length < DEMO_MESSAGES - 1) inbox.add(encode("x"), NOW);
    const talk = selected(mailbox);
    talk.play("C: b COPY 1:2 Trash\nS: b NO [OVERQUOTA] Mailbox full");
    assert.equal(mailbox.find("Trash")!.messages.length, 0);
    talk.play("C: b COPY 1 Trash\nS: b OK [...]");
  });
});

describe("APPEND", () => {
  const cases: [title: string, script: string][] = [
    [
      "takes a message with flags and a date",
      `C: b APPEND Trash (\\Seen $New) " 3-Feb-2026 13:00:00 +0100" {12}
       S: + Go ahead
       C: Subject: x
       C-${" "}
       C:
       S: b OK [APPENDUID 1001 1] APPEND completed`,
    ],
    [
      "takes one without, unasked",
      "C: b APPEND Trash {12+}\nC: Subject: xyz\nS: b OK [APPENDUID 1001 1] APPEND completed",
    ],
    ["needs a folder", "C: b APPEND Nowhere {1+}\nC: x\nS: b NO [TRYCREATE] No such folder"],
    ["needs a message", "C: b APPEND Trash {0+}\nC:\nS: b NO The message is empty"],
    ["needs a literal", 'C: b APPEND Trash "x"\nS: b BAD Expected a space'],
    [
      "needs a date that is one",
      'C: b APPEND Trash "31-Feb-2026 00:00:00 +0000" {1+}\nC: x\nS: b BAD Expected a date and time',
    ],
    ["takes one message", "C: b APPEND Trash {1+}\nC: x {1+}\nC: y\nS: b BAD Too many arguments"],
  ];
  for (const [title, script] of cases) test(title, () => loggedIn().play(script));

  test("keeps the bytes as they are", () => {
    const mailbox = filled();
    loggedIn(mailbox).say("b APPEND Trash (\\Draft) {9+}\r\na\nb\r\xff\0\r\nc\r\n");
    const [message] = mailbox.find("Trash")!.messages;
    assert.equal(decode(message.raw), "a\nb\r\xff\0\r\nc");
    assert.deepEqual([message.received, [...message.flags.values()]], [NOW, ["\\Draft"]]);
  });

  test("to the selected folder shows at once", () => {
    selected().play(`
      C: b APPEND INBOX {1+}
      C: x
      S: * 4 EXISTS
      S: * 1 RECENT
      S: b OK [APPENDUID 1000 4] APPEND completed`);
  });
});

describe("EXPUNGE", () => {
  test("removes what is deleted, the last first", () => {
    const mailbox = filled();
    selected(mailbox).play(`
      C: b STORE 1,3 +FLAGS.SILENT (\\Deleted)
      C: c EXPUNGE
      S: b OK STORE completed
      S: * 3 EXPUNGE
      S: * 1 EXPUNGE
      S: c OK EXPUNGE completed`);
    assert.deepEqual(mailbox.inbox.messages.map(({ uid }) => uid), [2]);
  });

  test("by UID removes what is deleted among them", () => {
    selected().play(`
      C: b STORE 1,3 +FLAGS.SILENT (\\Deleted)
      C: c UID EXPUNGE 2:4
      S: b OK STORE completed
      S: * 3 EXPUNGE
      S: c OK EXPUNGE completed`);
  });

  test("gives the room back", () => {
    const mailbox = filled();
    while (mailbox.inbox.messages.length < DEMO_MESSAGES) mailbox.inbox.add(encode("x"), NOW);
    const talk = selected(mailbox);
    talk.play("C: b APPEND Trash {1+}\nC: x\nS: b NO [OVERQUOTA] Mailbox full");
    talk.say("c STORE 1 +FLAGS.SILENT (\\Deleted)\r\nd EXPUNGE\r\n");
    talk.play("C: e APPEND Trash {1+}\nC: x\nS: e OK [...]");
  });
});
