/**
 * The demo's SMTP server: takes any message for anyone into the demo mailbox.
 * RFC 5321, RFC 1870 (SIZE), RFC 2920 (PIPELINING), RFC 6152 (8BITMIME), RFC 4954 (AUTH PLAIN),
 * RFC 3848 (the `with` word of Received), and Postfix's XCLIENT.
 *
 * It stands behind a proxy on loopback: XCLIENT is believed, and a login is welcome but not asked for.
 * Only CR LF . CR LF ends a message: a lone LF does not, or a peer could smuggle a second one.
 */

import { type ByteString, encode, trim } from "../core/bytes.ts";
import {
  DEMO_ERRORS,
  DEMO_IDLE_MS,
  DEMO_LINE,
  DEMO_MESSAGE,
  DEMO_RECIPIENTS,
} from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { addressOf, type Endpoint } from "../net/address.ts";
import { decodeBase64, parsePlain } from "../wire/sasl.ts";
import { accepts, DENIED } from "./account.ts";
import { mailDate } from "./dates.ts";
import { DotReader } from "./dots.ts";
import { type Input, LONG } from "./input.ts";
import { canonicalLines, type Mailbox, QuotaError } from "./mailbox.ts";
import type { Conversation, Outlet } from "./server.ts";

const NAME = "demo.example.com";
const XCLIENT_NAMES = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN"];

/** Who the client is: by its socket, by what it says, and by XCLIENT. */
interface Client {
  address: string;
  name: string;
  helo: ByteString;
  esmtp: boolean;
  login: ByteString;
}

export class SmtpConversation implements Conversation {
  readonly patience = DEMO_IDLE_MS;
  readonly #mailbox: Mailbox;
  readonly #outlet: Outlet;
  readonly #now: () => number;
  readonly #client: Client;
  #from: ByteString | null = null;
  #to: ByteString[] = [];
  #data: DotReader | null = null;
  /** AUTH PLAIN without an initial response: the next line is it. */
  #authenticating = false;
  #errors = 0;

  constructor(mailbox: Mailbox, now: () => number, outlet: Outlet, client: Endpoint) {
    this.#mailbox = mailbox;
    this.#now = now;
    this.#outlet = outlet;
    const address = addressOf(client);
    this.#client = { address, name: "[UNAVAILABLE]", helo: "", esmtp: false, login: "" };
  }

  greet(): void {
    this.#reply(`220 ${NAME} ESMTP Doorpost demo`);
  }

  close(): void {}

  step(input: Input): boolean {
    if (this.#data) return this.#readData(input, this.#data);
    const line = input.line(DEMO_LINE);
    if (line === null) return false;
    if (line === LONG) {
      this.#reply("500 5.5.2 Line too long");
      this.#outlet.finish();
    } else if (this.#authenticating) this.#authenticate(line);
    else this.#command(line);
    return true;
  }

  #reply(...lines: string[]): void {
    this.#outlet.send(lines.join("\r\n") + "\r\n");
  }

  #command(line: ByteString): void {
    const [word] = line.split(" ", 1);
    const rest = trim(line.slice(word.length));
    const run = COMMANDS.get(word.toUpperCase());
    if (run) return run(this, rest);
    this.#wrong("500 5.5.1 Unknown command");
  }

  /** Answers a line that makes no sense; one that makes too many of them is sent away. */
  #wrong(reply: string): void {
    if (++this.#errors < DEMO_ERRORS) return this.#reply(reply);
    this.#reply("421 4.7.0 Too many errors");
    this.#outlet.finish();
  }

