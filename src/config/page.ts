/** Lines of a text that is being printed, with the comments that stand at them. */

import type { Notes } from "./outline.ts";

export class Page {
  readonly lines: string[] = [];
  #gap = false;

  /** A blank line before whatever follows; none at the top. */
  blank(): void {
    this.#gap = this.lines.length > 0;
  }

  /** Empty strings are blank lines. */
  add(...lines: readonly string[]): void {
    for (const line of lines) {
      if (line === "") {
        this.blank();
        continue;
      }
      if (this.#gap) this.lines.push("");
      this.#gap = false;
      this.lines.push(line);
    }
  }

  /** A statement of one or several lines; the comment behind it stands on its last. */
  statement(notes: Notes | null, lines: readonly string[]): void {
    this.before(notes);
    this.add(...lines.slice(0, -1), withEnd(lines[lines.length - 1], notes));
    this.after(notes);
  }

  before(notes: Notes | null): void {
    // Comments with a blank line behind them would else seem to belong to what precedes.
    if (notes?.before.includes("")) this.blank();
    this.add(...notes?.before ?? []);
  }

  after(notes: Notes | null): void {
    if (!notes || notes.after.length === 0) return;
    this.add(...notes.after);
    this.blank();
  }

  /** What stands first in a block. */
  head(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.add(...lines);
    this.blank();
  }

  /** What stands last in the file. */
  tail(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.blank();
    this.add(...lines);
  }

  text(): string {
    return this.lines.map((line) => `${line}\n`).join("");
  }
}

/** The line, with the comment that stands behind it. */
export function withEnd(line: string, notes: Notes | null): string {
  return notes?.end ? `${line} ${notes.end}` : line;
}
