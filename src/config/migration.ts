/**
 * The migration report: what becomes of each directive of a configuration, in the order of the file.
 * The words come from the directive table alone.
 */

import { PASSED_OVER, PASSED_OVER_BLOCKS } from "./directives/foreign.ts";
import { RENAMED } from "./directives/old.ts";
import { rowOf } from "./directives/table.ts";
import type { Statement, Tree } from "./tree.ts";

export interface Migrated {
  readonly name: string;
  readonly line: number;
  readonly verdict: "honoured" | "changed" | "not applicable";
  /** Why it is not simply honoured; empty otherwise. */
  readonly why: string;
}

const BLOCKS: ReadonlySet<string> = new Set(["mail", "server", "events"]);

export function migrationReport(tree: Tree): readonly Migrated[] {
  return tree.statements.flatMap(judge);
}

function judge(statement: Statement): readonly Migrated[] {
  const { name: { text: name, at: { line } }, block } = statement;
  if (block && PASSED_OVER_BLOCKS.has(name)) {
    return [{ name, line, verdict: "not applicable", why: "a block of another nginx module" }];
  }
  if (block && BLOCKS.has(name)) return block.flatMap(judge);
  if (PASSED_OVER.has(name)) {
    return [{ name, line, verdict: "not applicable", why: "it has no meaning here" }];
  }
  const row = rowOf(RENAMED.get(name) ?? name);
  if (!row) return [];
  const today = RENAMED.get(name) ?? row.old;
  if (today !== undefined) return [{ name, line, verdict: "changed", why: `today it is ${today}` }];
  if (row.status !== "differs") return [{ name, line, verdict: "honoured", why: "" }];
  return [{ name, line, verdict: "changed", why: row.note ?? "see docs/directives.md" }];
}
