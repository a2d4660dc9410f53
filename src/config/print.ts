/**
 * Shows settings as TOML or as nginx.conf; either text gives the same settings when it is read again.
 *
 * Without `all` only what differs from the defaults is shown, and what all servers share stands once, above
 * them. With a layout all that the file sets is shown, in its order and with its comments. Paths are shown
 * as they came out, absolute, so the text may be moved to another folder.
 */

import { arrange, arrangeAsWritten, type Block, type Plan, type Shown } from "./arrange.ts";
import type { AnyDirective } from "./directive.ts";
import type { Layout } from "./layout.ts";
import type { Notes } from "./outline.ts";
import { Page, withEnd } from "./page.ts";
import type { ServerSettings, Settings } from "./settings.ts";
import { tomlKey, tomlString } from "./toml-text.ts";
import type { Syntax } from "./tree.ts";

export interface PrintOptions {
  /** Whether defaults are shown too. Default false. */
  readonly all?: boolean;
  /** Whether keys and header values that stand in the file itself are hidden. Default false. */
  readonly redact?: boolean;
  /** Of the file that the settings come from; `all` is then of no account. */
  readonly layout?: Layout;
}

export function print(settings: Settings, syntax: Syntax, options: PrintOptions = {}): string {
  const { servers } = settings;
  const shown = options.redact ? { ...settings, servers: servers.map(redact) } : settings;
  const plan = options.layout
    ? arrangeAsWritten(shown, options.layout)
    : arrange(shown, options.all ?? false);
  return syntax === "toml" ? printToml(plan) : printNginx(plan);
}

/** Header values are often a secret shared with the auth server; a `data:` key always is one. */
function redact(server: ServerSettings): ServerSettings {
  const hidden = (key: string) => key.startsWith("data:") ? "data:[secret]" : key;
  return {
    ...server,
    auth_http_header: server.auth_http_header.map(([name]) => [name, "[secret]"]),
    ssl_certificate_key: server.ssl_certificate_key.map(hidden),
  };
}

// --- nginx.conf ----------------------------------------------------------------------------------

const INDENT = "    ";

function printNginx({ head, main, events, mail, servers, tail }: Plan): string {
  const page = new Page();
  page.head(head);
  nginxStatements(main, page);
  if (events.shown.length > 0) nginxBlock("events", events, page);
  if (servers.length > 0) {
    nginxBlock("mail", mail, page, (inner) => {
      for (const server of servers) nginxBlock("server", server, inner);
    });
  }
  page.tail(tail);
  return page.text();
}

function nginxBlock(
  name: string,
  { notes, shown }: Block,
  page: Page,
  more: (inner: Page) => void = () => {},
): void {
  const inner = new Page();
  inner.head(notes?.head ?? []);
  nginxStatements(shown, inner);
  more(inner);
  page.blank();
  page.before(notes);
  page.add(withEnd(`${name} {`, notes));
  // A blank line within is no longer one that may be left out.
  page.lines.push(...inner.lines.map((line) => line === "" ? "" : INDENT + line), "}");
  page.blank();
}

function nginxStatements(shown: readonly Shown[], page: Page): void {
  for (const { name, statements, notes } of shown) {
    for (const [i, each] of statements.entries()) {
      page.statement(notes[i] ?? null, [`${[name, ...each.map(nginxWord)].join(" ")};`]);
    }
  }
}

