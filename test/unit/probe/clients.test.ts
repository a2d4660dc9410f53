/** The clients of `probe`: replies however they are cut, what is offered, and each way to log in. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { decode, encode } from "../../../src/core/bytes.ts";
import { PROBE_REPLY } from "../../../src/core/limits.ts";
import { Secret } from "../../../src/core/secret.ts";
import type {
  Client,
  Command,
  Method,
  Offer,
  Reading,
  Reply,
} from "../../../src/probe/clients/client.ts";
import { clientOf } from "../../../src/probe/clients/of.ts";
import type { ProtocolName } from "../../../src/session/machine.ts";
import { Reader } from "../../../src/wire/reader.ts";
import { encodeBase64 } from "../../../src/wire/sasl.ts";

const PROTOCOLS = ["imap", "pop3", "smtp"] as const;
const make = (protocol: ProtocolName) => clientOf(protocol, "probe.test");

function read(client: Client, text: string, command: Command | null = null): Reading {
  const reader = new Reader();
  reader.add(encode(text));
  return client.read(reader, command);
}

describe("replies", () => {
  const GREETINGS: readonly (readonly [ProtocolName, string, string])[] = [
    ["imap", "* OK [CAPABILITY IMAP4rev1] hi\r\n", "ok"],
    ["imap", "* PREAUTH hi\r\n", "ok"],
    ["imap", "* BYE full\r\n", "no"],
    ["imap", "+OK hi\r\n", "broken"],
    ["pop3", "+OK <1.2@x>\r\n", "ok"],
    ["pop3", "-ERR busy\r\n", "no"],
    ["pop3", "* OK hi\r\n", "broken"],
    ["smtp", "220-one\r\n220 two\r\n", "ok"],
    ["smtp", "554 no\r\n", "no"],
    ["smtp", "220-one\r\n250 two\r\n", "broken"],
    ["smtp", "SSH-2.0-x\r\n", "broken"],
  ];
  for (const [protocol, text, is] of GREETINGS) {
    test(`${protocol}: ${JSON.stringify(text)} is ${is}`, () => {
      assert.equal(read(make(protocol), text)?.is, is);
    });
  }

  const WHOLE: Readonly<Record<ProtocolName, string>> = {
    imap: "* CAPABILITY IMAP4rev1 IDLE\r\na1 OK done\r\n",
    pop3: "+OK list\r\nUSER\r\nSASL PLAIN\r\n.\r\n",
    smtp: "250-test\r\n250-SIZE 100\r\n250 AUTH PLAIN\r\n",
  };
  for (const protocol of PROTOCOLS) {
    test(`${protocol}: any cut of a reply reads alike, and takes no more than it`, () => {
      const text = WHOLE[protocol];
      fc.assert(fc.property(fc.integer({ min: 1, max: text.length - 1 }), (cut) => {
        const client = make(protocol);
        const command = client.ask[0]();
        const reader = new Reader();
        reader.add(encode(text.slice(0, cut)));
        assert.equal(client.read(reader, command), null);
        reader.add(encode(`${text.slice(cut)}rest`));
        const reply = client.read(reader, command);
        assert.equal(reply?.is, "ok");
        assert.equal(decode(reader.rest()), "rest");
      }));
    });

    test(`${protocol}: an endless line is broken, not kept`, () => {
      assert.equal(read(make(protocol), "x".repeat(PROBE_REPLY + 1))?.is, "broken");
    });

    test(`${protocol}: whatever comes, reading it throws nothing`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const client = make(protocol);
        const reader = new Reader();
        reader.add(bytes);
        for (const command of [null, client.ask[0]()]) client.read(reader, command);
      }));
    });
  }
});

describe("capabilities in one spelling", () => {
  const CASES: readonly (readonly [ProtocolName, string, readonly string[]])[] = [
    ["imap", "* CAPABILITY imap4rev1 AUTH=PLAIN STARTTLS\r\na1 OK x\r\n", [
      "IMAP4REV1",
      "AUTH=PLAIN",
      "STARTTLS",
    ]],
    ["imap", "a1 OK [CAPABILITY IMAP4rev1 IDLE] x\r\n", ["IMAP4REV1", "IDLE"]],
    ["imap", "a1 OK x\r\n", []],
    ["pop3", "+OK\r\nUSER\r\nSASL PLAIN LOGIN\r\nSTLS\r\n.\r\n", [
      "USER",
      "AUTH=PLAIN",
      "AUTH=LOGIN",
      "STLS",
    ]],
    ["smtp", "250-x\r\n250-Size 100\r\n250-AUTH PLAIN LOGIN\r\n250 AUTH=PLAIN LOGIN\r\n", [
      "SIZE 100",
      "AUTH=PLAIN",
      "AUTH=LOGIN",
    ]],
  ];
  for (const [protocol, text, expected] of CASES) {
    test(`${protocol}: ${JSON.stringify(text)}`, () => {
      const client = make(protocol);
      const reply = read(client, text, client.ask[0]());
      assert.ok(reply && reply.is !== "broken");
      assert.deepEqual(client.capabilities(reply), expected);
    });
  }
});

/** What a login says, given what the server answers. */
function dialogue(
  protocol: ProtocolName,
  method: Method,
  answers: readonly string[],
  offer: Offer,
): { readonly said: readonly string[]; readonly shown: readonly string[] } {
  const client = make(protocol);
  const script = client.login(
    method,
    { user: "tim", password: new Secret("tanstaaftanstaaf") },
    offer,
  );
  const commands: Command[] = [];
  let next = script.next();
  for (const answer of answers) {
    if (next.done) break;
    commands.push(next.value);
    const reply = read(client, `${answer}\r\n`, next.value);
    assert.ok(reply && reply.is !== "broken", answer);
    next = script.next(reply);
  }
  assert.ok(next.done, "the login goes on");
  return {
    said: commands.map(({ text }) => text.replace(/\r\n$/, "")),
    shown: commands.map(({ shown }) => shown),
  };
}

