/**
 * Spellings that nginx has given up and that files in use still have. Each works, with a warning that
 * names today's form. They are rows like others, but no settings of their own come of them.
 */

import { MAIL, row } from "../directive.ts";
import { FLAG } from "../values.ts";

export const OLD = {
  ssl: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Makes every listener of the server a TLS one.",
    example: "ssl on;",
    old: "listen ... ssl",
  }),
} as const;

/** Old names of today's directives. */
export const RENAMED: ReadonlyMap<string, string> = new Map([["auth", "pop3_auth"]]);
