/**
 * Tokens of nginx.conf: words, `;`, `{`, `}` and the end.
 *
 * - Space, tab, CR and LF separate; `;` and `{` also end an unquoted word; `}` counts only where a word
 *   may begin, and so does `#`, which starts a comment.
 * - A word that begins with a quote runs to the matching unescaped one, over lines too. Behind it may
 *   follow only space, `;`, `{` or `)`. Quotes inside an unquoted word are ordinary.
 * - A backslash hides the next character. Of the hidden ones `\"` `\'` `\\` lose the backslash and `\t`
 *   `\r` `\n` become control characters; any other backslash stays.
 * - `${` does not open a block.
 */

import { CONFIG_WORD } from "../core/limits.ts";
import type { Findings } from "./findings.ts";
import type { Outline } from "./outline.ts";
import { Lines } from "./positions.ts";
import type { Word } from "./tree.ts";

export interface Token {
  readonly is: "word" | ";" | "{" | "}" | "end";
  /** The text (values unescaped) and its place. */
  readonly word: Word;
}

export class Tokens {
  readonly #text: string;
  readonly #lines: Lines;
  readonly #findings: Findings;
  readonly #outline: Outline | null;
  #at = 0;
  /** Set behind a quoted word, where not everything may follow. */
  #afterQuote = false;
  /** Within a block that is passed over nothing is reported. */
  silent = false;

  /** Comments go to the outline, if there is one. */
  constructor(file: string, text: string, findings: Findings, outline: Outline | null = null) {
    this.#text = text;
    this.#lines = new Lines(file, text);
    this.#findings = findings;
    this.#outline = outline;
  }

  next(): Token {
    this.#skipVoid();
    const start = this.#at;
    if (start >= this.#text.length) return this.#token("end", "", start, start);
    const char = this.#text[start];
    this.#checkAfterQuote(char, start);
    if (char === ";" || char === "{" || char === "}") {
      this.#at++;
      return this.#token(char, char, start, this.#at);
    }
    return char === '"' || char === "'" ? this.#quoted(char) : this.#bare();
  }

  #token(is: Token["is"], text: string, start: number, end: number): Token {
    return { is, word: { text, at: this.#lines.at(start, end) } };
  }

  /** Spaces, and comments where a word may begin. */
  #skipVoid(): void {
    const start = this.#at;
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      if (text[this.#at] === "#" && !(this.#afterQuote && this.#at === start)) {
        const found = text.indexOf("\n", this.#at);
        const end = found < 0 ? text.length : found;
        if (this.#outline && !this.silent) this.#note(this.#outline, this.#at, end);
        this.#at = end;
      }
      if (!isSpace(text[this.#at])) break;
    }
    if (this.#at > start) this.#afterQuote = false;
  }

  #note(outline: Outline, start: number, end: number): void {
    outline.comment(this.#text, start, end, this.#lines.at(start, end).line);
  }

  #checkAfterQuote(char: string, at: number): void {
    const bad = this.#afterQuote && char !== ";" && char !== "{" && char !== ")";
    this.#afterQuote = false;
    if (!bad) return;
    this.#report("unexpected-character", `unexpected "${char}"`, at, at + 1, {
      hint: "behind a closing quote a space or ; must follow",
    });
  }

  #quoted(quote: string): Token {
    const start = this.#at++;
    const text = this.#text;
    while (this.#at < text.length && text[this.#at] !== quote) {
      this.#at += text[this.#at] === "\\" ? 2 : 1;
    }
    const closed = this.#at < text.length;
    const end = Math.min(this.#at, text.length);
    this.#at = end + 1;
    this.#afterQuote = closed;
    if (!closed) {
      this.#report(
        "unexpected-end",
        'unexpected end of file, expecting ";" or "}"',
        start,
        start + 1,
        {
          hint: `the ${quote} that opens here is never closed`,
        },
      );
    } else if (byteLength(text.slice(start, end)) > CONFIG_WORD) {
      const message = `too long parameter, probably missing terminating "${quote}" character`;
      this.#report("too-long-parameter", message, start, start + 1);
    }
    return this.#token("word", unescape(text.slice(start + 1, end)), start, this.#at);
  }

  #bare(): Token {
    const start = this.#at;
    const text = this.#text;
    for (; this.#at < text.length; this.#at++) {
      const char = text[this.#at];
      if (char === "\\") this.#at++;
      else if (char === "$" && text[this.#at + 1] === "{") this.#at++;
      else if (isSpace(char) || char === ";" || char === "{") break;
    }
    const end = this.#at = Math.min(this.#at, text.length);
    if (byteLength(text.slice(start, end)) > CONFIG_WORD) {
      const message = `too long parameter "${text.slice(start, start + 10)}..." started`;
      this.#report("too-long-parameter", message, start, end);
    }
    return this.#token("word", unescape(text.slice(start, end)), start, end);
  }

  #report(
    rule: string,
    message: string,
    start: number,
    end: number,
    extra?: { readonly hint: string },
  ): void {
    if (!this.silent) this.#findings.error(rule, message, this.#lines.at(start, end), extra);
  }
}

function isSpace(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\r" || char === "\n";
}

/** The word's size in the file, which is what nginx's buffer counts. */
function byteLength(text: string): number {
  return text.length * 3 <= CONFIG_WORD ? text.length : new TextEncoder().encode(text).length;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "\\": "\\",
  t: "\t",
  r: "\r",
  n: "\n",
};

function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([\s\S])/g, (whole, char: string) => ESCAPES[char] ?? whole);
}
