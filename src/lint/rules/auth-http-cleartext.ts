/** Passwords go to the auth server over the network in clear. */

import { isLocal } from "../addresses.ts";
import { eachServer, placeOf, type Rule } from "../rule.ts";
import { ip, unix } from "../../net/address.ts";

export const authHttpCleartext: Rule = {
  id: "auth-http-cleartext",
  severity: "warning",
  title: "passwords go to the auth server over the network in clear",
  why: "Each request to the auth server holds a user's password in a header. Over plain HTTP " +
    "to another machine everyone on the way can read it.",
  mend: "Run the auth server on this machine (loopback or a unix socket), or a local TLS " +
    "forwarder in front of it, or keep the way inside an encrypted network.",
  bad: `auth_http = "192.0.2.7:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"`,
  check: eachServer((server, report) => {
    const { at, tls, text } = server.auth_http;
    if (tls || (at.is === "name" && /^localhost\.?$/i.test(at.host))) return;
    if (at.is === "unix" && isLocal(unix(at.path))) return;
    if (at.is === "ip" && isLocal(ip(at.address, at.port))) return;
    report(
      placeOf(server, "auth_http"),
      `the auth server "${text}" is on another machine, and passwords go there in clear`,
      "use loopback, a unix socket or an encrypted tunnel",
    );
  }),
};
