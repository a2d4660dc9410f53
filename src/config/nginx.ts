/**
 * Reads nginx.conf into the tree: statements, blocks, `include`.
 *
 * Only `events`, `mail` and `server` blocks are read; of any other one (`http`, `stream`, a misspelt name)
 * the end is found and the contents are passed over, includes within it too.
 *
 * Differences from nginx: reading goes on behind an error, `events {}` may be absent, and places have
 * columns.
 */

import { FileError } from "../core/errors.ts";
import { INCLUDE_DEPTH } from "../core/limits.ts";
import type { Findings } from "./findings.ts";
import { Tokens } from "./nginx-tokens.ts";
import { Outline } from "./outline.ts";
import { placeOf, type Statement, type Tree, type Word } from "./tree.ts";

/** Where included files come from. Both functions throw `FileError`. */
export interface Includes {
  /** The main file's path as an `include` would find it. */
  readonly main: string;
  read(path: string): string;
  /** Paths for the argument of `include`, sorted; a pattern may have none. */
  find(pattern: string): readonly string[];
}

const BLOCKS_READ = new Set(["events", "mail", "server"]);

/** `mail { server { ...`: what is nested deeper has no meaning, and shall not use up the stack. */
const BLOCK_DEPTH = 4;

/** With `outlines`, those of all files that are read are added to it, the main one's first. */
export function parseNginx(
  file: string,
  text: string,
  includes: Includes,
  findings: Findings,
  outlines: Outline[] | null = null,
): Tree {
  const reader = new Reader(includes, findings, outlines);
  return { syntax: "nginx", file, statements: reader.file(file, text, includes.main) };
}

class Reader {
  readonly #includes: Includes;
  readonly #findings: Findings;
  /** Files that are being read, the main one first. */
  readonly #open: string[] = [];
  readonly #outlines: Outline[] | null;
  /** Of the file that is being read; null when nobody asks for comments. */
  #outline: Outline | null = null;

  constructor(includes: Includes, findings: Findings, outlines: Outline[] | null) {
    this.#includes = includes;
    this.#findings = findings;
    this.#outlines = outlines;
  }