  hello(name: ByteString, esmtp: boolean): void {
    if (name === "") return this.#wrong("501 5.5.4 Name expected");
    this.#reset();
    this.#client.helo = name;
    this.#client.esmtp = esmtp;
    if (!esmtp) return this.#reply(`250 ${NAME}`);
    this.#reply(
      `250-${NAME}`,
      "250-PIPELINING",
      `250-SIZE ${DEMO_MESSAGE}`,
      "250-8BITMIME",
      "250-ENHANCEDSTATUSCODES",
      "250-AUTH PLAIN",
      `250 XCLIENT ${XCLIENT_NAMES.join(" ")}`,
    );
  }

  xclient(rest: string): void {
    for (const word of rest.split(/ +/)) {
      const equals = word.indexOf("=");
      const name = word.slice(0, Math.max(0, equals)).toUpperCase();
      if (!XCLIENT_NAMES.includes(name)) return this.#wrong("501 5.5.4 Bad XCLIENT attribute");
      this.#override(name, parseXtext(word.slice(equals + 1)));
    }
    this.#reset();
    // As Postfix: the session starts anew with what it knows now.
    this.#reply(`220 ${NAME} ESMTP Doorpost demo`);
  }

  #override(name: string, value: ByteString): void {
    const unknown = value === "[UNAVAILABLE]" || value === "[TEMPUNAVAIL]";
    if (name === "ADDR") this.#client.address = unknown ? "unknown" : value.replace(/^IPV6:/i, "");
    else if (name === "NAME") this.#client.name = value;
    else if (name === "LOGIN") this.#client.login = unknown ? "" : value;
    else if (name === "HELO") this.#client.helo = unknown ? "" : value;
    else if (name === "PROTO") this.#client.esmtp = value.toUpperCase() !== "SMTP";
  }

  auth(rest: string): void {
    const [mechanism, initial] = rest.split(/ +/);
    if (mechanism.toUpperCase() !== "PLAIN") return this.#wrong("504 5.5.4 Unknown mechanism");
    if (this.#client.login !== "") return this.#wrong("503 5.5.1 Already authenticated");
    if (initial !== undefined) return this.#authenticate(initial);
    this.#authenticating = true;
    this.#reply("334 ");
  }

  #authenticate(response: ByteString): void {
    this.#authenticating = false;
    const message = decodeBase64(response);
    const found = message === null ? "login" : parsePlain(message);
    if (typeof found === "string") return this.#wrong("501 5.5.2 Invalid response");
    if (!accepts(found.user, new Secret(found.password))) {
      return this.#wrong(`535 5.7.8 ${DENIED}`);
    }
    this.#client.login = found.user;
    this.#reply("235 2.7.0 Authentication successful");
  }

  mail(rest: string): void {
    const path = /^FROM: *<([^<>]*)>(.*)$/i.exec(rest);
    if (!path) return this.#wrong("501 5.5.4 Syntax: MAIL FROM:<address>");
    if (this.#from !== null) return this.#wrong("503 5.5.1 Sender already given");
    const size = / SIZE=(\d{1,20})(?: |$)/i.exec(path[2]);
    if (size && Number(size[1]) > DEMO_MESSAGE) return this.#reply("552 5.3.4 Message too large");
    this.#from = path[1];
    this.#reply("250 2.1.0 Sender OK");
  }

  rcpt(rest: string): void {
    const path = /^TO: *<([^<>]+)>/i.exec(rest);
    if (!path) return this.#wrong("501 5.5.4 Syntax: RCPT TO:<address>");
    if (this.#from === null) return this.#wrong("503 5.5.1 MAIL first");
    if (this.#to.length >= DEMO_RECIPIENTS) return this.#reply("452 4.5.3 Too many recipients");
    this.#to.push(path[1]);
    this.#reply("250 2.1.5 Recipient OK");
  }

  data(): void {
    if (this.#to.length === 0) return this.#wrong("503 5.5.1 RCPT first");
    this.#data = new DotReader(DEMO_MESSAGE);
    this.#reply("354 End with <CR><LF>.<CR><LF>");
  }

  rset(): void {
    this.#reset();
    this.#reply("250 2.0.0 OK");
  }

  noop(): void {
    this.#reply("250 2.0.0 OK");
  }

  quit(): void {
    this.#reply("221 2.0.0 Bye");
    this.#outlet.finish();
  }

  #reset(): void {
    this.#from = null;
    this.#to = [];
  }

  #readData(input: Input, data: DotReader): boolean {
    const chunk = input.some();
    if (chunk === null) return false;
    const rest = data.push(chunk);
    if (rest === null) return true;
    input.unread(rest);
    this.#data = null;
    this.#reply(this.#deliver(data));
    this.#reset();
    return true;
  }

  #deliver(data: DotReader): string {
    const body = data.message();
    if (body === null) return "552 5.3.4 Message too large";
    const now = this.#now();
    const trace = encode(
      `Return-Path: <${plain(this.#from ?? "")}>\r\n` + received(this.#client, this.#to, now),
    );
    const raw = new Uint8Array(trace.length + body.length);
    raw.set(trace);
    raw.set(body, trace.length);
    try {
      const { uid } = this.#mailbox.inbox.add(canonicalLines(raw), now);
      return `250 2.0.0 Delivered to the demo mailbox as ${uid}`;
    } catch (error) {
      if (error instanceof QuotaError) return `452 4.2.2 ${error.message}`;
      throw error;
    }
  }
}

type Command = (session: SmtpConversation, rest: ByteString) => void;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["HELO", (session, rest) => session.hello(rest, false)],
  ["EHLO", (session, rest) => session.hello(rest, true)],
  ["XCLIENT", (session, rest) => session.xclient(rest)],
  ["AUTH", (session, rest) => session.auth(rest)],
  ["MAIL", (session, rest) => session.mail(rest)],
  ["RCPT", (session, rest) => session.rcpt(rest)],
  ["DATA", (session) => session.data()],
  ["RSET", (session) => session.rset()],
  ["NOOP", (session) => session.noop()],
  ["QUIT", (session) => session.quit()],
]);

/** RFC 3461 section 4: `+HH` is a byte. */
function parseXtext(text: ByteString): ByteString {
  return text.replace(/\+([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** Peer bytes made safe for a header field. */
function plain(text: ByteString): string {
  return text.replace(/[^\x21-\x7e]|[()<>\\]/g, "?").slice(0, 255);
}

function received(client: Client, to: readonly ByteString[], now: number): string {
  const how = `${client.esmtp ? "ESMTP" : "SMTP"}${client.login === "" ? "" : "A"}`;
  const name = client.name.startsWith("[") ? "unknown" : client.name;
  const login = client.login === "" ? "" : `\r\n\t(login ${plain(client.login)})`;
  const recipient = to.length === 1 ? `\r\n\tfor <${plain(to[0])}>` : "";
  return `Received: from ${plain(client.helo) || "unknown"} ` +
    `(${plain(name)} [${plain(client.address)}])${login}\r\n` +
    `\tby ${NAME} (Doorpost demo) with ${how}${recipient};\r\n\t${mailDate(now)}\r\n`;
}
