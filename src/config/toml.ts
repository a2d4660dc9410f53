/**
 * Reads TOML into the tree. TOML is flat and says nginx's words: top-level keys are the `main`, `events`
 * and `mail` contexts, each `[[server]]` is a `server` block.
 *
 * A value may have its natural type (`true`, `60`, an array) or nginx's spelling as a string; the row of
 * the directive says which (`TomlForm` in `kind.ts`). Type errors name what is expected.
 */

import { parse, TomlDate, TomlError } from "smol-toml";
import type { Position } from "../core/diagnostic.ts";
import { rowOf } from "./directives/table.ts";
import type { Findings } from "./findings.ts";
import type { Kind, TomlForm } from "./kind.ts";
import { Outline } from "./outline.ts";
import { lastLine, type Mark, markPositions } from "./toml-positions.ts";
import type { Statement, Tree, Word } from "./tree.ts";

/** With `outlines`, that of the file is added to it. */
export function parseToml(
  file: string,
  text: string,
  findings: Findings,
  outlines: Outline[] | null = null,
): Tree {
  const document = parseText(file, text, findings);
  if (!document) return { syntax: "toml", file, statements: [] };
  const outline = outlines && new Outline();
  if (outlines && outline) outlines.push(outline);
  const reader = new Reader(findings, outline);
  const marks = markPositions(file, text, outline);
  return { syntax: "toml", file, statements: reader.top(document, marks) };
}

type Table = Readonly<Record<string, unknown>>;

function parseText(file: string, text: string, findings: Findings): Table | null {
  try {
    return parse(text, { integersAsBigInt: true, maxDepth: 32 });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [message] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    const at: Position = { file, line: error.line, column: error.column, length: 1 };
    findings.error("syntax", `TOML: ${message}`, at);
    return null;
  }
}

/** nginx's blocks, which TOML does without. */
const NGINX_BLOCKS = ["main", "events", "mail"];

class Reader {
  readonly #findings: Findings;
  readonly #outline: Outline | null;

  constructor(findings: Findings, outline: Outline | null) {
    this.#findings = findings;
    this.#outline = outline;
  }

  top(table: Table, mark: Mark): Statement[] {
    return this.#entries(table, mark).flatMap(([name, value, inner]) => {
      if (name.text === "server") return this.#servers(name, value, inner);
      if (!isTable(value) || !NGINX_BLOCKS.includes(name.text)) {
        return this.#directive(name, value, inner);
      }
      const hint = "write its keys at the top level, before the first [[server]]";
      this.#findings.error("not-flat", `there is no table "${name.text}" in TOML`, name, { hint });
      return this.top(value, inner);
    });
  }

  #entries(table: Table, mark: Mark): readonly (readonly [Word, unknown, Mark])[] {
    return [...mark.members].map(([text, { key, mark: inner }]) => [
      { text, at: key },
      table[text],
      inner,
    ]);
  }

  #servers(name: Word, value: unknown, mark: Mark): Statement[] {
    const hint = "each server is a table of an array: [[server]]";
    if (Array.isArray(value) && value.every(isTable)) {
      return value.map((table, i) =>
        this.#server({ text: name.text, at: mark.items[i].at }, table, mark.items[i])
      );
    }
    this.#findings.error("invalid-type", 'expected "server" to be an array of tables', name, {
      hint,
    });
    return isTable(value) ? [this.#server(name, value, mark)] : [];
  }

  #server(name: Word, table: Table, mark: Mark): Statement {
    this.#outline?.open("table", name.at, name.at.line, name.at.line);
    const entries = this.#entries(table, mark);
    const block = entries.flatMap((entry) => this.#directive(...entry));
    const last = Math.max(name.at.line, ...entries.map(([, , each]) => lastLine(each)));
    this.#outline?.close(last);
    return { name, words: [], block };
  }

  /** The statements that one key stands for; none when its value has the wrong type. */
  #directive(name: Word, value: unknown, mark: Mark): Statement[] {
    const row = rowOf(name.text);
    // `bind` says what is wrong with a name that is in no row.
    if (!row) return [{ name, words: [], block: null }];
    const located = { value, mark };
    const statements = FORMS[row.kind.toml](located, row.kind);
    if (statements) {
      if (this.#outline) noteDirective(name, mark, statements, this.#outline);
      return statements.map((words) => ({ name, words, block: null }));
    }
    const part = faultyPart(located, row.kind);
    const message = `"${name.text}" expects ${row.kind.expects}, not ${describe(part.value)}`;
    this.#findings.error("invalid-type", message, part.mark.at);
    return [{ name, words: [], block: null, refused: true }];
  }
}

