/**
 * The one table of commands and options. It drives the reader of arguments (`args.ts`), the help
 * (`help.ts`), the completions, the manual page and the types of the values that a command gets.
 *
 * To add a command: its row here, its file, its line in `commands.ts`. Rules of the table: a help line
 * starts in lower case and has no full stop; examples are commands that work as they stand.
 */

import { RULE_IDS } from "../lint/faults.ts";
import { PROBE } from "./probe-options.ts";
import { COMPLETIONS, MAN } from "./shell-options.ts";
import { TEST_AUTH } from "./test-auth-options.ts";

interface OptionBase {
  /** Without the dashes. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Heading under which the help shows it. */
  readonly group: string;
  readonly help: string;
}

export type OptionRow =
  & OptionBase
  & (
    | { readonly type: "flag" }
    /** Taken as it stands: `0123` stays `0123`. */
    | { readonly type: "text"; readonly argument: string }
    /** A whole number within the bounds. */
    | {
      readonly type: "number";
      readonly argument: string;
      readonly least: number;
      readonly most: number;
    }
    /** nginx's grammar of times: `500ms`, `10s`, `1m30s`; seconds without a unit. All in milliseconds. */
    | {
      readonly type: "time";
      readonly argument: string;
      readonly least: number;
      readonly most: number;
    }
    /** May be given several times. */
    | {
      readonly type: "list";
      readonly argument: string;
      /** For completion. */
      readonly known?: readonly string[];
    }
    | { readonly type: "choice"; readonly argument: string; readonly choices: readonly string[] }
  );

export interface OperandRow {
  /** As the help shows it: `FILE`. */
  readonly name: string;
  readonly required: boolean;
  /** Takes all that are left. */
  readonly many: boolean;
  readonly help: string;
}

export interface Example {
  readonly why: string;
  readonly line: string;
}

export interface CommandRow {
  readonly name: string;
  /** Completes "doorpost NAME - ...". */
  readonly summary: string;
  readonly operands: readonly OperandRow[];
  readonly options: readonly OptionRow[];
  readonly examples: readonly Example[];
  /** Further sections of the help: a title, and a term with its explanation a line. */
  readonly notes: readonly Note[];
}

export interface Note {
  readonly title: string;
  readonly lines: readonly (readonly [term: string, text: string])[];
}

/** Where `serve` and `check-config` look when no file is named, in this order. */
export const CONFIG_PLACES = ["doorpost.toml", "/etc/doorpost/doorpost.toml"] as const;

/** What `check-config --format` knows. */
export const FORMATS = [
  "human",
  "json",
  "github",
  "gitlab",
  "sarif",
  "junit",
  "checkstyle",
] as const;

const CONFIG = [
  {
    name: "config",
    short: "c",
    type: "text",
    argument: "FILE",
    group: "Configuration",
    help: `read FILE; without it ./${CONFIG_PLACES[0]}, then ${CONFIG_PLACES[1]}`,
  },
  {
    name: "syntax",
    type: "choice",
    argument: "NAME",
    choices: ["toml", "nginx"],
    group: "Configuration",
    help: "toml or nginx; without it a file that ends in .toml is TOML, any other nginx's",
  },
] as const satisfies readonly OptionRow[];

/** Accepted by every command, and before the command. */
export const GLOBAL_OPTIONS = [
  {
    name: "color",
    type: "choice",
    argument: "WHEN",
    choices: ["auto", "always", "never"],
    group: "Every command",
    help: "colour: auto (on a terminal, unless NO_COLOR is set), always or never",
  },
  { name: "help", short: "h", type: "flag", group: "Every command", help: "show this help" },
  {
    name: "version",
    short: "V",
    type: "flag",
    group: "Every command",
    help: "show the versions of doorpost, its runtime and its TLS library",
  },
] as const satisfies readonly OptionRow[];

