/** Weak ciphers are allowed. */

import { eachServer, placeOf, type Rule } from "../rule.ts";
import { usesTls } from "../tls.ts";

const WEAK =
  /RC4|(^|[-+])DES|3DES|EXP(ORT)?|NULL|ADH|AECDH|MD5|^(LOW|SSLv[23]|ALL|COMPLEMENTOFALL)$/;

export const weakCiphers: Rule = {
  id: "weak-ciphers",
  severity: "warning",
  title: "weak ciphers are allowed",
  why: "RC4, DES, 3DES, export and NULL ciphers, anonymous key exchange and MD5 have been " +
    "broken for years (RFC 7465, RFC 9325).",
  mend: "Leave `ssl_ciphers` at its default, or exclude them: `HIGH:!aNULL:!MD5`.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
ssl_ciphers = "HIGH:RC4-SHA"
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
ssl_ciphers = "HIGH:!aNULL:!MD5:!RC4"
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  check: eachServer((server, report) => {
    if (!usesTls(server)) return;
    const allowed = server.ssl_ciphers.split(/[:, ]+/).filter((word) => /^[+]?\w/.test(word));
    const weak = allowed.filter((word) => WEAK.test(word));
    if (weak.length === 0) return;
    report(placeOf(server, "ssl_ciphers"), `ssl_ciphers allows ${weak.join(", ")}`);
  }),
};
