/**
 * The places of all keys and values of a TOML document that the TOML parser has accepted (it gives values
 * without places). TOML 1.0: tables, arrays of tables, dotted keys, inline tables, arrays, four kinds of
 * string.
 *
 * Rule: it may rely on the document being valid, and must end on any other as well.
 */

import type { Position } from "../core/diagnostic.ts";
import type { Outline } from "./outline.ts";
import { Lines } from "./positions.ts";

/** Where a value stands, and what is in it. */
export interface Mark {
  readonly at: Position;
  /** The value as written. */
  readonly source: string;
  /** Elements of an array, or the tables of an array of tables. */
  readonly items: Mark[];
  /** Keys of a table, in the order of the file. */
  readonly members: Map<string, Member>;
}

export interface Member {
  /** Of the key where it is first named; of the whole header for `[table]`. */
  readonly key: Position;
  readonly mark: Mark;
}

/** The marks of a document, as those of its root table. Comments go to the outline, if there is one. */
export function markPositions(file: string, text: string, outline: Outline | null = null): Mark {
  return new Scanner(file, text, outline).document();
}

/** The line on which a value ends. */
export function lastLine({ at, source }: Mark): number {
  return at.line + source.split("\n").length - 1;
}

interface Key {
  readonly name: string;
  readonly at: Position;
}

class Scanner {
  readonly #text: string;
  readonly #lines: Lines;
  readonly #outline: Outline | null;
  #at = 0;

  constructor(file: string, text: string, outline: Outline | null) {
    this.#text = text;
    this.#lines = new Lines(file, text);
    this.#outline = outline;
  }

  document(): Mark {
    const root = this.#mark(0, 0);
    let table = root;
    if (this.#text.startsWith("\ufeff")) this.#at++;
    for (;;) {
      this.#skipVoid();
      if (this.#at >= this.#text.length) return root;
      const before = this.#at;
      if (this.#text[this.#at] === "[") table = this.#header(root);
      else this.#assignment(table);
      if (this.#at === before) this.#at++;
    }
  }

  #mark(start: number, end: number): Mark {
    return {
      at: this.#lines.at(start, end),
      source: this.#text.slice(start, end),
      items: [],
      members: new Map(),
    };
  }

  /** `[a.b]` or `[[a.b]]`; gives the table that it opens. */
  #header(root: Mark): Mark {
    const start = this.#at;
    const array = this.#text[start + 1] === "[";
    this.#at += array ? 2 : 1;
    const keys = this.#keys();
    const end = this.#text.indexOf("]", this.#at);
    this.#at = end < 0 ? this.#text.length : end + (array ? 2 : 1);
    const at = this.#lines.at(start, this.#at);
    const parent = this.#walk(root, keys.slice(0, -1).map((key) => ({ ...key, at })));
    const name = keys[keys.length - 1]?.name ?? "";
    const mark = this.#child(parent, { name, at });
    if (!array) return mark;
    const item = this.#mark(start, this.#at);
    mark.items.push(item);
    return item;
  }

  #assignment(table: Mark): void {
    const keys = this.#keys();
    this.#skipSpaces();
    if (this.#text[this.#at] === "=") this.#at++;
    this.#skipSpaces();
    const last = keys[keys.length - 1];
    if (!last) return;
    const parent = this.#walk(table, keys.slice(0, -1));
    parent.members.set(last.name, { key: last.at, mark: this.#value() });
  }

  /** Down through tables, making those that a dotted key implies; of an array of tables the last. */
  #walk(table: Mark, keys: readonly Key[]): Mark {
    return keys.reduce((parent, key) => {
      const child = this.#child(parent, key);
      return child.items.length > 0 ? child.items[child.items.length - 1] : child;
    }, table);
  }

  #child(parent: Mark, key: Key): Mark {
    const known = parent.members.get(key.name);
    if (known) return known.mark;
    const mark: Mark = { at: key.at, source: "", items: [], members: new Map() };
    parent.members.set(key.name, { key: key.at, mark });
    return mark;
  }

  /** `a`, `"a b".c`: the parts of a key. */
  #keys(): Key[] {
    const keys: Key[] = [];
    for (;;) {
      this.#skipSpaces();
      const start = this.#at;
      const char = this.#text[start];
      if (char === '"' || char === "'") this.#skipString();
      else while (/[\w-]/.test(this.#text[this.#at] ?? "")) this.#at++;
      if (this.#at === start) return keys;
      const source = this.#text.slice(start, this.#at);
      keys.push({ name: keyName(source), at: this.#lines.at(start, this.#at) });
      this.#skipSpaces();
      if (this.#text[this.#at] !== ".") return keys;
      this.#at++;
    }
  }

  #value(): Mark {
    const start = this.#at;
    const items: Mark[] = [];
    const table = this.#mark(start, start);
    const char = this.#text[start];
    if (char === '"' || char === "'") this.#skipString();
    else if (char === "[") this.#elements("]", () => items.push(this.#value()));
    else if (char === "{") this.#elements("}", () => this.#assignment(table));
    else this.#skipBare();
    return { ...this.#mark(start, this.#at), items, members: table.members };
  }

  /** What stands between brackets, comma by comma. */
  #elements(close: string, element: () => void): void {
    this.#at++;
    for (;;) {
      this.#skipVoid();
      if (this.#text[this.#at] === ",") {
        this.#at++;
        continue;
      }
      if (this.#at >= this.#text.length || this.#text[this.#at] === close) break;
      const before = this.#at;
      element();
      if (this.#at === before) this.#at++;
    }
    this.#at++;
  }

  /** Numbers, booleans, dates (which may hold a space). */
  #skipBare(): void {
    const rest = /[^,\]}#\r\n]*/y;
    rest.lastIndex = this.#at;
    this.#at += (rest.exec(this.#text)?.[0] ?? "").trimEnd().length;
  }

  #skipString(): void {
    const quote = this.#text[this.#at];
    const long = this.#text.startsWith(quote.repeat(3), this.#at);
    const close = long ? quote.repeat(3) : quote;
    this.#at += close.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(close, this.#at)) {
      this.#at += quote === '"' && this.#text[this.#at] === "\\" ? 2 : 1;
    }
    this.#at = Math.min(this.#at + close.length, this.#text.length);
    // A long string may end in one or two quotes of its own.
    while (long && this.#text[this.#at] === quote) this.#at++;
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at++;
  }

  /** Spaces, line ends and comments. */
  #skipVoid(): void {
    const nothing = /(?:[ \t\r\n]+|#[^\n]*)*/y;
    nothing.lastIndex = this.#at;
    const start = this.#at;
    this.#at += nothing.exec(this.#text)?.[0].length ?? 0;
    if (this.#outline) this.#note(this.#outline, start);
  }

  /** The comments in what was passed over. */
  #note(outline: Outline, start: number): void {
    for (const match of this.#text.slice(start, this.#at).matchAll(/#[^\n]*/g)) {
      const from = start + match.index;
      const to = from + match[0].length;
      outline.comment(this.#text, from, to, this.#lines.at(from, to).line);
    }
  }
}

const KEY_ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  t: "\t",
  n: "\n",
  f: "\f",
  r: "\r",
  e: "\x1b",
};

function keyName(source: string): string {
  if (source.startsWith("'")) return source.slice(1, -1);
  if (!source.startsWith('"')) return source;
  return source.slice(1, -1).replace(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g,
    (_, short?: string, long?: string, byte?: string, char?: string) => {
      const code = short ?? long ?? byte;
      return code
        ? String.fromCodePoint(parseInt(code, 16))
        : KEY_ESCAPES[char ?? ""] ?? char ?? "";
    },
  );
}
