/**
 * `check-config`: everything that `serve` would find out before it listens, and what the lint rules
 * say about it. Findings go to standard output in the format that was asked for. The last two lines of
 * a good configuration are nginx's, word for word behind the program's name, because scripts look for
 * them; as in nginx they go to standard error.
 */

import { jsonSchemaText } from "../config/json-schema.ts";
import type { Source } from "../config/load.ts";
import { nearest } from "../core/diagnostic.ts";
import { RULE_IDS } from "../lint/faults.ts";
import { type Checking, checkSource, type Judging } from "./checking.ts";
import type { Command, Context } from "./command.ts";
import { FAILED, OK, USAGE } from "./exit.ts";
import { checkstyleFormat } from "./formats/checkstyle.ts";
import type { Format } from "./formats/format.ts";
import { githubFormat } from "./formats/github.ts";
import { gitlabFormat } from "./formats/gitlab.ts";
import { jsonFormat } from "./formats/json.ts";
import { junitFormat } from "./formats/junit.ts";
import { sarifFormat } from "./formats/sarif.ts";
import type { FORMATS, ValuesOf } from "./options.ts";
import { printSettings } from "./print-settings.ts";
import { renderReport, summary } from "./report.ts";
import { inputSource, NO_CONFIG, usualPlace } from "./sources.ts";
import { complain } from "./terminal.ts";
import { VERSION } from "./version.ts";

type Values = ValuesOf<"check-config">;

const MACHINE: Readonly<Record<Exclude<typeof FORMATS[number], "human">, Format>> = {
  json: jsonFormat,
  github: githubFormat,
  gitlab: gitlabFormat,
  sarif: sarifFormat,
  junit: junitFormat,
  checkstyle: checkstyleFormat,
};

export const checkConfig: Command<"check-config"> = async (values, operands, context) => {
  const { runtime, terminal } = context;
  if (!agree(values, operands, context)) return USAGE;
  if (values.schema) {
    terminal.out(jsonSchemaText());
    return OK;
  }
  const paths = pathsOf(values, operands, context);
  if (!paths) return USAGE;
  if (values.print && paths.length > 1) {
    complain(terminal, "--print takes one file");
    return USAGE;
  }
  if (!knowsRules([...values.rule, ...values["skip-rule"]], context)) return USAGE;
  const judging: Judging = {
    strict: values.strict,
    only: values.rule,
    skip: values["skip-rule"],
    online: values.online,
    comments: values.print === "toml" || values.print === "nginx",
  };
  const checked: Checking[] = [];
  for (const path of paths) {
    checked.push(await checkSource(await sourceOf(path, values, context), judging, runtime));
  }
  if (values.print) printSettings(checked[0], values.print, terminal);
  else show(checked, values.format ?? "human", context);
  if (checked.some(({ loaded }) => loaded.tree === null)) return USAGE;
  return checked.every(({ good }) => good) ? OK : FAILED;
};

/** What would be passed over in silence is said. */
function agree(values: Values, operands: readonly string[], { terminal }: Context): boolean {
  const { schema, print, format, config } = values;
  if (schema && (print || format || config !== undefined || operands.length > 0)) {
    complain(terminal, "--schema is printed alone: it takes no file and no form");
    return false;
  }
  if (print && format && format !== "human") {
    const hint = print === "effective" ? "--print json prints the settings as JSON" : "";
    complain(terminal, "--print and --format exclude each other", hint);
    return false;
  }
  return true;
}

function pathsOf(
  values: Values,
  operands: readonly string[],
  { runtime, terminal }: Context,
): readonly string[] | null {
  if (values.config !== undefined && operands.length > 0) {
    complain(terminal, "A file is named twice: as an argument and by --config");
    return null;
  }
  const named = values.config !== undefined ? [values.config] : operands;
  if (named.length > 0) return named;
  const usual = usualPlace(runtime.files);
  if (usual !== null) return [usual];
  complain(terminal, NO_CONFIG, "name a file: doorpost check-config FILE");
  return null;
}

async function sourceOf(path: string, values: Values, { runtime }: Context): Promise<Source> {
  if (path !== "-") return { path, syntax: values.syntax };
  return inputSource(new TextDecoder().decode(await runtime.host.readIn()), values.syntax);
}

/** A misspelt id would leave out what nobody wanted left out, and nothing would show it. */
function knowsRules(ids: readonly string[], { terminal }: Context): boolean {
  const unknown = ids.find((each) => !RULE_IDS.includes(each));
  if (unknown === undefined) return true;
  const guess = nearest(unknown, RULE_IDS);
  const hint = guess ? `did you mean "${guess}"?` : "docs/rules has a page for each";
  complain(terminal, `There is no rule "${unknown}"`, hint);
  return false;
}

function show(
  checked: readonly Checking[],
  format: typeof FORMATS[number],
  { terminal }: Context,
): void {
  if (format !== "human") return terminal.out(MACHINE[format](checked, VERSION));
  const { outColors: colors, columns } = terminal;
  for (const { diagnostics, sources } of checked) {
    terminal.out(renderReport(diagnostics, sources, { colors, columns }));
    const counted = summary(diagnostics);
    if (counted !== "") terminal.out(`${counted}\n`);
  }
  for (const { file, good } of checked) terminal.err(verdict(file, good));
}

function verdict(name: string, good: boolean): string {
  if (!good) return `doorpost: configuration file ${name} test failed\n`;
  return `doorpost: the configuration file ${name} syntax is ok\n` +
    `doorpost: configuration file ${name} test is successful\n`;
}
