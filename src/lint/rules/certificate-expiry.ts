/** A certificate is not valid now, or not for much longer. */

import { placeOf, type Rule } from "../rule.ts";
import { shown, usesTls } from "../tls.ts";

const DAY = 86_400_000;

function days(ms: number): string {
  const count = Math.floor(ms / DAY);
  return count === 1 ? "1 day" : `${count} days`;
}

export const certificateExpiry: Rule = {
  id: "certificate-expiry",
  severity: "warning",
  title: "a certificate is not valid now, or not for much longer",
  why: "Clients refuse a certificate outside its time. Thirty days are the usual time in which " +
    "a renewal should have happened.",
  mend: "Renew it, and let the renewal send SIGHUP to the proxy.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
# mail.crt ends in a week
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
# mail.crt ends in a year
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  check: ({ settings, certificate, now }, report) => {
    for (const server of settings.servers.filter(usesTls)) {
      for (const path of server.ssl_certificate) {
        const facts = certificate(path);
        if (!facts) continue;
        const said = facts.notBefore > now
          ? `is not valid for another ${days(facts.notBefore - now)}`
          : facts.notAfter < now
          ? `expired ${days(now - facts.notAfter)} ago`
          : facts.notAfter < now + 30 * DAY
          ? `expires in ${days(facts.notAfter - now)}`
          : null;
        if (said !== null) report(placeOf(server, "ssl_certificate"), `${shown(path)} ${said}`);
      }
    }
  },
};
