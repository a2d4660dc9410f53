/**
 * Which directives are printed, where and in which order: by the table, what differs from the defaults,
 * and what all servers share above them; or as the file has it, comments included.
 */

import type { Position } from "../core/diagnostic.ts";
import type { AnyDirective } from "./directive.ts";
import { GLOBAL_ROWS, SERVER_ROWS, type ServerDirective } from "./directives/table.ts";
import type { Layout } from "./layout.ts";
import type { Notes } from "./outline.ts";
import { RESOLVER } from "./resolver.ts";
import type { GlobalDirective, Origin, ServerSettings, Settings } from "./settings.ts";

/** One directive with the words of each statement that sets it. */
export interface Shown {
  readonly name: string;
  readonly row: AnyDirective;
  readonly statements: readonly (readonly string[])[];
  /** By statement. */
  readonly notes: readonly (Notes | null)[];
  /** Whether it belongs above or below another one. */
  readonly order: number;
}

/** A block, and the comments that stand at it. */
export interface Block {
  readonly notes: Notes | null;
  readonly shown: readonly Shown[];
}

/** Which directives are shown at which level. */
export interface Plan {
  readonly head: readonly string[];
  readonly main: readonly Shown[];
  readonly events: Block;
  readonly mail: Block;
  readonly servers: readonly Block[];
  readonly tail: readonly string[];
}

// --- by the table --------------------------------------------------------------------------------

/** What is to be written of the settings; `all`: defaults too. */
export function arrange(settings: Settings, all: boolean): Plan {
  const { global, servers } = settings;
  const own = (Object.keys(GLOBAL_ROWS) as GlobalDirective[]).flatMap((name) =>
    show(name, GLOBAL_ROWS[name], global[name], global.origin(name), all)
  );
  const names = Object.keys(SERVER_ROWS) as ServerDirective[];
  const shared = names.filter((name) => isShared(name, servers));
  const first = servers.slice(0, 1);
  return {
    head: [],
    main: own.filter(({ row }) => row.contexts.includes("main")),
    events: bare(own.filter(({ row }) => row.contexts.includes("events"))),
    mail: bare(first.flatMap((server) => shared.flatMap((name) => showIn(server, name, all)))),
    servers: servers.map((server) =>
      bare(
        names.filter((name) => !shared.includes(name)).flatMap((name) =>
          name === "error_log" ? showErrorLog(server, settings) : showIn(server, name, all)
        ),
      )
    ),
    tail: [],
  };
}

function bare(shown: readonly Shown[]): Block {
  return { notes: null, shown };
}

/** Logs of a server that are those of the process are inherited when the text is read again. */
function showErrorLog(server: ServerSettings, { global }: Settings): readonly Shown[] {
  const row = GLOBAL_ROWS.error_log;
  const same = words(row, server.error_log) === words(row, global.error_log);
  return same ? [] : show("error_log", row, server.error_log, server.origin("error_log"), true);
}

function isShared(name: ServerDirective, servers: readonly ServerSettings[]): boolean {
  const row: AnyDirective = SERVER_ROWS[name];
  // TOML's top level sets the process's own error_log, not the mail level's.
  if (!row.contexts.includes("mail") || name === "error_log") return false;
  return new Set(servers.map((server) => words(row, server[name]))).size === 1;
}

function showIn(server: ServerSettings, name: ServerDirective, all: boolean): readonly Shown[] {
  return show(name, SERVER_ROWS[name], server[name], server.origin(name), all);
}

function show(
  name: string,
  row: AnyDirective,
  value: unknown,
  origin: Origin,
  all: boolean,
): readonly Shown[] {
  const statements = statementsOf(row, value);
  // The host's name is worked out again when the text is read.
  const derived = origin.is === "derived" && !row.required;
  const standard = derived || (!row.required && words(row, value) === words(row, row.default));
  if (statements.length === 0 || (standard && !all)) return [];
  return [{ name, row, statements, notes: [], order: 0 }];
}

function statementsOf(row: AnyDirective, value: unknown): readonly (readonly string[])[] {
  // `resolver off` is a null that can be said; other nulls stand for "not set".
  const unset = value === null && row.kind !== RESOLVER;
  return unset ? [] : row.kind.show(value);
}

function words(row: AnyDirective, value: unknown): string {
  return JSON.stringify(statementsOf(row, value));
}

// --- as written ----------------------------------------------------------------------------------

