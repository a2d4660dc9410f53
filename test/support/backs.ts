/**
 * Back machines under any backend and any login: scripts as in machines.ts, and what must hold for
 * every one of them.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ByteString, decode, encode } from "../../src/core/bytes.ts";
import { Secret } from "../../src/core/secret.ts";
import { ip } from "../../src/net/address.ts";
import type { Back, BackAction, BackInput, BackLogin } from "../../src/session/machine.ts";
import { decodeBase64, parsePlain, plainMessage } from "../../src/wire/sasl.ts";
import { byteStrings, type ProtocolName, protocolOf } from "./machines.ts";

export interface BackScript {
  readonly protocol: ProtocolName;
  readonly settings: string;
  readonly user: ByteString;
  readonly password: ByteString | null;
  readonly helo?: ByteString;
  readonly esmtp?: boolean;
  /** SMTP without login: the client's MAIL and RCPT lines. */
  readonly envelope?: { readonly from: ByteString; readonly to: ByteString } | null;
  /** What the backend says; null is its end. */
  readonly replies: readonly (ByteString | null)[];
}

export function backOf(script: BackScript): Back {
  const { protocol, user, password, helo = "", esmtp = true, envelope = null } = script;
  const login: BackLogin = {
    protocol,
    method: envelope ? "none" : "plain",
    user,
    password: password === null ? null : new Secret(password),
    tag: "a1",
    peer: { address: ip("192.0.2.1", 40000), host: "client.example", proxied: null },
    helo,
    esmtp,
    envelope: envelope && { helo, ...envelope },
  };
  return protocolOf(script).back(login);
}

/** Never throws, sends in bounds, and does nothing more once it is ready or refused. */
export function checkBackTotal(script: BackScript): void {
  const back = backOf(script);
  let sent = 0;
  let done = false;
  const push = (input: BackInput) => {
    for (const action of back.push(input)) {
      assert.ok(!done, `${action.do} follows the end`);
      if (action.do === "send") sent += action.bytes.length;
      done = action.do === "ready" || action.do === "refused";
    }
  };
  for (const reply of script.replies.slice(0, 1)) if (reply) push(bytes(reply));
  push({ is: "open" });
  for (const reply of script.replies) push(reply === null ? { is: "eof" } : bytes(reply));
  push({ is: "open" });
  push({ is: "eof" });
  assert.ok(done, "the end of the backend is the end of the login");
  assert.ok(sent <= 1000 + 8 * sizeOf(script), `${sent} bytes were sent`);
}

function sizeOf({ user, password, helo, envelope }: BackScript): number {
  return [user, password, helo, envelope?.from, envelope?.to].join("").length;
}

/** Any split of what the backend says gives the same actions. */
export function checkBackSplits(script: BackScript): void {
  const whole = played(script, (text) => [text]);
  assert.deepEqual(played(script, (text) => [...text]), whole);
  assert.deepEqual(played(script, (text) => text.match(/[^]{1,3}/g) ?? []), whole);
}

/** No note tells the password, nor half of it, though the backend repeats whatever it is sent. */
export function checkBackSecrets(script: BackScript): void {
  const { user, password } = script;
  if (password === null) return;
  const half = password.slice(0, Math.ceil(password.length / 2));
  for (const cut of [(text: ByteString) => [text], (text: ByteString) => [...text]]) {
    for (const note of played(script, cut).notes) {
      for (const secret of [half, plainMessage(user, password)]) {
        assert.ok(!note.includes(secret), `told: ${note}`);
      }
    }
  }
}

function bytes(text: ByteString): BackInput {
  return { is: "bytes", bytes: encode(text) };
}

function played(script: BackScript, cut: (text: ByteString) => readonly ByteString[]) {
  const back = backOf(script);
  const actions: string[] = [];
  const notes: string[] = [];
  // What comes after the login is the relay's: beyond it, pieces are no business of the back.
  let rest = null as string | null;
  const take = (action: BackAction) => {
    if (action.do === "note") notes.push(JSON.stringify(action.event));
    else if (action.do === "send") actions.push(`send ${decode(action.bytes)}`);
    else if (action.do !== "secure") {
      actions.push(`${action.do} ${action.reply && decode(action.reply)}`);
      rest = action.do === "ready" ? decode(action.rest) : null;
    }
  };
  back.push({ is: "open" }).forEach(take);
  for (const reply of script.replies) {
    if (reply === null) back.push({ is: "eof" }).forEach(take);
    else {
      for (const piece of cut(reply)) {
        if (rest !== null) rest += piece;
        back.push(bytes(piece)).forEach(take);
      }
    }
  }
  return { actions, notes, rest };
}

// --- what a backend is sent ---------------------------------------------------------------------

/** What a backend that agrees with everything gets to read. */
export function sentTo(script: BackScript): ByteString {
  const back = backOf(script);
  let sent = "";
  let say: ByteString | null =
    { imap: "* OK\r\n", pop3: "+OK\r\n", smtp: "220 x\r\n" }[script.protocol];
  back.push({ is: "open" });
  while (say !== null) {
    const actions: readonly BackAction[] = back.push(bytes(say));
    say = null;
    for (const action of actions) {
      if (action.do !== "send") continue;
      const text = decode(action.bytes);
      sent += text;
      say = agreement(script.protocol, text);
    }
  }
  return sent;
}

function agreement(protocol: ProtocolName, text: ByteString): ByteString {
  if (protocol === "imap") return text.endsWith("}\r\n") ? "+ go on\r\n" : "a1 OK in\r\n";
  if (protocol === "pop3") return "+OK\r\n";
  return text.startsWith("AUTH") ? "235 in\r\n" : "250 fine\r\n";
}