  file(file: string, text: string, path: string): readonly Statement[] {
    this.#open.push(path);
    const outer = this.#outline;
    this.#outline = this.#outlines && new Outline();
    if (this.#outlines && this.#outline) this.#outlines.push(this.#outline);
    const tokens = new Tokens(file, text, this.#findings, this.#outline);
    const statements = this.#block(tokens, null, 0);
    this.#outline = outer;
    this.#open.pop();
    return statements;
  }

  /** Statements up to the `}` of the block that `opener` opened, or to the end of the file. */
  #block(tokens: Tokens, opener: Word | null, depth: number): readonly Statement[] {
    const statements: Statement[] = [];
    let words: Word[] = [];
    for (;;) {
      const { is, word } = tokens.next();
      if (is === "word") {
        words.push(word);
        continue;
      }
      if (is === ";" && words.length === 0) this.#unexpected(word);
      else if (is === ";") statements.push(...this.#simple(words, word));
      else if (is === "{") statements.push(...this.#opened(tokens, words, word, depth));
      else {
        if (words.length > 0) statements.push(...this.#unfinished(words, is, word));
        if (opener) this.#outline?.close(word.at.line);
        if (is === "end") return this.#ended(statements, opener, word);
        if (opener) return statements;
        this.#unexpected(word);
      }
      words = [];
    }
  }

  #unexpected(word: Word, hint?: string): void {
    this.#findings.error("unexpected-character", `unexpected "${word.text}"`, word, { hint });
  }

  #simple(words: readonly Word[], end: Word): readonly Statement[] {
    const [name, ...rest] = words;
    const statements: readonly Statement[] = name.text === "include"
      ? this.#include(name, rest)
      : [{ name, words: rest, block: null }];
    // What is said of an `include` is said of the first thing that it brings in.
    if (statements.length > 0) {
      const include = name.text === "include";
      this.#outline?.statement(placeOf(statements[0]), name.at.line, end.at.line, include);
    }
    return statements;
  }

  #opened(
    tokens: Tokens,
    words: readonly Word[],
    brace: Word,
    depth: number,
  ): readonly Statement[] {
    if (words.length === 0) {
      this.#unexpected(brace, "a block needs a name");
      this.#passOver(tokens, brace);
      return [];
    }
    const [name, ...rest] = words;
    if (name.text === "include") return this.#includeBlock(tokens, words, depth);
    // The last word opens the block where the `;` before it was forgotten: `timeout 60s server {`.
    const opener = words[words.length - 1];
    if (BLOCKS_READ.has(opener.text) && depth < BLOCK_DEPTH) {
      this.#outline?.open("block", name.at, name.at.line, brace.at.line);
      return [{ name, words: rest, block: this.#block(tokens, opener, depth + 1) }];
    }
    const end = this.#passOver(tokens, name);
    const passed: Statement = { name, words: rest, block: [] };
    this.#outline?.statement(placeOf(passed), name.at.line, end.at.line);
    return [passed];
  }

  /** `include FILE` without its `;` before a block. */
  #includeBlock(tokens: Tokens, words: readonly Word[], depth: number): readonly Statement[] {
    const opener = words[words.length - 1];
    const isBlock = words.length > 2 && BLOCKS_READ.has(opener.text);
    const hint = isBlock ? `a ; is missing behind "${words[words.length - 2].text}"` : undefined;
    const message = 'directive "include" is not terminated by ";"';
    this.#findings.error("not-terminated", message, words[0], { hint });
    if (isBlock) return this.#opened(tokens, [opener], opener, depth);
    this.#passOver(tokens, words[0]);
    return [];
  }

  /** Finds the end of a block that is not read. */
  #passOver(tokens: Tokens, opener: Word): Word {
    const before = tokens.silent;
    tokens.silent = true;
    let end = opener;
    for (let open = 1; open > 0;) {
      const { is, word } = tokens.next();
      end = word;
      if (is === "{") open++;
      else if (is === "}") open--;
      else if (is === "end") {
        this.#ended([], opener, word);
        break;
      }
    }
    tokens.silent = before;
    return end;
  }

  #unfinished(
    words: readonly Word[],
    is: "}" | "end",
    word: Word,
  ): readonly Statement[] {
    const last = words[words.length - 1];
    const hint = `a ; is missing behind "${last.text}"`;
    if (is === "}") this.#unexpected(word, hint);
    else {
      const message = 'unexpected end of file, expecting ";" or "}"';
      this.#findings.error("unexpected-end", message, last, { hint });
    }
    return this.#simple(words, last);
  }

  #ended(
    statements: readonly Statement[],
    opener: Word | null,
    end: Word,
  ): readonly Statement[] {
    if (opener) {
      this.#findings.error("unexpected-end", 'unexpected end of file, expecting "}"', end, {
        hint: `the block "${opener.text}" is never closed`,
        related: { at: opener.at, message: "opened here" },
      });
    }
    return statements;
  }

  #include(name: Word, words: readonly Word[]): readonly Statement[] {
    if (words.length !== 1) {
      const message = 'invalid number of arguments in "include" directive';
      this.#findings.error("invalid-number-of-arguments", message, name);
      return [];
    }
    try {
      return this.#includes.find(words[0].text).flatMap((path) => this.#included(path, words[0]));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const message = `open() "${error.path}" failed ${error.errno}`;
      this.#findings.error("missing-file", message, words[0]);
      return [];
    }
  }

  #included(path: string, at: Word): readonly Statement[] {
    if (this.#open.includes(path)) {
      this.#findings.error("include-loop", `"${path}" includes itself`, at);
      return [];
    }
    if (this.#open.length > INCLUDE_DEPTH) {
      this.#findings.error("include-loop", "includes are nested too deep", at);
      return [];
    }
    return this.file(path, this.#includes.read(path), path);
  }
}
