/** The demo's IMAP server: logging in, selecting, idling, and how it bears nonsense. RFC 3501. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../../src/core/bytes.ts";
import {
  CLIENT_BUFFER,
  DEMO_ERRORS,
  DEMO_IMAP_LINE,
  DEMO_IMAP_LITERALS,
  DEMO_MESSAGE,
} from "../../../../src/core/limits.ts";
import { ImapConversation } from "../../../../src/demo/imap/session.ts";
import { inPieces } from "../talk.ts";
import { CAPABILITIES, filled, loggedIn, NOW, selected, start } from "./start.ts";

describe("before the login", () => {
  const ok = `a OK [CAPABILITY ${CAPABILITIES}] Logged in`;
  const cases: [title: string, script: string][] = [
    ["atoms log in", `C: a LOGIN demo@example.com doorpost\nS: ${ok}`],
    ["quoted strings log in", `C: a login "demo@example.com" "door\\post"\nS: ${ok}`],
    [
      "literals log in, as the proxy sends them",
      `C: a LOGIN {16}
       S: + Go ahead
       C: demo@example.com {8}
       S: + Go ahead
       C: doorpost
       S: ${ok}`,
    ],
    [
      "non-synchronising literals log in",
      `C: a LOGIN {16+}\nC: demo@example.com {8+}\nC: doorpost\nS: ${ok}`,
    ],
    [
      "a wrong password is refused",
      "C: a LOGIN demo@example.com x\nS: a NO [AUTHENTICATIONFAILED] Invalid login or password",
    ],
    ["a password is needed", "C: a LOGIN demo@example.com\nS: a BAD Expected a space"],
    ["there is no third argument", "C: a LOGIN a b c\nS: a BAD Too many arguments"],
    ["folders are closed", "C: a SELECT INBOX\nS: a BAD Log in first"],
    ["commands are closed", 'C: a LIST "" *\nS: a BAD Log in first'],
    ["idling is closed", "C: a IDLE\nS: a BAD Log in first"],
    ["messages are closed", "C: a FETCH 1 FLAGS\nS: a BAD Select a folder first"],
    [
      "CAPABILITY tells the abilities",
      `C: a CAPABILITY\nS: * CAPABILITY ${CAPABILITIES}\nS: a OK CAPABILITY completed`,
    ],
    [
      "ID introduces",
      `C: a ID ("name" "x")\nS: * ID ("name" "Doorpost demo")\nS: a OK ID completed`,
    ],
    ["NOOP does nothing", "C: a NOOP\nS: a OK NOOP completed"],
    ["LOGOUT ends", "C: a LOGOUT\nS: * BYE See you\nS: a OK LOGOUT completed"],
  ];
  for (const [title, script] of cases) test(title, () => start().play(script));

  test("a literal beyond a login is not asked for", () => {
    start().play(`
      C: a LOGIN {${CLIENT_BUFFER + 1}}
      S: a NO [TOOBIG] Literal too large
      C: b NOOP
      S: b OK NOOP completed`);
  });

  test("a literal beyond a login that comes unasked ends the session", () => {
    const talk = start();
    talk.play(`
      C: a LOGIN {${CLIENT_BUFFER + 1}+}
      S: a NO [TOOBIG] Literal too large
      S: * BYE Cannot go on after that`);
    assert.ok(talk.finished);
  });

  test("the login is done once", () => {
    loggedIn().play("C: b LOGIN demo@example.com doorpost\nS: b BAD Already logged in");
  });
});

describe("a folder", () => {
  test("is selected with all that RFC 3501 section 6.3.1 asks for", () => {
    loggedIn().play(`
      C: b SELECT inbox
      S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label1)
      S: * OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags that stay
      S: * 3 EXISTS
      S: * 3 RECENT
      S: * OK [UNSEEN 1] First unseen
      S: * OK [UIDVALIDITY 1000] UIDs valid
      S: * OK [UIDNEXT 4] Next UID
      S: b OK [READ-WRITE] SELECT completed`);
  });

  test("is examined without a right to change", () => {
    const talk = loggedIn();
    assert.match(talk.say("b EXAMINE INBOX\r\n"), /PERMANENTFLAGS \(\)\].*\[READ-ONLY\] EXAMINE/s);
    talk.play(`
      C: c STORE 1 +FLAGS (\\Seen)
      S: c NO [READ-ONLY] The folder was opened by EXAMINE
      C: d EXPUNGE
      S: d NO [READ-ONLY] The folder was opened by EXAMINE
      C: e FETCH 1 BODY[TEXT]
      S: * 1 FETCH (BODY[TEXT] {7}
      S: first
      S: )
      S: e OK FETCH completed
      C: f FETCH 1 FLAGS
      S: * 1 FETCH (FLAGS (\\Recent))
      S: f OK FETCH completed`);
  });

  test("shows recent messages to the first session alone", () => {
    const mailbox = filled();
    assert.match(loggedIn(mailbox).say("b SELECT INBOX\r\n"), /\* 3 RECENT/);
    assert.match(loggedIn(mailbox).say("b SELECT INBOX\r\n"), /\* 0 RECENT/);
  });

  test("that is not there leaves none selected", () => {
    selected().play(`
      C: b SELECT Nowhere
      S: b NO [NONEXISTENT] No such folder
      C: c CHECK
      S: c BAD Select a folder first`);
  });

  test("is closed, and deleted messages go silently", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    talk.say("b STORE 2 +FLAGS.SILENT (\\Deleted)\r\n");
    talk.play("C: c CLOSE\nS: c OK CLOSE completed\nC: d CLOSE\nS: d BAD Select a folder first");
    assert.deepEqual(mailbox.inbox.messages.map(({ uid }) => uid), [1, 3]);
  });

  test("is unselected, and deleted messages stay", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    talk.say("b STORE 2 +FLAGS.SILENT (\\Deleted)\r\n");
    talk.play("C: c UNSELECT\nS: c OK UNSELECT completed");
    assert.equal(mailbox.inbox.messages.length, 3);
  });
});

describe("news of others", () => {
  test("are told with the next command", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    mailbox.inbox.add(encode("Subject: four\r\n\r\n"), NOW);
    mailbox.inbox.setFlags(mailbox.inbox.messages[1], ["\\Seen"]);
    mailbox.inbox.remove(new Set([mailbox.inbox.messages[0]]));
    talk.play(`
      C: b NOOP
      S: * 1 EXPUNGE
      S: * 3 EXISTS
      S: * 1 RECENT
      S: * 1 FETCH (UID 2 FLAGS (\\Seen))
      S: b OK NOOP completed
      C: c NOOP
      S: c OK NOOP completed`);
  });

  test("do not move numbers under a command that speaks in numbers", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    mailbox.inbox.remove(new Set([mailbox.inbox.messages[0]]));
    talk.play(`
      C: b FETCH 2 UID
      S: * 2 FETCH (UID 2)
      S: b OK FETCH completed
      C: c SEARCH ALL
      S: * SEARCH 1 2 3
      S: c OK SEARCH completed
      C: d UID FETCH 2 FLAGS
      S: * 2 FETCH (UID 2 FLAGS (\\Flagged))
      S: * 1 EXPUNGE
      S: d OK FETCH completed`);
  });

  test("are told at once while idling", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    talk.play("C: b IDLE\nS: + idling");
    assert.equal(talk.woken, false);
    mailbox.inbox.add(encode("Subject: four\r\n\r\n"), NOW);
    assert.ok(talk.woken);
    assert.equal(talk.say(), "* 4 EXISTS\r\n* 1 RECENT\r\n");
    assert.equal(talk.say(), "");
    talk.play("C: DONE\nS: b OK IDLE completed\nC: c NOOP\nS: c OK NOOP completed");
  });

  test("include the end of a folder", () => {
    const mailbox = filled();
    mailbox.find("Trash")!.add(encode("Subject: x\r\n\r\n"), NOW);
    const talk = selected(mailbox, "Trash");
    mailbox.delete("Trash");
    talk.play("C: b NOOP\nS: * 1 EXPUNGE\nS: b OK NOOP completed");
  });

  test("no longer come when the session is gone", () => {
    const mailbox = filled();
    const talk = selected(mailbox);
    talk.say("b IDLE\r\n");
    talk.conversation.close();
    mailbox.inbox.add(encode("Subject: four\r\n\r\n"), NOW);
    assert.equal(talk.woken, false);
  });
});

describe("idling", () => {
  test("needs no folder", () => {
    loggedIn().play("C: b IDLE\nS: + idling\nC: done\nS: b OK IDLE completed");
  });

  test("ends with DONE alone", () => {
    loggedIn().play("C: b IDLE\nS: + idling\nC: c NOOP\nS: b BAD Expected DONE");
  });

  test("may end before it began", () => {
    loggedIn().play(
      "C: b IDLE\nC: DONE\nC: c NOOP\nS: + idling\nS: b OK IDLE completed\nS: c OK [...]",
    );
  });
});

describe("what makes no sense", () => {
  const cases: [line: string, reply: string][] = [
    ["", "* BAD Expected a tag and a command"],
    ["a", "* BAD Expected a tag and a command"],
    ["+ NOOP", "* BAD Expected a tag and a command"],
    ["a ", "a BAD Expected a tag and a command"],
    ["a FOO", "a BAD Unknown command"],
    ["a UID NOOP", "a BAD Unknown command"],
    ["a UID", "a BAD Unknown command"],
    ["a constructor", "a BAD Unknown command"],
    ["a NOOP x", "a BAD Too many arguments"],
    ["a STARTTLS", "a BAD Unknown command"],
  ];
  for (const [line, reply] of cases) {
    test(line || "(empty)", () => loggedIn().play(`C: ${line}\nS: ${reply}`));
  }

  test("is borne a number of times", () => {
    const talk = loggedIn();
    const said = talk.say("b FOO\r\n".repeat(DEMO_ERRORS + 5));
    assert.match(said, /\* BYE Too many errors\r\n$/);
    assert.equal(said.split("\r\n").length - 1, DEMO_ERRORS + 1);
    assert.ok(talk.finished);
  });

  test("is not kept when a line never ends", () => {
    const talk = loggedIn();
    assert.match(talk.say("x".repeat(DEMO_IMAP_LINE)), /^\* BAD Line too long\r\n\* BYE /);
    assert.ok(talk.finished);
  });

  test("is not kept when literals never end", () => {
    const talk = loggedIn();
    talk.say("b SEARCH SUBJECT {1000+}\r\n");
    let said = "";
    for (let sent = 0; sent < DEMO_IMAP_LITERALS && said === ""; sent += 1000) {
      said = talk.say("x".repeat(1000) + " SUBJECT {1000+}\r\n");
    }
    assert.match(said, /^b NO \[TOOBIG\]/);
    assert.ok(talk.finished);
  });

  test("is a message beyond the cap", () => {
    loggedIn().play(`
      C: b APPEND INBOX {${DEMO_MESSAGE + DEMO_IMAP_LITERALS + 1}}
      S: b NO [TOOBIG] Literal too large`);
  });
});

/** Clients' words, well and badly put together. */
const WORD = fc.constantFrom(
  ...["a", "NOOP", "UID", "FETCH", "SEARCH", "STORE", "SELECT", "INBOX", "1:*", "2", "(", ")", " "],
  ...["BODY[", "]", "1.2.HEADER", "<0.5>", '"', "{3+}\r\n", "\r\n", "FLAGS", "\\Seen", "NOT", "OR"],
  ...[
    "ENVELOPE",
    "BODYSTRUCTURE",
    "COPY",
    "MOVE",
    "APPEND",
    "IDLE",
    "DONE",
    "LIST",
    "*",
    "%",
    "\0",
  ],
);

describe("whatever comes", () => {
  test("no words throw", () => {
    fc.assert(fc.property(fc.array(WORD, { maxLength: 40 }), (words) => {
      selected().say(words.join(""));
      selected().say("a " + words.join(" ") + "\r\n");
    }));
  });

  test("any split of the bytes gives the same replies", () => {
    const bytes = encode([
      ...["a LOGIN {16}", "demo@example.com {8+}", "doorpost", 'b LIST "" "*"', "c SELECT INBOX"],
      ...[
        "d FETCH 1:* (FLAGS BODY[])",
        "e APPEND INBOX {5+}",
        "hello",
        "f UID SEARCH ALL",
        "g FOO",
      ],
      ...["h STORE 1:* +FLAGS (\\Deleted)", "i EXPUNGE", "j IDLE", "DONE", "k LOGOUT", ""],
    ].join("\r\n"));
    const play = (sizes: readonly number[]) => {
      const mailbox = filled();
      return inPieces((outlet) => new ImapConversation(mailbox, () => NOW, outlet), bytes, sizes);
    };
    const whole = play([bytes.length]);
    assert.match(whole, /k OK LOGOUT completed\r\n$/);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      assert.equal(play(sizes), whole);
    }));
  });
});
