/** An outdated version of TLS is allowed. */

import { eachServer, placeOf, type Rule } from "../rule.ts";
import { usesTls } from "../tls.ts";

export const oldTls: Rule = {
  id: "old-tls",
  severity: "warning",
  title: "an outdated version of TLS is allowed",
  why: "TLS 1.0 and 1.1 are deprecated (RFC 8996): their handshakes rest on SHA-1 and MD5. " +
    "Clients that need them are more than ten years old.",
  mend: "Leave `ssl_protocols` at its default, TLSv1.2 and TLSv1.3.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
ssl_protocols = ["TLSv1", "TLSv1.2"]
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
ssl_protocols = ["TLSv1.2", "TLSv1.3"]
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  check: eachServer((server, report) => {
    const old = server.ssl_protocols.filter((name) => name === "TLSv1" || name === "TLSv1.1");
    if (old.length === 0 || !usesTls(server)) return;
    report(placeOf(server, "ssl_protocols"), `${old.join(" and ")} allowed (RFC 8996)`);
  }),
};
