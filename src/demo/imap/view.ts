/**
 * What one session sees of its selected folder: sequence numbers, which change only when the session is
 * told so. RFC 3501 sections 2.3.1, 5.2 and 7.4.1; RFC 2180 section 4 (shared access).
 */

import type { Folder, Message } from "../mailbox.ts";
import { flagList } from "./print.ts";
import { type SequenceSet, SyntaxFault } from "./scanner.ts";

/** A message with its sequence number. */
export interface Numbered {
  readonly number: number;
  readonly message: Message;
}

export class View {
  readonly folder: Folder;
  readonly readOnly: boolean;
  #messages: Message[] = [];
  readonly #recent = new Set<Message>();
  /** Flag changes up to here are known to the client, or came from it. */
  #revision: number;
  /** Changes of this revision were this session's own, and have been answered. */
  readonly #own = new Set<number>();
  readonly #unwatch: () => void;

  /** `changed` is called whenever `news` may have something to tell. */
  constructor(folder: Folder, readOnly: boolean, changed: () => void) {
    this.folder = folder;
    this.readOnly = readOnly;
    this.#revision = folder.revision;
    this.#messages = folder.messages.slice();
    this.#messages.forEach((message) => this.#claim(message));
    this.#unwatch = folder.watch(changed);
  }

  get size(): number {
    return this.#messages.length;
  }

  get recent(): number {
    return this.#recent.size;
  }

  /** Number of the first message without \Seen, or 0. */
  get firstUnseen(): number {
    return this.#messages.findIndex((message) => !message.has("\\Seen")) + 1;
  }

  close(): void {
    this.#unwatch();
  }

  all(): Numbered[] {
    return this.#messages.map((message, i) => ({ number: i + 1, message }));
  }

  /** Messages that a set names. UIDs without a message are passed over; numbers without one are a fault. */
  resolve(set: SequenceSet, byUid: boolean): Numbered[] {
    const last = byUid ? this.#messages.at(-1)?.uid ?? 0 : this.size;
    if (!byUid && set.some(([, to]) => to !== Infinity && to > last)) {
      throw new SyntaxFault("No such message");
    }
    const ranges = set.map(([from, to]) => order(from, to, last));
    return this.all().filter(({ number, message }) => {
      const key = byUid ? message.uid : number;
      return ranges.some(([from, to]) => from <= key && key <= to);
    });
  }

  isRecent(message: Message): boolean {
    return this.#recent.has(message);
  }

  flagsOf(message: Message): string {
    const flags = [...message.flags.values()];
    return flagList(this.#recent.has(message) ? [...flags, "\\Recent"] : flags);
  }

  /** Changes flags for this session, which will answer for it itself. */
  setFlags(message: Message, flags: Iterable<string>): void {
    this.folder.setFlags(message, flags);
    this.#own.add(message.revision);
  }

  /** Untagged responses for what has changed. EXPUNGE only where sequence numbers may move. */
  *news(expunges: boolean): Generator<string> {
    if (expunges) yield* this.#expunged();
    yield* this.#arrived();
    yield* this.#reflagged();
  }

  *#expunged(): Generator<string> {
    for (let i = this.#messages.length - 1; i >= 0; i--) {
      if (!this.#messages[i].expunged) continue;
      this.#recent.delete(this.#messages[i]);
      this.#messages.splice(i, 1);
      yield `* ${i + 1} EXPUNGE\r\n`;
    }
  }

  *#arrived(): Generator<string> {
    const known = this.#messages.at(-1)?.uid ?? 0;
    const arrived = this.folder.messages.filter((message) => message.uid > known);
    if (arrived.length === 0) return;
    for (const message of arrived) {
      this.#messages.push(message);
      this.#claim(message);
    }
    yield `* ${this.size} EXISTS\r\n`;
    yield `* ${this.recent} RECENT\r\n`;
  }

  *#reflagged(): Generator<string> {
    const since = this.#revision;
    this.#revision = this.folder.revision;
    if (since === this.folder.revision) return;
    for (const { number, message } of this.all()) {
      if (message.revision <= since || this.#own.has(message.revision) || message.expunged) {
        continue;
      }
      yield `* ${number} FETCH (UID ${message.uid} FLAGS ${this.flagsOf(message)})\r\n`;
    }
    this.#own.clear();
  }

  /** The first session that may change the folder gets \Recent. */
  #claim(message: Message): void {
    if (message.claimed) return;
    this.#recent.add(message);
    if (!this.readOnly) message.claimed = true;
  }
}

/** A range within a folder that ends at `last`; `*` is its last message. */
function order(from: number, to: number, last: number): [number, number] {
  if (to === Infinity) to = last;
  if (from === Infinity) from = last;
  return from <= to ? [from, to] : [to, from];
}
