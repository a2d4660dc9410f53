/**
 * The directive reference (`docs/directives.md`), generated from the table alone: what a row does not say,
 * the reference does not know.
 */

import type { AnyDirective, Context } from "./directive.ts";
import { OLD, RENAMED } from "./directives/old.ts";
import { GROUPS } from "./directives/table.ts";
import { Findings } from "./findings.ts";
import { Tokens } from "./nginx-tokens.ts";
import { tomlValue } from "./print.ts";

/** The whole page, as Markdown. */
export function reference(): string {
  return [INTRODUCTION, ...GROUPS.map(group), oldSpellings()].join("\n\n") + "\n";
}

const INTRODUCTION = `# Directives

<!-- Generated from src/config/directives; do not edit. -->

Doorpost reads the \`mail {}\` block of an nginx.conf, and TOML that says the same words. In TOML the top
level holds what nginx has in its main, \`events\` and \`mail\` contexts, and each \`[[server]]\` is a
\`server\` block:

\`\`\`toml
server_name = "mail.example.com"
auth_http   = "http://127.0.0.1:9000/auth"

[[server]]
listen   = ["143", "[::]:143"]
protocol = "imap"
starttls = "on"
\`\`\`

- Times: a number of seconds, or units in descending order: \`90s\`, \`1h30m\`, \`500ms\`.
- Sizes: a number of bytes, or with \`k\` or \`m\`: \`8k\`.
- A server inherits what stands above it. A list that it sets itself replaces the inherited one whole.
- Relative paths start at the folder of the configuration file.`;

function group({ title, rows }: typeof GROUPS[number]): string {
  return [`## ${title}`, ...Object.entries(rows).map(([name, row]) => section(name, row))]
    .join("\n\n");
}

function section(name: string, row: AnyDirective): string {
  return [
    `### \`${name}\``,
    row.doc,
    "```nginx\n" + row.example + "\n```",
    "```toml\n" + tomlExample(name, row) + "\n```",
    facts(row).map(([label, text]) => `- ${label}: ${text}`).join("\n"),
  ].join("\n\n");
}

function facts(row: AnyDirective): readonly (readonly [string, string])[] {
  const { kind, status = "as nginx", note } = row;
  const repeat = (row.repeat ?? kind.repeat) === "collect" ? "; may be repeated" : "";
  const today = row.old && `an old spelling; today's form is \`${row.old}\``;
  return [
    ["Value", kind.name + repeat],
    ["Default", row.defaultText ?? defaultText(row)],
    ["Context", row.contexts.map(contextText).join(", ")],
    ["Compared with nginx", today ?? (note ? `${STATUS[status]}. ${note}` : STATUS[status])],
  ];
}

const STATUS = { "as nginx": "the same", differs: "differs", new: "new" } as const;

function contextText(context: Context): string {
  return context === "main" ? "main" : `\`${context}\``;
}

function defaultText(row: AnyDirective): string {
  if (row.default === null) return "not set";
  const [words] = row.kind.show(row.default);
  return words ? `\`${words.join(" ")}\`` : "none";
}

/** The example again, in TOML. */
function tomlExample(name: string, row: AnyDirective): string {
  return `${name} = ${tomlValue(row, [exampleWords(row.example)])}`;
}

/** The arguments in a row's example. */
export function exampleWords(example: string): readonly string[] {
  const tokens = new Tokens("example", example, new Findings());
  const words: string[] = [];
  for (let token = tokens.next(); token.is === "word"; token = tokens.next()) {
    words.push(token.word.text);
  }
  return words.slice(1);
}

function oldSpellings(): string {
  const rows: readonly (readonly [string, string])[] = [
    ...Object.entries(OLD).map(([name, { old = "" }]): [string, string] => [name, old]),
    ...RENAMED,
  ];
  return [
    "## Old spellings",
    "These work, with a warning, because files in use have them.",
    "| Old | Today |\n|---|---|\n" +
    rows.map(([old, now]) => `| \`${old}\` | \`${now}\` |`).join("\n"),
  ].join("\n\n");
}
