/**
 * IMAP commands before login (RFC 3501 sections 2.2 and 9, RFC 7888 literals), as nginx reads them:
 * a tag, a verb and at most three arguments, each bare, quoted or a literal. A bare argument is any
 * bytes up to a space: `{`, `"` and `(` count only where an argument begins.
 *
 * The reader keeps no parse state: a command is read again from its start, but only once the line or
 * the literal that was missing is there. The client buffer bounds what there is to read.
 */

import { type ByteString, decode, SP } from "../core/bytes.ts";
import { IMAP_ARGUMENTS, IMAP_ID_STRINGS, IMAP_TAG } from "../core/limits.ts";
import { lineAt, Reader } from "./reader.ts";

export type ImapItem =
  | ImapCommand
  /** A synchronising literal was announced: prompt for it. */
  | { readonly is: "literal" }
  /** Not a command. `fatal`: a literal follows that cannot be skipped. */
  | { readonly is: "invalid"; readonly tag: ByteString | null; readonly fatal: boolean }
  | { readonly is: "long"; readonly tag: ByteString | null };

export interface ImapCommand {
  readonly is: "command";
  readonly tag: ByteString;
  /** In upper case. */
  readonly verb: string;
  readonly args: readonly ByteString[];
}

const LITERAL: ImapItem = { is: "literal" };
const OPEN = 0x7b,
  CLOSE = 0x7d,
  PLUS = 0x2b,
  QUOTE = 0x22,
  BACKSLASH = 0x5c,
  LEFT = 0x28,
  RIGHT = 0x29;

export class ImapReader extends Reader {
  /** Synchronising literals of the current command that were prompted for. */
  #prompted = 0;
  /** What the current command waits for; null when it has not been looked at. */
  #missing: Missing | null = null;
  readonly #verbs: readonly string[];

  /** `verbs`, in upper case: any other is invalid at once, its literals are not waited for. */
  constructor(verbs: readonly string[]) {
    super();
    this.#verbs = verbs;
  }

  /** The next item, or null when more bytes are needed. `cap` bounds a command with its literals. */
  next(cap: number): ImapItem | null {
    if (this.#missing && !this.#arrived(this.#missing, cap)) return null;
    const item = new Parse(this, this.#verbs, cap, this.#prompted).run();
    this.#missing = null;
    if (!isItem(item)) {
      this.#missing = item;
      return null;
    }
    this.#prompted = item === LITERAL ? this.#prompted + 1 : 0;
    return item;
  }

  /** Whether it is worth reading the command again. */
  #arrived(missing: Missing, cap: number): boolean {
    if (missing.is === "literal end") return this.length >= missing.size;
    return this.length >= cap || this.findLf(this.at + missing.from) >= 0;
  }

  override clear(): void {
    super.clear();
    this.#prompted = 0;
    this.#missing = null;
  }
}

/** What a command lacks; offsets are from its start, which moves. */
type Missing =
  | { readonly is: "line end"; readonly from: number }
  | { readonly is: "literal end"; readonly size: number };

function isItem(result: ImapItem | Missing): result is ImapItem {
  return result.is !== "line end" && result.is !== "literal end";
}

/** One pass over the current command. */
class Parse {
  readonly #reader: Reader;
  readonly #bytes: Uint8Array;
  readonly #verbs: readonly string[];
  readonly #cap: number;
  #prompts: number;
  /** The current line, which begins at `#from`. */
  #text: ByteString = "";
  #from = 0;
  #tag: ByteString | null = null;
  #verb = "";
  readonly #args: ByteString[] = [];

  constructor(reader: Reader, verbs: readonly string[], cap: number, prompts: number) {
    this.#reader = reader;
    this.#verbs = verbs;
    this.#bytes = reader.bytes;
    this.#cap = cap;
    this.#prompts = prompts;
  }

