/** A mechanism needs the users' passwords in clear on the server. */

import { eachServer, placeOf, type Rule } from "../rule.ts";

export const cleartextPasswordsNeeded: Rule = {
  id: "cleartext-passwords-needed",
  severity: "warning",
  title: "a mechanism needs the users' passwords in clear on the server",
  why: "APOP and CRAM-MD5 can only be checked by whoever knows the password itself, so the " +
    "auth server must store it in clear or reversibly. A stolen database then gives away " +
    "every account. Under TLS these mechanisms protect nothing that PLAIN does not.",
  mend: "Use `plain` (and `login`) under TLS.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
imap_auth = ["plain", "cram-md5"]`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
imap_auth = ["plain"]`,
  check: eachServer((server, report) => {
    const directive = `${server.protocol}_auth` as const;
    const methods: readonly string[] = server[directive];
    const found = methods.filter((method) => method === "apop" || method === "cram-md5");
    if (found.length === 0) return;
    report(
      placeOf(server, directive),
      `passwords must be stored in clear for ${found.join(" and ")}`,
    );
  }),
};
