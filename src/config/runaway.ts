/**
 * A forgotten `;` in nginx.conf makes the next line's directive part of this one:
 *
 *     timeout 60s
 *     server_name mail.example.com;
 *
 * nginx then speaks of a wrong number of arguments, or takes the words as capabilities. Here the two are
 * told apart again, so that the message names the cause and the rest is judged on its own.
 */

import type { Findings } from "./findings.ts";
import { rowOf } from "./directives/table.ts";
import type { Statement, Word } from "./tree.ts";

/** The statement itself, or the two (or more) that it should have been; the fault is then reported. */
export function splitRunaway(statement: Statement, findings: Findings): readonly Statement[] {
  const { name, words, block } = statement;
  const row = rowOf(name.text);
  const at = row ? words.findIndex((word, i) => beginsDirective(word, words[i - 1] ?? name)) : -1;
  if (!row || at < 0) return [statement];
  const next = words[at];
  const last = words[at - 1] ?? name;
  const hint = `a ; is missing behind "${last.text}"`;
  const [, most] = row.count ?? row.kind.count;
  // nginx takes `imap_capabilities A B \n timeout 5s;` as five capabilities, and so must we.
  if (!block && words.length <= most) {
    const message = `"${next.text}" is taken for a value of "${name.text}"`;
    findings.warning("missing-semicolon", message, next, { hint });
    return [statement];
  }
  const message = block
    ? `directive "${name.text}" is not terminated by ";"`
    : `invalid number of arguments in "${name.text}" directive`;
  findings.error(block ? "not-terminated" : "invalid-number-of-arguments", message, name, { hint });
  const rest: Statement = { name: next, words: words.slice(at + 1), block };
  return [{ name, words: words.slice(0, at), block: null }, ...splitRunaway(rest, findings)];
}

function beginsDirective(word: Word, before: Word): boolean {
  if (word.at.line <= before.at.line) return false;
  return word.text === "server" || word.text === "mail" || rowOf(word.text) !== undefined;
}
