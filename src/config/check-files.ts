/**
 * Whether the files that directives name are there. Their contents are the TLS library's business, when it
 * makes the context; this only gives the mistake a place in the configuration.
 *
 * As in nginx, files of a server without TLS are not looked at.
 */

import { errnoText, FileError } from "../core/errors.ts";
import type { Files } from "../net/ports.ts";
import type { ServerDirective } from "./directives/table.ts";
import type { Findings } from "./findings.ts";
import type { Draft } from "./levels.ts";

/** Directives that name files, and what nginx calls those in `cannot load ... "P"`. */
const NAMED: Partial<Record<ServerDirective, string>> = {
  ssl_certificate: "certificate",
  ssl_certificate_key: "certificate key",
  ssl_client_certificate: "certificate",
  ssl_trusted_certificate: "certificate",
  ssl_crl: "CRL",
  ssl_dhparam: "DH parameters",
  ssl_password_file: "pass phrases",
  ssl_session_ticket_key: "ticket key",
};

export function checkFiles(
  servers: readonly Draft[],
  files: Pick<Files, "stat">,
  findings: Findings,
): void {
  for (const server of servers.filter(needsTls)) {
    for (const [name, what] of Object.entries(NAMED) as [ServerDirective, string][]) {
      checkOne(server, name, what, files, findings);
    }
  }
}

function needsTls(server: Draft): boolean {
  return server.get("starttls") !== "off" || (server.get("listen") ?? []).some((each) => each.ssl);
}

function checkOne(
  server: Draft,
  name: ServerDirective,
  what: string,
  files: Pick<Files, "stat">,
  findings: Findings,
): void {
  const value = server.get(name);
  const paths = typeof value === "string" ? [value] : Array.isArray(value) ? value : [];
  for (const [i, path] of (paths as readonly string[]).entries()) {
    const why = path.startsWith("data:") ? null : problemOf(path, files);
    if (why === null) continue;
    const at = server.words(name)[i] ?? server.name;
    findings.error("missing-file", `cannot load ${what} "${path}": ${why}`, at);
  }
}

/** The operating system's words; null when the file is there. */
function problemOf(path: string, files: Pick<Files, "stat">): string | null {
  try {
    return files.stat(path).directory ? errnoText("EISDIR") : null;
  } catch (error) {
    if (error instanceof FileError) return errnoText(error.code);
    throw error;
  }
}
