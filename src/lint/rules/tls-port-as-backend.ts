/** A TLS-only port is named as a plain backend. */

import { eachServer, placeOf, type Rule } from "../rule.ts";

export const tlsPortAsBackend: Rule = {
  id: "tls-port-as-backend",
  severity: "warning",
  title: "a TLS-only port is named as a plain backend",
  why: "The proxy speaks to backends without TLS. Ports 993, 995 and 465 expect TLS from the " +
    "first byte: the login then hangs until `timeout`.",
  mend: "Name the backend's plain port (143, 110, 25 or 587).",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
auth_http_header = [["Auth-Port", "993"]]`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
auth_http_header = [["Auth-Port", "143"]]`,
  check: eachServer((server, report) => {
    for (const [name, value] of server.auth_http_header) {
      if (!/^(auth|backend)-port$/i.test(name) || !/^(993|995|465)$/.test(value.trim())) continue;
      report(
        placeOf(server, "auth_http_header"),
        `${name} names port ${value.trim()}, which expects TLS; backends are spoken to in clear`,
      );
    }
  }),
};
