/**
 * One finding about a file that a person wrote: where, how bad, what, and what to do about it.
 * Formats (human, JSON, SARIF ...) live in `cli`; here is only the shape.
 */

/** `error`: it cannot be used. `warning`: it may do other than was meant. */
export type Severity = "error" | "warning" | "info";

/** A place in a file. */
export interface Position {
  /** Path as the user named it, or the include's path. */
  readonly file: string;
  /** 1-based; 0 when the finding is about the file as a whole. */
  readonly line: number;
  /** 1-based, counted in characters; 0 when the finding is about the line as a whole. */
  readonly column: number;
  /** Characters to underline, at least 1. */
  readonly length: number;
}

/** One finding. */
export interface Diagnostic {
  readonly at: Position;
  readonly severity: Severity;
  /** Stable id in kebab-case, such as `unknown-directive`. */
  readonly rule: string;
  readonly message: string;
  /** What to do, or the nearest name. */
  readonly hint?: string;
  /** A place that explains the finding, such as "first set here". */
  readonly related?: { readonly at: Position; readonly message: string };
}

/** The text of a source line, kept so that a finding can show it. */
export type SourceLines = (file: string, line: number) => string | undefined;

/** The known word nearest to `word` (Damerau-Levenshtein), if it is near enough to be a slip. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // In a short word half the letters would be another word: "zz" is no slip for "on".
  const most = Math.min(Math.max(2, Math.floor(word.length / 3)), Math.floor(word.length / 2));
  let least = most + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), least);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; stops caring at `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2] + 1);
      }
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}
