/**
 * Comments of a configuration, and the statements that they stand at: what a reader notes down beside the
 * tree, when it is asked to, and what `print` needs to write the same file in the other syntax.
 *
 * A comment on the line of a statement is that statement's. Comments alone on their lines belong to what
 * follows them; when a blank line follows and none precedes, to what they follow. Comments at the top with a
 * blank line behind them are the file's, or the block's.
 *
 * Rule: lines are all that counts here, so that both syntaxes are judged alike.
 */

import type { Position } from "../core/diagnostic.ts";
import { placeKey } from "./positions.ts";

/** One comment of a file. */
export interface Comment {
  /** From `#` on. */
  readonly text: string;
  readonly line: number;
  /** Whether nothing stands before it on its line. */
  readonly alone: boolean;
}

/** What stands at one statement, each comment from its `#` on; an empty string is a blank line. */
export interface Notes {
  readonly before: string[];
  /** Behind the statement, or behind what opens the block. */
  end: string | null;
  /** First in the block. */
  readonly head: string[];
  readonly after: string[];
}

/** A statement, a block, or a key whose array holds several statements. */
interface Item {
  readonly at: Position;
  readonly first: number;
  last: number;
  /** Of a block. */
  readonly inner: Inner | null;
  /** An `include`: the statement that it is asked for by has a line of its own elsewhere. */
  readonly include: boolean;
}

interface Inner {
  /** The line of what opens it. */
  readonly open: number;
  /** An array of statements has the notes of its first one; a table has no line that ends it. */
  is: "block" | "table" | "array";
  readonly items: Item[];
}

/** The statements and comments of one file, noted down in the order of reading. */
export class Outline {
  readonly comments: Comment[] = [];
  readonly items: Item[] = [];
  /** The blocks that are open, the innermost last. */
  readonly #open: Item[] = [];

  /** Notes the comment that begins at `start`. */
  comment(text: string, start: number, end: number, line: number): void {
    const alone = /(?:^|\n)[ \t\r\ufeff]*$/.test(text.slice(Math.max(0, start - 200), start));
    this.comments.push({ text: printable(text.slice(start, end)), line, alone });
  }

  /** A statement from the line `first` to the line `last`; `at` is what it is asked for by. */
  statement(at: Position, first: number, last: number, include = false): void {
    this.#add({ at, first, last, inner: null, include });
  }

  /** What follows is in it, up to `close`; `line` is where it is opened. */
  open(is: Inner["is"], at: Position, first: number, line: number): void {
    const inner: Inner = { open: line, is, items: [] };
    const item = { at, first, last: line, inner, include: false };
    this.#add(item);
    this.#open.push(item);
  }

  /** `last` is the line that ends it; of a table, the line of its last statement. */
  close(last: number): void {
    const item = this.#open.pop();
    if (item) item.last = Math.max(item.first, last);
  }

  #add(item: Item): void {
    (this.#open[this.#open.length - 1]?.inner?.items ?? this.items).push(item);
  }
}

/** TOML forbids controls in comments, and neither syntax needs them. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.trimEnd().replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "\ufffd");
}

// --- who has which comment -------------------------------------------------------------------------

/** Notes by statement. */
export class Remarks {
  /** At the top of the main file, and at its end. */
  readonly head: string[] = [];
  readonly tail: string[] = [];
  readonly #notes = new Map<string, Notes>();

  constructor(outlines: readonly Outline[]) {
    for (const [i, outline] of outlines.entries()) this.#file(outline, i === 0);
  }

  /** Null when nothing stands there. */
  at(place: Position): Notes | null {
    return this.#notes.get(placeKey(place)) ?? null;
  }

