/** `--format junit`: a test suite a file, a failed case a finding; a file without any is one passed case. */

import type { Diagnostic } from "../../core/diagnostic.ts";
import { type Checked, type Format, textOf, xml } from "./format.ts";

export const junitFormat: Format = (checked) => {
  const suites = checked.map(suite);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="doorpost check-config">\n${
    suites.join("")
  }</testsuites>\n`;
};

function suite({ file, diagnostics }: Checked): string {
  const cases = diagnostics.length > 0
    ? diagnostics.map((finding) => testCase(file, finding))
    : [`    <testcase classname="${xml(file)}" name="configuration"/>\n`];
  const failures = diagnostics.filter(({ severity }) => severity !== "info").length;
  return `  <testsuite name="${
    xml(file)
  }" tests="${cases.length}" failures="${failures}" errors="0" ` +
    `skipped="0">\n${cases.join("")}  </testsuite>\n`;
}

function testCase(file: string, finding: Diagnostic): string {
  const { at, severity, rule } = finding;
  const place = `${at.file}:${at.line}:${at.column}`;
  const name = xml(`${rule} ${place}`);
  const text = xml(`${place}: ${severity}[${rule}]: ${textOf(finding)}`);
  const inner = severity === "info"
    ? `<system-out>${text}</system-out>`
    : `<failure type="${severity}" message="${xml(finding.message)}">${text}</failure>`;
  return `    <testcase classname="${xml(file)}" name="${name}">${inner}</testcase>\n`;
}
