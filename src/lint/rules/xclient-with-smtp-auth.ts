/** Both XCLIENT and AUTH are sent to the SMTP backend. */

import { eachServer, placeOf, type Rule } from "../rule.ts";

export const xclientWithSmtpAuth: Rule = {
  id: "xclient-with-smtp-auth",
  severity: "warning",
  title: "both XCLIENT and AUTH are sent to the SMTP backend",
  why: "With `proxy_smtp_auth on` the backend authenticates the user itself and XCLIENT no " +
    "longer carries the login. Many servers that take AUTH do not trust the proxy with " +
    "XCLIENT and refuse the session.",
  mend: "Set `xclient = false` where the backend authenticates, or `proxy_smtp_auth = false` " +
    "where it trusts the proxy.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:587"
proxy_smtp_auth = true`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:587"
proxy_smtp_auth = true
xclient = false`,
  check: eachServer((server, report) => {
    if (server.protocol !== "smtp" || !server.proxy_smtp_auth || !server.xclient) return;
    report(
      placeOf(server, "proxy_smtp_auth"),
      "proxy_smtp_auth is on, and so is xclient",
      "xclient = false, unless the backend trusts the proxy with it",
    );
  }),
};
