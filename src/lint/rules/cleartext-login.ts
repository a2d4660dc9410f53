/** Passwords may cross the network in clear. */

import { plainPublic } from "../addresses.ts";
import { eachServer, type Rule } from "../rule.ts";

export const cleartextLogin: Rule = {
  id: "cleartext-login",
  severity: "warning",
  title: "passwords may cross the network in clear",
  why: "A client that reaches this listener from another machine may log in without TLS. " +
    "Everyone on the way can read the password. That STARTTLS is offered does not help: a " +
    "client is not obliged to use it, and an attacker on the way can take the offer out of " +
    "the reply.",
  mend: 'Set `starttls = "only"`, or give the port to `listen ... ssl`, or listen on loopback ' +
    "when a TLS proxy stands in front.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "143"
protocol = "imap"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "143"
protocol = "imap"
starttls = "only"
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  check: eachServer((server, report) => {
    const unauthenticated = server.protocol === "smtp" &&
      server.smtp_auth.every((method) => method === "none");
    if (server.starttls === "only" || unauthenticated) return;
    for (const { position, text } of plainPublic(server)) {
      report(
        position,
        `${server.protocol} on ${text} takes passwords without TLS`,
        'set `starttls` to "only": no login before TLS',
      );
    }
  }),
};
