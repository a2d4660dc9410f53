/** How a file is laid out: the order of its statements, and the comments that stand at them. */

import type { Position } from "../core/diagnostic.ts";
import { type Notes, type Outline, Remarks } from "./outline.ts";
import { placeKey } from "./positions.ts";
import { placeOf, type Statement, type Tree } from "./tree.ts";

export interface Layout {
  /** The first comments of the file, and the last. */
  readonly head: readonly string[];
  readonly tail: readonly string[];
  /** How many statements stand before this one, or before the block. */
  order(at: Position): number;
  /** What stands at a statement, known by its first argument's place; at a block, by its name's. */
  take(at: Position): Notes | null;
  /** The same for the `mail` and `events` blocks. */
  takeBlock(name: "mail" | "events"): Notes | null;
  /** The names of statements with comments that nobody has taken. */
  left(): readonly Left[];
}

/** Comments whose statement is not written. */
export interface Left {
  readonly name: string;
  readonly at: Position;
}

/** The layout of the files that were read, the main one first. */
export function layoutOf(tree: Tree, outlines: readonly Outline[]): Layout {
  const remarks = new Remarks(outlines);
  const statements = flat(tree.statements);
  const order = new Map<string, number>();
  for (const [i, { name }] of statements.entries()) {
    // The keys of a TOML array of statements stand at one place: the first counts.
    const key = placeKey(name.at);
    if (!order.has(key)) order.set(key, i);
  }
  const taken = new Set<Notes>();
  const take = (at: Position) => {
    const notes = remarks.at(at);
    if (!notes || taken.has(notes)) return null;
    taken.add(notes);
    return notes;
  };
  return {
    head: remarks.head,
    tail: remarks.tail,
    order: (at) => order.get(placeKey(at)) ?? Infinity,
    take,
    takeBlock: (name) => {
      const block = tree.statements.find((each) => each.block && each.name.text === name);
      return block ? take(block.name.at) : null;
    },
    left: () =>
      statements.filter((each) => {
        const notes = remarks.at(placeOf(each));
        return notes !== null && !taken.has(notes) && hasText(notes);
      }).map(({ name }) => ({ name: name.text, at: name.at })),
  };
}

function flat(statements: readonly Statement[]): readonly Statement[] {
  return statements.flatMap((each) => [each, ...flat(each.block ?? [])]);
}

function hasText({ before, end, head, after }: Notes): boolean {
  return end !== null || before.length + head.length + after.length > 0;
}
