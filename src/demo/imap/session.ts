/**
 * The demo's IMAP server: one session. RFC 3501, with LITERAL+ (RFC 7888), ID (RFC 2971), NAMESPACE
 * (RFC 2342), IDLE (RFC 2177), UNSELECT (RFC 3691), UIDPLUS (RFC 4315), MOVE (RFC 6851), CHILDREN
 * (RFC 3348) and SPECIAL-USE (RFC 6154).
 *
 * Commands are done one after the other, and the answer to one is given piece by piece while the client
 * reads it. News of other sessions are told when a command ends, and at any time during IDLE.
 */

import type { ByteString } from "../../core/bytes.ts";
import { CLIENT_BUFFER, DEMO_ERRORS, DEMO_IDLE_MS, DEMO_LOGIN_MS } from "../../core/limits.ts";
import { Secret } from "../../core/secret.ts";
import { accepts, DENIED } from "../account.ts";
import { type Input, LONG } from "../input.ts";
import { type Mailbox, QuotaError } from "../mailbox.ts";
import type { Conversation, Outlet } from "../server.ts";
import {
  type Answer,
  type Handler,
  Refusal,
  type Result,
  type SelectedHandler,
  type Session,
} from "./command.ts";
import { SYSTEM_FLAGS, usedFlags } from "./flags.ts";
import * as folders from "./folders.ts";
import * as messages from "./messages.ts";
import { flagList, type Output } from "./print.ts";
import { CommandReader, type Item } from "./reader.ts";
import { type Scanner, SyntaxFault } from "./scanner.ts";
import { View } from "./view.ts";

const CAPABILITIES =
  "IMAP4rev1 LITERAL+ ID NAMESPACE IDLE UNSELECT UIDPLUS MOVE CHILDREN SPECIAL-USE";

type Command = Extract<Item, { is: "command" }>;

export class ImapConversation implements Conversation, Session {
  readonly mailbox: Mailbox;
  readonly now: () => number;
  readonly #outlet: Outlet;
  readonly #reader = new CommandReader();
  #loggedIn = false;
  #view: View | null = null;
  /** The answer that is being given. */
  #answer: Iterator<Output> | null = null;
  /** The tag of an IDLE that is going on. */
  #idle: ByteString | null = null;
  #errors = 0;

  constructor(mailbox: Mailbox, now: () => number, outlet: Outlet) {
    this.mailbox = mailbox;
    this.now = now;
    this.#outlet = outlet;
  }

  get view(): View | null {
    return this.#view;
  }

  get patience(): number {
    return this.#loggedIn ? DEMO_IDLE_MS : DEMO_LOGIN_MS;
  }

  greet(): void {
    this.#outlet.send(`* OK [CAPABILITY ${CAPABILITIES}] Doorpost demo IMAP ready\r\n`);
  }

  close(): void {
    this.#answer = null;
    this.#select(null);
  }

