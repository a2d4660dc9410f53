/**
 * Session machines under any inputs: scripts that can be written down (for a corpus of past failures)
 * or made up (by fast-check), and what must hold for every one of them.
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ByteString, concat, decode, EMPTY, encode } from "../../src/core/bytes.ts";
import type { LogEvent } from "../../src/core/log.ts";
import { Secret } from "../../src/core/secret.ts";
import { ip } from "../../src/net/address.ts";
import type { Certificate, TlsInfo } from "../../src/net/ports.ts";
import type { Front, FrontAction, FrontInput, Verdict } from "../../src/session/machine.ts";
import { prepareProtocol, type Protocol } from "../../src/session/protocols.ts";
import type { Reader } from "../../src/wire/reader.ts";
import { encodeBase64 } from "../../src/wire/sasl.ts";
import { serverOf } from "./settings.ts";

export type ProtocolName = Protocol["name"];
export const PROTOCOLS: readonly ProtocolName[] = ["imap", "pop3", "smtp"];

/** One thing that happens to a front; texts are byte strings. */
export type Happening =
  | { readonly is: "bytes"; readonly text: ByteString }
  | { readonly is: "open" | "secured"; readonly certificate: "none" | "good" | "bad" | "unknown" }
  | { readonly is: "allow"; readonly user?: ByteString; readonly password?: ByteString }
  | { readonly is: "deny"; readonly text: ByteString; readonly waitMs: number | null }
  | { readonly is: "retry" | "broken" | "timeout" | "shutdown" | "eof" }
  | { readonly is: "ready" | "refused"; readonly reply: ByteString | null };

export interface Script {
  readonly protocol: ProtocolName;
  /** Lines of a `[[server]]` block. */
  readonly settings: string;
  readonly happenings: readonly Happening[];
}

const CERTIFICATE: Certificate = {
  subject: "CN=bob",
  issuer: "CN=ca",
  serial: "01",
  fingerprint: "00",
  pem: "",
  notBefore: 0,
  notAfter: 0,
  names: [],
  commonName: "bob",
};

function tlsOf(certificate: Extract<Happening, { certificate: string }>["certificate"]): TlsInfo {
  const code = { none: "20", good: "0", bad: "23", unknown: "18" }[certificate];
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    alpn: null,
    sni: null,
    verify: { ok: code === "0", code, text: "as it is" },
    peer: certificate === "none" ? null : CERTIFICATE,
    resumed: false,
  };
}

function inputOf(happening: Happening): FrontInput {
  const verdict = (verdict: Verdict): FrontInput => ({ is: "verdict", verdict });
  switch (happening.is) {
    case "bytes":
      return { is: "bytes", bytes: encode(happening.text) };
    case "open":
      return { ...OPEN, tls: tlsOf(happening.certificate) };
    case "secured":
      return { is: "secured", tls: tlsOf(happening.certificate) };
    case "allow": {
      const { user, password } = happening;
      return verdict({
        is: "allow",
        target: ip("127.0.0.1", 10143),
        ...(user !== undefined && { user }),
        ...(password !== undefined && { password: new Secret(password) }),
      });
    }
    case "deny":
      return verdict({ is: "deny", text: happening.text, code: null, waitMs: happening.waitMs });
    case "retry":
      return verdict({ is: "retry", waitMs: 1000 });
    case "broken":
      return verdict({ is: "broken", why: "did not answer" });
    case "ready":
    case "refused":
      return {
        is: happening.is,
        reply: happening.reply === null ? null : encode(happening.reply),
      };
    default:
      return { is: happening.is };
  }
}

const OPEN: Extract<FrontInput, { is: "open" }> = {
  is: "open",
  peer: { address: ip("192.0.2.1", 40000), host: "[UNAVAILABLE]", proxied: null },
  tls: null,
  salt: "4711.1790000000",
};

const prepared = new Map<string, Protocol>();

