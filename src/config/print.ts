/**
 * Shows settings as TOML or as nginx.conf; either text gives the same settings when it is read again.
 *
 * Without `all` only what differs from the defaults is shown. What all servers share stands once, above
 * them. Paths are shown as they came out, absolute, so the text may be moved to another folder.
 */

import type { AnyDirective } from "./directive.ts";
import { GLOBAL_ROWS, SERVER_ROWS, type ServerDirective } from "./directives/table.ts";
import type { GlobalDirective, Origin, ServerSettings, Settings } from "./settings.ts";
import { RESOLVER } from "./resolver.ts";
import { tomlKey, tomlString } from "./toml-text.ts";
import type { Syntax } from "./tree.ts";

export interface PrintOptions {
  /** Whether defaults are shown too. Default false. */
  readonly all?: boolean;
  /** Whether keys and header values that stand in the file itself are hidden. Default false. */
  readonly redact?: boolean;
}

export function print(settings: Settings, syntax: Syntax, options: PrintOptions = {}): string {
  const { servers } = settings;
  const shown = options.redact ? { ...settings, servers: servers.map(redact) } : settings;
  const plan = arrange(shown, options.all ?? false);
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

/** One directive with the words of each statement that sets it. */
interface Shown {
  readonly name: string;
  readonly row: AnyDirective;
  readonly statements: readonly (readonly string[])[];
}

/** Which directives are shown at which level. */
interface Plan {
  readonly main: readonly Shown[];
  readonly events: readonly Shown[];
  readonly mail: readonly Shown[];
  readonly servers: readonly (readonly Shown[])[];
}

// --- what is shown where -------------------------------------------------------------------------

function arrange(settings: Settings, all: boolean): Plan {
  const { global, servers } = settings;
  const own = (Object.keys(GLOBAL_ROWS) as GlobalDirective[]).flatMap((name) =>
    show(name, GLOBAL_ROWS[name], global[name], global.origin(name), all)
  );
  const names = Object.keys(SERVER_ROWS) as ServerDirective[];
  const shared = names.filter((name) => isShared(name, servers));
  const first = servers.slice(0, 1);
  return {
    main: own.filter(({ row }) => row.contexts.includes("main")),
    events: own.filter(({ row }) => row.contexts.includes("events")),
    mail: first.flatMap((server) => shared.flatMap((name) => showIn(server, name, all))),
    servers: servers.map((server) =>
      names.filter((name) => !shared.includes(name)).flatMap((name) =>
        name === "error_log" ? showErrorLog(server, settings) : showIn(server, name, all)
      )
    ),
  };
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
  return [{ name, row, statements }];
}

function statementsOf(row: AnyDirective, value: unknown): readonly (readonly string[])[] {
  // `resolver off` is a null that can be said; other nulls stand for "not set".
  const unset = value === null && row.kind !== RESOLVER;
  return unset ? [] : row.kind.show(value);
}

function words(row: AnyDirective, value: unknown): string {
  return JSON.stringify(statementsOf(row, value));
}

// --- nginx.conf ----------------------------------------------------------------------------------

const INDENT = "    ";

function printNginx({ main, events, mail, servers }: Plan): string {
  const blocks = servers.map((shown) => block("server", nginxLines(shown)));
  const mailLines = [...nginxLines(mail), ...blocks.flatMap((lines) => ["", ...lines])];
  const parts = [
    nginxLines(main),
    events.length > 0 ? block("events", nginxLines(events)) : [],
    servers.length > 0 ? block("mail", mailLines[0] === "" ? mailLines.slice(1) : mailLines) : [],
  ];
  return parts.filter((lines) => lines.length > 0).map((lines) => lines.join("\n") + "\n").join(
    "\n",
  );
}

function block(name: string, lines: readonly string[]): readonly string[] {
  return [`${name} {`, ...lines.map((line) => line === "" ? "" : INDENT + line), "}"];
}

function nginxLines(shown: readonly Shown[]): readonly string[] {
  return shown.flatMap(({ name, statements }) =>
    statements.map((each) => `${[name, ...each.map(nginxWord)].join(" ")};`)
  );
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

function printToml({ main, events, mail, servers }: Plan): string {
  const top = [...main, ...events, ...mail].map(tomlLine);
  const tables = servers.map((shown) => ["[[server]]", ...shown.map(tomlLine)]);
  return [top, ...tables].filter((lines) => lines.length > 0).map((lines) =>
    lines.join("\n") + "\n"
  )
    .join("\n");
}

function tomlLine({ name, row, statements }: Shown): string {
  return `${tomlKey(name)} = ${tomlValue(row, statements)}`;
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
      return splits(statements[0])
        ? tomlString(statements[0].join(" "))
        : array(statements[0].map(tomlString));
    case "lines":
      return oneOrMany(
        statements.map((each) =>
          splits(each) ? tomlString(each.join(" ")) : array(each.map(tomlString))
        ),
        statements.every(splits),
      );
    case "pairs":
      return array(statements.map((each) => array(each.map(tomlString))));
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
