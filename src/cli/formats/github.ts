/** `--format github`: workflow commands of GitHub Actions, which show as annotations. */

import type { Diagnostic, Severity } from "../../core/diagnostic.ts";
import { findingsOf, type Format, textOf } from "./format.ts";

const COMMANDS: Readonly<Record<Severity, string>> = {
  error: "error",
  warning: "warning",
  info: "notice",
};

export const githubFormat: Format = (checked) => findingsOf(checked).map(annotation).join("");

function annotation(finding: Diagnostic): string {
  const { at, severity, rule } = finding;
  const places = [`file=${property(at.file)}`];
  if (at.line > 0) places.push(`line=${at.line}`);
  if (at.column > 0) places.push(`col=${at.column}`, `endColumn=${at.column + at.length}`);
  places.push(`title=${property(rule)}`);
  return `::${COMMANDS[severity]} ${places.join(",")}::${data(textOf(finding))}\n`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
