/** A capability says something else than the settings. */

import { eachServer, placeOf, type Rule } from "../rule.ts";

/** What the proxy says by itself, per protocol. */
const WORDS = {
  imap: ["imap_capabilities", /^(AUTH=.*|STARTTLS|LOGINDISABLED)$/i],
  pop3: ["pop3_capabilities", /^(SASL( .*)?|STLS)$/i],
  smtp: ["smtp_capabilities", /^(AUTH( .*)?|STARTTLS)$/i],
} as const;

export const capabilityContradiction: Rule = {
  id: "capability-contradiction",
  severity: "warning",
  title: "a capability says something else than the settings",
  why: "The proxy itself adds the capabilities that follow from `*_auth` and `starttls`. When " +
    "one of them also stands in `*_capabilities`, clients see it twice, or see a mechanism " +
    "that is refused, or STARTTLS where there is none.",
  mend: "Leave authentication mechanisms, `STARTTLS`, `STLS`, `SASL` and `LOGINDISABLED` out of " +
    "`*_capabilities`; set `*_auth` and `starttls` instead.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
imap_capabilities = ["IMAP4rev1", "AUTH=CRAM-MD5"]`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:143"
imap_capabilities = ["IMAP4rev1"]
imap_auth = ["plain", "cram-md5"]`,
  check: eachServer((server, report) => {
    const [directive, own] = WORDS[server.protocol];
    for (const capability of server[directive]) {
      if (!own.test(capability)) continue;
      report(
        placeOf(server, directive),
        `"${capability}" follows from other settings and must not be listed`,
        `take it out; ${server.protocol}_auth and starttls decide`,
      );
    }
  }),
};
