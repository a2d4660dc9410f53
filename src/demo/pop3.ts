/**
 * The demo's POP3 server: the inbox of the demo mailbox.
 * RFC 1939, RFC 2449 (CAPA), RFC 3206 and RFC 2449 section 8 (response codes).
 *
 * The maildrop is not locked: an IMAP client may look at it meanwhile, which is half the fun. A session
 * sees the inbox as it was at its login; DELE takes effect at QUIT.
 */

import { type ByteString, encode } from "../core/bytes.ts";
import { DEMO_ERRORS, DEMO_IDLE_MS, DEMO_LINE, DEMO_LOGIN_MS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { accepts, DENIED } from "./account.ts";
import { stuff } from "./dots.ts";
import { type Input, LONG } from "./input.ts";
import { canonicalLines, type Folder, type Mailbox, type Message } from "./mailbox.ts";
import type { Conversation, Outlet } from "./server.ts";

const CAPABILITIES = ["USER", "TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE"];

/** A message of the maildrop with its number, from 1. */
interface Numbered {
  readonly number: number;
  readonly message: Message;
}

export class Pop3Conversation implements Conversation {
  readonly #inbox: Folder;
  readonly #outlet: Outlet;
  #user: ByteString | null = null;
  /** The maildrop, once logged in. */
  #messages: readonly Message[] | null = null;
  readonly #deleted = new Set<Message>();
  #errors = 0;

  constructor(mailbox: Mailbox, outlet: Outlet) {
    this.#inbox = mailbox.inbox;
    this.#outlet = outlet;
  }

  get patience(): number {
    return this.#messages ? DEMO_IDLE_MS : DEMO_LOGIN_MS;
  }

  get loggedIn(): boolean {
    return this.#messages !== null;
  }

  greet(): void {
    this.#ok("Doorpost demo POP3 ready");
  }

  close(): void {}

  step(input: Input): boolean {
    const line = input.line(DEMO_LINE);
    if (line === null) return false;
    if (line === LONG) {
      this.#outlet.send("-ERR Line too long\r\n");
      this.#outlet.finish();
    } else this.#command(line);
    return true;
  }

  #command(line: ByteString): void {
    const [word] = line.split(" ", 1);
    const rest = line.slice(word.length + 1);
    const command = COMMANDS.get(word.toUpperCase());
    if (!command) return this.wrong("Unknown command");
    if (command.when === "login" && this.loggedIn) return this.wrong("Already logged in");
    if (command.when === "drop" && !this.loggedIn) return this.wrong("Log in first");
    command.run(this, rest);
  }

  #ok(text: string): void {
    this.#outlet.send(`+OK ${text}\r\n`);
  }

  /** Refuses; a client that earns too many refusals is sent away. */
  wrong(text: string): void {
    this.#outlet.send(`-ERR ${text}\r\n`);
    if (++this.#errors >= DEMO_ERRORS) this.#outlet.finish();
  }

  #list(head: string, lines: readonly string[]): void {
    this.#ok(head);
    this.#outlet.send([...lines, ".", ""].join("\r\n"));
  }

  capa(): void {
    this.#list("Capability list follows", CAPABILITIES);
  }

  user(name: ByteString): void {
    if (name === "") return this.wrong("Name expected");
    this.#user = name;
    this.#ok("Password, please");
  }

  pass(password: Secret): void {
    const user = this.#user;
    this.#user = null;
    if (user === null) return this.wrong("USER first");
    if (!accepts(user, password)) return this.wrong(`[AUTH] ${DENIED}`);
    this.#messages = this.#inbox.messages.slice();
    this.#ok(`${this.#messages.length} messages`);
  }

  stat(): void {
    const left = this.#left();
    this.#ok(`${left.length} ${left.reduce((sum, { message }) => sum + sizeOf(message), 0)}`);
  }

  /** LIST and UIDL: one message's line, or everyone's. */
  listing(rest: ByteString, line: (message: Message) => string): void {
    if (rest !== "") {
      return this.one(rest, ({ number, message }) => this.#ok(`${number} ${line(message)}`));
    }
    const left = this.#left();
    this.#list(
      `${left.length} messages`,
      left.map(({ number, message }) => `${number} ${line(message)}`),
    );
  }

  uidOf(message: Message): string {
    return `${this.#inbox.uidValidity}.${message.uid}`;
  }

  /** Does something to the message of that number, or refuses. */
  one(number: ByteString, run: (found: Numbered) => void): void {
    const found = this.#left().find((entry) => String(entry.number) === number.trim());
    if (!found) return this.wrong("No such message");
    run(found);
  }

  /** The header and `lines` lines of the body, or everything. */
  retrieve({ message }: Numbered, lines: number = Infinity): void {
    const raw = canonicalLines(message.raw);
    this.#ok(`${raw.length} octets`);
    this.#outlet.send(stuff(raw.subarray(0, topOf(raw, lines))));
  }

  delete({ number, message }: Numbered): void {
    this.#deleted.add(message);
    this.#ok(`Message ${number} marked`);
  }

  rset(): void {
    this.#deleted.clear();
    this.#ok("Nothing is marked");
  }

  noop(): void {
    this.#ok("Here");
  }

  quit(): void {
    this.#inbox.remove(this.#deleted);
    this.#ok("Bye");
    this.#outlet.finish();
  }

  /** Messages with their numbers, those marked by DELE left out. */
  #left(): Numbered[] {
    return (this.#messages ?? [])
      .map((message, i) => ({ number: i + 1, message }))
      .filter(({ message }) => !this.#deleted.has(message));
  }
}

