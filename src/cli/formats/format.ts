/** What every machine format is made from, and the list of formats. */

import type { Diagnostic } from "../../core/diagnostic.ts";

/** The result for one configuration. */
export interface Checked {
  /** As the user named it. */
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
  /** Without faults; with `--strict` without warnings too. */
  readonly good: boolean;
}

/** The whole output, line end included. `version` is doorpost's. */
export type Format = (checked: readonly Checked[], version: string) => string;

/** All findings, with the configuration that each belongs to. */
export function findingsOf(checked: readonly Checked[]): readonly Diagnostic[] {
  return checked.flatMap(({ diagnostics }) => diagnostics);
}

/** The message with its hint, for formats that have one text only. */
export function textOf({ message, hint }: Diagnostic): string {
  return hint ? `${message} (${hint})` : message;
}

/** XML attribute and text (XML 1.0 section 2.4); controls that XML cannot hold become U+FFFD. */
export function xml(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "\ufffd")
    .replace(/[<>&"'\n\r\t]/g, (char) => `&#${char.charCodeAt(0)};`);
}
