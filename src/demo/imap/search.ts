/**
 * SEARCH: keys parsed into one test of a message. RFC 3501 section 6.4.4.
 * Strings are found regardless of case, in header values and text parts as a person reads them.
 */

import { type ByteString, encode } from "../../core/bytes.ts";
import { DEMO_IMAP_DEPTH, DEMO_IMAP_ITEMS } from "../../core/limits.ts";
import { DAY_MS, headerDay, midnight, parseDay } from "../dates.ts";
import { decodeText, decodeWords } from "../decode.ts";
import type { Message } from "../mailbox.ts";
import { type Entity, fieldOf } from "../message.ts";
import { type Scanner, SyntaxFault } from "./scanner.ts";
import type { Numbered, View } from "./view.ts";

export type Test = (at: Numbered) => boolean;

/** The client asked for a charset other than US-ASCII and UTF-8. */
export class CharsetFault extends Error {
  override readonly name = "CharsetFault";
}

/** What stands behind SEARCH. Throws a `SyntaxFault` or a `CharsetFault`. */
export function parseSearch(args: Scanner, view: View): Test {
  if (args.match(/CHARSET /iy)) {
    const charset = args.astring().toUpperCase();
    if (charset !== "US-ASCII" && charset !== "UTF-8") throw new CharsetFault(charset);
    args.space();
  }
  const test = new Keys(args, view).all();
  args.end();
  return test;
}

class Keys {
  readonly #args: Scanner;
  readonly #view: View;
  #left = DEMO_IMAP_ITEMS;
  #depth = 0;

  constructor(args: Scanner, view: View) {
    this.#args = args;
    this.#view = view;
  }

  /** Keys parted by spaces, all of which must hold. */
  all(): Test {
    const tests = [this.#key()];
    while (this.#args.peek() !== ")" && this.#args.more()) tests.push(this.#key());
    return (at) => tests.every((test) => test(at));
  }

  #key(): Test {
    if (this.#left-- <= 0) throw new SyntaxFault("Too many search keys");
    if (++this.#depth > DEMO_IMAP_DEPTH) throw new SyntaxFault("Search keys nested too deep");
    const test = this.#one();
    this.#depth--;
    return test;
  }

  #one(): Test {
    if (this.#args.accept("(")) {
      const test = this.all();
      this.#args.expect(")");
      return test;
    }
    if (/[\d*]/.test(this.#args.peek())) return this.#set(false);
    const name = this.#args.word();
    const flag = FLAG_KEYS.get(name);
    if (flag) return ({ message }) => message.has(flag.name) === flag.set;
    return this.#named(name);
  }

  #named(name: string): Test {
    switch (name) {
      case "ALL":
        return () => true;
      case "RECENT":
        return this.#recent(true);
      case "OLD":
        return this.#recent(false);
      case "NEW": {
        const recent = this.#recent(true);
        return (at) => recent(at) && !at.message.has("\\Seen");
      }
      case "NOT": {
        const test = this.#argument(() => this.#key());
        return (at) => !test(at);
      }
      case "OR": {
        const [one, other] = [this.#argument(() => this.#key()), this.#argument(() => this.#key())];
        return (at) => one(at) || other(at);
      }
      case "UID":
        return this.#argument(() => this.#set(true));
      case "KEYWORD":
      case "UNKEYWORD": {
        const flag = this.#argument(() => this.#args.flag());
        return ({ message }) => message.has(flag) === (name === "KEYWORD");
      }
      case "LARGER":
      case "SMALLER":
        return this.#size(name);
      default:
        return DATES.has(name) ? this.#date(name) : this.#text(name);
    }
  }

  #argument<T>(read: () => T): T {
    this.#args.space();
    return read();
  }

  #set(byUid: boolean): Test {
    const found = new Set(
      this.#view.resolve(this.#args.sequenceSet(), byUid).map(({ message }) => message),
    );
    return ({ message }) => found.has(message);
  }

  #recent(wanted: boolean): Test {
    return ({ message }) => this.#view.isRecent(message) === wanted;
  }

  #size(name: "LARGER" | "SMALLER"): Test {
    const size = this.#argument(() => this.#args.number());
    return name === "LARGER"
      ? ({ message }) => message.raw.length > size
      : ({ message }) => message.raw.length < size;
  }

  #date(name: string): Test {
    const text = this.#argument(() => this.#args.astring());
    const day = parseDay(text);
    if (day === null) throw new SyntaxFault("Expected a date such as 1-Feb-2026");
    const sent = name.startsWith("SENT");
    const matches = DATES.get(name)!;
    return ({ message }) => {
      const of = sent ? headerDay(field(message, "date")) : midnight(message.received);
      return of !== null && matches(of, day);
    };
  }

  #text(name: string): Test {
    if (name === "HEADER") {
      const header = this.#argument(() => this.#args.astring());
      const needle = this.#needle();
      return ({ message }) => {
        const value = fieldOf(message.entity, header);
        return value !== null && includes(decodeWords(value), needle);
      };
    }
    if (["FROM", "TO", "CC", "BCC", "SUBJECT"].includes(name)) {
      const needle = this.#needle();
      return ({ message }) => includes(decodeWords(field(message, name)), needle);
    }
    if (name !== "BODY" && name !== "TEXT") throw new SyntaxFault("Unknown search key");
    const needle = this.#needle();
    return ({ message }) => {
      return bodyIncludes(message.entity, needle) ||
        name === "TEXT" && headerIncludes(message.entity, needle);
    };
  }

  /** A string to look for, in lower case. */
  #needle(): string {
    const bytes = this.#argument(() => this.#args.astring());
    return new TextDecoder().decode(encode(bytes)).toLowerCase();
  }
}

interface FlagKey {
  readonly name: string;
  readonly set: boolean;
}

const FLAG_KEYS: ReadonlyMap<string, FlagKey> = new Map(
  ["ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN"].flatMap((flag): [string, FlagKey][] => [
    [flag, { name: `\\${flag}`, set: true }],
    [`UN${flag}`, { name: `\\${flag}`, set: false }],
  ]),
);

/** How the day of a message stands to the day asked for. */
const DATES: ReadonlyMap<string, (of: number, day: number) => boolean> = new Map(
  ["", "SENT"].flatMap((prefix): [string, (of: number, day: number) => boolean][] => [
    [`${prefix}BEFORE`, (of, day) => of < day],
    [`${prefix}ON`, (of, day) => of >= day && of < day + DAY_MS],
    [`${prefix}SINCE`, (of, day) => of >= day],
  ]),
);

function field(message: Message, name: string): ByteString {
  return fieldOf(message.entity, name) ?? "";
}

function includes(text: string, needle: string): boolean {
  return text.toLowerCase().includes(needle);
}

function headerIncludes(entity: Entity, needle: string): boolean {
  return entity.fields.some(({ name, value }) =>
    includes(`${name}: ${decodeWords(value)}`, needle)
  );
}

/** Whether a text part, however deep, has it. */
function bodyIncludes(entity: Entity, needle: string): boolean {
  if (entity.children.length > 0) {
    return entity.children.some((child) => bodyIncludes(child, needle));
  }
  const text = decodeText(entity);
  return text !== null && includes(text, needle);
}
