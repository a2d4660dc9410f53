/**
 * The migration report: what becomes of each directive of a configuration, in the order of the file.
 * The words come from the directive table; whether a difference from nginx shows, from the statement.
 */

import type { Position } from "../core/diagnostic.ts";
import { PASSED_OVER, PASSED_OVER_BLOCKS } from "./directives/foreign.ts";
import { RENAMED } from "./directives/old.ts";
import { rowOf } from "./directives/table.ts";
import type { Statement, Tree, Word } from "./tree.ts";

export interface Migrated {
  readonly name: string;
  readonly at: Position;
  readonly verdict: "honoured" | "changed" | "not applicable";
  /** Why it is not simply honoured; empty otherwise. */
  readonly why: string;
}

const BLOCKS: ReadonlySet<string> = new Set(["mail", "server", "events"]);

/** Of the rows that differ from nginx's directives: whether the difference shows in these words. */
const DIFFERS: Readonly<Record<string, (words: readonly Word[]) => boolean>> = {
  listen: ([address]) => !/^unix:|(?:^|:)\d+(?:-\d+)?$/.test(address?.text ?? ""),
  server_name: (words) => words.length > 1 || words.some(({ text }) => /^[.~]|\*/.test(text)),
  auth_http: ([url]) => /^(?:http:\/\/)?[^/?]*\?/.test(url?.text ?? ""),
  ssl_protocols: (words) => words.some(({ text }) => /^SSLv/i.test(text)),
  error_log: ([to]) => /^memory:|^(?!stderr$|syslog:|\/)/.test(to?.text ?? ""),
  pid: ([path]) => !path?.text.startsWith("/"),
  daemon: ([on]) => on?.text.toLowerCase() !== "off",
  // What differs is what happens without it, or is refused.
  user: () => false,
  ssl_certificate_key: () => false,
  ssl_conf_command: () => false,
};

const ALWAYS = () => true;

export function migrationReport(tree: Tree): readonly Migrated[] {
  return tree.statements.flatMap(judge);
}

function judge(statement: Statement): readonly Migrated[] {
  const { name: { text: name, at }, block } = statement;
  if (block && PASSED_OVER_BLOCKS.has(name)) {
    return [{ name, at, verdict: "not applicable", why: "a block of another nginx module" }];
  }
  if (block && BLOCKS.has(name)) return block.flatMap(judge);
  if (PASSED_OVER.has(name)) {
    return [{ name, at, verdict: "not applicable", why: "it has no meaning here" }];
  }
  const row = rowOf(RENAMED.get(name) ?? name);
  if (!row) return [];
  const today = RENAMED.get(name) ?? row.old;
  if (today !== undefined) return [{ name, at, verdict: "changed", why: `today it is ${today}` }];
  if (row.status !== "differs" || !(DIFFERS[name] ?? ALWAYS)(statement.words)) {
    return [{ name, at, verdict: "honoured", why: "" }];
  }
  return [{ name, at, verdict: "changed", why: row.note ?? "see docs/directives.md" }];
}