/** One statement, or the elements of an array that each are one. */
function noteDirective(
  name: Word,
  mark: Mark,
  statements: readonly (readonly Word[])[],
  outline: Outline,
): void {
  const end = lastLine(mark);
  const [place] = statements[0];
  if (statements.length === 1 || mark.items.length !== statements.length) {
    return outline.statement(place.at, name.at.line, end);
  }
  outline.open("array", place.at, name.at.line, mark.at.line);
  for (const [i, item] of mark.items.entries()) {
    outline.statement(statements[i][0].at, item.at.line, lastLine(item));
  }
  outline.close(end);
}

// --- shapes --------------------------------------------------------------------------------------

interface Located {
  readonly value: unknown;
  readonly mark: Mark;
}

/** Words of each statement; null = not of this shape. */
type Shape = (located: Located, kind: Kind<unknown>) => readonly (readonly Word[])[] | null;

const FORMS: Readonly<Record<TomlForm, Shape>> = {
  scalar: (located, kind) => {
    const word = toWord(located, kind);
    return word && [[word]];
  },
  each: (located, kind) => {
    const words = all(elements(located), (element) => toWord(element, kind));
    return words && words.map((word) => [word]);
  },
  words: (located, kind) => {
    const words = all(elements(located), (element) => toWord(element, kind));
    return words && words.length > 0 ? [words] : null;
  },
  line: (located, kind) =>
    typeof located.value === "string" ? [cut(located)] : FORMS.words(located, kind),
  lines: (located, kind) =>
    all(elements(located), (element) => {
      if (typeof element.value === "string") return cut(element);
      const words = all(elements(element), (part) => toWord(part, kind));
      return words && words.length > 0 ? words : null;
    }),
  pairs: (located, kind) =>
    all(Array.isArray(located.value) ? elements(located) : null, (element) => {
      if (!Array.isArray(element.value) || element.value.length !== 2) return null;
      return all(elements(element), (part) => toWord(part, kind));
    }),
};

/** Results for all, or null when one is null; of nothing, null too: an empty list says nothing. */
function all<From, To>(
  values: readonly From[] | null,
  convert: (value: From) => To | null,
): readonly To[] | null {
  if (!values || values.length === 0) return null;
  const results: To[] = [];
  for (const value of values) {
    const result = convert(value);
    if (result === null) return null;
    results.push(result);
  }
  return results;
}

/** The elements of an array; any other value alone. */
function elements({ value, mark }: Located): readonly Located[] {
  if (!Array.isArray(value)) return [{ value, mark }];
  return value.map((element: unknown, i) => ({ value: element, mark: mark.items[i] }));
}

function toWord({ value, mark }: Located, kind: Kind<unknown>): Word | null {
  const text = spell(value, kind);
  return text === null ? null : { text, at: mark.at };
}

/** nginx's spelling of a TOML value. */
function spell(value: unknown, kind: Kind<unknown>): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" && kind.types.includes("integer")) return String(value);
  if (typeof value === "boolean" && kind.types.includes("boolean")) return value ? "on" : "off";
  return null;
}

/** A string cut at its spaces, each word with its own place where the source shows it. */
function cut({ value, mark }: Located): readonly Word[] {
  const text = String(value);
  const plain = mark.source.slice(1, -1) === text;
  const words = [...text.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    at: plain
      ? { ...mark.at, column: mark.at.column + 1 + match.index, length: match[0].length }
      : mark.at,
  }));
  return words.length > 0 ? words : [{ text: "", at: mark.at }];
}

// --- type errors -----------------------------------------------------------------------------------

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof TomlDate);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (typeof value === "bigint") return "an integer";
  if (typeof value === "number") return "a float";
  if (typeof value === "boolean") return "a boolean";
  if (value instanceof TomlDate) return "a date";
  return isTable(value) ? "a table" : "a string";
}

/** The first element that no shape takes, else the whole value. */
function faultyPart(located: Located, kind: Kind<unknown>): Located {
  if (!Array.isArray(located.value) || kind.toml === "scalar") return located;
  const fits = kind.toml === "pairs"
    ? Array.isArray
    : (value: unknown) => spell(value, kind) !== null;
  return elements(located).find(({ value }) => !fits(value)) ?? located;
}
