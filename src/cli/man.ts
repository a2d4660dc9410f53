/** `man`: the manual page, doorpost(1), in the man(7) macros, made from the table of `options.ts`. */

import type { Command } from "./command.ts";
import { OK } from "./exit.ts";
import { usage } from "./help.ts";
import { type CommandRow, COMMANDS, GLOBAL_OPTIONS, type Note, type OptionRow } from "./options.ts";
import { VERSION } from "./version.ts";

export const man: Command<"man"> = (_values, _operands, { terminal }) => {
  terminal.out(manualPage());
  return Promise.resolve(OK);
};

export function manualPage(): string {
  return [
    `.TH DOORPOST 1 "" "doorpost ${VERSION}" "User Commands"`,
    ".SH NAME",
    "doorpost \\- an authenticating proxy for IMAP, POP3 and SMTP",
    ".SH SYNOPSIS",
    ...COMMANDS.flatMap((command) => [`.B ${roff(usage(command))}`, ".br"]).slice(0, -1),
    ".SH DESCRIPTION",
    "Doorpost takes mail clients' logins, asks an HTTP server whether and where, and joins the",
    "client to the mail server that it names.",
    ".SH OPTIONS",
    "These are understood by every command.",
    ...GLOBAL_OPTIONS.flatMap(option),
    ".SH COMMANDS",
    ...COMMANDS.flatMap(commandLines),
    "",
  ].join("\n");
}

function commandLines(command: CommandRow): string[] {
  return [
    `.SS ${roff(command.name)}`,
    `${roff(sentence(command.summary))}`,
    ".PP",
    `.B ${roff(usage(command))}`,
    ...command.operands.flatMap(({ name, help }) => [".TP", `.I ${roff(name)}`, roff(help)]),
    ...command.options.flatMap(option),
    ...command.notes.flatMap(note),
    ".PP",
    "Examples:",
    ...command.examples.flatMap(({ why, line }) => [
      ".PP",
      `${roff(sentence(why))}`,
      ".PP",
      ".nf",
      `    ${roff(line)}`,
      ".fi",
    ]),
  ];
}

function option(row: OptionRow): string[] {
  const words = [...(row.short === undefined ? [] : [`-${row.short}`]), `--${row.name}`];
  const names = words.map((word) => `\\fB${roff(word)}\\fR`).join(", ");
  const value = row.type === "flag" ? "" : ` \\fI${roff(row.argument)}\\fR`;
  return [".TP", `${names}${value}`, roff(row.help)];
}

function note({ title, lines }: Note): string[] {
  return [
    ".PP",
    `${roff(title)}:`,
    ...lines.flatMap(([term, text]) => [".TP", roff(term) || "\\&", roff(text)]),
  ];
}

function sentence(text: string): string {
  return `${text[0].toUpperCase()}${text.slice(1)}${text.endsWith("?") ? "" : "."}`;
}

/** A hyphen stays one, a backslash is shown, and no line begins a request. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
