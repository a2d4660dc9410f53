/** `--format gitlab`: GitLab's code quality report (a subset of Code Climate's). */

import type { Diagnostic, Severity } from "../../core/diagnostic.ts";
import { findingsOf, type Format, textOf } from "./format.ts";

const SEVERITIES: Readonly<Record<Severity, string>> = {
  error: "major",
  warning: "minor",
  info: "info",
};

export const gitlabFormat: Format = (checked) => {
  const seen = new Map<string, number>();
  const issues = findingsOf(checked).map((finding) => issue(finding, seen));
  return `${JSON.stringify(issues, null, 2)}\n`;
};

function issue(finding: Diagnostic, seen: Map<string, number>): object {
  const { at, severity, rule } = finding;
  return {
    description: textOf(finding),
    check_name: rule,
    fingerprint: fingerprint(finding, seen),
    severity: SEVERITIES[severity],
    location: { path: inRepository(at.file), lines: { begin: Math.max(1, at.line) } },
  };
}

/** GitLab finds the file only by its path from the top, without `./`. */
function inRepository(path: string): string {
  return path.replace(/^(?:\.\/+)+/, "");
}

/** Stays the same when lines move: what is found, not where, told apart by order. */
function fingerprint({ at, rule, message }: Diagnostic, seen: Map<string, number>): string {
  const what = `${at.file}\0${rule}\0${message}`;
  const count = seen.get(what) ?? 0;
  seen.set(what, count + 1);
  return hash(`${what}\0${count}`);
}

/** 64 bits of FNV-1a as hex: an identity, not a seal. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    value = ((value ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return value.toString(16).padStart(16, "0");
}
