/**
 * What the directives of one block came to, and how a server finds its values: its own, else the mail
 * level's, else (for `error_log`) the main level's, else the default.
 *
 * Rule: inheritance is by whole values; a server that sets one capability has that one alone.
 */

import type { Position } from "../core/diagnostic.ts";
import type { AnyDirective, Context } from "./directive.ts";
import {
  GLOBAL_ROWS,
  type GlobalDirective,
  SERVER_ROWS,
  type ServerDirective,
} from "./directives/table.ts";
import type { GlobalValues, Origin, ServerValues } from "./settings.ts";
import type { Statement, Word } from "./tree.ts";

/** One directive's value at one level. */
export interface Entry {
  readonly value: unknown;
  /** The statements that made it, in the order of the file. */
  readonly statements: readonly Statement[];
  /** A statement was refused: the value is not to be relied upon, and the error has been reported. */
  readonly faulty: boolean;
}

export class Level {
  readonly context: Context;
  readonly parent: Level | null;
  readonly entries: Map<string, Entry> = new Map();

  constructor(context: Context, parent: Level | null) {
    this.context = context;
    this.parent = parent;
  }

  /** The entry here or at the nearest level above. */
  find(name: string): { readonly entry: Entry; readonly level: Level } | null {
    const entry = this.entries.get(name);
    return entry ? { entry, level: this } : this.parent?.find(name) ?? null;
  }
}

/** One server while it is judged: some values may be missing or faulty still. */
export class Draft {
  /** The word `server` that began its block. */
  readonly name: Word;
  readonly level: Level;
  /** Values that follow from others, such as `protocol` from the port. */
  readonly derived: Map<ServerDirective, unknown> = new Map();

  constructor(name: Word, level: Level) {
    this.name = name;
    this.level = level;
  }

  /** The value, or undefined when it has none or a faulty one. */
  get<Name extends ServerDirective>(name: Name): ServerValues[Name] | undefined {
    const found = this.level.find(name);
    if (found?.entry.faulty) return undefined;
    if (this.derived.has(name)) return this.derived.get(name) as ServerValues[Name];
    if (found) return found.entry.value as ServerValues[Name];
    const row: AnyDirective = SERVER_ROWS[name];
    return row.default as ServerValues[Name] | undefined;
  }

  /** Whether the file says something about it that was refused. */
  faulty(name: ServerDirective): boolean {
    return this.level.find(name)?.entry.faulty ?? false;
  }

  /** Whether the file sets it, for this server or above. */
  set(name: ServerDirective): boolean {
    return this.level.find(name) !== null;
  }

  origin(name: ServerDirective): Origin {
    const found = this.level.find(name);
    if (!found) return { is: this.derived.has(name) ? "derived" : "default" };
    const { at } = found.entry.statements[0].name;
    return { is: found.level === this.level ? "set" : "inherited", at };
  }

  /** Where the file sets it; the server's own place when it does not. */
  place(name: ServerDirective): Position {
    const origin = this.origin(name);
    return "at" in origin ? origin.at : this.name.at;
  }

  /** The first argument of each statement that sets it. */
  words(name: ServerDirective): readonly Word[] {
    const statements = this.level.find(name)?.entry.statements ?? [];
    return statements.flatMap((statement) => statement.words.slice(0, 1));
  }
}

/** The process's own values, from the `main` and `events` levels. */
export class Globals {
  readonly #levels: readonly Level[];

  constructor(...levels: readonly Level[]) {
    this.#levels = levels;
  }

  get<Name extends GlobalDirective>(name: Name): GlobalValues[Name] {
    const row: AnyDirective = GLOBAL_ROWS[name];
    const entry = this.#find(name);
    return (entry ? entry.value : row.default) as GlobalValues[Name];
  }

  origin(name: GlobalDirective): Origin {
    const entry = this.#find(name);
    return entry ? { is: "set", at: entry.statements[0].name.at } : { is: "default" };
  }

  /** The first argument of each statement that sets it. */
  words(name: GlobalDirective): readonly Word[] {
    const statements = this.#find(name)?.statements ?? [];
    return statements.flatMap((statement) => statement.words.slice(0, 1));
  }

  #find(name: string): Entry | undefined {
    return this.#levels.map((level) => level.entries.get(name)).find((entry) => entry);
  }
}