/** All that the file sets, defaults too, in its order and at its level. */
export function arrangeAsWritten(settings: Settings, layout: Layout): Plan {
  const { global, servers } = settings;
  const writer = new Writer(settings, layout);
  const own = (Object.keys(GLOBAL_ROWS) as GlobalDirective[]).flatMap((name) =>
    global.origin(name).is === "set"
      ? writer.written(name, GLOBAL_ROWS[name], global[name], global)
      : []
  );
  return {
    head: layout.head,
    main: inOrder(own.filter(({ row }) => row.contexts.includes("main"))),
    events: {
      notes: layout.takeBlock("events"),
      shown: inOrder(own.filter(({ row }) => row.contexts.includes("events"))),
    },
    mail: { notes: layout.takeBlock("mail"), shown: inOrder(writer.mail()) },
    servers: servers.map((server) => ({
      notes: layout.take(server.position),
      shown: inOrder(writer.server(server)),
    })),
    tail: layout.tail,
  };
}

function inOrder(shown: readonly Shown[]): readonly Shown[] {
  return [...shown].sort((a, b) => a.order - b.order);
}

/** Of settings, where a directive was written. */
interface Origins<Name> {
  readonly origin: (name: Name) => Origin;
  readonly places: (name: Name) => readonly Position[];
}

const NAMES = Object.keys(SERVER_ROWS) as ServerDirective[];

class Writer {
  readonly #settings: Settings;
  readonly #layout: Layout;
  /** Directives of the mail level that stand there again. */
  readonly #lifted: ReadonlySet<ServerDirective>;

  constructor(settings: Settings, layout: Layout) {
    this.#settings = settings;
    this.#layout = layout;
    this.#lifted = new Set(NAMES.filter((name) => isLifted(name, settings.servers)));
  }

  written<Name>(
    name: Name & string,
    row: AnyDirective,
    value: unknown,
    origins: Origins<Name>,
  ): readonly Shown[] {
    const statements = statementsOf(row, value);
    if (statements.length === 0) return [];
    const origin = origins.origin(name);
    const notes = origins.places(name).map((at) => this.#layout.take(at));
    return [{
      name,
      row,
      statements,
      notes: notes.length === statements.length ? notes : [merged(notes)],
      order: "at" in origin ? this.#layout.order(origin.at) : Infinity,
    }];
  }

  mail(): readonly Shown[] {
    return [...this.#lifted].flatMap((name) => {
      const heir = this.#settings.servers.find((each) => each.origin(name).is === "inherited");
      return heir ? this.written(name, SERVER_ROWS[name], heir[name], heir) : [];
    });
  }

  server(server: ServerSettings): readonly Shown[] {
    return NAMES.flatMap((name) => {
      const row: AnyDirective = SERVER_ROWS[name];
      const { is } = server.origin(name);
      if (name === "error_log" && showErrorLog(server, this.#settings).length === 0) return [];
      if (is === "derived" && row.required) return this.#derived(name, server);
      if (is === "set" || (is === "inherited" && !this.#lifted.has(name))) {
        return this.written(name, row, server[name], server);
      }
      return [];
    });
  }

  /** The protocol that its listener implies, behind it. */
  #derived(name: ServerDirective, server: ServerSettings): readonly Shown[] {
    const listen = server.origin("listen");
    const order = "at" in listen ? this.#layout.order(listen.at) + 0.5 : 0;
    return showIn(server, name, true).map((shown) => ({ ...shown, order }));
  }
}

/** A value that a server has undone again cannot be said in words: then each server says its own. */
function isLifted(name: ServerDirective, servers: readonly ServerSettings[]): boolean {
  if (name === "error_log") return false;
  const is = servers.map((server) => server.origin(name).is);
  const unsayable = servers.some((server, i) =>
    is[i] === "set" && statementsOf(SERVER_ROWS[name], server[name]).length === 0
  );
  return is.includes("inherited") && !unsayable;
}

/** The notes of several statements that are written as one. */
function merged(all: readonly (Notes | null)[]): Notes | null {
  const notes = all.filter((each) => each !== null);
  if (notes.length <= 1) return notes[0] ?? null;
  const [first, ...rest] = notes;
  const more = rest.flatMap(({ before, end, after }) => [
    ...before.filter((line) => line !== ""),
    ...(end === null ? [] : [end]),
    ...after,
  ]);
  return { ...first, before: [...first.before, ...more] };
}
