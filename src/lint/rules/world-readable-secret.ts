/** A file with a secret can be read by everybody on the machine. */

import { placeOf, type Rule } from "../rule.ts";

export const worldReadableSecret: Rule = {
  id: "world-readable-secret",
  severity: "warning",
  title: "a file with a secret can be read by everybody on the machine",
  why: "A private key, a file of pass phrases, or a configuration that holds the auth server's " +
    "shared secret is as secret as what it protects.",
  mend: "`chmod 640` the file and give it the group that the proxy runs as.",
  bad: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
# mail.key has mode 0644
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  good: `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"

[[server]]
listen = "127.0.0.1:993 ssl"
# mail.key has mode 0640
ssl_certificate = "mail.crt"
ssl_certificate_key = "mail.key"`,
  check: ({ settings, sources, mode }, report) => {
    const open = (path: string) => ((mode(path) ?? 0) & 0o004) !== 0;
    for (const server of settings.servers) {
      const keys = server.ssl_certificate_key.filter((key) =>
        !key.startsWith("data:") && open(key)
      );
      for (const key of keys) {
        report(placeOf(server, "ssl_certificate_key"), `the key "${key}" is readable by everybody`);
      }
      const { ssl_password_file: passwords } = server;
      if (passwords !== null && open(passwords)) {
        report(
          placeOf(server, "ssl_password_file"),
          `the pass phrases in "${passwords}" are readable by everybody`,
        );
      }
      const inline = server.ssl_certificate_key.some((key) => key.startsWith("data:"));
      if (!inline && server.auth_http_header.length === 0) continue;
      const directive = inline ? "ssl_certificate_key" : "auth_http_header";
      const at = placeOf(server, directive);
      if (sources.includes(at.file) && open(at.file)) {
        report(at, `"${at.file}" holds a secret (${directive}) and is readable by everybody`);
      }
    }
  },
};
