/** Unauthenticated mail is accepted on a submission port. */

import { ports } from "../addresses.ts";
import { eachServer, placeOf, type Rule } from "../rule.ts";

export const smtpNoneOnSubmission: Rule = {
  id: "smtp-none-on-submission",
  severity: "warning",
  title: "unauthenticated mail is accepted on a submission port",
  why: "Ports 587 and 465 are for mail from one's own users (RFC 6409, RFC 8314), who " +
    "authenticate. With `smtp_auth none` a stranger may submit as well, and the auth server " +
    "alone stands between that and an open relay.",
  mend: "Take `none` out of `smtp_auth` for these ports; keep it on port 25.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:587"
smtp_auth = ["plain", "none"]`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:587"
smtp_auth = ["plain"]`,
  check: eachServer((server, report) => {
    if (server.protocol !== "smtp" || !server.smtp_auth.includes("none")) return;
    for (const port of [587, 465]) {
      if (!ports(server).has(port)) continue;
      report(placeOf(server, "smtp_auth"), `smtp_auth none on submission port ${port}`);
    }
  }),
};