  run(): ImapItem | Missing {
    const start = this.#reader.at;
    for (let at = start;;) {
      const lf = this.#reader.findLf(at);
      if (lf < 0) {
        return this.#reader.length >= this.#cap
          ? this.#long()
          : { is: "line end", from: at - start };
      }
      if (lf + 1 - start > this.#cap) return this.#long();
      const line = lineAt(this.#bytes, at, lf);
      this.#show(at, line.end);
      const first = at === start;
      if (line.stray && first) this.#readTag(at, line.end);
      const literal = line.stray ? "invalid" : this.#segment(at, line.end, first);
      if (literal === null) {
        this.#reader.take(lf + 1);
        return { is: "command", tag: this.#tag!, verb: this.#verb, args: this.#args };
      }
      if (literal === "invalid") return this.#invalid(lf, line.end);
      const data = lf + 1;
      if (data + literal.size - start > this.#cap) {
        // Refused before it is sent; one that is not announced has to end the connection.
        this.#reader.take(data);
        return literal.sync ? { is: "invalid", tag: this.#tag, fatal: false } : this.#long();
      }
      if (literal.sync && this.#prompts-- <= 0) return LITERAL;
      if (this.#bytes.length < data + literal.size) {
        return { is: "literal end", size: data + literal.size - start };
      }
      this.#args.push(decode(this.#bytes, data, data + literal.size));
      at = data + literal.size;
    }
  }

  /** Makes the line into text once: to cut words from it costs less than to decode each. */
  #show(start: number, end: number): void {
    this.#text = decode(this.#bytes, start, end);
    this.#from = start;
  }

  #cut(start: number, end: number): ByteString {
    return this.#text.slice(start - this.#from, end - this.#from);
  }

  #long(): ImapItem {
    // The tag may not have been read yet: it is when the first line is what is too long. Not beyond
    // the cap, since how much stands there is chance.
    const { at } = this.#reader;
    const end = Math.min(this.#bytes.length, at + this.#cap);
    this.#show(at, end);
    if (this.#tag === null) this.#readTag(at, end);
    return { is: "long", tag: this.#tag };
  }

  #invalid(lf: number, end: number): ImapItem {
    const fatal = end >= 2 && this.#bytes[end - 1] === CLOSE && this.#bytes[end - 2] === PLUS;
    this.#reader.take(lf + 1);
    return { is: "invalid", tag: this.#tag, fatal };
  }

  /** One line of the command: null when the command ends with it, or the literal that it announces. */
  #segment(start: number, end: number, first: boolean): Literal | "invalid" | null {
    if (!first) {
      // Strict after a literal (nginx 1.29.6): only a space or the end of the line, or of ID's list.
      const strict = start === end || this.#bytes[start] === SP ||
        (this.#verb === "ID" && isParenthesis(this.#bytes[start]));
      return strict ? this.#arguments(start, end) : "invalid";
    }
    const afterTag = this.#readTag(start, end);
    if (afterTag < 0) return "invalid";
    let at = afterTag;
    while (at < end && this.#bytes[at] === SP) at++;
    const verb = at;
    while (at < end && this.#bytes[at] !== SP) at++;
    this.#verb = this.#known(verb, at);
    if (this.#verb === "") return "invalid";
    return this.#arguments(at, end);
  }

  /** The verb that stands there, empty when it is none of those that are known. */
  #known(start: number, end: number): string {
    for (const verb of this.#verbs) if (isWord(verb, this.#bytes, start, end)) return verb;
    return "";
  }

  /** Reads the tag and the space behind it; the position after, or -1. */
  #readTag(start: number, end: number): number {
    let at = start;
    while (at < end && at - start <= IMAP_TAG && isTagByte(this.#bytes[at])) at++;
    const length = at - start;
    if (length === 0 || length > IMAP_TAG || at >= end || this.#bytes[at] !== SP) return -1;
    this.#tag = this.#cut(start, at);
    return at + 1;
  }

  #arguments(start: number, end: number): Literal | "invalid" | null {
    const bytes = this.#bytes;
    const id = this.#verb === "ID";
    const most = id ? IMAP_ID_STRINGS : IMAP_ARGUMENTS;
    for (let at = start;;) {
      while (at < end && (bytes[at] === SP || id && isParenthesis(bytes[at]))) at++;
      if (at === end) return null;
      if (this.#args.length === most) return "invalid";
      if (bytes[at] === OPEN) return readLiteral(bytes, at, end);
      at = bytes[at] === QUOTE ? this.#quoted(at + 1, end) : this.#bare(at, end, id);
      if (at < 0) return "invalid";
    }
  }

  #bare(start: number, end: number, id: boolean): number {
    let at = start;
    while (at < end && this.#bytes[at] !== SP && !(id && isParenthesis(this.#bytes[at]))) at++;
    this.#args.push(this.#cut(start, at));
    return at;
  }

  /** Reads up to the closing quote; the position after it, or -1 when there is none. */
  #quoted(start: number, end: number): number {
    let text = "";
    let from = start;
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at];
      if (byte === QUOTE) {
        this.#args.push(text + this.#cut(from, at));
        return at + 1;
      }
      if (byte === BACKSLASH) {
        text += this.#cut(from, at);
        from = ++at;
      }
    }
    return -1;
  }
}

interface Literal {
  readonly size: number;
  readonly sync: boolean;
}

/** `{N}` or `{N+}` at the end of the line. */
function readLiteral(bytes: Uint8Array, start: number, end: number): Literal | "invalid" {
  // Ten digits are more than any buffer; a longer number could only overflow.
  const match = end - start > 13 ? null : /^\{(\d{1,10})(\+?)\}$/.exec(decode(bytes, start, end));
  return match ? { size: Number(match[1]), sync: match[2] === "" } : "invalid";
}

function isTagByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2e || byte === 0x5f;
}

/** Whether `word`, letters in upper case, stands there in any case. */
function isWord(word: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i++) {
    if ((bytes[start + i] & 0xdf) !== word.charCodeAt(i)) return false;
  }
  return true;
}

function isParenthesis(byte: number): boolean {
  return byte === LEFT || byte === RIGHT;
}
