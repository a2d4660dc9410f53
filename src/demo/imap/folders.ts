/**
 * Commands about folders. RFC 3501 sections 6.3.3 to 6.3.10; RFC 3348 (children), RFC 6154 (special
 * use), RFC 5530 (response codes).
 */

import type { ByteString } from "../../core/bytes.ts";
import { DEMO_FOLDER_NAME } from "../../core/limits.ts";
import { type Folder, INBOX, type Mailbox } from "../mailbox.ts";
import { type Answer, Refusal, type Result, type Session } from "./command.ts";
import { mailboxName, type Output } from "./print.ts";
import { type Scanner, SyntaxFault } from "./scanner.ts";

export const DELIMITER = "/";

export function* list(session: Session, args: Scanner): Answer {
  yield* listing("LIST", session.mailbox, args, () => true);
  return "OK LIST completed";
}

export function* lsub(session: Session, args: Scanner): Answer {
  yield* listing("LSUB", session.mailbox, args, (folder) => folder.subscribed);
  return "OK LSUB completed";
}

function* listing(
  verb: "LIST" | "LSUB",
  mailbox: Mailbox,
  args: Scanner,
  shown: (folder: Folder) => boolean,
): Generator<Output> {
  args.space();
  const reference = args.astring();
  args.space();
  const pattern = args.listMailbox();
  args.end();
  if (pattern === "" && verb === "LIST") {
    // RFC 3501 section 6.3.8: the empty pattern asks for the delimiter.
    yield `* LIST (\\Noselect) "${DELIMITER}" ""\r\n`;
    return;
  }
  const folders = mailbox.list();
  for (const [name, folder] of folders) {
    if (!shown(folder) || !matches(name, reference + pattern)) continue;
    const children = folders.some(([other]) => other.startsWith(name + DELIMITER));
    const attributes = [children ? "\\HasChildren" : "\\HasNoChildren"];
    if (folder.specialUse) attributes.push(folder.specialUse);
    yield `* ${verb} (${attributes.join(" ")}) "${DELIMITER}" ${mailboxName(name)}\r\n`;
  }
}

/** `*` stands for anything, `%` for anything within one level. */
export function matches(name: ByteString, pattern: ByteString): boolean {
  if (pattern.length > 2 * DEMO_FOLDER_NAME) return false;
  if (name === INBOX) pattern = pattern.toUpperCase();
  // Positions of the pattern that may come next: no backtracking, whatever the pattern.
  let positions = new Set([0]);
  for (const char of name) {
    const next = new Set<number>();
    for (const at of skipWildcards(positions, pattern)) {
      const wild = pattern[at] === "*" || pattern[at] === "%" && char !== DELIMITER;
      if (wild) next.add(at);
      else if (pattern[at] === char) next.add(at + 1);
    }
    positions = next;
  }
  return skipWildcards(positions, pattern).has(pattern.length);
}

/** With the positions behind wildcards, which may stand for nothing. */
function skipWildcards(positions: ReadonlySet<number>, pattern: ByteString): Set<number> {
  const all = new Set(positions);
  // A set is walked in the order of insertion, members added meanwhile included.
  for (const at of all) if (pattern[at] === "*" || pattern[at] === "%") all.add(at + 1);
  return all;
}

export function* status(session: Session, args: Scanner): Answer {
  args.space();
  const name = args.astring();
  const folder = existing(session.mailbox, name);
  args.space();
  const items = args.list(() => args.word());
  args.end();
  const shown = items.map((item) => {
    const count = COUNTS.get(item);
    if (!count) throw new SyntaxFault("Unknown status item");
    return `${item} ${count(folder)}`;
  });
  yield `* STATUS ${mailboxName(name)} (${shown.join(" ")})\r\n`;
  return "OK STATUS completed";
}

const COUNTS: ReadonlyMap<string, (folder: Folder) => number> = new Map([
  ["MESSAGES", (folder: Folder) => folder.messages.length],
  ["RECENT", (folder) => folder.messages.filter((message) => !message.claimed).length],
  ["UIDNEXT", (folder) => folder.uidNext],
  ["UIDVALIDITY", (folder) => folder.uidValidity],
  ["UNSEEN", (folder) => folder.messages.filter((message) => !message.has("\\Seen")).length],
]);

export function create({ mailbox }: Session, args: Scanner): Result {
  args.space();
  const name = args.astring().replace(/\/$/, "");
  args.end();
  createWithParents(mailbox, name);
  return "OK CREATE completed";
}

function createWithParents(mailbox: Mailbox, name: ByteString): void {
  vacant(mailbox, name);
  const levels = name.split(DELIMITER);
  for (let depth = 1; depth <= levels.length; depth++) {
    const path = levels.slice(0, depth).join(DELIMITER);
    if (!mailbox.find(path)) mailbox.create(path);
  }
}

export function remove({ mailbox }: Session, args: Scanner): Result {
  args.space();
  const name = args.astring();
  args.end();
  if (existing(mailbox, name) === mailbox.inbox) throw new Refusal("[CANNOT] INBOX stays");
  mailbox.delete(name);
  return "OK DELETE completed";
}

export function rename({ mailbox }: Session, args: Scanner): Result {
  args.space();
  const from = args.astring();
  args.space();
  const to = args.astring();
  args.end();
  if (existing(mailbox, from) === mailbox.inbox) throw new Refusal("[CANNOT] INBOX stays");
  vacant(mailbox, to);
  if (to.startsWith(from + DELIMITER)) throw new Refusal("[CANNOT] A folder cannot hold itself");
  mailbox.rename(from, to);
  return "OK RENAME completed";
}

export function subscribe({ mailbox }: Session, args: Scanner): Result {
  args.space();
  existing(mailbox, args.astring()).subscribed = true;
  args.end();
  return "OK SUBSCRIBE completed";
}

export function unsubscribe({ mailbox }: Session, args: Scanner): Result {
  args.space();
  existing(mailbox, args.astring()).subscribed = false;
  args.end();
  return "OK UNSUBSCRIBE completed";
}

/** The folder of that name. Throws a `Refusal`. */
export function existing(mailbox: Mailbox, name: ByteString, code = "NONEXISTENT"): Folder {
  const folder = mailbox.find(name);
  if (!folder) throw new Refusal(`[${code}] No such folder`);
  return folder;
}

/** Whether a folder of that name can be made. Throws a `Refusal`. */
function vacant(mailbox: Mailbox, name: ByteString): void {
  if (mailbox.find(name)) throw new Refusal("[ALREADYEXISTS] The folder exists");
  // deno-lint-ignore no-control-regex
  const good = name.length <= DEMO_FOLDER_NAME && /^[^\x00-\x1f\x7f%*]+$/.test(name) &&
    name.split(DELIMITER).every((level) => level !== "");
  if (!good) throw new Refusal("[CANNOT] Not a name for a folder");
}
