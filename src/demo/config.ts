/**
 * The demo's configuration: ordinary TOML for the ordinary proxy. The certificate stands in it as
 * `data:`, so that nothing needs a file.
 */

import { DEMO_MESSAGE } from "../core/limits.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { CertificateAndKey } from "../net/ports.ts";
import type { DemoPorts } from "./ports.ts";

/** What the backends can do: the proxy tells it before the login, the backends after it. */
const IMAP = ["IMAP4rev1", "LITERAL+", "IDLE", "NAMESPACE", "UIDPLUS", "MOVE", "SPECIAL-USE"];
const POP3 = ["TOP", "USER", "UIDL", "PIPELINING"];
const SMTP = ["PIPELINING", `SIZE ${DEMO_MESSAGE}`, "8BITMIME", "ENHANCEDSTATUSCODES"];

export function demoConfig(
  ports: DemoPorts,
  authServer: Endpoint,
  { certificate, key }: CertificateAndKey,
): string {
  return `# What "doorpost serve --demo" runs. The auth server and the mail servers behind it
# live in the same process and are gone with it.

error_log         = "stderr info"
server_name       = "demo.example.com"
auth_http         = "http://${formatEndpoint(authServer)}/auth"
imap_capabilities = ${list(IMAP)}
pop3_capabilities = ${list(POP3)}
smtp_capabilities = ${list(SMTP)}

ssl_certificate = """
data:${certificate}"""
ssl_certificate_key = """
data:${key}"""

${server(ports.imap, "imap", "starttls")}
${server(ports.imaps, "imap", "ssl")}
${server(ports.pop3, "pop3", "starttls")}
${server(ports.pop3s, "pop3", "ssl")}
${server(ports.submission, "smtp", "starttls")}
${server(ports.smtps, "smtp", "ssl")}`;
}

function list(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;
}

function server(port: number, protocol: string, tls: "starttls" | "ssl"): string {
  const lines = [
    "[[server]]",
    `listen   = "127.0.0.1:${port}${tls === "ssl" ? " ssl" : ""}"`,
    `protocol = "${protocol}"`,
  ];
  if (tls === "starttls") lines.push(`starttls = "on"`);
  return lines.join("\n") + "\n";
}
