/** A PROXY header is read, and nobody is trusted with it. */

import { eachServer, type Rule } from "../rule.ts";

export const proxyProtocolUntrusted: Rule = {
  id: "proxy-protocol-untrusted",
  severity: "warning",
  title: "a PROXY header is read, and nobody is trusted with it",
  why: "A listener with `proxy_protocol` demands the header, but without `set_real_ip_from` " +
    "the client's address stays that of the load balancer: in logs, in `Client-IP` and in " +
    "XCLIENT. Limits by address then punish everyone.",
  mend: "Name the load balancers in `set_real_ip_from`.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143 proxy_protocol"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143 proxy_protocol"
set_real_ip_from = ["127.0.0.1"]`,
  check: eachServer((server, report) => {
    if (server.set_real_ip_from.length > 0) return;
    for (const { position, proxy_protocol, text } of server.listen) {
      if (!proxy_protocol) continue;
      report(
        position,
        `${text} reads PROXY headers, but set_real_ip_from trusts nobody`,
        'name the load balancers: set_real_ip_from = ["192.0.2.0/24"]',
      );
    }
  }),
};