export function protocolOf(
  { protocol, settings }: Pick<Script, "protocol" | "settings">,
): Protocol {
  const key = `protocol = "${protocol}"\n${settings}`;
  let found = prepared.get(key);
  if (!found) prepared.set(key, found = prepareProtocol(protocol, serverOf(key)));
  return found;
}

// --- what must hold -----------------------------------------------------------------------------

/** The longest answers are lists of capabilities, the shortest commands have five bytes. */
const BYTES_OUT_A_BYTE_IN = 60;
/** Greetings, and answers that others (auth server, backend) brought about. */
const BYTES_OUT_A_HAPPENING = 400;

/** Total and bounded, and done when it says so, whatever happens in whatever order. */
export function checkAnyOrder(script: Script): void {
  const front = protocolOf(script).front();
  let ended = false;
  let bytesOut = 0;
  let allowed = 0;
  const push = (input: FrontInput) => {
    for (const action of front.push(input)) {
      assert.ok(!ended, `${action.do} follows the end`);
      if (action.do === "send") bytesOut += action.bytes.length;
      ended = action.do === "close" || action.do === "relay";
    }
  };
  push(OPEN);
  for (const happening of script.happenings) {
    const before = bytesOut;
    const inHandshake = front.phase === "starttls";
    push(inputOf(happening));
    if (inHandshake && happening.is !== "secured") assert.equal(bytesOut, before, "words in clear");
    allowed += BYTES_OUT_A_HAPPENING;
    if (happening.is === "bytes") allowed += BYTES_OUT_A_BYTE_IN * happening.text.length;
    assert.ok(bytesOut <= allowed, `${bytesOut} bytes out`);
  }
  if (ended) assert.equal(front.hungry, false);
}

/** Any split of the client's bytes gives the same actions. `cuts`: where, as parts of 1. */
export function checkSplits(script: Script, cuts: readonly number[]): void {
  const whole = alike(play(script, (text) => [text]));
  assert.deepEqual(alike(play(script, (text) => [...text])), whole, "byte by byte");
  assert.deepEqual(alike(play(script, (text) => split(text, cuts))), whole, "split");
}

/** How much of a client that speaks too early is quoted depends on how much has come. */
function alike({ actions, notes }: Played): Played {
  return { actions, notes: notes.map((note) => note.replace(/(before greeting: ).*/s, "$1")) };
}

function split(text: ByteString, cuts: readonly number[]): ByteString[] {
  const places = [0, ...cuts.map((cut) => Math.floor(cut * text.length)).sort((a, b) => a - b)];
  return places.map((at, i) => text.slice(at, places[i + 1] ?? text.length));
}

/** No note tells a secret, in clear or in base64, whichever way the bytes come. */
export function checkSecrets(script: Script, secrets: readonly ByteString[]): void {
  for (const cut of [(text: ByteString) => [text], (text: ByteString) => [...text]]) {
    for (const note of play(script, cut).notes) {
      for (const secret of secrets) assert.ok(!note.includes(secret), `told: ${note}`);
    }
  }
}

/** What was sent in clear behind STARTTLS, in one segment with it or later, has no consequences. */
export function checkInjection(script: Script, injected: ByteString): void {
  const at = script.happenings.findIndex(({ is }) => is === "secured");
  const before = script.happenings.slice(0, at);
  const upgrade: Happening = { is: "bytes", text: startTls(script.protocol) };
  const without = [...before, upgrade, ...script.happenings.slice(at)];
  const same: Happening = { is: "bytes", text: upgrade.text + injected };
  const later: Happening[] = [upgrade, { is: "bytes", text: injected }];
  for (const way of [[same], later]) {
    const happenings = [...before, ...way, ...script.happenings.slice(at)];
    const cut = (text: ByteString) => [text];
    assert.deepEqual(
      play({ ...script, happenings }, cut),
      play({ ...script, happenings: without }, cut),
    );
  }
}

export function startTls(protocol: ProtocolName): ByteString {
  return { imap: "t STARTTLS\r\n", pop3: "STLS\r\n", smtp: "STARTTLS\r\n" }[protocol];
}

