/** A time-out is zero or far from what mail clients live with. */

import { eachServer, placeOf, type Rule } from "../rule.ts";

const MINUTE = 60_000;

/** Directive, least and most in milliseconds. */
const SANE = [
  ["timeout", 1_000, 60 * MINUTE],
  ["auth_http_timeout", 500, 10 * MINUTE],
  ["resolver_timeout", 500, 5 * MINUTE],
  ["proxy_timeout", 1_000, 30 * 24 * 60 * MINUTE],
] as const;

function seconds(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

export const timeouts: Rule = {
  id: "timeouts",
  severity: "warning",
  title: "a time-out is zero or far from what mail clients live with",
  why: "`timeout` is all the time a client has before login, and all the time for a backend's " +
    "login: zero ends every session at once, hours keep dead connections. `proxy_timeout` " +
    "below 30 minutes cuts IMAP IDLE, which clients renew after up to 29 minutes (RFC " +
    "2177). An auth server that is waited for too long keeps clients hanging.",
  mend: 'Use `timeout = "60s"`, `proxy_timeout = "24h"`, `auth_http_timeout = "60s"`, the ' +
    "defaults, or something of that order. A bare number is seconds.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
timeout = "10h"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
timeout = "60s"`,
  check: eachServer((server, report) => {
    for (const [directive, least, most] of SANE) {
      const value = server[directive];
      if (value >= least && value <= most) continue;
      const judged = value < least ? "too short" : "too long";
      report(placeOf(server, directive), `${directive} of ${seconds(value)} is ${judged}`);
    }
    if (server.protocol === "imap" && server.proxy_timeout < 30 * MINUTE) {
      report(
        placeOf(server, "proxy_timeout"),
        `proxy_timeout of ${seconds(server.proxy_timeout)} cuts IMAP IDLE (RFC 2177)`,
      );
    }
  }),
};
