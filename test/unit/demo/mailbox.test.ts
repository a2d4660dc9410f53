/** The demo mailbox: UIDs, caps and line ends. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode, encode } from "../../../src/core/bytes.ts";
import { DEMO_MAILBOX, DEMO_MESSAGE, DEMO_MESSAGES } from "../../../src/core/limits.ts";
import { canonicalLines, Mailbox, QuotaError } from "../../../src/demo/mailbox.ts";

const ONE = encode("x");

describe("a folder", () => {
  test("never gives a UID twice", () => {
    const { inbox } = new Mailbox(1);
    inbox.remove(new Set([inbox.add(ONE, 0)]));
    assert.equal(inbox.add(ONE, 0).uid, 2);
  });

  test("tells whoever watches, until they look away", () => {
    const { inbox } = new Mailbox(1);
    let told = 0;
    const unwatch = inbox.watch(() => told++);
    const message = inbox.add(ONE, 0);
    inbox.setFlags(message, ["\\Seen"]);
    inbox.remove(new Set([message]));
    inbox.remove(new Set());
    unwatch();
    inbox.add(ONE, 0);
    assert.equal(told, 3);
  });

  test("is found by its name, INBOX in any case", () => {
    const mailbox = new Mailbox(1);
    mailbox.create("Sent");
    assert.equal(mailbox.find("iNbOx"), mailbox.inbox);
    assert.equal(mailbox.find("sent"), undefined);
    assert.deepEqual(mailbox.list().map(([name]) => name), ["INBOX", "Sent"]);
  });
});

describe("the caps", () => {
  test("hold for one message", () => {
    const { inbox } = new Mailbox(1);
    assert.throws(() => inbox.add(new Uint8Array(DEMO_MESSAGE + 1), 0), QuotaError);
    inbox.add(new Uint8Array(DEMO_MESSAGE), 0);
  });

  test("hold for all bytes together", () => {
    const { inbox } = new Mailbox(1);
    const big = new Uint8Array(DEMO_MESSAGE);
    const fitting = Math.floor(DEMO_MAILBOX / DEMO_MESSAGE);
    for (let i = 0; i < fitting; i++) inbox.add(big, 0);
    assert.throws(() => inbox.add(big, 0), QuotaError);
    inbox.remove(new Set([inbox.messages[0]]));
    inbox.add(big, 0);
  });

  test("hold for all folders together", () => {
    const mailbox = new Mailbox(1);
    const other = mailbox.create("other");
    for (let i = 0; i < DEMO_MESSAGES; i++) (i % 2 ? mailbox.inbox : other).add(ONE, 0);
    assert.throws(() => other.add(ONE, 0), QuotaError);
    mailbox.delete("other");
    mailbox.inbox.add(ONE, 0);
  });
});

describe("line ends", () => {
  const cases: [string, string][] = [
    ["a\r\nb\r\n", "a\r\nb\r\n"],
    ["a\nb\n", "a\r\nb\r\n"],
    ["a\rb\r", "a\r\nb\r\n"],
    ["\n\r\n\r\r\n\n", "\r\n\r\n\r\n\r\n\r\n"],
    ["", ""],
  ];
  for (const [raw, lines] of cases) {
    test(JSON.stringify(raw), () => assert.equal(decode(canonicalLines(encode(raw))), lines));
  }

  test("that are right cost nothing", () => {
    const raw = encode("a\r\n");
    assert.equal(canonicalLines(raw), raw);
  });
});