/** What a front did: its actions, sends joined, and apart from them its notes. */
export interface Played {
  readonly actions: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Plays a script as the driver would: bytes only while the front is hungry, at most the client buffer
 * at a time, the rest held back. The driver drops what it holds when the front starts TLS.
 */
export function play(script: Script, cut: (text: ByteString) => readonly ByteString[]): Played {
  const protocol = protocolOf(script);
  const front = protocol.front();
  const trace = new Trace();
  let held = "";
  const push = (input: FrontInput) => {
    for (const action of front.push(input)) {
      if (action.do === "secure") held = "";
      trace.add(action.do === "relay" ? { ...action, early: joined(action.early, held) } : action);
    }
    checkHeld(front, protocol.clientBuffer);
  };
  const feed = () => {
    while (front.hungry && held !== "") {
      const piece = held.slice(0, protocol.clientBuffer);
      held = held.slice(piece.length);
      push({ is: "bytes", bytes: encode(piece) });
    }
  };
  push(OPEN);
  for (const happening of script.happenings) {
    for (const piece of happening.is === "bytes" ? cut(happening.text) : []) {
      // A driver gives it nothing in a handshake; if one did, it would have to be void.
      if (front.phase === "starttls") push({ is: "bytes", bytes: encode(piece) });
      else held += piece;
      feed();
    }
    if (happening.is !== "bytes") push(inputOf(happening));
    feed();
  }
  return trace;
}

function joined(early: Uint8Array, held: ByteString): Uint8Array {
  return concat([early, encode(held)]);
}

/** Between inputs, no more is unread than one command and one piece; no more is kept than is unread. */
function checkHeld(front: Front, cap: number): void {
  const { reader } = front as unknown as { reader: Reader };
  assert.ok(reader.length < (front.hungry ? cap : 2 * cap), `${reader.length} bytes are held`);
  if (!front.hungry && front.phase === "closed") assert.equal(reader.bytes, EMPTY);
}

class Trace implements Played {
  readonly actions: string[] = [];
  readonly notes: string[] = [];
  #sending = false;

