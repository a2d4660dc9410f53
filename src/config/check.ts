/**
 * What concerns several directives at once, each a named function. They run over drafts, so that servers
 * with a fault are judged as far as they go; a value that was refused is never complained of again.
 */

import type { Position } from "../core/diagnostic.ts";
import { formatEndpoint } from "../net/address.ts";
import type { ServerDirective } from "./directives/table.ts";
import type { Findings } from "./findings.ts";
import type { Draft, Globals } from "./levels.ts";
import type { Listen } from "./listen.ts";

export function check(
  file: string,
  servers: readonly Draft[],
  globals: Globals,
  findings: Findings,
): void {
  for (const judge of CHECKS) {
    for (const server of servers) judge(server, findings);
  }
  checkAddressesUnique(servers, findings);
  checkSomethingToDo(file, servers, findings);
  checkForeground(globals, findings);
}

const CHECKS: readonly ((server: Draft, findings: Findings) => void)[] = [
  checkListen,
  checkProtocol,
  checkAuthHttp,
  checkTlsVersions,
  checkCertificate,
  checkCertificateKeys,
  checkVerifyClient,
  checkAdvertisedName,
];

// --- a server's own ------------------------------------------------------------------------------

/** Whether the file neither gives the directive a value nor tries to. */
function missing(server: Draft, name: ServerDirective): boolean {
  return server.get(name) === undefined && !server.faulty(name);
}

function checkListen(server: Draft, findings: Findings): void {
  if (server.set("listen")) return;
  findings.error("no-listen", 'no "listen" is defined for server', server.name, {
    hint: "add `listen`, with a port such as 143",
  });
}

function checkProtocol(server: Draft, findings: Findings): void {
  // Without any listener, or with a faulty one, the protocol may yet turn out right.
  if (!missing(server, "protocol") || !server.get("listen")?.length) return;
  findings.error("no-protocol", "unknown mail protocol for server", server.name, {
    hint: "the port does not tell it: add `protocol`, which is imap, pop3 or smtp",
  });
}

function checkAuthHttp(server: Draft, findings: Findings): void {
  if (!missing(server, "auth_http")) return;
  findings.error("no-auth-http", 'no "auth_http" is defined for server', server.name, {
    hint: "name the server that decides logins in `auth_http`, such as 127.0.0.1:9000/auth",
  });
}

/** The word of nginx's messages for why a server needs TLS; null when it needs none. */
function tlsMode(server: Draft): "listen ... ssl" | "starttls" | null {
  if (server.get("listen")?.some((each) => each.ssl)) return "listen ... ssl";
  const starttls = server.get("starttls");
  return starttls === "on" || starttls === "only" ? "starttls" : null;
}

/** Where TLS is asked for. */
function tlsPlace(server: Draft): Position {
  if (tlsMode(server) === "starttls") return server.place("starttls");
  return server.get("listen")?.find((each) => each.ssl)?.position ?? server.name.at;
}

function checkTlsVersions(server: Draft, findings: Findings): void {
  if (server.get("ssl_protocols")?.length !== 0) return;
  findings.error(
    "no-tls-version",
    'no version of TLS is left in "ssl_protocols"',
    server.place("ssl_protocols"),
    {
      hint: "name TLSv1.2 and TLSv1.3",
    },
  );
}

function checkCertificate(server: Draft, findings: Findings): void {
  const mode = tlsMode(server);
  if (!mode) return;
  const names = ["ssl_certificate", "ssl_certificate_key"] as const;
  // nginx stops at the first; the second would only say the same.
  const absent = names.find((name) => server.get(name)?.length === 0);
  if (!absent) return;
  const message = `no "${absent}" is defined for the "${mode}" directive`;
  findings.error("no-certificate", message, tlsPlace(server), {
    hint: "give `ssl_certificate` and `ssl_certificate_key`, in the server or above it",
  });
}

function checkCertificateKeys(server: Draft, findings: Findings): void {
  const mode = tlsMode(server);
  const certificates = server.get("ssl_certificate") ?? [];
  const keys = server.get("ssl_certificate_key") ?? [];
  if (!mode || keys.length === 0 || keys.length >= certificates.length) return;
  const last = certificates[certificates.length - 1].replace(/^data:.*/s, "data:...");
  const message =
    `no "ssl_certificate_key" is defined for certificate "${last}" and the "${mode}" directive`;
  findings.error("no-certificate", message, server.place("ssl_certificate"), {
    hint: `${certificates.length} certificates need as many keys, in the same order`,
  });
}

function checkVerifyClient(server: Draft, findings: Findings): void {
  const mode = server.get("ssl_verify_client");
  if (!tlsMode(server) || (mode !== "on" && mode !== "optional")) return;
  const named = (["ssl_client_certificate", "ssl_trusted_certificate"] as const)
    .some((name) => server.get(name) !== null);
  if (named) return;
  findings.error(
    "no-client-authority",
    "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client",
    server.place("ssl_verify_client"),
    { hint: "name a file of the clients' authorities in `ssl_client_certificate`" },
  );
}

/** The name stands in replies and challenges, where a space or a line end would break the line. */
function checkAdvertisedName(server: Draft, findings: Findings): void {
  const name = server.get("server_name");
  // deno-lint-ignore no-control-regex
  if (name === undefined || !/[\x00-\x20\x7f<>]/.test(name)) return;
  findings.error(
    "invalid-value",
    'invalid name in "server_name" directive',
    server.place("server_name"),
    {
      hint: "it is sent in replies as it is: no spaces, brackets or control characters",
    },
  );
}

// --- all servers -----------------------------------------------------------------------------------

function checkAddressesUnique(servers: readonly Draft[], findings: Findings): void {
  const seen = new Map<string, Listen>();
  for (const listen of servers.flatMap((server) => server.get("listen") ?? [])) {
    for (const key of new Set(listen.at.map(formatEndpoint))) {
      const first = seen.get(key);
      if (first) reportPair(key, listen, first, findings);
      else seen.set(key, listen);
    }
  }
}

function reportPair(pair: string, listen: Listen, first: Listen, findings: Findings): void {
  const message = `duplicate "${pair}" address and port pair`;
  findings.error("duplicate-listen", message, listen.position, {
    related: { at: first.position, message: "first listened on here" },
  });
}

function checkSomethingToDo(file: string, servers: readonly Draft[], findings: Findings): void {
  if (servers.length > 0 || findings.failed) return;
  const whole: Position = { file, line: 0, column: 0, length: 1 };
  findings.warning("no-server", "no server is configured: there is nothing to do", whole, {
    hint: "add a server with `listen` and `protocol`",
  });
}

function checkForeground(globals: Globals, findings: Findings): void {
  const origin = globals.origin("daemon");
  if (!globals.get("daemon") || !("at" in origin)) return;
  findings.warning(
    "ignored",
    'Doorpost stays in the foreground: "daemon on" is ignored',
    origin.at,
    {
      hint: "let the service manager run it in the background",
    },
  );
}
