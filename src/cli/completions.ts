/**
 * `completions`: what a shell completes for doorpost, made from the table of `options.ts`. The words of
 * the table are its own, without quotes or dollars, so that they can stand in any shell's quotes once
 * single quotes are seen to.
 */

import type { Command } from "./command.ts";
import { OK, USAGE } from "./exit.ts";
import { type CommandRow, COMMANDS, GLOBAL_OPTIONS, type OptionRow } from "./options.ts";
import { complain } from "./terminal.ts";

const SHELLS: Readonly<Record<string, () => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};
export const SHELL_NAMES: readonly string[] = Object.keys(SHELLS);

export const completions: Command<"completions"> = (_values, [shell], { terminal }) => {
  if (Object.hasOwn(SHELLS, shell)) {
    terminal.out(SHELLS[shell]());
    return Promise.resolve(OK);
  }
  complain(terminal, `Unknown shell "${shell}"`, `one of ${SHELL_NAMES.join(", ")}`);
  return Promise.resolve(USAGE);
};

function optionsOf(command: CommandRow): readonly OptionRow[] {
  return [...command.options, ...GLOBAL_OPTIONS];
}

function takesFile(option: OptionRow): boolean {
  return option.type === "text" && option.argument === "FILE";
}

/** What the value of an option can be, as far as it is known. */
function wordsOf(option: OptionRow): readonly string[] {
  if (option.type === "choice") return option.choices;
  return option.type === "list" ? option.known ?? [] : [];
}

/** What an operand can be: a shell's name, or a file. */
function operandWords(command: CommandRow): readonly string[] {
  return command.operands.some(({ name }) => name === "SHELL") ? SHELL_NAMES : [];
}

function takesFiles(command: CommandRow): boolean {
  return command.operands.some(({ name }) => name === "FILE" || name === "CASES");
}

function spellings({ name, short }: OptionRow): string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

// --- bash ----------------------------------------------------------------------------------------

export function bashCompletions(): string {
  const names = COMMANDS.map(({ name }) => name).join(" ");
  return `# bash completion of doorpost: doorpost completions bash > \\
#   /usr/share/bash-completion/completions/doorpost
_doorpost() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command="" at
  COMPREPLY=()
  # "=" is a word of its own: --format = json
  if [[ $word == "=" ]]; then word=""
  elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((at = 1; at < COMP_CWORD; at++)); do
    case \${COMP_WORDS[at]} in
      ${COMMANDS.map(({ name }) => name).join("|")}) command=\${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command:$before in
${bashValues()}  esac
  case $command in
    "") COMPREPLY=($(compgen -W "${names} ${
    GLOBAL_OPTIONS.flatMap(spellings).join(" ")
  }" -- "$word")) ;;
${COMMANDS.map(bashCommand).join("")}  esac
}
complete -F _doorpost doorpost
`;
}

function bashValues(): string {
  // Options that every command takes may stand before it.
  const places: readonly (readonly [string, readonly OptionRow[]])[] = [
    ["", GLOBAL_OPTIONS],
    ...COMMANDS.map((row) => [row.name, optionsOf(row)] as const),
  ];
  return places.flatMap(([name, options]) =>
    options.filter(({ type }) => type !== "flag").map((option) => {
      const patterns = spellings(option).map((word) => `${name}:${word}`).join("|");
      const words = wordsOf(option);
      const found = words.length > 0 ? `-W "${words.join(" ")}"` : takesFile(option) ? "-f" : null;
      const reply = found === null ? "" : `COMPREPLY=($(compgen ${found} -- "$word")); `;
      return `    ${patterns}) ${reply}return ;;\n`;
    })
  ).join("");
}

function bashCommand(command: CommandRow): string {
  const words = [...operandWords(command), ...optionsOf(command).flatMap(spellings)];
  const files = takesFiles(command) ? ` $(compgen -f -- "$word")` : "";
  return `    ${command.name}) COMPREPLY=($(compgen -W "${
    words.join(" ")
  }" -- "$word")${files}) ;;\n`;
}

