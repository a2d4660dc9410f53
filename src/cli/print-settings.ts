/**
 * `check-config --print`: the effective settings with where each comes from, or the configuration in
 * the other syntax. What is printed goes to standard output alone, so that it can be redirected into a
 * file; findings and the migration report go to standard error.
 */

import type { GlobalDirective, Origin, ServerDirective, Settings } from "../config/settings.ts";
import { GLOBAL_ROWS, SERVER_ROWS } from "../config/directives/table.ts";
import { layoutOf } from "../config/layout.ts";
import { migrationReport } from "../config/migration.ts";
import { print } from "../config/print.ts";
import type { AnyDirective } from "../config/directive.ts";
import type { Checking } from "./checking.ts";
import { renderReport } from "./report.ts";
import type { Terminal } from "./terminal.ts";

export function printSettings(
  { loaded, diagnostics, sources }: Checking,
  what: "effective" | "toml" | "nginx" | "json",
  terminal: Terminal,
): void {
  const { errColors: colors, columns } = terminal;
  terminal.err(renderReport(diagnostics, sources, { colors, columns }));
  const { settings, tree, outlines } = loaded;
  if (!settings || !tree) return;
  if (what === "effective") return terminal.out(effectiveText(settings));
  if (what === "json") return terminal.out(`${JSON.stringify(effective(settings), null, 2)}\n`);
  const layout = layoutOf(tree, outlines ?? []);
  terminal.out(print(settings, what, { layout }));
  for (const { name, at, verdict, why } of migrationReport(tree)) {
    // A reason is a phrase, or a directive's note, which is whole sentences.
    const behind = why === "" ? "" : /^[A-Z]/.test(why) ? `. ${why}` : `, ${why}`;
    terminal.err(`${at.file}:${at.line}: ${name}: ${verdict}${behind}\n`);
  }
  for (const { name, at } of layout.left()) {
    terminal.err(`${at.file}:${at.line}: ${name}: its comment is left out with it\n`);
  }
}

/** One directive as it holds. */
interface Effective {
  readonly name: string;
  /** In nginx's words, one list a statement. */
  readonly words: readonly (readonly string[])[];
  readonly from: string;
}

function effective(
  settings: Settings,
): { version: 1; global: Effective[]; servers: Effective[][] } {
  const { global, servers } = settings;
  return {
    version: 1,
    global: (Object.keys(GLOBAL_ROWS) as GlobalDirective[]).map((name) =>
      one(name, GLOBAL_ROWS[name], global[name], global.origin(name))
    ),
    servers: servers.map((server) =>
      (Object.keys(SERVER_ROWS) as ServerDirective[]).map((name) =>
        one(name, SERVER_ROWS[name], server[name], server.origin(name))
      )
    ),
  };
}

function one(name: string, row: AnyDirective, value: unknown, origin: Origin): Effective {
  // Null is "not set": nothing that could be written.
  const words = value === null || value === undefined ? [] : row.kind.show(value);
  return {
    name,
    words: words.map((each) => each.map((word) => masked(name, word))),
    from: from(origin),
  };
}

/** A key in the file itself, and what is said to the auth server, are secrets. */
function masked(name: string, word: string): string {
  if (name === "ssl_certificate_key" && word.startsWith("data:")) return "data:[secret]";
  return word;
}

function from(origin: Origin): string {
  const place = "at" in origin ? `${origin.at.file}:${origin.at.line}` : "";
  switch (origin.is) {
    case "set":
      return place;
    case "inherited":
      return `${place} (inherited)`;
    case "derived":
      return "worked out";
    case "default":
      return "default";
  }
}

function effectiveText(settings: Settings): string {
  const { global, servers } = effective(settings);
  const blocks = [
    ["# the whole process", global] as const,
    ...servers.map((rows, i) => {
      const { text } = settings.servers[i].listen[0];
      return [`# server ${i + 1}: ${settings.servers[i].protocol} on ${text}`, rows] as const;
    }),
  ];
  return blocks.map(([title, rows]) => `${title}\n${table(rows)}`).join("\n");
}

/** Most values are shorter; the few others push their origin aside. */
const VALUE_WIDTH = 20;

function table(rows: readonly Effective[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, words, from }) => {
    const value = words.map((each) => each.join(" ")).join("; ") || "-";
    return `${name.padEnd(width)}  ${value.padEnd(VALUE_WIDTH)}  # ${from}\n`;
  }).join("");
}