  add(action: FrontAction): void {
    if (action.do === "note") return void this.notes.push(noteText(action.event));
    const text = actionText(action);
    if (action.do !== "send") this.actions.push(text);
    else if (this.#sending) this.actions.push(this.actions.pop() + text);
    else this.actions.push(text);
    this.#sending = action.do === "send";
  }
}

function actionText(action: Exclude<FrontAction, { do: "note" }>): string {
  switch (action.do) {
    case "send":
      return decode(action.bytes);
    case "relay":
      return `relay ${decode(action.early)}`;
    case "authenticate":
      return `authenticate ${revealing(action.attempt)}`;
    case "dial":
      return `dial ${revealing(action.login)}`;
    default:
      return JSON.stringify(action);
  }
}

function revealing(value: { readonly password: Secret | null }): string {
  return JSON.stringify({ ...value, password: value.password?.reveal() });
}

function noteText({ level, message, doing, errno }: LogEvent): string {
  return [level, message, doing, errno].join(" ");
}

// --- scripts made up ----------------------------------------------------------------------------

/** Settings that change what a front does. */
const SETTINGS: Readonly<Record<ProtocolName, readonly string[]>> = {
  imap: [
    "",
    'starttls = "on"',
    'starttls = "only"\nmax_errors = 1',
    'imap_auth = ["plain", "login", "cram-md5", "external"]\nmax_errors = 1000',
    'starttls = "on"\nimap_client_buffer = 48\nmax_errors = 1000',
    'starttls = "on"\nssl_verify_client = "on"\nssl_client_certificate = "data:ca"',
  ],
  pop3: [
    "",
    'starttls = "on"',
    'starttls = "only"\nmax_errors = 1',
    'pop3_auth = ["plain", "apop", "cram-md5", "external"]\nmax_errors = 1000',
    'starttls = "on"\npop3_client_buffer = 32\nmax_errors = 1000',
    'starttls = "on"\nssl_verify_client = "optional"\nssl_client_certificate = "data:ca"',
  ],
  smtp: [
    "",
    'starttls = "on"\nsmtp_capabilities = ["PIPELINING", "8BITMIME", "SIZE 1000000"]',
    'starttls = "only"\nsmtp_auth = ["plain", "none"]',
    'smtp_auth = ["plain", "login", "cram-md5", "external", "none"]\nmax_errors = 1000',
    'starttls = "on"\nsmtp_client_buffer = 40\nsmtp_auth = ["none"]\nmax_errors = 1000',
    'smtp_greeting_delay = "1s"',
  ],
};

const b64 = encodeBase64;

/** What clients say, and what they should not. */
const WORDS: Readonly<Record<ProtocolName, readonly ByteString[]>> = {
  imap: [
    "a CAPABILITY\r\n",
    "b NOOP\r\n",
    'c ID ("name" {1}\r\nx)\r\n',
    "d LOGOUT\r\n",
    "e LOGIN bob pw\r\n",
    'f LOGIN "b\\"ob" "p w"\r\n',
    "g LOGIN {3+}\r\nbob {2+}\r\npw\r\n",
    "h LOGIN {3}\r\n",
    "bob {2}\r\n",
    "pw\r\n",
    "i AUTHENTICATE PLAIN\r\n",
    `j AUTHENTICATE PLAIN ${b64("\0bob\0pw")}\r\n`,
    "k AUTHENTICATE LOGIN\r\n",
    "l AUTHENTICATE CRAM-MD5\r\n",
    "m AUTHENTICATE EXTERNAL\r\n",
    "n BOGUS {9+}\r\n",
    "o LOGIN {999999+}\r\n",
    "p LOGIN {999999}\r\n",
  ],
  pop3: [
    "CAPA\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
    "USER bob\r\n",
    "PASS p w \r\n",
    "APOP bob 0123456789abcdef0123456789abcdef\r\n",
    "AUTH\r\n",
    "AUTH PLAIN\r\n",
    `AUTH PLAIN ${b64("\0bob\0pw")}\r\n`,
    "AUTH LOGIN\r\n",
    "AUTH CRAM-MD5\r\n",
    "AUTH EXTERNAL\r\n",
    "STAT\r\n",
    "PA\xdf x\r\n",
  ],
  smtp: [
    "HELO a\r\n",
    "EHLO b\r\n",
    "EHLO\r\n",
    "MAIL FROM:<a@b> SIZE=1\r\n",
    "RCPT TO:<c@d>\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "VRFY x\r\n",
    "QUIT\r\n",
    "DATA\r\n",
    "AUTH\r\n",
    "AUTH PLAIN\r\n",
    `AUTH PLAIN ${b64("\0bob\0pw")}\r\n`,
    "AUTH LOGIN\r\n",
    `AUTH LOGIN ${b64("bob")}\r\n`,
    "AUTH CRAM-MD5\r\n",
    "AUTH EXTERNAL =\r\n",
    "EHLO a\0b\r\n",
  ],
};

/** Pieces that mean something to every protocol, or to none. */
const PIECES: readonly ByteString[] = [
  `${b64("\0bob\0pw")}\r\n`,
  `${b64("bob")}\r\n`,
  `${b64("bob 0123456789abcdef0123456789abcdef")}\r\n`,
  "*\r\n",
  "=\r\n",
  "\r\n",
  "\n",
  "\r",
  " ",
  "\0",
  '"',
  "{1}",
  "{2+}\r\n",
  "x",
  "\xff",
  "x".repeat(60),
];

export function clientTexts(protocol: ProtocolName): fc.Arbitrary<ByteString> {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...WORDS[protocol], startTls(protocol)) },
    { weight: 3, arbitrary: fc.constantFrom(...PIECES) },
    { weight: 1, arbitrary: byteStrings(8) },
  );
  return fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(""));
}