// --- zsh -----------------------------------------------------------------------------------------

export function zshCompletions(): string {
  const commands = COMMANDS.map(({ name, summary }) => `    ${zshWord(`${name}:${summary}`)}\n`);
  return `#compdef doorpost
# zsh completion of doorpost: doorpost completions zsh > /usr/share/zsh/site-functions/_doorpost
_doorpost() {
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
${commands.join("")}  )
  _arguments -C \\
    ${GLOBAL_OPTIONS.flatMap(zshOption).join(" \\\n    ")} \\
    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe command commands ;;
    rest)
      case $line[1] in
${COMMANDS.map(zshCommand).join("")}      esac ;;
  esac
}
# Called as a function of fpath it completes; read by "source" it makes itself known.
if [[ $funcstack[1] == _doorpost ]]; then _doorpost "$@"; else compdef _doorpost doorpost; fi
`;
}

function zshCommand(command: CommandRow): string {
  const operands = operandWords(command).length > 0
    ? [`1:shell:(${SHELL_NAMES.join(" ")})`]
    : takesFiles(command)
    ? ["*:file:_files"]
    : [];
  const specs = [...optionsOf(command).flatMap(zshOption), ...operands.map(zshWord)];
  return `        ${command.name}) _arguments \\\n          ${specs.join(" \\\n          ")} ;;\n`;
}

function zshOption(option: OptionRow): string[] {
  const help = option.help.replace(/[[\]\\:]/g, (char) => `\\${char}`);
  const value = option.type === "flag"
    ? ""
    : `:${option.argument.replaceAll(":", "\\:")}:${zshValues(option)}`;
  const repeats = option.type === "list" ? "*" : "";
  // Both `--name=value` and `--name value`.
  const equals = (word: string) => option.type !== "flag" && word.startsWith("--") ? "=" : "";
  return spellings(option).map((word) =>
    zshWord(`${repeats}${word}${equals(word)}[${help}]${value}`)
  );
}

function zshValues(option: OptionRow): string {
  const words = wordsOf(option);
  if (words.length > 0) return `(${words.join(" ")})`;
  return takesFile(option) ? "_files" : "";
}

function zshWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

// --- fish ----------------------------------------------------------------------------------------

export function fishCompletions(): string {
  const names = COMMANDS.map(({ name }) => name).join(" ");
  const none = `not __fish_seen_subcommand_from ${names}`;
  const lines = [
    "# fish completion of doorpost: doorpost completions fish > \\",
    "#   ~/.config/fish/completions/doorpost.fish",
    "complete -c doorpost -f",
    ...COMMANDS.map(({ name, summary }) =>
      `complete -c doorpost -n ${fishWord(none)} -a ${name} -d ${fishWord(summary)}`
    ),
    ...GLOBAL_OPTIONS.map((option) => `complete -c doorpost${fishOption(option)}`),
    ...COMMANDS.flatMap((command) => fishCommand(command)),
  ];
  return `${lines.join("\n")}\n`;
}

function fishCommand(command: CommandRow): string[] {
  const head = `complete -c doorpost -n ${fishWord(`__fish_seen_subcommand_from ${command.name}`)}`;
  const words = operandWords(command);
  return [
    ...(takesFiles(command) ? [`${head} -F`] : []),
    ...(words.length > 0 ? [`${head} -a ${fishWord(words.join(" "))}`] : []),
    ...command.options.map((option) => head + fishOption(option)),
  ];
}

function fishOption(option: OptionRow): string {
  const short = option.short === undefined ? "" : ` -s ${option.short}`;
  const words = wordsOf(option);
  const value = option.type === "flag"
    ? ""
    : words.length > 0
    ? ` -x -a ${fishWord(words.join(" "))}`
    : takesFile(option)
    ? " -r -F"
    : " -x";
  return `${short} -l ${option.name}${value} -d ${fishWord(option.help)}`;
}

function fishWord(text: string): string {
  return `'${text.replace(/['\\]/g, (char) => `\\${char}`)}'`;
}
