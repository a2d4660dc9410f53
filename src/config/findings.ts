/** Collects diagnostics: nothing stops at the first one, nothing is said twice. */

import type { Diagnostic, Position, Severity } from "../core/diagnostic.ts";
import type { Word } from "./tree.ts";

/** A place, or a word that has one. */
export type Place = Word | Position;

interface Extra {
  readonly hint?: string;
  readonly related?: Diagnostic["related"];
}

export class Findings {
  readonly #all = new Map<string, Diagnostic>();
  #failed = false;

  /** Whether there is an error among them. */
  get failed(): boolean {
    return this.#failed;
  }

  error(rule: string, message: string, at: Place, extra?: Extra): void {
    this.#failed = true;
    this.#add("error", rule, message, at, extra);
  }

  warning(rule: string, message: string, at: Place, extra?: Extra): void {
    this.#add("warning", rule, message, at, extra);
  }

  info(rule: string, message: string, at: Place, extra?: Extra): void {
    this.#add("info", rule, message, at, extra);
  }

  /** The same findings, to go on from. */
  copy(): Findings {
    const copy = new Findings();
    for (const [key, diagnostic] of this.#all) copy.#all.set(key, diagnostic);
    copy.#failed = this.#failed;
    return copy;
  }

  /** In the order of the files given, then of their lines. */
  list(files: readonly string[]): readonly Diagnostic[] {
    const rank = (file: string) => files.indexOf(file);
    return [...this.#all.values()].sort((a, b) =>
      rank(a.at.file) - rank(b.at.file) || a.at.line - b.at.line || a.at.column - b.at.column
    );
  }

  #add(severity: Severity, rule: string, message: string, place: Place, extra?: Extra): void {
    const at = "text" in place ? place.at : place;
    // What a mail-level directive does wrong is found again in every server that inherits it.
    const key = `${rule} ${at.file}:${at.line}:${at.column} ${message}`;
    if (this.#all.has(key)) return;
    const { hint, related } = extra ?? {};
    this.#all.set(key, {
      at,
      severity,
      rule,
      message,
      ...(hint !== undefined && { hint }),
      ...(related && { related }),
    });
  }
}
