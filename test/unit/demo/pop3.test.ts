/** The demo's POP3 server, command by command. RFC 1939, RFC 2449. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/core/bytes.ts";
import { DEMO_ERRORS, DEMO_LINE } from "../../../src/core/limits.ts";
import { Mailbox } from "../../../src/demo/mailbox.ts";
import { Pop3Conversation } from "../../../src/demo/pop3.ts";
import { inPieces, Talk } from "./talk.ts";

const MESSAGES = [
  "Subject: one\r\n\r\nfirst\r\n.second\r\n",
  "Subject: two\r\n\r\n" + "line\r\n".repeat(3),
  // As an IMAP client may have appended it.
  "Subject: three\n\nlone\n",
];

function filled(): Mailbox {
  const mailbox = new Mailbox(7);
  for (const text of MESSAGES) mailbox.inbox.add(encode(text), 0);
  return mailbox;
}

function start(mailbox: Mailbox = filled()): Talk {
  const talk = new Talk((outlet) => new Pop3Conversation(mailbox, outlet));
  assert.equal(talk.heard(), "+OK Doorpost demo POP3 ready\r\n");
  return talk;
}

const LOGIN = `
  C: USER demo@example.com
  S: +OK Password, please
  C: PASS doorpost
  S: +OK 3 messages
`;

function loggedIn(mailbox: Mailbox = filled()): Talk {
  const talk = start(mailbox);
  talk.play(LOGIN);
  return talk;
}

describe("before the login", () => {
  const cases: [title: string, script: string][] = [
    ["USER and PASS log in", LOGIN],
    ["PASS needs USER", "C: PASS doorpost\nS: -ERR USER first"],
    [
      "a wrong password is refused, and USER forgotten",
      `C: USER demo@example.com
       S: +OK Password, please
       C: PASS doorposts
       S: -ERR [AUTH] Invalid login or password
       C: PASS doorpost
       S: -ERR USER first`,
    ],
    [
      "a password keeps its spaces",
      `C: USER demo@example.com
      S: +OK Password, please
      C: PASS doorpost${" "}
      S: -ERR [AUTH] Invalid login or password`,
    ],
    ["the maildrop is closed", "C: STAT\nS: -ERR Log in first"],
    [
      "CAPA tells the abilities",
      `C: CAPA
       S: +OK Capability list follows
       S: USER
       S: TOP
       S: UIDL
       S: PIPELINING
       S: RESP-CODES
       S: AUTH-RESP-CODE
       S: .`,
    ],
    ["QUIT ends", "C: QUIT\nS: +OK Bye"],
  ];
  for (const [title, script] of cases) test(title, () => start().play(script));
});

describe("the maildrop", () => {
  const cases: [title: string, script: string][] = [
    ["is summed up", "C: STAT\nS: +OK 3 90"],
    ["is listed", "C: LIST\nS: +OK 3 messages\nS: 1 32\nS: 2 34\nS: 3 24\nS: ."],
    ["is listed by number", "C: list 2\nS: +OK 2 34"],
    ["has unique ids", "C: UIDL\nS: +OK 3 messages\nS: 1 7.1\nS: 2 7.2\nS: 3 7.3\nS: ."],
    ["has unique ids by number", "C: UIDL 3\nS: +OK 3 7.3"],
    [
      "gives messages, their dots stuffed",
      `C: RETR 1
       S: +OK 32 octets
       S: Subject: one
       S:
       S: first
       S: ..second
       S: .`,
    ],
    [
      "gives messages with proper line ends",
      "C: RETR 3\nS: +OK 24 octets\nS: Subject: three\nS:\nS: lone\nS: .",
    ],
    [
      "gives the top of messages",
      "C: TOP 2 1\nS: +OK 34 octets\nS: Subject: two\nS:\nS: line\nS: .",
    ],
    ["gives headers alone", "C: TOP 2 0\nS: +OK 34 octets\nS: Subject: two\nS:\nS: ."],
    ["has no message 4", "C: RETR 4\nS: -ERR No such message"],
    ["has no message 0", "C: RETR 0\nS: -ERR No such message"],
    ["has no message -1", "C: DELE -1\nS: -ERR No such message"],
    ["asks TOP for two numbers", "C: TOP 1\nS: -ERR Syntax: TOP message lines"],
    ["takes no second login", "C: USER x\nS: -ERR Already logged in"],
    ["does nothing for NOOP", "C: NOOP\nS: +OK Here"],
  ];
  for (const [title, script] of cases) test(title, () => loggedIn().play(script));
});

describe("deleting", () => {
  test("hides the message at once and removes it at QUIT", () => {
    const mailbox = filled();
    loggedIn(mailbox).play(`
      C: DELE 2
      C: LIST
      C: RETR 2
      C: UIDL 3
      S: +OK Message 2 marked
      S: +OK 2 messages
      S: 1 32
      S: 3 24
      S: .
      S: -ERR No such message
      S: +OK 3 7.3`);
    assert.equal(mailbox.inbox.messages.length, 3);
    const talk = loggedIn(mailbox);
    talk.say("DELE 2\r\nQUIT\r\n");
    assert.deepEqual(mailbox.inbox.messages.map(({ uid }) => uid), [1, 3]);
  });

  test("is taken back by RSET", () => {
    const mailbox = filled();
    loggedIn(mailbox).say("DELE 1\r\nRSET\r\nQUIT\r\n");
    assert.equal(mailbox.inbox.messages.length, 3);
  });

  test("does not happen when the connection breaks", () => {
    const mailbox = filled();
    const talk = loggedIn(mailbox);
    talk.say("DELE 1\r\n");
    talk.conversation.close();
    assert.equal(mailbox.inbox.messages.length, 3);
  });
});

test("a message that arrives meanwhile waits for the next session", () => {
  const mailbox = filled();
  const talk = loggedIn(mailbox);
  mailbox.inbox.add(encode("Subject: four\r\n\r\n"), 0);
  talk.play("C: STAT\nS: +OK 3 90");
});

describe("what makes no sense", () => {
  test("is refused", () => start().play("C: FOO\nS: -ERR Unknown command"));

  test("is borne a number of times", () => {
    const talk = start();
    const said = talk.say("FOO\r\n".repeat(DEMO_ERRORS + 5));
    assert.equal(said.split("\r\n").length - 1, DEMO_ERRORS);
    assert.ok(talk.finished);
  });

  test("is not kept when a line never ends", () => {
    const talk = start();
    assert.equal(talk.say("x".repeat(DEMO_LINE)), "-ERR Line too long\r\n");
    assert.ok(talk.finished);
  });
});

test("any split of the bytes gives the same replies", () => {
  const bytes = encode(
    "CAPA\r\nUSER demo@example.com\r\nPASS doorpost\r\nLIST\r\nRETR 1\r\nTOP 2 1\r\nDELE 1\r\nQUIT\r\n",
  );
  const play = (sizes: readonly number[]) => {
    const mailbox = filled();
    return inPieces((outlet) => new Pop3Conversation(mailbox, outlet), bytes, sizes);
  };
  const whole = play([bytes.length]);
  assert.match(whole, /Bye\r\n$/);
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sizes) => {
    assert.equal(play(sizes), whole);
  }));
});