export const COMMANDS = [
  {
    name: "serve",
    summary: "run the proxy",
    operands: [],
    options: [
      ...CONFIG,
      {
        name: "demo",
        type: "flag",
        group: "First steps",
        help: "run with a built-in auth server, mailbox and backends, on loopback only",
      },
      {
        name: "demo-port-base",
        type: "number",
        argument: "N",
        // The highest port is 995 (pop3s) above it.
        least: 0,
        most: 65535 - 995,
        group: "First steps",
        help: "the demo's ports are the usual ones plus N, 1000 without it: 1143, 1993 ...",
      },
      {
        name: "init",
        type: "text",
        argument: "FILE",
        group: "First steps",
        help: "write a commented configuration to start from, and stop",
      },
    ],
    examples: [
      { why: "try it, with nothing to set up", line: "doorpost serve --demo" },
      { why: "start a configuration of your own", line: "doorpost serve --init doorpost.toml" },
      { why: "run it", line: "doorpost serve --config doorpost.toml" },
      {
        why: "run on the mail {} block of an nginx configuration",
        line: "doorpost serve --config /etc/nginx/nginx.conf",
      },
    ],
    notes: [
      {
        title: "Signals",
        lines: [
          ["HUP", "reload the configuration; a faulty one changes nothing"],
          ["QUIT", "take no new clients, end when the last session has ended"],
          ["TERM, INT", "end at once"],
          ["USR1", "open the log files anew, after a rotation"],
        ],
      },
      {
        title: "Exit status",
        lines: [
          ["0", "ended by a signal"],
          ["1", "the configuration has errors, or an address cannot be bound"],
          ["2", "wrong usage"],
        ],
      },
    ],
  },
  {
    name: "check-config",
    summary: "check a configuration without running it",
    operands: [
      {
        name: "FILE",
        required: false,
        many: true,
        help: "the same as --config FILE; - is standard input",
      },
    ],
    options: [
      ...CONFIG,
      {
        name: "strict",
        type: "flag",
        group: "Judging",
        help: "warnings count as faults",
      },
      {
        name: "rule",
        type: "list",
        argument: "ID",
        known: RULE_IDS,
        group: "Judging",
        help: "only findings of this rule count, and of others that are named (repeats)",
      },
      {
        name: "skip-rule",
        type: "list",
        argument: "ID",
        known: RULE_IDS,
        group: "Judging",
        help: "leave out findings of this rule (repeats)",
      },
      {
        name: "online",
        type: "flag",
        group: "Judging",
        help: "ask each auth server with a made-up user; if it lets that in, greet the backend",
      },
      {
        name: "format",
        type: "choice",
        argument: "NAME",
        choices: FORMATS,
        group: "Output",
        help: `findings as ${FORMATS.slice(0, -1).join(", ")} or ${FORMATS.at(-1)}`,
      },
      {
        name: "print",
        type: "choice",
        argument: "WHAT",
        choices: ["effective", "toml", "nginx", "json"],
        group: "Output",
        help: "print the settings instead: as a table with where each comes from, converted to " +
          "the other syntax, or as JSON; notes go to standard error",
      },
      {
        name: "schema",
        type: "flag",
        group: "Output",
        help: "print the JSON Schema of the TOML, for editors, and stop",
      },
    ],
    examples: [
      { why: "check a file", line: "doorpost check-config doorpost.toml" },
      {
        why: "fail a build on warnings too, with a report that the build server reads",
        line: "doorpost check-config --strict --format junit *.toml > report.xml",
      },
      {
        why: "move from nginx, with a note on every directive",
        line: "doorpost check-config --print toml /etc/nginx/nginx.conf > doorpost.toml",
      },
      {
        why: "see what doorpost makes of an nginx configuration",
        line: "doorpost check-config /etc/nginx/nginx.conf",
      },
      {
        why: "check what a template gives, before it is installed",
        line: "envsubst < doorpost.toml.in | doorpost check-config --syntax toml -",
      },
    ],
    notes: [
      {
        title: "Exit status",
        lines: [
          ["0", "no errors; there may be warnings"],
          ["1", "errors were found, or warnings with --strict"],
          ["2", "wrong usage, or a file that cannot be read"],
        ],
      },
    ],
  },
  TEST_AUTH,
  PROBE,
  COMPLETIONS,
  MAN,
] as const satisfies readonly CommandRow[];

export type CommandName = typeof COMMANDS[number]["name"];

/** What one option becomes. */
export type OptionValue<Row extends OptionRow = OptionRow> = Row extends { type: "flag" } ? boolean
  : Row extends { type: "number" | "time" } ? number | undefined
  : Row extends { type: "list" } ? readonly string[]
  : Row extends { type: "choice"; choices: readonly (infer Word)[] } ? Word | undefined
  : string | undefined;

type RowOf<Name extends CommandName> = Extract<typeof COMMANDS[number], { name: Name }>;

/** The values that a command gets, one for each of its options, by name. */
export type ValuesOf<Name extends CommandName> = {
  readonly [Row in RowOf<Name>["options"][number] as Row["name"]]: OptionValue<Row>;
};

export type GlobalValues = {
  readonly [Row in typeof GLOBAL_OPTIONS[number] as Row["name"]]: OptionValue<Row>;
};

/** `-c, --config FILE`, for help and messages. */
export function spelled(option: OptionRow): string {
  const short = option.short ? `-${option.short}, ` : "    ";
  return `${short}--${option.name}${option.type === "flag" ? "" : ` ${option.argument}`}`;
}