export function byteStrings(maxLength: number): fc.Arbitrary<ByteString> {
  return fc.uint8Array({ maxLength }).map((bytes) => decode(bytes));
}

function happenings(protocol: ProtocolName): fc.Arbitrary<Happening> {
  const certificate = fc.constantFrom("none", "good", "bad", "unknown" as const);
  const word = byteStrings(6);
  const reply = fc.option(word.map((text) => `${text}\r\n`));
  return fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ is: fc.constant("bytes" as const), text: clientTexts(protocol) }),
    },
    { weight: 2, arbitrary: fc.record({ is: fc.constant("secured" as const), certificate }) },
    {
      weight: 2,
      arbitrary: fc.record(
        { is: fc.constant("allow" as const), user: word, password: word },
        { requiredKeys: ["is"] },
      ),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        is: fc.constant("deny" as const),
        text: fc.constantFrom("no", "try again"),
        waitMs: fc.constantFrom(null, 1000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ is: fc.constantFrom("retry", "timeout" as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ is: fc.constantFrom("broken", "shutdown", "eof" as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ is: fc.constantFrom("ready", "refused" as const), reply }),
    },
    { weight: 1, arbitrary: fc.record({ is: fc.constant("open" as const), certificate }) },
  ) as fc.Arbitrary<Happening>;
}

/** Scripts of one protocol, under any of its settings. */
export function scripts(protocol: ProtocolName): fc.Arbitrary<Script> {
  return fc.record({
    protocol: fc.constant(protocol),
    settings: fc.constantFrom(...SETTINGS[protocol]),
    happenings: fc.array(happenings(protocol), { maxLength: 12 }),
  });
}

/** A login with a password of its own, in each way that the protocol has, and what tells it. */
export function logins(protocol: ProtocolName, user: ByteString, password: ByteString) {
  const plain = b64(`\0${user}\0${password}`);
  const [user64, password64] = [b64(user), b64(password)];
  const sasl = (command: string) => [
    `${command} PLAIN ${plain}\r\n`,
    `${command} PLAIN\r\n${plain}\r\n`,
    `${command} LOGIN\r\n${user64}\r\n${password64}\r\n`,
    `${command} LOGIN ${user64}\r\n${password64}\r\n`,
    // Broken off, garbled, too long.
    `${command} PLAIN ${plain}!\r\n`,
    `${command} PLAIN ${plain}\0\r\n`,
    `${command} LOGIN ${user64} ${password64}\r\n`,
    `${command} BOGUS ${plain}\r\n`,
    `${command} PLAIN ${plain}${"A".repeat(5000)}\r\n`,
    `${command} PLAIN\r\n${plain}\r${password64}\r\n`,
  ];
  const texts: Readonly<Record<ProtocolName, readonly ByteString[]>> = {
    imap: [
      ...sasl("a AUTHENTICATE"),
      `a LOGIN ${user} ${password}\r\n`,
      `a LOGIN "${user}" "${password}"\r\n`,
      `a LOGIN "${user}" "${password}\r\n`,
      `a LOGIN ${user} {${password.length}+}\r\n${password}\r\n`,
      `a LOGIN ${user} ${password} more\r\n`,
      `LOGIN ${user} ${password}\r\n`,
      `a LOGIN ${user} ${password}${"x".repeat(5000)}\r\n`,
    ],
    pop3: [
      ...sasl("AUTH"),
      `USER ${user}\r\nPASS ${password}\r\n`,
      `USER ${user}\r\nPASS ${password}${"x".repeat(5000)}\r\n`,
      `PASS ${password}\r\n`,
      `USER ${user}\r\nPASS ${password}\rx\r\n`,
      `APOP ${user} ${password}\r\n`,
    ],
    smtp: [...sasl("AUTH"), `EHLO x\r\nAUTH PLAIN ${plain}\r\n`, ` AUTH PLAIN ${plain}\r\n`],
  };
  return { texts: texts[protocol], secrets: [password, password64, plain] };
}
