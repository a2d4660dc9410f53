/** `--format sarif`: SARIF 2.1.0 (OASIS), as code scanning services read it. */

import type { Log, PhysicalLocation, ReportingDescriptor, Result, Run } from "sarif";
import type { Diagnostic, Position, Severity } from "../../core/diagnostic.ts";
import { FAULTS } from "../../lint/faults.ts";
import { RULES } from "../../lint/rules.ts";
import { findingsOf, type Format } from "./format.ts";

const LEVELS: Readonly<Record<Severity, Result.level>> = {
  error: "error",
  warning: "warning",
  info: "note",
};

export const sarifFormat: Format = (checked, version) => {
  const findings = findingsOf(checked);
  const ids = [...new Set(findings.map(({ rule }) => rule))].sort();
  const run: Run = {
    tool: {
      driver: { name: "doorpost", semanticVersion: version, version, rules: ids.map(ruleOf) },
    },
    columnKind: "utf16CodeUnits",
    results: findings.map((finding) => result(finding, ids)),
  };
  const log: Log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [run],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
};

function ruleOf(id: string): ReportingDescriptor {
  const rule = [...RULES, ...FAULTS].find((each) => each.id === id);
  if (!rule) return { id };
  const { title, why, mend, severity } = rule;
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: why },
    help: { text: `${why}\n\n${mend}`, markdown: `${why}\n\n${mend}` },
    defaultConfiguration: { level: LEVELS[severity] },
  };
}

function result(finding: Diagnostic, ids: readonly string[]): Result {
  const { at, severity, rule, message, hint, related } = finding;
  return {
    ruleId: rule,
    ruleIndex: ids.indexOf(rule),
    level: LEVELS[severity],
    message: { text: hint ? `${message}\n${hint}` : message },
    locations: [{ physicalLocation: physical(at) }],
    ...(related && {
      relatedLocations: [{
        physicalLocation: physical(related.at),
        message: { text: related.message },
      }],
    }),
  };
}

function physical({ file, line, column, length }: Position): PhysicalLocation {
  const region = column > 0
    ? { startLine: line, startColumn: column, endColumn: column + length }
    : { startLine: line };
  return {
    artifactLocation: { uri: encodeURI(file.replaceAll("\\", "/")) },
    ...(line > 0 && { region }),
  };
}