interface Command {
  readonly when: "login" | "drop" | "any";
  readonly run: (session: Pop3Conversation, rest: ByteString) => void;
}

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["CAPA", { when: "any", run: (session) => session.capa() }],
  ["QUIT", { when: "any", run: (session) => session.quit() }],
  ["USER", { when: "login", run: (session, rest) => session.user(rest) }],
  // A password may begin and end with spaces: only the one that parts it from the word is dropped.
  ["PASS", { when: "login", run: (session, rest) => session.pass(new Secret(rest)) }],
  ["STAT", { when: "drop", run: (session) => session.stat() }],
  ["LIST", {
    when: "drop",
    run: (session, rest) => session.listing(rest, (message) => String(sizeOf(message))),
  }],
  ["UIDL", {
    when: "drop",
    run: (session, rest) => session.listing(rest, (message) => session.uidOf(message)),
  }],
  ["RETR", {
    when: "drop",
    run: (session, rest) => session.one(rest, (found) => session.retrieve(found)),
  }],
  ["TOP", { when: "drop", run: top }],
  ["DELE", {
    when: "drop",
    run: (session, rest) => session.one(rest, (found) => session.delete(found)),
  }],
  ["RSET", { when: "drop", run: (session) => session.rset() }],
  ["NOOP", { when: "drop", run: (session) => session.noop() }],
]);

function top(session: Pop3Conversation, rest: ByteString): void {
  const [, number, lines] = /^(\d+) +(\d{1,9})$/.exec(rest.trim()) ?? [];
  if (number === undefined) return session.wrong("Syntax: TOP message lines");
  session.one(number, (found) => session.retrieve(found, Number(lines)));
}

function sizeOf(message: Message): number {
  return canonicalLines(message.raw).length;
}

/** Where the body's line number `lines` ends, counted after the header's empty line. */
function topOf(raw: Uint8Array, lines: number): number {
  if (lines === Infinity) return raw.length;
  const blank = encode("\r\n\r\n");
  let at = 0;
  while (at < raw.length && !blank.every((byte, i) => raw[at + i] === byte)) at++;
  at = Math.min(raw.length, at + blank.length);
  for (let left = lines; left > 0 && at < raw.length; left--) {
    const lf = raw.indexOf(0x0a, at);
    at = lf < 0 ? raw.length : lf + 1;
  }
  return at;
}
