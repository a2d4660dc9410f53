/** `--format checkstyle`: Checkstyle's XML, which most CI servers and editors read. */

import type { Diagnostic } from "../../core/diagnostic.ts";
import { findingsOf, type Format, textOf, xml } from "./format.ts";

export const checkstyleFormat: Format = (checked) => {
  const byFile = new Map<string, Diagnostic[]>(checked.map(({ file }) => [file, []]));
  for (const finding of findingsOf(checked)) {
    const known = byFile.get(finding.at.file) ?? [];
    byFile.set(finding.at.file, [...known, finding]);
  }
  const files = [...byFile].map(([file, findings]) =>
    `  <file name="${xml(file)}">\n${findings.map(row).join("")}  </file>\n`
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<checkstyle version="4.3">\n${
    files.join("")
  }</checkstyle>\n`;
};

function row(finding: Diagnostic): string {
  const { at, severity, rule } = finding;
  const column = at.column > 0 ? ` column="${at.column}"` : "";
  return `    <error line="${Math.max(1, at.line)}"${column} severity="${severity}" ` +
    `message="${xml(textOf(finding))}" source="doorpost.${xml(rule)}"/>\n`;
}
