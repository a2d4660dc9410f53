/**
 * What a lint rule is: a judgement about settings that are valid. A rule is one file with its id, what
 * it says, why, and how to mend it; `docs/rules/ID.md` is made from these words.
 *
 * Rules are pure: what they need to know of the machine comes in the subject.
 */

import type { GlobalDirective, ServerDirective, ServerSettings } from "../config/settings.ts";
import type { Diagnostic, Position, Severity } from "../core/diagnostic.ts";
import type { Limited } from "./granted.ts";

export interface Subject extends Limited {
  /** Paths of the files that were read, the main one first. */
  readonly sources: readonly string[];
  /** Permission bits of a file, null when it cannot be looked at. */
  mode(path: string): number | null;
  /** PEM text to what matters of it, null when it cannot be read (which is reported elsewhere). */
  certificate(path: string): CertificateFacts | null;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface CertificateFacts {
  readonly names: readonly string[];
  readonly notBefore: number;
  readonly notAfter: number;
}

/** `About` is what the rule looks at. */
export interface Rule<About = Subject> {
  /** Stable, kebab-case. */
  readonly id: string;
  readonly severity: Severity;
  /** One line, no full stop. */
  readonly title: string;
  /** Markdown paragraphs. */
  readonly why: string;
  readonly mend: string;
  /** Configuration that fires, and the same mended, in TOML. */
  readonly bad: string;
  readonly good: string;
  check(subject: About, report: Report): void;
}

export type Report = (at: Position, message: string, hint?: string) => void;

/** Runs the rules; findings come in the order of the rules. */
export function lint<About>(rules: readonly Rule<About>[], subject: About): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const { id, severity, check } of rules) {
    check(subject, (at, message, hint) => {
      // A directive that several servers inherit is one place, and one finding.
      const known = found.some((other) =>
        other.rule === id && other.message === message && samePlace(other.at, at)
      );
      if (!known) found.push({ at, severity, rule: id, message, hint });
    });
  }
  return found;
}

function samePlace(a: Position, b: Position): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}

/** Where a directive was written, or the server's own place when it has its default. */
export function placeOf(server: ServerSettings, directive: ServerDirective): Position {
  const origin = server.origin(directive);
  return "at" in origin ? origin.at : server.position;
}

/** Where the first of these that is written stands; the whole file when none is. */
export function globalPlace(
  { settings, file }: Limited,
  ...directives: readonly GlobalDirective[]
): Position {
  const origins = directives.map((directive) => settings.global.origin(directive));
  const written = origins.find((origin) => "at" in origin);
  return written && "at" in written ? written.at : { file, line: 0, column: 0, length: 1 };
}

/** Runs `check` for each server. */
export function eachServer(
  check: (server: ServerSettings, report: Report) => void,
): Rule["check"] {
  return ({ settings }, report) => settings.servers.forEach((server) => check(server, report));
}
