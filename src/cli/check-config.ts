/**
 * `check-config`: everything that `serve` would find out before it listens. The last two lines of a
 * good configuration are nginx's, word for word behind the program's name, because scripts look for
 * them; as in nginx they go to standard error.
 */

import { linesOf, load, type Source } from "../config/load.ts";
import type { Command } from "./command.ts";
import { FAILED, OK, USAGE } from "./exit.ts";
import { renderReport, summary } from "./report.ts";
import { inputSource, NO_CONFIG, usualPlace } from "./sources.ts";
import { complain } from "./terminal.ts";

export const checkConfig: Command<"check-config"> = async (values, operands, context) => {
  const { runtime, terminal } = context;
  if (values.config !== undefined && operands.length > 0) {
    complain(terminal, "A file is named twice: as an argument and by --config");
    return USAGE;
  }
  const path = operands[0] ?? values.config ?? usualPlace(runtime.files);
  if (path === null) {
    complain(terminal, NO_CONFIG, "name a file: doorpost check-config FILE");
    return USAGE;
  }
  const source: Source = path === "-"
    ? inputSource(new TextDecoder().decode(await runtime.host.readIn()), values.syntax)
    : { path, syntax: values.syntax };
  const { settings, diagnostics, sources, tree } = await load(source, runtime);
  const { errColors: colors, columns } = terminal;
  terminal.err(renderReport(diagnostics, linesOf(sources), { colors, columns }));
  const counted = summary(diagnostics);
  if (counted !== "") terminal.err(`${counted}\n`);
  terminal.err(verdict(source.path, settings !== null));
  if (settings) return OK;
  return tree ? FAILED : USAGE;
};

function verdict(name: string, good: boolean): string {
  if (!good) return `doorpost: configuration file ${name} test failed\n`;
  return `doorpost: the configuration file ${name} syntax is ok\n` +
    `doorpost: configuration file ${name} test is successful\n`;
}
