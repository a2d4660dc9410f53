/**
 * `serve --init FILE`: a configuration to start from. Every line that must be adapted is marked CHANGE;
 * as it stands it loads without findings once the certificate files exist (a test does that).
 */

import { errnoText, FileError } from "../core/errors.ts";
import type { Context } from "./command.ts";
import { FAILED, OK } from "./exit.ts";
import { complain } from "./terminal.ts";

/** It may come to hold the secret that is shared with the auth server. */
const MODE = 0o640;

export const STARTER = `#:schema ./doorpost.schema.json
# Doorpost: IMAP and mail submission through one authenticating proxy.
#
# The words are those of nginx's mail module; what stands above the first [[server]]
# holds for every server. Adapt the lines marked CHANGE, then:
#
#   doorpost check-config FILE      finds mistakes
#   doorpost serve --config FILE    runs it; SIGHUP reloads, SIGQUIT drains
#
# Editors (taplo, Even Better TOML) know every word by the first line, once the schema is here:
#
#   doorpost check-config --schema > doorpost.schema.json

# CHANGE: the name the proxy gives itself in greetings and to backends.
server_name = "mail.example.com"

# CHANGE: the HTTP server that is asked about every login. It gets Auth-User, Auth-Pass,
# Auth-Protocol and Client-IP as headers, and answers "Auth-Status: OK" with the backend
# in Auth-Server and Auth-Port, or a reason for the client in Auth-Status.
auth_http = "http://127.0.0.1:9000/auth"

# A secret that proves to the auth server who is asking.
#auth_http_header = [["X-Auth-Key", "a-long-random-word"]]

# CHANGE: certificate (the leaf first, then its chain) and key, both PEM.
ssl_certificate     = "/etc/ssl/mail.example.com.pem"
ssl_certificate_key = "/etc/ssl/private/mail.example.com.key"

# "info" writes a line when a client connects, logs in and leaves; "error" only failures.
error_log = "stderr info"

# Give up root once the ports are open.
#user = "doorpost"

# How long sessions may go on after a reload or a graceful stop.
worker_shutdown_timeout = "10m"

# How long a client may take to log in, and how long a session may be idle.
timeout       = "60s"
proxy_timeout = "24h"

# --- IMAP -------------------------------------------------------------------------------

# "only": no login before STARTTLS. For IPv6 as well: listen = ["143", "[::]:143"]
[[server]]
listen   = "143"
protocol = "imap"
starttls = "only"
imap_capabilities = ["IMAP4rev1", "UIDPLUS", "IDLE", "SASL-IR"]

[[server]]
listen   = "993 ssl"
protocol = "imap"
imap_capabilities = ["IMAP4rev1", "UIDPLUS", "IDLE", "SASL-IR"]

# --- POP3 -------------------------------------------------------------------------------

#[[server]]
#listen   = "995 ssl"
#protocol = "pop3"

# --- mail submission --------------------------------------------------------------------

# CHANGE: xclient tells the backend who the client is; the backend must know the command
# and allow it (Postfix: smtpd_authorized_xclient_hosts). Otherwise say "off" here.
[[server]]
listen   = "587"
protocol = "smtp"
starttls = "only"
xclient  = "on"
smtp_auth = ["plain", "login"]
smtp_capabilities = ["8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SIZE 52428800"]

[[server]]
listen   = "465 ssl"
protocol = "smtp"
xclient  = "on"
smtp_auth = ["plain", "login"]
smtp_capabilities = ["8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SIZE 52428800"]
`;

/** Writes the starter, never over a file that is there; `-` is standard output. */
export function writeStarter(path: string, { runtime, terminal }: Context): number {
  if (path === "-") {
    terminal.out(STARTER);
    return OK;
  }
  try {
    runtime.files.write(path, STARTER, { mode: MODE, exclusive: true });
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const exists = error.code === "EEXIST";
    const why = exists ? "it exists already" : errnoText(error.code);
    complain(
      terminal,
      `Cannot write "${path}": ${why}`,
      exists ? "name another file; this one is left as it is" : "",
    );
    return FAILED;
  }
  terminal.out(nextSteps(path));
  return OK;
}

function nextSteps(path: string): string {
  const word = shellWord(path);
  return `Wrote ${path}. Next:

  1. Adapt the lines marked CHANGE: name, auth server, certificate, XCLIENT.
  2. Check it:  doorpost check-config ${word}
  3. Run it:    doorpost serve --config ${word}
`;
}

/** A path as it can be pasted into a shell. */
function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
