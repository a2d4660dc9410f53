/** `--format json`: schema in docs/check-config.schema.json, `version` grows when a field changes meaning. */

import type { Diagnostic } from "../../core/diagnostic.ts";
import type { Format } from "./format.ts";

export const JSON_VERSION = 1;

export const jsonFormat: Format = (checked) => {
  const report = {
    version: JSON_VERSION,
    files: checked.map(({ file, good, diagnostics }) => ({
      file,
      good,
      diagnostics: diagnostics.map(shape),
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
};

function shape({ at, severity, rule, message, hint, related }: Diagnostic): object {
  return {
    file: at.file,
    line: at.line,
    column: at.column,
    length: at.length,
    severity,
    rule,
    message,
    hint: hint ?? null,
    related: related
      ? {
        file: related.at.file,
        line: related.at.line,
        column: related.at.column,
        message: related.message,
      }
      : null,
  };
}
