/** IMAP sessions of the demo for tests: a mailbox with known messages, and a client that talks to it. */

import assert from "node:assert/strict";
import { encode } from "../../../../src/core/bytes.ts";
import { ImapConversation } from "../../../../src/demo/imap/session.ts";
import { Mailbox } from "../../../../src/demo/mailbox.ts";
import { Talk } from "../talk.ts";

export const NOW = Date.UTC(2026, 1, 3, 12, 0, 0);
export const DAY = 86_400_000;

export const CAPABILITIES =
  "IMAP4rev1 LITERAL+ ID NAMESPACE IDLE UNSELECT UIDPLUS MOVE CHILDREN SPECIAL-USE";

const MULTIPART = [
  "From: =?UTF-8?Q?J=C3=BCrgen?= <juergen@example.net>",
  "To: demo@example.com",
  "Subject: =?UTF-8?B?R3LDvMOfZQ==?=",
  "Date: Mon, 2 Feb 2026 23:30:00 -0800",
  "Content-Type: multipart/mixed; boundary=b",
  "",
  "--b",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "sch=C3=B6n",
  "--b",
  "Content-Type: message/rfc822",
  "",
  "Subject: inner",
  "",
  "inner text",
  "--b--",
  "",
].join("\r\n");

/** Three messages: a plain one, a multipart with an enclosed message, and one that was read. */
export function filled(): Mailbox {
  const mailbox = new Mailbox(1000);
  const { inbox } = mailbox;
  inbox.add(encode("From: bob@example.net\r\nSubject: one\r\n\r\nfirst\r\n"), NOW - 2 * DAY);
  inbox.add(encode(MULTIPART), NOW - DAY, ["\\Flagged"]);
  inbox.add(encode("Subject: three\r\n\r\nlast\r\n"), NOW, ["\\Seen", "$Label1"]);
  mailbox.create("Trash", "\\Trash");
  return mailbox;
}

export function start(mailbox: Mailbox = filled()): Talk {
  const talk = new Talk((outlet) => new ImapConversation(mailbox, () => NOW, outlet));
  assert.equal(talk.heard(), `* OK [CAPABILITY ${CAPABILITIES}] Doorpost demo IMAP ready\r\n`);
  return talk;
}

export function loggedIn(mailbox: Mailbox = filled()): Talk {
  const talk = start(mailbox);
  assert.match(talk.say("a LOGIN demo@example.com doorpost\r\n"), /^a OK /);
  return talk;
}

/** With INBOX, or another folder, selected. Nothing is \Recent any more. */
export function selected(mailbox: Mailbox = filled(), folder = "INBOX"): Talk {
  mailbox.find(folder)!.messages.forEach((message) => message.claimed = true);
  const talk = loggedIn(mailbox);
  assert.match(talk.say(`a SELECT ${folder}\r\n`), /a OK \[READ-WRITE\]/);
  return talk;
}
