/**
 * Binds a tree to the directive table: contexts, number of arguments, duplicates, values, inheritance; then
 * has the servers checked and made into settings.
 *
 * Rules: it never stops at the first fault. The order of judgement for one directive is nginx's: name,
 * context, terminator, number of arguments, duplicate, value. Directives of an outer level are bound before
 * the blocks in it, and `listen` last in its server, because it looks at `protocol` and `ssl`.
 */

import { nearest } from "../core/diagnostic.ts";
import { check } from "./check.ts";
import type { AnyDirective } from "./directive.ts";
import { hintForForeign, PASSED_OVER, PASSED_OVER_BLOCKS } from "./directives/foreign.ts";
import { RENAMED } from "./directives/old.ts";
import { DIRECTIVE_NAMES, rowOf } from "./directives/table.ts";
import type { Findings } from "./findings.ts";
import type { Protocol, Reading } from "./kind.ts";
import { Draft, Globals, Level } from "./levels.ts";
import { type Listen, protocolOfListeners } from "./listen.ts";
import { splitRunaway } from "./runaway.ts";
import type { Settings } from "./settings.ts";
import { complete, derive } from "./complete.ts";
import type { Statement, Tree, Word } from "./tree.ts";

/** What binding needs to know of the world. */
export interface Surroundings {
  /** Folder of the main file, absolute. */
  readonly folder: string;
  readonly hostname: string;
  /** Addresses of a host name; null = it has none, undefined = names are not being resolved. */
  lookup(host: string): readonly string[] | null | undefined;
}

export interface Bound {
  /** Null when there is an error among the findings. */
  readonly settings: Settings | null;
  readonly servers: readonly Draft[];
}

export function bind(tree: Tree, surroundings: Surroundings, findings: Findings): Bound {
  const binder = new Binder(tree, surroundings, findings);
  binder.bindTop(tree.statements);
  const { servers, globals } = binder;
  for (const server of servers) derive(server, surroundings.hostname);
  check(tree.file, servers, globals, findings);
  return { servers, settings: findings.failed ? null : complete(servers, globals) };
}

/** The blocks and where they may stand. */
const BLOCKS: ReadonlyMap<string, Level["context"]> = new Map([
  ["events", "main"],
  ["mail", "main"],
  ["server", "mail"],
]);

class Binder {
  readonly servers: Draft[] = [];
  readonly globals: Globals;
  readonly #main = new Level("main", null);
  readonly #events = new Level("events", null);
  readonly #mail = new Level("mail", this.#main);
  readonly #toml: boolean;
  readonly #surroundings: Surroundings;
  readonly #findings: Findings;
  /** `mail` and `events`, of which there is one each. */
  readonly #soleBlocks = new Map<string, Word>();

  constructor(tree: Tree, surroundings: Surroundings, findings: Findings) {
    this.globals = new Globals(this.#main, this.#events);
    this.#toml = tree.syntax === "toml";
    this.#surroundings = surroundings;
    this.#findings = findings;
  }

  bindTop(statements: readonly Statement[]): void {
    // TOML's top level is all three contexts at once; the row says which.
    const levels = this.#toml ? [this.#main, this.#events, this.#mail] : [this.#main];
    this.#bindAll(statements, levels, null);
  }

  #bindAll(statements: readonly Statement[], levels: readonly Level[], server: Draft | null): void {
    const pieces = this.#toml
      ? [...statements]
      : statements.flatMap((statement) => splitRunaway(statement, this.#findings));
    const rank = ({ name, block }: Statement) => block ? 2 : name.text === "listen" ? 1 : 0;
    pieces.sort((a, b) => rank(a) - rank(b));
    for (const statement of pieces) this.#bindOne(statement, levels, server);
  }

  #bindOne(statement: Statement, levels: readonly Level[], server: Draft | null): void {
    const { name } = statement;
    if (BLOCKS.has(name.text)) return this.#bindBlock(statement, levels);
    if (PASSED_OVER_BLOCKS.has(name.text) || PASSED_OVER.has(name.text)) {
      return this.#passOver(statement, levels);
    }
    const row = rowOf(name.text);
    if (!row) return this.#unknown(name);
    const level = levels.find(({ context }) => row.contexts.includes(context));
    if (!level) return this.#misplaced(name, row.contexts);
    this.#bindDirective(statement, row, level, server);
  }

  // --- names and places ------------------------------------------------------------------------

  #unknown(name: Word): void {
    const message = `unknown directive "${name.text}"`;
    const foreign = hintForForeign(name.text);
    if (foreign !== undefined) {
      return this.#findings.error("foreign-directive", message, name, { hint: foreign });
    }
    const guess = nearest(name.text, [...DIRECTIVE_NAMES, ...BLOCKS.keys()]);
    const hint = guess && `did you mean "${guess}"?`;
    this.#findings.error("unknown-directive", message, name, { hint });
  }

  #misplaced(name: Word, contexts: readonly string[]): void {
    const message = `"${name.text}" directive is not allowed here`;
    const names = contexts.map((context) => this.#contextName(context));
    const hint = `it belongs ${[...new Set(names)].join(" or ")}`;
    this.#findings.error("not-allowed-here", message, name, { hint });
  }

