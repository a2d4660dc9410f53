/**
 * Commands that change messages. RFC 3501 sections 6.3.11 (APPEND), 6.4.3 (EXPUNGE), 6.4.6 (STORE) and
 * 6.4.7 (COPY); RFC 4315 (UIDPLUS), RFC 6851 (MOVE).
 */

import { parseInternalDate } from "../dates.ts";
import type { Folder, Message } from "../mailbox.ts";
import { type Answer, Refusal, type Result, type Session } from "./command.ts";
import { fetch, parseItems } from "./fetch.ts";
import { canonicalFlags, changedFlags } from "./flags.ts";
import { existing } from "./folders.ts";
import { uidSet } from "./print.ts";
import { type Scanner, SyntaxFault } from "./scanner.ts";
import { CharsetFault, parseSearch } from "./search.ts";
import type { Numbered, View } from "./view.ts";

export function* fetchCommand(view: View, args: Scanner, byUid: boolean): Answer {
  args.space();
  const messages = view.resolve(args.sequenceSet(), byUid);
  args.space();
  const items = parseItems(args);
  yield* fetch(messages, items, view, byUid);
  return "OK FETCH completed";
}

export function* search(view: View, args: Scanner, byUid: boolean): Answer {
  args.space();
  let test;
  try {
    test = parseSearch(args, view);
  } catch (error) {
    if (error instanceof CharsetFault) return "NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset";
    throw error;
  }
  const found = view.all().filter(test);
  const numbers = found.map(({ number, message }) => ` ${byUid ? message.uid : number}`);
  yield `* SEARCH${numbers.join("")}\r\n`;
  return "OK SEARCH completed";
}

export function* store(view: View, args: Scanner, byUid: boolean): Answer {
  args.space();
  const messages = view.resolve(args.sequenceSet(), byUid);
  args.space();
  const [, mode, silent] = args.match(/([+-]?)FLAGS(\.SILENT)?(?= )/iy) ?? badStore();
  args.space();
  const flags = canonicalFlags(flagsOf(args));
  args.end();
  writable(view);
  // What others did is told first: the answers below speak of this change alone.
  yield* view.news(false);
  for (const { number, message } of messages) {
    if (message.expunged) continue;
    view.setFlags(message, changedFlags(message, mode as "+" | "-" | "", flags));
    if (silent) continue;
    const uid = byUid ? `UID ${message.uid} ` : "";
    yield `* ${number} FETCH (${uid}FLAGS ${view.flagsOf(message)})\r\n`;
  }
  return "OK STORE completed";
}

function badStore(): never {
  throw new SyntaxFault("Expected FLAGS, +FLAGS or -FLAGS");
}

/** Flags with or without parentheses. */
function flagsOf(args: Scanner): string[] {
  if (args.peek() === "(") return args.list(() => args.flag());
  const flags = [args.flag()];
  while (args.more()) flags.push(args.flag());
  return flags;
}

export function copy(view: View, args: Scanner, byUid: boolean, session: Session): Result {
  args.space();
  const messages = view.resolve(args.sequenceSet(), byUid);
  args.space();
  const to = existing(session.mailbox, args.astring(), "TRYCREATE");
  args.end();
  const code = copyAll(messages, to);
  return `OK ${code}COPY completed`;
}

export function* move(view: View, args: Scanner, byUid: boolean, session: Session): Answer {
  args.space();
  const messages = view.resolve(args.sequenceSet(), byUid);
  args.space();
  const to = existing(session.mailbox, args.astring(), "TRYCREATE");
  args.end();
  writable(view);
  const code = copyAll(messages, to);
  if (code !== "") yield `* OK ${code}Moved\r\n`;
  view.folder.remove(new Set(messages.map(({ message }) => message)));
  return "OK MOVE completed";
}

/** Copies, and gives the COPYUID code with a space behind; nothing for no messages. */
function copyAll(messages: readonly Numbered[], to: Folder): string {
  const present = messages.map(({ message }) => message).filter((message) => !message.expunged);
  if (present.length === 0) return "";
  const copies: Message[] = [];
  try {
    for (const { raw, received, flags } of present) {
      copies.push(to.add(raw, received, flags.values()));
    }
  } catch (error) {
    // All or nothing (RFC 3501 section 6.4.7).
    to.remove(new Set(copies));
    throw error;
  }
  const [from, into] = [present, copies].map((list) => uidSet(list.map(({ uid }) => uid)));
  return `[COPYUID ${to.uidValidity} ${from} ${into}] `;
}

export function append({ mailbox, now }: Session, args: Scanner): Result {
  args.space();
  const name = args.astring();
  args.space();
  const flags = args.peek() === "(" ? canonicalFlags(args.list(() => args.flag())) : null;
  if (flags) args.space();
  const date = args.peek() === '"' ? args.quoted() : null;
  if (date !== null) args.space();
  const received = date === null ? now() : parseInternalDate(date);
  if (received === null) throw new SyntaxFault("Expected a date and time");
  const raw = args.literal();
  args.end();
  const folder = existing(mailbox, name, "TRYCREATE");
  if (raw.length === 0) throw new Refusal("The message is empty");
  // A copy: the literal may be a window on a larger buffer.
  const { uid } = folder.add(raw.slice(), received, flags ?? []);
  return `OK [APPENDUID ${folder.uidValidity} ${uid}] APPEND completed`;
}

export function expunge(view: View, args: Scanner, byUid: boolean): Result {
  let candidates = view.all();
  if (byUid) {
    args.space();
    candidates = view.resolve(args.sequenceSet(), true);
  }
  args.end();
  writable(view);
  removeDeleted(view, candidates);
  return "OK EXPUNGE completed";
}

/** CLOSE: as EXPUNGE, but nothing is told. */
export function removeDeleted(view: View, among: readonly Numbered[]): void {
  const deleted = among.map(({ message }) => message).filter((message) => message.has("\\Deleted"));
  view.folder.remove(new Set(deleted));
}

function writable(view: View): void {
  if (view.readOnly) throw new Refusal("[READ-ONLY] The folder was opened by EXAMINE");
}
