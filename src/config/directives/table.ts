/** All rows: the table. */

import type { AnyDirective } from "../directive.ts";
import { AUTH_HTTP } from "./auth_http.ts";
import { CORE } from "./core.ts";
import { IMAP } from "./imap.ts";
import { MAIN } from "./main.ts";
import { OLD, RENAMED } from "./old.ts";
import { POP3 } from "./pop3.ts";
import { PROXY } from "./proxy.ts";
import { REALIP } from "./realip.ts";
import { SMTP } from "./smtp.ts";
import { SSL } from "./ssl.ts";

/** Rows whose value every server has; `error_log` is shared with the main level. */
export const SERVER_ROWS = {
  ...CORE,
  ...SSL,
  ...AUTH_HTTP,
  ...PROXY,
  ...IMAP,
  ...POP3,
  ...SMTP,
  ...REALIP,
  error_log: MAIN.error_log,
} as const;

export const GLOBAL_ROWS = MAIN;

/** Groups in the order of the reference. */
export const GROUPS: readonly { readonly title: string; readonly rows: Rows }[] = [
  { title: "Process", rows: MAIN },
  { title: "Servers", rows: CORE },
  { title: "Authentication", rows: AUTH_HTTP },
  { title: "Proxying", rows: PROXY },
  { title: "IMAP", rows: IMAP },
  { title: "POP3", rows: POP3 },
  { title: "SMTP", rows: SMTP },
  { title: "TLS", rows: SSL },
  { title: "Real addresses", rows: REALIP },
];

export type Rows = Readonly<Record<string, AnyDirective>>;

export type ServerDirective = keyof typeof SERVER_ROWS;
export type GlobalDirective = keyof typeof GLOBAL_ROWS;

const ALL: ReadonlyMap<string, AnyDirective> = new Map<string, AnyDirective>([
  ...Object.entries(MAIN),
  ...Object.entries(SERVER_ROWS),
  ...Object.entries(OLD),
]);

/** The row of a name, also of an old one. */
export function rowOf(name: string): AnyDirective | undefined {
  return ALL.get(RENAMED.get(name) ?? name);
}

export const DIRECTIVE_NAMES: readonly string[] = [...ALL.keys()];