describe("logins", () => {
  const PLAIN = encodeBase64("\0tim\0tanstaaftanstaaf");
  // RFC 2195 section 2 and RFC 1939 section 7 give the digests.
  const CRAM = encodeBase64("<1896.697170952@postoffice.reston.mci.net>");
  const CRAM_ANSWER = encodeBase64("tim b913a602c7eda7a495b4e6e7334d3890");
  const bare: Offer = { capabilities: [], greeting: "", nonce: "" };
  const ir: Offer = { capabilities: ["SASL-IR"], greeting: "", nonce: "" };
  type Case = readonly [ProtocolName, Method, Offer, readonly string[], readonly string[]];
  const CASES: readonly Case[] = [
    ["imap", "plain", ir, ["a1 OK x"], [`a1 AUTHENTICATE PLAIN ${PLAIN}`]],
    ["imap", "plain", bare, ["+ ", "a1 OK x"], ["a1 AUTHENTICATE PLAIN", PLAIN]],
    ["imap", "command", bare, ["+ go", "+ go", "a1 OK x"], [
      "a1 LOGIN {3}",
      "tim {16}",
      "tanstaaftanstaaf",
    ]],
    ["imap", "command", bare, ["a1 BAD no literals"], ["a1 LOGIN {3}"]],
    ["imap", "cram-md5", ir, [`+ ${CRAM}`, "a1 OK x"], ["a1 AUTHENTICATE CRAM-MD5", CRAM_ANSWER]],
    ["pop3", "command", bare, ["+OK", "+OK"], ["USER tim", "PASS tanstaaftanstaaf"]],
    ["pop3", "command", bare, ["-ERR"], ["USER tim"]],
    ["pop3", "plain", bare, ["+OK"], [`AUTH PLAIN ${PLAIN}`]],
    ["smtp", "plain", bare, ["235 x"], [`AUTH PLAIN ${PLAIN}`]],
    ["smtp", "login", bare, ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 x"], [
      "AUTH LOGIN",
      encodeBase64("tim"),
      encodeBase64("tanstaaftanstaaf"),
    ]],
    ["smtp", "cram-md5", bare, [`334 ${CRAM}`, "235 x"], ["AUTH CRAM-MD5", CRAM_ANSWER]],
    ["smtp", "cram-md5", bare, ["334 !!!", "501 x"], ["AUTH CRAM-MD5", "*"]],
    ["smtp", "external", bare, ["235 x"], [`AUTH EXTERNAL ${encodeBase64("tim")}`]],
    ["smtp", "xoauth2", bare, ["334 e30=", "535 x"], [
      `AUTH XOAUTH2 ${encodeBase64("user=tim\x01auth=Bearer tanstaaftanstaaf\x01\x01")}`,
      "",
    ]],
  ];
  for (const [protocol, method, offer, answers, expected] of CASES) {
    test(`${protocol} by ${method}: ${answers.join(", ")}`, () => {
      const { said, shown } = dialogue(protocol, method, answers, offer);
      assert.deepEqual(said, expected);
      assert.doesNotMatch(shown.join("\n"), /tanstaaf|dGFuc3RhYWY|AHRpbQ/);
    });
  }

  test("apop digests the greeting's stamp", () => {
    const greeting = "POP3 server ready <1896.697170952@dbc.mtview.ca.us>";
    const client = make("pop3");
    const script = client.login("apop", { user: "mrose", password: new Secret("tanstaaf") }, {
      capabilities: [],
      greeting,
      nonce: "",
    });
    const { value } = script.next();
    assert.equal((value as Command).text, "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
    assert.ok(client.methods({ capabilities: [], greeting, nonce: "" }).includes("apop"));
  });

  describe("SCRAM-SHA-256, by RFC 7677 section 3", () => {
    const CHALLENGE =
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const PROOF = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," +
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    const FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    const script = (challenge: string) => {
      const offer: Offer = { capabilities: [], greeting: "", nonce: "rOprNGfwEbeRWgbNEkqO" };
      const login = { user: "user", password: new Secret("pencil") };
      const made = make("smtp").login("scram-sha-256", login, offer);
      const first = made.next().value as Command;
      const answer = (text: string) =>
        made.next({ is: "more", lines: [], text: encodeBase64(text) }).value as Command;
      const wrong = (is: Reply["is"]) => made.next({ is, lines: [], text: "" });
      return { first, second: answer(challenge), answer, wrong };
    };

    test("the exchange of the RFC, to the empty line at its end", () => {
      const { first, second, answer } = script(CHALLENGE);
      const initial = encodeBase64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
      assert.equal(first.text, `AUTH SCRAM-SHA-256 ${initial}\r\n`);
      assert.equal(second.text, `${encodeBase64(PROOF)}\r\n`);
      assert.equal(answer(FINAL).text, "\r\n");
    });

    test("a server that has proved itself lets in", () => {
      const { answer, wrong } = script(CHALLENGE);
      answer(FINAL);
      assert.deepEqual(wrong("ok"), { done: true, value: undefined });
    });

    test("a server that does not know the password is left", () => {
      const { answer, wrong } = script(CHALLENGE);
      assert.equal(answer("v=AAAA").text, "*\r\n");
      assert.deepEqual(wrong("ok"), {
        done: true,
        value: "the server's part of the exchange is not right",
      });
    });

    test("a server that lets in without a proof does not know it either", () => {
      assert.deepEqual(script(CHALLENGE).wrong("ok"), {
        done: true,
        value: "the server did not prove that it knows the password",
      });
    });

    test("so is one that answers another's nonce, or wants years of work", () => {
      assert.equal(script(CHALLENGE.replace("r=rO", "r=xx")).second.text, "*\r\n");
      assert.equal(script(CHALLENGE.replace("i=4096", "i=999999999")).second.text, "*\r\n");
      assert.equal(script("e=other-error").second.text, "*\r\n");
    });
  });

  test("a server that asks for ever is left", () => {
    const answers = Array<string>(10).fill(`334 ${CRAM}`);
    assert.ok(dialogue("smtp", "cram-md5", answers, bare).said.length < 10);
  });

  test("LOGINDISABLED is heeded", () => {
    const methods = (capabilities: string[]) =>
      make("imap").methods({ capabilities, greeting: "", nonce: "" });
    assert.deepEqual(methods(["IMAP4REV1"]), ["command"]);
    assert.deepEqual(methods(["IMAP4REV1", "LOGINDISABLED"]), []);
  });
});
