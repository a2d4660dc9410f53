/**
 * Help, made from the table of `options.ts`. At most 80 columns whatever the terminal, since it is also
 * read in mails and tickets. Pure: it gives text.
 */

import type { Colors } from "picocolors/types";
import {
  type CommandRow,
  COMMANDS,
  GLOBAL_OPTIONS,
  type Note,
  type OptionRow,
  spelled,
} from "./options.ts";

const COLUMNS = 80;
/** A term longer than this stands on a line of its own. */
const LONGEST_TERM = 26;

type Entry = readonly [term: string, text: string];

export function generalHelp(colors: Colors): string {
  return [
    "doorpost - an authenticating proxy for IMAP, POP3 and SMTP\n",
    `${colors.bold("Usage:")} doorpost COMMAND [options]\n`,
    section("Commands", COMMANDS.map((row) => [row.name, row.summary]), colors),
    section("Options", entriesOf(GLOBAL_OPTIONS), colors),
    section(
      "First steps",
      [
        ["doorpost serve --demo", "try it, with nothing to set up"],
        ["doorpost COMMAND --help", "options and examples of a command"],
      ],
      colors,
    ),
  ].join("\n");
}

export function commandHelp(command: CommandRow, colors: Colors): string {
  const operands: Entry[] = command.operands.map((row) => [row.name, row.help]);
  const sections = [
    `doorpost ${command.name} - ${command.summary}\n`,
    `${colors.bold("Usage:")} ${usage(command)}\n`,
    ...(operands.length > 0 ? [section("Arguments", operands, colors)] : []),
    ...optionGroups(command, colors),
    ...command.notes.map((note: Note) => section(note.title, note.lines, colors)),
    examples(command, colors),
  ];
  return sections.join("\n");
}

/** `doorpost check-config [options] [FILE]`. */
export function usage(command: CommandRow): string {
  const words = command.operands.map(({ name, required, many }) => {
    const shown = many ? `${name}...` : name;
    return required ? shown : `[${shown}]`;
  });
  return ["doorpost", command.name, "[options]", ...words].join(" ");
}

function optionGroups(command: CommandRow, colors: Colors): string[] {
  const options = [...command.options, ...GLOBAL_OPTIONS];
  const groups = [...new Set(options.map((row) => row.group))];
  return groups.map((group) =>
    section(group, entriesOf(options.filter((row) => row.group === group)), colors)
  );
}

function entriesOf(options: readonly OptionRow[]): Entry[] {
  return options.map((row) => [spelled(row), row.help]);
}

function section(title: string, entries: readonly Entry[], colors: Colors): string {
  const fitting = entries.map(([term]) => term.length).filter((length) => length <= LONGEST_TERM);
  const width = Math.max(0, ...fitting);
  const lines = entries.flatMap(([term, text]) => entryLines(term, text, width, colors));
  return `${colors.bold(`${title}:`)}\n${lines.map((line) => `${line}\n`).join("")}`;
}

function entryLines(term: string, text: string, width: number, colors: Colors): string[] {
  const indent = 2 + width + 3;
  const wrapped = wrap(text, COLUMNS - indent);
  const head = `  ${colors.cyan(term)}`;
  const rest = wrapped.map((line) => " ".repeat(indent) + line);
  if (term.length > width) return [head, ...rest];
  return [`${head}${" ".repeat(width - term.length + 3)}${wrapped[0]}`, ...rest.slice(1)];
}

function examples(command: CommandRow, colors: Colors): string {
  const lines = command.examples.flatMap(({ why, line }) => [
    `  ${colors.dim(`# ${why}`)}`,
    `  ${line}`,
  ]);
  return `${colors.bold("Examples:")}\n${lines.join("\n")}\n`;
}

/** Lines of at most `width` characters, broken at spaces; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