  step(input: Input): boolean {
    if (this.#answer) return this.#say(this.#answer);
    if (this.#idle !== null) return this.#idling(this.#idle, input);
    const item = this.#reader.next(input, this.#loggedIn);
    if (item === null) return false;
    if (item.is === "prompt") this.#outlet.send("+ Go ahead\r\n");
    else if (item.is === "bad") this.#bad(item);
    else this.#answer = this.#run(item);
    return true;
  }

  /** One piece of the answer. */
  #say(answer: Iterator<Output>): true {
    const piece = answer.next();
    if (piece.done) this.#answer = null;
    else this.#outlet.send(piece.value);
    return true;
  }

  #bad({ tag, status, text, fatal }: Extract<Item, { is: "bad" }>): void {
    this.#outlet.send(`${tag ?? "*"} ${tag ? status : "BAD"} ${text}\r\n`);
    this.#errors++;
    if (!fatal && this.#errors < DEMO_ERRORS) return;
    this.#outlet.send(`* BYE ${fatal ? "Cannot go on after that" : "Too many errors"}\r\n`);
    this.#outlet.finish();
  }

  /** The whole answer to one command: untagged responses, news, then the tagged one. */
  *#run(command: Command): Generator<Output> {
    const { tag } = command;
    let result: Result;
    try {
      const answer = this.#dispatch(command);
      result = typeof answer === "string" ? answer : yield* answer;
    } catch (error) {
      result = refusalOf(error);
    }
    if (result === IDLING) return;
    if (result.startsWith("BAD")) this.#errors++;
    // RFC 3501 section 7.4.1: numbers may not move under a command that speaks in numbers.
    yield* this.#view?.news(!/^(?:FETCH|STORE|SEARCH)$/.test(command.verb)) ?? [];
    yield `${tag} ${result}\r\n`;
    if (this.#errors >= DEMO_ERRORS) yield "* BYE Too many errors\r\n";
    if (this.#errors >= DEMO_ERRORS || command.verb === "LOGOUT") this.#outlet.finish();
  }

  #dispatch({ tag, verb, args }: Command): Answer | Result {
    const byUid = verb.startsWith("UID ");
    const name = byUid ? verb.slice(4) : verb;
    const selected = SELECTED.get(name);
    if (selected && (!byUid || BY_UID.has(name))) {
      if (!this.#view) throw new SyntaxFault("Select a folder first");
      return selected(this.#view, args, byUid, this);
    }
    if (byUid) throw new SyntaxFault("Unknown command");
    const handler = AUTHENTICATED.get(name);
    if (handler) {
      if (!this.#loggedIn) throw new SyntaxFault("Log in first");
      return handler(this, args);
    }
    return this.#own(name, tag, args);
  }

  /** Commands that change the session itself. */
  #own(name: string, tag: ByteString, args: Scanner): Answer | Result {
    switch (name) {
      case "CAPABILITY":
      case "NOOP":
      case "LOGOUT":
        args.end();
        return simple(UNTAGGED.get(name) ?? [], `OK ${name} completed`);
      case "ID":
        return simple([`* ID ("name" "Doorpost demo")\r\n`], "OK ID completed");
      case "LOGIN":
        return this.#login(args);
      case "SELECT":
      case "EXAMINE":
        return this.#open(args, name === "EXAMINE");
      case "CLOSE":
      case "UNSELECT":
        return this.#leave(args, name === "CLOSE");
      case "IDLE":
        return this.#startIdle(tag, args);
      default:
        throw new SyntaxFault("Unknown command");
    }
  }

  #login(args: Scanner): Result {
    if (this.#loggedIn) throw new SyntaxFault("Already logged in");
    args.space();
    const user = args.astring();
    args.space();
    const password = new Secret(args.astring());
    args.end();
    if (!accepts(user, password)) {
      this.#errors++;
      return `NO [AUTHENTICATIONFAILED] ${DENIED}`;
    }
    this.#loggedIn = true;
    return `OK [CAPABILITY ${CAPABILITIES}] Logged in`;
  }

  *#open(args: Scanner, readOnly: boolean): Answer {
    if (!this.#loggedIn) throw new SyntaxFault("Log in first");
    args.space();
    const name = args.astring();
    args.end();
    // A SELECT that fails leaves nothing selected (RFC 3501 section 6.3.1).
    this.#select(null);
    const folder = folders.existing(this.mailbox, name);
    const view = new View(folder, readOnly, () => this.#idle !== null && this.#outlet.wake());
    this.#select(view);
    yield `* FLAGS ${flagList(usedFlags(folder.messages))}\r\n`;
    const permanent = readOnly ? "()" : flagList([...SYSTEM_FLAGS, "\\*"]);
    yield `* OK [PERMANENTFLAGS ${permanent}] Flags that stay\r\n`;
    yield `* ${view.size} EXISTS\r\n`;
    yield `* ${view.recent} RECENT\r\n`;
    if (view.firstUnseen > 0) yield `* OK [UNSEEN ${view.firstUnseen}] First unseen\r\n`;
    yield `* OK [UIDVALIDITY ${folder.uidValidity}] UIDs valid\r\n`;
    yield `* OK [UIDNEXT ${folder.uidNext}] Next UID\r\n`;
    return readOnly ? "OK [READ-ONLY] EXAMINE completed" : "OK [READ-WRITE] SELECT completed";
  }

  #leave(args: Scanner, expunges: boolean): Result {
    args.end();
    const view = this.#view;
    if (!view) throw new SyntaxFault("Select a folder first");
    this.#select(null);
    if (!expunges) return "OK UNSELECT completed";
    if (!view.readOnly) messages.removeDeleted(view, view.all());
    return "OK CLOSE completed";
  }

  #select(view: View | null): void {
    this.#view?.close();
    this.#view = view;
  }

  *#startIdle(tag: ByteString, args: Scanner): Answer {
    if (!this.#loggedIn) throw new SyntaxFault("Log in first");
    args.end();
    yield "+ idling\r\n";
    this.#idle = tag;
    return IDLING;
  }

  /** Tells news as they come, until the client says DONE. */
  #idling(tag: ByteString, input: Input): boolean {
    const news = [...this.#view?.news(true) ?? []];
    if (news.length > 0) this.#outlet.send(news.join(""));
    const line = input.line(CLIENT_BUFFER);
    if (line === null) return false;
    this.#idle = null;
    const done = line !== LONG && line.toUpperCase() === "DONE";
    if (done) this.#outlet.send(`${tag} OK IDLE completed\r\n`);
    else this.#bad({ is: "bad", tag, status: "BAD", text: "Expected DONE", fatal: line === LONG });
    return true;
  }
}

/** A command's result that is no reply yet. */
const IDLING = "";

function* simple(untagged: readonly string[], result: Result): Answer {
  yield* untagged;
  return result;
}

/** The tagged response for what a handler threw. Anything but a refusal is a fault of ours. */
function refusalOf(error: unknown): Result {
  if (error instanceof SyntaxFault) return `BAD ${error.message}`;
  if (error instanceof Refusal) return `NO ${error.message}`;
  if (error instanceof QuotaError) return `NO [OVERQUOTA] ${error.message}`;
  throw error;
}

function* namespace(_: Session, args: Scanner): Answer {
  args.end();
  yield `* NAMESPACE (("" "${folders.DELIMITER}")) NIL NIL\r\n`;
  return "OK NAMESPACE completed";
}

function check(_: unknown, args: Scanner): Result {
  args.end();
  return "OK CHECK completed";
}

const UNTAGGED: ReadonlyMap<string, readonly string[]> = new Map([
  ["CAPABILITY", [`* CAPABILITY ${CAPABILITIES}\r\n`]],
  ["LOGOUT", ["* BYE See you\r\n"]],
]);

/** Commands that need a login. */
const AUTHENTICATED: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ["APPEND", messages.append],
  ["CREATE", folders.create],
  ["DELETE", folders.remove],
  ["LIST", folders.list],
  ["LSUB", folders.lsub],
  ["NAMESPACE", namespace],
  ["RENAME", folders.rename],
  ["STATUS", folders.status],
  ["SUBSCRIBE", folders.subscribe],
  ["UNSUBSCRIBE", folders.unsubscribe],
]);

/** Commands that need a selected folder. */
const SELECTED: ReadonlyMap<string, SelectedHandler> = new Map<string, SelectedHandler>([
  ["CHECK", check],
  ["COPY", messages.copy],
  ["EXPUNGE", messages.expunge],
  ["FETCH", messages.fetchCommand],
  ["MOVE", messages.move],
  ["SEARCH", messages.search],
  ["STORE", messages.store],
]);

/** Those that may follow `UID`. */
const BY_UID: ReadonlySet<string> = new Set([
  "COPY",
  "EXPUNGE",
  "FETCH",
  "MOVE",
  "SEARCH",
  "STORE",
]);