function nginxWord(text: string): string {
  if (/^[\w.:/*@+!=,\-[\]]+$/.test(text)) return text;
  const escaped = text.replace(/["\\\n\r\t]/g, (char) => NGINX_ESCAPES[char] ?? char);
  return `"${escaped}"`;
}

const NGINX_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

// --- TOML ----------------------------------------------------------------------------------------

function printToml({ head, main, events, mail, servers, tail }: Plan): string {
  const page = new Page();
  page.head(head);
  const sections = [{ notes: null, shown: main }, events, mail];
  const top = sections.flatMap(({ notes, shown }) =>
    shown.map((each, i) => i === 0 ? withSection(each, notes) : each)
  );
  for (const each of [...top].sort((a, b) => a.order - b.order)) tomlStatement(each, page);
  // A mail block with servers only: what is said of it stands above the first.
  const [first] = servers;
  const titled = first && mail.shown.length === 0
    ? [{ ...first, notes: section(first.notes, mail.notes) }, ...servers.slice(1)]
    : servers;
  for (const { notes, shown } of titled) {
    page.blank();
    page.statement(notes && { ...notes, after: [] }, ["[[server]]"]);
    page.head(notes?.head ?? []);
    for (const each of shown) tomlStatement(each, page);
  }
  page.tail(tail);
  return page.text();
}

/** TOML has no block to say it of: comments of an nginx block stand above the first key of it. */
function withSection(shown: Shown, block: Notes | null): Shown {
  return { ...shown, notes: [section(shown.notes[0] ?? null, block), ...shown.notes.slice(1)] };
}

function section(notes: Notes | null, block: Notes | null): Notes | null {
  if (!block) return notes;
  const { before, end, head } = block;
  const lines = [...before.filter((line) => line !== ""), ...(end === null ? [] : [end]), ...head];
  if (lines.length === 0) return notes;
  const { before: own = [], ...rest } = notes ?? { end: null, head: [], after: [] };
  return { ...rest, before: [...lines, "", ...own] };
}

function tomlStatement({ name, row, statements, notes }: Shown, page: Page): void {
  const key = `${tomlKey(name)} = `;
  const first = notes[0] ?? null;
  const last = notes[statements.length - 1] ?? null;
  if (!hasInnerNotes(notes, statements.length)) {
    const lines = (key + tomlValue(row, statements)).split("\n");
    return page.statement(first && { ...first, after: last?.after ?? [] }, lines);
  }
  page.before(first);
  const inner = new Page();
  for (const [i, each] of tomlElements(row, statements).entries()) {
    const own = notes[i] ?? null;
    const before = i > 0 ? own?.before ?? [] : [];
    const after = i < statements.length - 1 ? own?.after ?? [] : [];
    inner.statement(own && { ...own, before, after }, [`${each},`]);
  }
  page.add(`${key}[`);
  page.lines.push(...inner.lines.map((line) => line === "" ? "" : `  ${line}`));
  page.add("]");
  page.after(last);
}

/** Whether comments stand at the single statements of a list. */
function hasInnerNotes(notes: readonly (Notes | null)[], count: number): boolean {
  return count > 1 && notes.some((each, i) =>
    each !== null && (
      (i > 0 && (each.before.length > 0 || each.end !== null)) ||
      (i < count - 1 && each.after.length > 0)
    )
  );
}

/** The elements of an array, each a statement. */
function tomlElements(
  row: AnyDirective,
  statements: readonly (readonly string[])[],
): readonly string[] {
  const { toml } = row.kind;
  if (toml === "each") return statements.map((each) => tomlScalar(row, each[0]));
  if (toml === "pairs") return statements.map((each) => array(each.map(tomlString)));
  return statements.map(tomlWords);
}

/** One string where cutting it at its spaces gives the words again, else an array of them. */
function tomlWords(statement: readonly string[]): string {
  return splits(statement) ? tomlString(statement.join(" ")) : array(statement.map(tomlString));
}

/** The TOML value that says the same as these statements, each given by its words. */
export function tomlValue(
  row: AnyDirective,
  statements: readonly (readonly string[])[],
): string {
  const scalar = (text: string) => tomlScalar(row, text);
  switch (row.kind.toml) {
    case "scalar":
      return scalar(statements[0][0]);
    case "each":
      return oneOrMany(statements.map((each) => scalar(each[0])));
    case "words":
      return row.kind.repeat === "collect"
        ? array(statements[0].map(scalar))
        : scalar(statements[0][0]);
    case "line":
      return tomlWords(statements[0]);
    case "lines":
      return oneOrMany(tomlElements(row, statements), statements.every(splits));
    case "pairs":
      return array(tomlElements(row, statements));
  }
}

/** Whether the words come back when their line is cut at its spaces. */
function splits(statement: readonly string[]): boolean {
  return statement.every((word) => /^\S+$/.test(word));
}

function tomlScalar(row: AnyDirective, text: string): string {
  const { types } = row.kind;
  if (types.includes("boolean") && row.kind.name === "flag") return String(text === "on");
  return types.includes("integer") && /^(0|[1-9]\d{0,14})$/.test(text) ? text : tomlString(text);
}

function oneOrMany(values: readonly string[], alone = true): string {
  return values.length === 1 && alone ? values[0] : array(values);
}

function array(values: readonly string[]): string {
  const line = `[${values.join(", ")}]`;
  return line.length <= 80 ? line : `[\n${values.map((value) => `  ${value},\n`).join("")}]`;
}
