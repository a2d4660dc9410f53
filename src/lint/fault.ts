/**
 * What a fault is: something that the reader, or the making of listeners and TLS contexts, finds in a
 * configuration. They have stable ids and pages as lint rules have; what finds them is elsewhere.
 */

import type { Rule } from "./rule.ts";

export interface Fault extends Pick<Rule, "id" | "severity" | "title" | "why" | "mend"> {
  /** Configuration that has it, and the same mended, in TOML unless `syntax` says otherwise. */
  readonly bad: string;
  readonly good: string;
  readonly syntax?: "toml" | "nginx";
}

const TOP = `auth_http = "127.0.0.1:9000/auth"\n`;

/** A whole configuration with these lines in its one server. */
export function inServer(lines: string): string {
  return `${TOP}\n[[server]]\n${lines}`;
}

/** A whole configuration with these lines above its one server. */
export function atTop(lines: string): string {
  return `${TOP}${lines}\n\n[[server]]\nlisten = "127.0.0.1:143"`;
}

/** A whole nginx.conf with these lines in its mail block. */
export function inMail(lines: string): string {
  const indented = lines.split("\n").map((line) => `    ${line}\n`).join("");
  return `mail {\n    auth_http 127.0.0.1:9000/auth;\n${indented}}`;
}