/** Whatever the login is made of, it stays in its place. */
export function checkSent(script: BackScript): void {
  const sent = sentTo(script);
  assert.ok(!sent.includes("\0"), "NUL");
  const check = { imap: checkImap, pop3: checkPop3, smtp: checkSmtp }[script.protocol];
  check(script, sent);
}

function checkImap({ user, password }: BackScript, sent: ByteString): void {
  const words = `${user}${password}`;
  const literals = `a1 LOGIN {${user.length}}\r\n${user} {${password?.length}}\r\n${password}\r\n`;
  const sound = password !== null && !words.includes("\0");
  const plain = /^[\x20-\x7e]*$/.test(words) && !/["\\]/.test(words);
  assert.equal(sent, !sound ? "" : plain ? `a1 LOGIN "${user}" "${password}"\r\n` : literals);
}

function checkPop3({ user, password }: BackScript, sent: ByteString): void {
  const sound = password !== null && !/[\r\n\0]/.test(user + password);
  assert.equal(sent, sound ? `USER ${user}\r\nPASS ${password}\r\n` : "");
}

function checkSmtp(
  { envelope, helo = "", settings, user, password }: BackScript,
  sent: ByteString,
): void {
  if (sent === "") return;
  assert.ok(sent.endsWith("\r\n"));
  const lines = sent.slice(0, -2).split("\r\n");
  for (const line of lines) assert.ok(!/[\r\n]/.test(line), JSON.stringify(line));
  const verbs = lines.map((line) => line.split(" ", 1)[0]).join(" ");
  assert.match(verbs, /^(EHLO|HELO)( XCLIENT( EHLO| HELO)?)?( AUTH| MAIL RCPT)?$/);
  assert.equal(verbs.includes("XCLIENT"), !settings.includes("xclient = false"));
  for (const line of lines.filter((line) => line.startsWith("XCLIENT"))) {
    assert.match(line, /^XCLIENT ADDR=192\.0\.2\.1( LOGIN=[!-~]+)? NAME=client\.example$/);
  }
  if (verbs.includes("MAIL")) {
    assert.deepEqual(lines.slice(-2), [envelope?.from, envelope?.to]);
  }
  if (/XCLIENT [EH]/.test(verbs)) assert.equal(lines[2].slice(5), helo);
  const [, plain] = /^AUTH PLAIN (.*)$/.exec(lines.at(-1)!) ?? [];
  if (plain !== undefined) assert.deepEqual(parsePlain(decodeBase64(plain)!), { user, password });
}

// --- scripts made up ----------------------------------------------------------------------------

const SETTINGS: Readonly<Record<ProtocolName, readonly string[]>> = {
  imap: ["", "proxy_pass_error_message = true", "proxy_buffer = 40"],
  pop3: ["", "proxy_pass_error_message = true", "proxy_buffer = 40"],
  smtp: [
    "",
    "proxy_pass_error_message = true\nproxy_smtp_auth = true",
    "proxy_buffer = 40\nproxy_smtp_auth = true\nxclient = false",
    'smtp_auth = ["none"]',
  ],
};

const REPLIES: Readonly<Record<ProtocolName, readonly ByteString[]>> = {
  imap: [
    "* OK hi\r\n",
    "* BYE\r\n",
    "* CAPABILITY x\r\n",
    "+ go\r\n",
    "+\r\n",
    "a1 OK in\r\n",
    "a1 NO\r\n",
  ],
  pop3: ["+OK\r\n", "+OK hi\r\n", "-ERR no\r\n", "+OKAY\r\n", "+ok\n"],
  smtp: [
    "220 hi\r\n",
    "220-a\r\n220 b\r\n",
    "250-x\r\n250 y\r\n",
    "250 z\n",
    "235 in\r\n",
    "535 no\r\n",
    "250\r\n",
  ],
};

function word(): fc.Arbitrary<ByteString> {
  const nasty = fc.constantFrom(
    "",
    "a\r\nDELE 1",
    "a\nb",
    "a\0b",
    'a"b\\',
    "a b",
    "\xff",
    "{3}",
    "a\r",
  );
  return fc.oneof(nasty, byteStrings(12), fc.stringMatching(/^[!-~]{1,12}$/));
}

/** Replies are to the point, or garbage, or repeat what the backend was sent. */
export function backScripts(protocol: ProtocolName): fc.Arbitrary<BackScript> {
  const shared = { user: word(), password: fc.option(word(), { freq: 9 }) };
  return fc.record(shared).chain(({ user, password }) => {
    const repeated = [
      `-ERR PASS ${password}\r\n`,
      `a1 BAD LOGIN ${user} ${password}\r\n`,
      password ?? "",
    ];
    const reply = fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom<ByteString>(...REPLIES[protocol]) },
      { weight: 1, arbitrary: byteStrings(60) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          ...repeated,
          `500 AUTH PLAIN ${plainMessage(user, password ?? "")}\r\n`,
        ),
      },
      { weight: 1, arbitrary: fc.constant(null) },
    );
    return fc.record<BackScript>({
      protocol: fc.constant(protocol),
      settings: fc.constantFrom(...SETTINGS[protocol]),
      user: fc.constant(user),
      password: fc.constant(password),
      helo: word(),
      esmtp: fc.boolean(),
      envelope: protocol === "smtp"
        ? fc.option(
          fc.record({
            from: word().map((text) => `MAIL ${text}`),
            to: word().map((text) => `RCPT ${text}`),
          }),
        )
        : fc.constant(null),
      replies: fc.array(reply, { maxLength: 9 }),
    });
  });
}
