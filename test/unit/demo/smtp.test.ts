/** The demo's SMTP server, command by command, and the message that it delivers. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../../src/core/bytes.ts";
import { DEMO_ERRORS, DEMO_LINE, DEMO_MESSAGE, DEMO_RECIPIENTS } from "../../../src/core/limits.ts";
import { Mailbox } from "../../../src/demo/mailbox.ts";
import { SmtpConversation } from "../../../src/demo/smtp.ts";
import type { Outlet } from "../../../src/demo/server.ts";
import { ip } from "../../../src/net/address.ts";
import { encodeBase64 } from "../../../src/wire/sasl.ts";
import { inPieces, Talk } from "./talk.ts";

const NOW = Date.UTC(2026, 1, 3, 12, 0, 0);
const CLIENT = ip("127.0.0.1", 40_000);

function start(mailbox: Mailbox = new Mailbox(1)): Talk {
  const talk = new Talk((outlet) => new SmtpConversation(mailbox, () => NOW, outlet, CLIENT));
  assert.equal(talk.heard(), "220 demo.example.com ESMTP Doorpost demo\r\n");
  return talk;
}

function delivered(script: string): string {
  const mailbox = new Mailbox(1);
  start(mailbox).play(script);
  assert.equal(mailbox.inbox.messages.length, 1);
  return decode(mailbox.inbox.messages[0].raw);
}

const SEND = `
  C: MAIL FROM:<bob@example.net>
  S: 250 2.1.0 Sender OK
  C: RCPT TO:<alice@example.com>
  S: 250 2.1.5 Recipient OK
  C: DATA
  S: 354 End with <CR><LF>.<CR><LF>
  C: Subject: Hello
  C:
  C: ..dots
  C: .
  S: 250 2.0.0 Delivered to the demo mailbox as 1`;

describe("a session", () => {
  test("introduces itself with its extensions", () => {
    start().play(`
      C: EHLO mail.example.net
      S: 250-demo.example.com
      S: 250-PIPELINING
      S: 250-SIZE ${DEMO_MESSAGE}
      S: 250-8BITMIME
      S: 250-ENHANCEDSTATUSCODES
      S: 250-AUTH PLAIN
      S: 250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN
      C: NOOP
      S: 250 2.0.0 OK
      C: QUIT
      S: 221 2.0.0 Bye`);
  });

  test("ends with QUIT", () => {
    const talk = start();
    talk.say("QUIT\r\nNOOP\r\n");
    assert.ok(talk.finished);
  });

  test("takes commands in one go", () => {
    start().play(`
      C: helo me
      C: mail from:<>
      C: rcpt to:<a@b>
      C: rset
      C: rcpt to:<a@b>
      S: 250 demo.example.com
      S: 250 2.1.0 Sender OK
      S: 250 2.1.5 Recipient OK
      S: 250 2.0.0 OK
      S: 503 5.5.1 MAIL first`);
  });
});

describe("a message", () => {
  test("is delivered with its trace, without the stuffing", () => {
    const text = delivered("C: HELO mail.example.net\nS: 250 demo.example.com" + SEND);
    assert.equal(
      text,
      [
        "Return-Path: <bob@example.net>",
        "Received: from mail.example.net (unknown [127.0.0.1])",
        "\tby demo.example.com (Doorpost demo) with SMTP",
        "\tfor <alice@example.com>;",
        "\tTue, 3 Feb 2026 12:00:00 +0000",
        "Subject: Hello",
        "",
        ".dots",
        "",
      ].join("\r\n"),
    );
  });

  test("shows whom the proxy named by XCLIENT", () => {
    const text = delivered(`
      C: EHLO proxy
      S: 250-demo.example.com
      S: 250-PIPELINING
      S: 250-SIZE [...]
      S: 250-8BITMIME
      S: 250-ENHANCEDSTATUSCODES
      S: 250-AUTH PLAIN
      S: 250 XCLIENT [...]
      C: XCLIENT ADDR=IPV6:2001:db8::1 LOGIN=bob+20smith NAME=client.example.net
      S: 220 demo.example.com ESMTP Doorpost demo
      C: EHLO laptop
      S: 250-demo.example.com
      S: 250-PIPELINING
      S: 250-SIZE [...]
      S: 250-8BITMIME
      S: 250-ENHANCEDSTATUSCODES
      S: 250-AUTH PLAIN
      S: 250 XCLIENT [...]${SEND}`);
    assert.ok(text.includes("from laptop (client.example.net [2001:db8::1])\r\n"), text);
    assert.ok(text.includes("\t(login bob?smith)\r\n"), text);
    assert.ok(text.includes("with ESMTPA\r\n"), text);
  });

  test("cannot gain header lines by names that hold them", () => {
    const text = delivered(`
      C: XCLIENT NAME=a+0D+0AX-Evil:+20yes HELO=b+0D+0AX-Evil:+20yes LOGIN=)+0AX-Evil:
      S: 220 [...]${SEND}`);
    assert.ok(!/^X-Evil/m.test(text), text);
  });

  test("has all its lines ended by CR LF", () => {
    const mailbox = new Mailbox(1);
    start(mailbox).say(
      "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nSubject: x\n\none\n.\ntwo\r\n.\r\n",
    );
    const text = decode(mailbox.inbox.messages[0].raw);
    assert.ok(text.endsWith("Subject: x\r\n\r\none\r\n.\r\ntwo\r\n"), text);
  });

  test("cannot hide a second one behind a lone LF", () => {
    const mailbox = new Mailbox(1);
    const talk = start(mailbox);
    talk.say("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n\none\n.\nMAIL FROM:<evil@b>\n");
    assert.equal(mailbox.inbox.messages.length, 0);
    talk.say("\r\n.\r\n");
    assert.equal(mailbox.inbox.messages.length, 1);
  });

  test("beyond the size is refused, and the session goes on", () => {
    const mailbox = new Mailbox(1);
    const talk = start(mailbox);
    talk.play(`
      C: MAIL FROM:<a@b> SIZE=${DEMO_MESSAGE + 1}
      S: 552 5.3.4 Message too large
      C: MAIL FROM:<a@b> BODY=8BITMIME SIZE=${DEMO_MESSAGE}
      C: RCPT TO:<a@b>
      C: DATA
      S: 250 2.1.0 Sender OK
      S: 250 2.1.5 Recipient OK
      S: 354 [...]`);
    for (let sent = 0; sent <= DEMO_MESSAGE; sent += 1 << 20) talk.say(new Uint8Array(1 << 20));
    assert.equal(talk.say("\r\n.\r\n"), "552 5.3.4 Message too large\r\n");
    talk.play("C: NOOP\nS: 250 2.0.0 OK");
    assert.equal(mailbox.inbox.messages.length, 0);
  });

  test("for a full mailbox is put off", () => {
    const mailbox = new Mailbox(1);
    const big = new Uint8Array(DEMO_MESSAGE);
    assert.throws(() => {
      for (;;) mailbox.inbox.add(big, NOW);
    });
    for (;;) {
      try {
        mailbox.inbox.add(new Uint8Array(1 << 16), NOW);
      } catch {
        break;
      }
    }
    const talk = start(mailbox);
    talk.say("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n");
    assert.equal(talk.say("x".repeat(1 << 16) + "\r\n.\r\n"), "452 4.2.2 Mailbox full\r\n");
  });
});

describe("AUTH PLAIN", () => {
  const good = encodeBase64("\0demo@example.com\0doorpost");
  const cases: [title: string, script: string][] = [
    ["with the response at once", `C: AUTH PLAIN ${good}\nS: 235 2.7.0 Authentication successful`],
    [
      "with the response on demand",
      `C: auth plain\nS: 334 \nC: ${good}\nS: 235 2.7.0 Authentication successful`,
    ],
    ["is cancelled by a star", "C: AUTH PLAIN\nS: 334 \nC: *\nS: 501 5.5.2 Invalid response"],
    [
      "refuses a wrong password",
      `C: AUTH PLAIN ${encodeBase64("\0demo@example.com\0doorposts")}
       S: 535 5.7.8 Invalid login or password`,
    ],
    ["refuses what is no PLAIN message", "C: AUTH PLAIN eA==\nS: 501 5.5.2 Invalid response"],
    ["is the only mechanism", "C: AUTH CRAM-MD5\nS: 504 5.5.4 Unknown mechanism"],
    [
      "is done once",
      `C: AUTH PLAIN ${good}\nS: 235 [...]\nC: AUTH PLAIN ${good}\nS: 503 5.5.1 Already authenticated`,
    ],
  ];
  for (const [title, script] of cases) test(title, () => start().play(script));
});

describe("what makes no sense", () => {
  const cases: [command: string, reply: string][] = [
    ["EHLO", "501 5.5.4 Name expected"],
    ["DATA", "503 5.5.1 RCPT first"],
    ["RCPT TO:<a@b>", "503 5.5.1 MAIL first"],
    ["MAIL TO:<a@b>", "501 5.5.4 Syntax: MAIL FROM:<address>"],
    ["MAIL FROM:a@b", "501 5.5.4 Syntax: MAIL FROM:<address>"],
    ["XCLIENT", "501 5.5.4 Bad XCLIENT attribute"],
    ["XCLIENT ADDR=1.2.3.4 SHOE=43", "501 5.5.4 Bad XCLIENT attribute"],
    ["BDAT 3", "500 5.5.1 Unknown command"],
    ["__proto__", "500 5.5.1 Unknown command"],
    ["", "500 5.5.1 Unknown command"],
  ];
  for (const [command, reply] of cases) {
    test(command || "(empty)", () => start().play(`C: ${command}\nS: ${reply}`));
  }

  test("is borne a number of times", () => {
    const talk = start();
    const said = talk.say("FOO\r\n".repeat(DEMO_ERRORS + 5));
    assert.equal(said.split("\r\n").length - 1, DEMO_ERRORS);
    assert.ok(said.endsWith("421 4.7.0 Too many errors\r\n"));
    assert.ok(talk.finished);
  });

  test("is not kept when a line never ends", () => {
    const talk = start();
    assert.equal(talk.say("x".repeat(DEMO_LINE)), "500 5.5.2 Line too long\r\n");
    assert.ok(talk.finished);
  });

  test("is one recipient too many", () => {
    const talk = start();
    talk.say("MAIL FROM:<>\r\n" + "RCPT TO:<a@b>\r\n".repeat(DEMO_RECIPIENTS));
    talk.play("C: RCPT TO:<a@b>\nS: 452 4.5.3 Too many recipients");
  });
});

test("any split of the bytes gives the same replies", () => {
  const bytes = encode([
    ...["EHLO me", "XCLIENT ADDR=192.0.2.1 NAME=x", "AUTH PLAIN", "eA==", "MAIL FROM:<a@b>"],
    ...["RCPT TO:<c@d>", "RCPT TO:<e@f>", "DATA", "", "..", "...x", ".", "FOO", "QUIT", ""],
  ].join("\r\n"));
  const make = (outlet: Outlet) => {
    return new SmtpConversation(new Mailbox(1), () => NOW, outlet, CLIENT);
  };
  const whole = inPieces(make, bytes, [bytes.length]);
  assert.match(whole, /221 2\.0\.0 Bye\r\n$/);
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (sizes) => {
    assert.equal(inPieces(make, bytes, sizes), whole);
  }));
});