  #contextName(context: string): string {
    if (this.#toml) return context === "server" ? "in a [[server]]" : "at the top level";
    return context === "main" ? "at the top level" : `in ${context} {}`;
  }

  #passOver(statement: Statement, levels: readonly Level[]): void {
    const { name } = statement;
    if (!levels.some(({ context }) => context === "main" || context === "events")) {
      return this.#misplaced(name, ["main"]);
    }
    const what = statement.block ? "block is" : "directive is";
    this.#findings.info(
      "passed-over",
      `"${name.text}" ${what} passed over: it has no effect here`,
      name,
    );
  }

  // --- blocks ----------------------------------------------------------------------------------

  #bindBlock(statement: Statement, levels: readonly Level[]): void {
    const { name, words, block } = statement;
    const context = BLOCKS.get(name.text) ?? "main";
    if (!levels.some((level) => level.context === context)) return this.#misplaced(name, [context]);
    if (!block) {
      const message = `directive "${name.text}" has no opening "{"`;
      return this.#findings.error("no-opening-brace", message, name);
    }
    if (words.length > 0) this.#wrongCount(statement);
    if (name.text === "server") this.#bindServer(name, block);
    else this.#bindSole(name, block, name.text === "events" ? this.#events : this.#mail);
  }

  #bindSole(name: Word, block: readonly Statement[], level: Level): void {
    const first = this.#soleBlocks.get(name.text);
    if (first) return this.#duplicate(name, first);
    this.#soleBlocks.set(name.text, name);
    this.#bindAll(block, [level], null);
  }

  #bindServer(name: Word, block: readonly Statement[]): void {
    const server = new Draft(name, new Level("server", this.#mail));
    this.servers.push(server);
    this.#bindAll(block, [server.level], server);
  }

  // --- directives --------------------------------------------------------------------------------

  #bindDirective(
    statement: Statement,
    row: AnyDirective,
    level: Level,
    server: Draft | null,
  ): void {
    const { name, words, block } = statement;
    if (statement.refused) return this.#remember(statement, level);
    if (block) {
      const message = `directive "${name.text}" is not terminated by ";"`;
      return this.#findings.error("not-terminated", message, name);
    }
    const [least, most] = row.count ?? row.kind.count;
    if (words.length < least || words.length > most) {
      this.#wrongCount(statement);
      return this.#remember(statement, level);
    }
    const key = RENAMED.get(name.text) ?? name.text;
    const before = level.entries.get(key);
    const repeat = row.repeat ?? row.kind.repeat;
    if (before && repeat === "refuse") return this.#duplicate(name, before.statements[0].name);
    this.#warnOfOld(name, row);
    const collected = repeat === "collect" ? before : undefined;
    const reading = this.#reading(name, level, server);
    const value = row.kind.read(words, reading, collected?.value);
    level.entries.set(key, {
      value: value === undefined ? collected?.value : value,
      statements: [...(collected?.statements ?? []), statement],
      faulty: value === undefined || (collected?.faulty ?? false),
    });
  }

  /** Remembers that something, if only a faulty thing, was said, so that no check misses it. */
  #remember(statement: Statement, level: Level): void {
    const key = RENAMED.get(statement.name.text) ?? statement.name.text;
    if (level.entries.has(key)) return;
    level.entries.set(key, { value: undefined, statements: [statement], faulty: true });
  }

  #wrongCount({ name }: Statement): void {
    const message = `invalid number of arguments in "${name.text}" directive`;
    const row = rowOf(name.text);
    const hint = row && !this.#toml ? `for example: ${row.example}` : undefined;
    this.#findings.error("invalid-number-of-arguments", message, name, { hint });
  }

  #duplicate(name: Word, first: Word): void {
    const message = `"${name.text}" directive is duplicate`;
    const related = { at: first.at, message: "first set here" };
    this.#findings.error("duplicate-directive", message, name, { related });
  }

  #warnOfOld(name: Word, row: AnyDirective): void {
    const now = RENAMED.get(name.text) ?? row.old;
    if (now === undefined) return;
    const message = `"${name.text}" is an old directive that nginx no longer has`;
    this.#findings.warning("old-directive", message, name, { hint: `today's form is \`${now}\`` });
  }

  #reading(name: Word, level: Level, server: Draft | null): Reading {
    const { folder, lookup } = this.#surroundings;
    return {
      name,
      folder,
      lookup,
      server: {
        protocol: server && protocolSoFar(server),
        ssl: level.find("ssl")?.entry.value === true,
      },
      fault: (rule, message, at = name, hint) => {
        this.#findings.error(rule, message, at, { hint });
        return undefined;
      },
      warn: (rule, message, at = name, hint) => this.#findings.warning(rule, message, at, { hint }),
    };
  }
}

/** What the server says, or what the ports of the listeners read before imply. */
function protocolSoFar(server: Draft): Protocol | null {
  const { entries } = server.level;
  if (entries.has("protocol")) return server.get("protocol") ?? null;
  return protocolOfListeners((entries.get("listen")?.value ?? []) as readonly Listen[]);
}
