/**
 * The command line, read by the table of `options.ts`: POSIX utility conventions 12.2 with GNU's long
 * options. Commands are matched by cac; options are read here from the raw words, because cac turns
 * `0123` into a number, takes an option's value for a command and lets unknown words pass.
 *
 * `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`; `--` ends the options; `-` is a word like any
 * other (standard input). Unknown words are errors that name the nearest known one. An option that
 * takes one value may not be given twice: which one was meant is anybody's guess.
 */

import { cac } from "cac";
import { parseTime, showTime } from "../config/numbers.ts";
import { nearest } from "../core/diagnostic.ts";
import {
  type CommandName,
  type CommandRow,
  COMMANDS,
  GLOBAL_OPTIONS,
  type GlobalValues,
  type OptionRow,
  type OptionValue,
} from "./options.ts";

type Values = Record<string, OptionValue>;

/** What was asked for. `color` is known even when the rest is wrong. */
export type Request =
  & { readonly color: NonNullable<GlobalValues["color"]> }
  & (
    | {
      readonly is: "command";
      readonly name: CommandName;
      readonly values: Readonly<Values>;
      readonly operands: readonly string[];
    }
    /** `command` null: the general help. */
    | { readonly is: "help"; readonly command: CommandRow | null }
    | { readonly is: "version" }
    | {
      readonly is: "wrong";
      readonly message: string;
      readonly hint: string;
      readonly command: CommandRow | null;
    }
  );

/** `argv` without the program's name. */
export function readArgs(argv: readonly string[]): Request {
  const reader = new Reader(argv);
  try {
    return reader.read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { message, hint } = error;
    return { is: "wrong", message, hint, command: reader.command, color: colorOf(argv) };
  }
}

/** Found without understanding the rest: complaints about the rest have colour too. */
function colorOf(argv: readonly string[]): NonNullable<GlobalValues["color"]> {
  const words = argv.join("\0").split("\0--\0")[0];
  const found = /(?:^|\0)--color[=\0](always|never)(?:\0|$)/.exec(words)?.[1];
  return found === "always" || found === "never" ? found : "auto";
}

class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

class Reader {
  command: CommandRow | null = null;
  readonly #argv: readonly string[];
  readonly #operands: string[] = [];
  readonly #given: Values = {};
  #at = 0;
  #optionsEnded = false;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  read(): Request {
    while (this.#at < this.#argv.length) this.#word(this.#argv[this.#at++]);
    const { command } = this;
    const color = colorOf(this.#argv);
    if (this.#given.help) return { is: "help", command, color };
    if (this.#given.version) return { is: "version", color };
    if (!command) throw new UsageError("No command given", listed());
    checkOperands(command, this.#operands);
    const name = command.name as CommandName;
    return { is: "command", name, values: this.#values(command), operands: this.#operands, color };
  }

  #word(word: string): void {
    if (this.#optionsEnded || word === "-" || !word.startsWith("-")) this.#operand(word);
    else if (word === "--") this.#optionsEnded = true;
    else if (word.startsWith("--")) this.#long(word);
    else this.#short(word);
  }

  #operand(word: string): void {
    if (this.command) this.#operands.push(word);
    else this.command = findCommand(word);
  }

  #long(word: string): void {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    const option = this.#known().find((row) => row.name === name);
    if (!option) throw this.#unknown(`--${name}`);
    this.#take(option, `--${name}`, equals < 0 ? null : word.slice(equals + 1));
  }

  /** `-c FILE`, `-cFILE`, and flags in one word: `-hV`. */
  #short(word: string): void {
    for (let at = 1; at < word.length; at++) {
      const option = this.#known().find((row) => row.short === word[at]);
      if (!option) throw this.#unknown(`-${word[at]}`);
      const rest = word.slice(at + 1);
      if (option.type !== "flag") {
        return this.#take(option, `-${word[at]}`, rest === "" ? null : rest);
      }
      this.#take(option, `-${word[at]}`, null);
    }
  }

  #known(): readonly OptionRow[] {
    return [...(this.command?.options ?? []), ...GLOBAL_OPTIONS];
  }

  /** `attached` is what stood behind `=`, null when nothing did. */
  #take(option: OptionRow, spelling: string, attached: string | null): void {
    if (option.type === "flag") {
      if (attached !== null) throw new UsageError(`Option ${spelling} takes no value`, "");
      this.#given[option.name] = true;
      return;
    }
    const value = attached ?? this.#next(option, spelling);
    if (option.type === "list") {
      this.#given[option.name] = [...(this.#given[option.name] as string[] ?? []), value];
      return;
    }
    if (option.name in this.#given) throw new UsageError(`Option ${spelling} is given twice`, "");
    if (option.type === "choice") checkChoice(option.choices, value, spelling);
    this.#given[option.name] = read(option, value, spelling);
  }

  /** The next word as a value. One that looks like an option is a value forgotten, far more often. */
  #next(option: OptionRow & { argument: string }, spelling: string): string {
    const word = this.#argv[this.#at];
    const missing = `Option ${spelling} needs a value: ${option.argument}`;
    if (word === undefined) throw new UsageError(missing, "");
    if (word.startsWith("-") && word !== "-") {
      throw new UsageError(missing, `for the value "${word}" write --${option.name}=${word}`);
    }
    this.#at++;
    return word;
  }

