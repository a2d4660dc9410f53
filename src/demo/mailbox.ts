/**
 * The demo's mailbox: folders of messages in memory, shared by the IMAP, POP3 and SMTP backends.
 *
 * Folders follow RFC 3501 section 2.3: UIDs only rise, UIDVALIDITY names one life of a folder, `/`
 * separates levels, INBOX has no case. Whoever watches a folder is told that it changed, not how: a
 * watcher compares for itself.
 */

import type { ByteString } from "../core/bytes.ts";
import { DEMO_FOLDERS, DEMO_MAILBOX, DEMO_MESSAGE, DEMO_MESSAGES } from "../core/limits.ts";
import { type Entity, parseMessage } from "./message.ts";

export const INBOX = "INBOX";

/** Why the mailbox takes no more: a cap of the sandbox. */
export class QuotaError extends Error {
  override readonly name = "QuotaError";
}

/** What may be said of a folder in LIST (RFC 6154). */
export type SpecialUse = "\\Archive" | "\\Drafts" | "\\Junk" | "\\Sent" | "\\Trash";

export class Message {
  readonly raw: Uint8Array;
  /** Milliseconds since 1970: IMAP's INTERNALDATE. */
  readonly received: number;
  readonly uid: number;
  /** Lower case to spelling: flags have no case. */
  readonly flags: Map<string, string> = new Map();
  /** Some session has been told that it is recent. */
  claimed = false;
  expunged = false;
  /** Value of the folder's `revision` when the flags last changed. */
  revision = 0;
  #entity: Entity | null = null;

  constructor(raw: Uint8Array, received: number, uid: number) {
    this.raw = raw;
    this.received = received;
    this.uid = uid;
  }

  get entity(): Entity {
    return this.#entity ??= parseMessage(this.raw);
  }

  has(flag: string): boolean {
    return this.flags.has(flag.toLowerCase());
  }
}

export class Folder {
  readonly uidValidity: number;
  readonly specialUse: SpecialUse | null;
  subscribed = true;
  uidNext = 1;
  /** Rises with every change of flags. */
  revision = 0;
  readonly #mailbox: Mailbox;
  #messages: Message[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(mailbox: Mailbox, uidValidity: number, specialUse: SpecialUse | null) {
    this.#mailbox = mailbox;
    this.uidValidity = uidValidity;
    this.specialUse = specialUse;
  }

  /** In the order of their UIDs. A live view: it grows as messages come. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** Adds a message, which must not be changed afterwards. Throws a `QuotaError`. */
  add(raw: Uint8Array, received: number, flags: Iterable<string> = []): Message {
    this.#mailbox.reserve(raw.length);
    const message = new Message(raw, received, this.uidNext++);
    for (const flag of flags) message.flags.set(flag.toLowerCase(), flag);
    this.#messages.push(message);
    this.changed();
    return message;
  }

  remove(messages: ReadonlySet<Message>): void {
    if (messages.size === 0) return;
    this.#messages = this.#messages.filter((message) => !messages.has(message));
    for (const message of messages) {
      if (message.expunged) continue;
      message.expunged = true;
      this.#mailbox.release(message.raw.length);
    }
    this.changed();
  }

  setFlags(message: Message, flags: Iterable<string>): void {
    message.flags.clear();
    for (const flag of flags) message.flags.set(flag.toLowerCase(), flag);
    message.revision = ++this.revision;
    this.changed();
  }

  /** Calls `told` after every change, until the returned function is called. */
  watch(told: () => void): () => void {
    this.#watchers.add(told);
    return () => this.#watchers.delete(told);
  }

  changed(): void {
    for (const told of this.#watchers) told();
  }
}

export class Mailbox {
  readonly #folders = new Map<ByteString, Folder>();
  #uidValidity: number;
  #bytes = 0;
  #messages = 0;

  /** `epoch`: seconds since 1970; the first folder's UIDVALIDITY. */
  constructor(epoch: number) {
    this.#uidValidity = epoch;
    this.create(INBOX);
  }

  /** Names and folders, INBOX first, then in the order of their names. */
  list(): [ByteString, Folder][] {
    const rank = (name: ByteString) => name === INBOX ? "" : name;
    return [...this.#folders].sort(([a], [b]) => rank(a) < rank(b) ? -1 : 1);
  }

  find(name: ByteString): Folder | undefined {
    return this.#folders.get(canonical(name));
  }

  get inbox(): Folder {
    return this.#folders.get(INBOX)!;
  }

  /** Throws a `QuotaError`. The caller has looked that the name is free. */
  create(name: ByteString, specialUse: SpecialUse | null = null): Folder {
    if (this.#folders.size >= DEMO_FOLDERS) throw new QuotaError("Too many folders");
    const folder = new Folder(this, this.#uidValidity++, specialUse);
    this.#folders.set(canonical(name), folder);
    return folder;
  }

  delete(name: ByteString): void {
    const folder = this.find(name);
    this.#folders.delete(canonical(name));
    folder?.remove(new Set(folder.messages));
  }

  rename(from: ByteString, to: ByteString): void {
    for (const [name, folder] of this.list()) {
      if (name !== from && !name.startsWith(from + "/")) continue;
      this.#folders.delete(name);
      this.#folders.set(to + name.slice(from.length), folder);
    }
  }

  /** Counts a message in. Throws a `QuotaError` when it is too much. */
  reserve(size: number): void {
    if (size > DEMO_MESSAGE) throw new QuotaError("Message too large");
    if (this.#messages >= DEMO_MESSAGES || this.#bytes + size > DEMO_MAILBOX) {
      throw new QuotaError("Mailbox full");
    }
    this.#messages++;
    this.#bytes += size;
  }

  release(size: number): void {
    this.#messages--;
    this.#bytes -= size;
  }
}

function canonical(name: ByteString): ByteString {
  return name.toUpperCase() === INBOX ? INBOX : name;
}

/**
 * The message with every line ended by CR LF, as POP3 and SMTP have it: a lone CR or LF would end a
 * line for one reader and not for another. Gives back the same bytes when nothing is to be done.
 */
export function canonicalLines(raw: Uint8Array): Uint8Array {
  let missing = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === 0x0a ? raw[i - 1] !== 0x0d : raw[i] === 0x0d && raw[i + 1] !== 0x0a) missing++;
  }
  if (missing === 0) return raw;
  const lines = new Uint8Array(raw.length + missing);
  let at = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === 0x0a && raw[i - 1] !== 0x0d) lines[at++] = 0x0d;
    lines[at++] = raw[i];
    if (raw[i] === 0x0d && raw[i + 1] !== 0x0a) lines[at++] = 0x0a;
  }
  return lines;
}
