/**
 * The syntax-neutral tree that both readers make and `bind` takes: directives with their words, each
 * word with its place. `nginx.ts` and `toml.ts` differ only up to here.
 *
 * Rule: a word holds nginx's spelling. TOML's `true`, `60` and `"60s"` become `on`, `60` and `60s`, so
 * that every value has one parser; what TOML's types add (`timeout = true` is no time) is judged by
 * `toml.ts` before the word is made.
 */

import type { Position } from "../core/diagnostic.ts";

/** One word of a directive, quotes and escapes undone. */
export interface Word {
  readonly text: string;
  readonly at: Position;
}

/** `name word ... ;` or `name word ... { ... }`. */
export interface Statement {
  readonly name: Word;
  readonly words: readonly Word[];
  /** Null for a simple directive. */
  readonly block: readonly Statement[] | null;
  /** The reader has refused (and reported) its value: only its name is of use. */
  readonly refused?: true;
}

/** What settings know a statement by: its first argument, else its name; a block by its name. */
export function placeOf({ name, words, block }: Statement): Position {
  return block ? name.at : (words[0] ?? name).at;
}

/** A whole configuration. TOML has no blocks but `server`: its top level is main, events and mail in one. */
export interface Tree {
  readonly syntax: Syntax;
  readonly file: string;
  readonly statements: readonly Statement[];
}

export type Syntax = "toml" | "nginx";