  #unknown(spelling: string): UsageError {
    const message = `Unknown option "${spelling}"`;
    const { command } = this;
    const home = command ? undefined : COMMANDS.find((row) => hasOption(row, spelling));
    if (home) {
      return new UsageError(
        message,
        `options follow the command: doorpost ${home.name} ${spelling}`,
      );
    }
    const spellings = this.#known().map((row) => `--${row.name}`);
    const meant = spelling.startsWith("--") ? likely(spelling, spellings) : [];
    const hint = meant.length > 0 ? `did you mean "${meant.join('" or "')}"?` : "";
    return new UsageError(message, hint);
  }

  /** Every option of the command, those not given included. */
  #values(command: CommandRow): Values {
    const absent = (row: OptionRow) =>
      row.type === "flag" ? false : row.type === "list" ? [] : undefined;
    return Object.fromEntries(
      command.options.map((row) => [row.name, this.#given[row.name] ?? absent(row)]),
    );
  }
}

/** The name that is near; else those whose first word is: `--password` begins two names. */
function likely(spelling: string, spellings: readonly string[]): readonly string[] {
  const near = nearest(spelling, spellings);
  if (near !== undefined) return [near];
  const begun = nearest(spelling, spellings.map(firstWord));
  return spellings.filter((each) => firstWord(each) === begun);
}

function firstWord(spelling: string): string {
  return spelling.replace(/(?<=^--[^-]+)-.*/, "");
}

function hasOption(command: CommandRow, spelling: string): boolean {
  return command.options.some(({ name, short }) =>
    spelling === `--${name}` || spelling === `-${short}`
  );
}

function findCommand(word: string): CommandRow {
  const program = cac("doorpost");
  for (const row of COMMANDS) program.command(row.name, row.summary);
  program.parse(["", "doorpost", word], { run: false });
  const found = COMMANDS.find((row) => row.name === program.matchedCommandName);
  if (found) return found;
  const near = nearest(word, COMMANDS.map((row) => row.name));
  const hint = near ? `did you mean "${near}"?` : listed();
  throw new UsageError(
    `Unknown command "${word}"`,
    word === "help" ? "doorpost --help, or doorpost COMMAND --help" : hint,
  );
}

function listed(): string {
  return `the commands are ${COMMANDS.map((row) => row.name).join(", ")}`;
}

function checkChoice(choices: readonly string[], value: string, spelling: string): void {
  if (choices.includes(value)) return;
  const near = nearest(value, choices);
  throw new UsageError(
    `Option ${spelling} cannot be "${value}": it is one of ${choices.join(", ")}`,
    near ? `did you mean "${near}"?` : "",
  );
}

function read(option: OptionRow, value: string, spelling: string): OptionValue {
  if (option.type === "number") {
    const number = /^\d{1,15}$/.test(value) ? Number(value) : -1;
    return within(option, number, value, spelling, String);
  }
  if (option.type !== "time") return value;
  const ms = parseTime(value) ?? -1;
  return within(option, ms, value, spelling, showTime);
}

function within(
  { least, most }: { readonly least: number; readonly most: number },
  number: number,
  value: string,
  spelling: string,
  show: (bound: number) => string,
): number {
  if (number >= least && number <= most) return number;
  const range = `${show(least)} to ${show(most)}`;
  throw new UsageError(`Option ${spelling} cannot be "${value}": it is ${range}`, "");
}

function checkOperands(command: CommandRow, operands: readonly string[]): void {
  const missing = command.operands.filter((row) => row.required)[operands.length];
  if (missing) throw new UsageError(`Missing argument: ${missing.name}`, missing.help);
  const most = command.operands.some((row) => row.many) ? Infinity : command.operands.length;
  if (operands.length > most) throw new UsageError(`Unexpected argument "${operands[most]}"`, "");
}
