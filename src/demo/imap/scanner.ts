/**
 * The arguments of one IMAP command, read from left to right. RFC 3501 section 9, RFC 7888.
 * A method takes one element and moves past it, or throws a `SyntaxFault`.
 *
 * Generous where it costs nothing: 8-bit bytes may stand in atoms and quoted strings, and spaces may
 * trail.
 */

import { type ByteString, decode } from "../../core/bytes.ts";

/** The client's mistake, answered with BAD. */
export class SyntaxFault extends Error {
  override readonly name = "SyntaxFault";
}

/** A command as it was read: text, and the literals between. */
export type Segments = readonly (ByteString | Uint8Array)[];

/** `1:3,7,*`: inclusive ranges; infinity is `*`. */
export type SequenceSet = readonly (readonly [number, number])[];

const ATOM = /[^\x00-\x20(){%*"\\\x7f]+/y;
const LIST_ATOM = /[^\x00-\x20(){"\\\x7f]+/y;
const QUOTED = /"((?:[^"\\\r\n]|\\.)*)"/y;
const SET = /[\d:,*]+/y;

export class Scanner {
  readonly #segments: Segments;
  #index = 0;
  #at = 0;

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  /** The next character; empty at the end and before a literal. */
  peek(): string {
    const text = this.#segments[this.#index];
    return typeof text === "string" ? text.charAt(this.#at) : "";
  }

  /** Takes one character if it is the next. */
  accept(char: string): boolean {
    if (this.peek() !== char) return false;
    this.#at++;
    return true;
  }

  expect(char: string): void {
    if (!this.accept(char)) throw new SyntaxFault(`Expected ${char === " " ? "a space" : char}`);
  }

  space(): void {
    this.expect(" ");
  }

  /** Nothing may follow. */
  end(): void {
    while (this.accept(" "));
    if (this.peek() !== "" || this.#literalNext()) throw new SyntaxFault("Too many arguments");
  }

  /** Whether something follows, after a space that is taken. */
  more(): boolean {
    return this.accept(" ") && (this.peek() !== "" || this.#literalNext());
  }

  atom(): ByteString {
    return this.match(ATOM)?.[0] ?? this.#fault("Expected a word");
  }

  /** A word in upper case. */
  word(): string {
    return this.atom().toUpperCase();
  }

  number(): number {
    const digits = this.atom();
    if (!/^\d{1,10}$/.test(digits)) throw new SyntaxFault("Expected a number");
    return Number(digits);
  }

  quoted(): ByteString {
    const found = this.match(QUOTED) ?? this.#fault("Expected a quoted string");
    return found[1].replace(/\\(.)/g, "$1");
  }

  /** A literal's bytes. */
  literal(): Uint8Array {
    if (!this.#literalNext()) throw new SyntaxFault("Expected a literal");
    const bytes = this.#segments[this.#index + 1] as Uint8Array;
    this.#index += 2;
    this.#at = 0;
    return bytes;
  }

  string(): ByteString {
    return this.#literalNext() ? decode(this.literal()) : this.quoted();
  }

  astring(): ByteString {
    return this.peek() === '"' || this.#literalNext() ? this.string() : this.atom();
  }

  /** A mailbox name in which `*` and `%` may stand. */
  listMailbox(): ByteString {
    if (this.peek() === '"' || this.#literalNext()) return this.string();
    return this.match(LIST_ATOM)?.[0] ?? this.#fault("Expected a mailbox pattern");
  }

  flag(): string {
    const system = this.accept("\\") ? "\\" : "";
    return system + this.atom();
  }

  /** `( element SP element ... )`, possibly empty. */
  list<T>(element: () => T): T[] {
    const found: T[] = [];
    this.expect("(");
    while (!this.accept(")")) {
      if (found.length > 0) this.space();
      found.push(element());
    }
    return found;
  }

  /** `a:b` in either order, `*` for the last. */
  sequenceSet(): SequenceSet {
    const text = this.match(SET)?.[0] ?? this.#fault("Expected a message set");
    return text.split(",").map((range) => {
      if (!/^(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?$/.test(range)) {
        throw new SyntaxFault("Expected a message set");
      }
      const [from, to = from] = range.split(":").map((n) => n === "*" ? Infinity : Number(n));
      return from <= to ? [from, to] : [to, from];
    });
  }

  /** Takes what matches a sticky pattern at the cursor. */
  match(pattern: RegExp): RegExpExecArray | null {
    const text = this.#segments[this.#index];
    if (typeof text !== "string") return null;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(text);
    if (found) this.#at += found[0].length;
    return found;
  }

  /** The cursor stands at the end of a text that a literal follows. */
  #literalNext(): boolean {
    const text = this.#segments[this.#index];
    return typeof text === "string" && this.#at === text.length &&
      this.#index + 1 < this.#segments.length;
  }

  #fault(message: string): never {
    throw new SyntaxFault(message);
  }
}
