/** An SMTP extension is advertised that the proxy cannot pass on. */

import { eachServer, placeOf, type Rule } from "../rule.ts";

export const chunkingAdvertised: Rule = {
  id: "chunking-advertised",
  severity: "warning",
  title: "an SMTP extension is advertised that the proxy cannot pass on",
  why: "`CHUNKING` and `BINARYMIME` (RFC 3030) let a client send mail by `BDAT`. Before login " +
    "the proxy reads commands line by line and knows no `BDAT`; a client that trusts the " +
    "advertisement loses the message. nginx has lost mail in this way.",
  mend: "Take the words out of `smtp_capabilities`. Clients then use `DATA`, which passes.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:587"
smtp_capabilities = ["SIZE 10485760", "CHUNKING"]`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:587"
smtp_capabilities = ["SIZE 10485760"]`,
  check: eachServer((server, report) => {
    if (server.protocol !== "smtp") return;
    for (const capability of server.smtp_capabilities) {
      const word = capability.split(" ")[0].toUpperCase();
      if (word !== "CHUNKING" && word !== "BINARYMIME") continue;
      report(
        placeOf(server, "smtp_capabilities"),
        `${word} is advertised, but BDAT cannot be proxied: mail is lost`,
        `take ${word} out of smtp_capabilities`,
      );
    }
  }),
};
