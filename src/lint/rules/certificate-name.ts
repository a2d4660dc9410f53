/** No certificate is for the server's name. */

import { placeOf, type Rule } from "../rule.ts";
import { usesTls } from "../tls.ts";

/** RFC 6125 section 6.4.3: a wildcard stands for one whole label, the leftmost. */
function covers(pattern: string, name: string): boolean {
  const [a, b] = [pattern.toLowerCase(), name.toLowerCase()];
  return a === b || (a.startsWith("*.") && b.slice(b.indexOf(".") + 1) === a.slice(2));
}

export const certificateName: Rule = {
  id: "certificate-name",
  severity: "warning",
  title: "no certificate is for the server's name",
  why: "Clients compare the name that they connect to with the names in the certificate (RFC " +
    "7817). `server_name` is what the proxy calls itself; a certificate for something else " +
    "usually means that one of the two is wrong.",
  mend: "Get a certificate whose subjectAltName has the name, or correct `server_name`.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
# mail.crt is for www.example.com
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
# mail.crt is for mail.example.com
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  check: ({ settings, certificate }, report) => {
    for (const server of settings.servers.filter(usesTls)) {
      const facts = server.ssl_certificate.map(certificate).filter((fact) => fact !== null);
      const names = facts.flatMap((fact) => fact.names);
      if (facts.length === 0 || names.some((name) => covers(name, server.server_name))) continue;
      report(
        placeOf(server, "ssl_certificate"),
        `no certificate is for "${server.server_name}"; names: ${names.join(", ") || "none"}`,
      );
    }
  },
};