  #of(item: Item): Notes {
    const key = placeKey(item.at);
    const notes = this.#notes.get(key) ?? { before: [], end: null, head: [], after: [] };
    this.#notes.set(key, notes);
    return notes;
  }

  #file({ comments, items }: Outline, main: boolean): void {
    const sorted = sortedByLine(items);
    const first = sorted[0];
    // An included file has no top of its own in the one that is written.
    const head = main || !first ? this.head : this.#of(first).before;
    this.#spread(comments, sorted, 0, head, main ? this.tail : this.#endOf(sorted, this.tail));
  }

  /** Gives each comment to an item, to the head or to the tail. `from` is the line that opens the block. */
  #spread(
    comments: readonly Comment[],
    items: readonly Item[],
    from: number,
    head: string[],
    tail: string[],
  ): void {
    let at = 0;
    const take = (wanted: (comment: Comment) => boolean) => {
      const start = at;
      while (at < comments.length && wanted(comments[at])) at++;
      return comments.slice(start, at);
    };
    for (const [i, item] of items.entries()) {
      const before = take(({ line }) => line < item.first);
      const within = take((each) => belongs(each, item, items[i + 1]));
      this.#between(before, i > 0 ? items[i - 1] : null, item, from, head, tail);
      this.#within(within, item);
    }
    this.#between(take(() => true), items[items.length - 1] ?? null, null, from, head, tail);
  }

  #between(
    comments: readonly Comment[],
    previous: Item | null,
    next: Item | null,
    from: number,
    head: string[],
    tail: string[],
  ): void {
    const groups = grouped(comments);
    for (const [i, group] of groups.entries()) {
      const lines = group.map(({ text }) => text);
      const start = group[0].line;
      const touches = next !== null && group[group.length - 1].line + 1 === next.first;
      if (touches) this.#of(next).before.push(...lines);
      else if (i === 0 && previous && start === previous.last + 1 && !isClosed(previous)) {
        this.#endOf([previous], tail).push(...lines);
      } else if (!previous && (from > 0 ? i === 0 && start === from + 1 : next !== null)) {
        separate(head).push(...lines);
      } else if (next) this.#of(next).before.push(...lines, "");
      else (previous && tail !== this.tail ? tail : separate(tail)).push(...lines);
    }
  }

  /** Where comments behind these items go: to the last statement in them. */
  #endOf(items: readonly Item[], otherwise: string[]): string[] {
    const last = items[items.length - 1];
    if (!last) return otherwise;
    if (!last.inner) return this.#of(last).after;
    return this.#endOf(last.inner.items, this.#of(last).head);
  }

  #within(comments: readonly Comment[], item: Item): void {
    const { inner } = item;
    const notes = this.#of(item);
    const last = item.include ? 0 : item.last;
    if (!inner) return comments.forEach((each) => behindOrBefore(notes, each, last));
    if (inner.is === "array") return this.#withinArray(comments, item, inner, notes);
    const opening = comments.filter(({ line, alone }) => line === inner.open && !alone);
    for (const each of opening) behindOrBefore(notes, each, inner.open);
    const rest = comments.filter((each) => !opening.includes(each));
    const items = sortedByLine(inner.items);
    // What ends a mail block of nginx ends the file; what ends a server, its last statement.
    const nests = items.some(({ inner }) => inner !== null && inner.is !== "array");
    const tail = nests ? this.tail : this.#endOf(items, notes.head);
    this.#spread(rest, items, inner.open, notes.head, tail);
  }

  /** The array has its notes together with its first element. */
  #withinArray(comments: readonly Comment[], item: Item, inner: Inner, notes: Notes): void {
    const closing = comments.filter(({ line, alone }) => line === item.last && !alone);
    const opening = comments.filter((each) =>
      each.line === inner.open && !each.alone && !closing.includes(each)
    );
    for (const { text } of opening) notes.before.push(text);
    const rest = comments.filter((each) => !closing.includes(each) && !opening.includes(each));
    const items = sortedByLine(inner.items);
    this.#spread(rest, items, inner.open, notes.before, this.#endOf(items, notes.before));
    for (const each of closing) behindOrBefore(notes, each, item.last);
  }
}

/** A statement has one comment behind it; others stand above it. */
function behindOrBefore(notes: Notes, { text, line, alone }: Comment, last: number): void {
  if (!alone && line === last && notes.end === null) notes.end = text;
  else notes.before.push(text);
}

function sortedByLine(items: readonly Item[]): readonly Item[] {
  return [...items].sort((a, b) => a.first - b.first);
}

function isClosed({ inner }: Item): boolean {
  return inner?.is === "block";
}

/** Of two statements on one line the comment behind them is the last one's. */
function belongs({ line, alone }: Comment, item: Item, next: Item | undefined): boolean {
  if (line < item.first || line > item.last) return false;
  if (line === item.first && alone) return false;
  return !(line === item.last && next?.first === line);
}

/** Comments on consecutive lines. */
function grouped(comments: readonly Comment[]): readonly (readonly Comment[])[] {
  const groups: Comment[][] = [];
  for (const each of comments) {
    const group = groups[groups.length - 1];
    if (group && group[group.length - 1].line + 1 === each.line) group.push(each);
    else groups.push([each]);
  }
  return groups;
}

/** The list, with a blank line behind what it has. */
function separate(lines: string[]): string[] {
  if (lines.length > 0) lines.push("");
  return lines;
}
