/**
 * What `serve --demo` prints first: where to knock, and lines to paste into another terminal. None is
 * wider than 80 columns: a command that a terminal has broken cannot be read.
 */

import { DEMO_PASSWORD, DEMO_USER } from "./account.ts";
import type { DemoPorts } from "./ports.ts";

export function demoBanner(ports: DemoPorts): string {
  const password = DEMO_PASSWORD.reveal();
  const login = `${DEMO_USER}:${password}`;
  const encoded = `${DEMO_USER.replace("@", "%40")}:${password}`;
  return `Doorpost demo: the proxy, and behind it an auth server and three small mail
servers. Mail stays in memory. The certificate was made just now, so clients
must be told to trust it.

  IMAP   127.0.0.1:${ports.imap} (STARTTLS)   127.0.0.1:${ports.imaps} (TLS)
  POP3   127.0.0.1:${ports.pop3} (STARTTLS)   127.0.0.1:${ports.pop3s} (TLS)
  SMTP   127.0.0.1:${ports.submission} (STARTTLS)   127.0.0.1:${ports.smtps} (TLS)
  login  ${DEMO_USER}   password  ${password}

Read the first message:
  curl -ku ${login} 'imaps://127.0.0.1:${ports.imaps}/INBOX;MAILINDEX=1'

Send one (every recipient is the demo inbox), then list it by POP3:
  printf 'From: ${DEMO_USER}\\nSubject: Hello\\n\\nSent through Doorpost.\\n' |
    curl -ku ${login} --ssl-reqd -T - \\
      --mail-from ${DEMO_USER} --mail-rcpt you@example.com \\
      smtp://127.0.0.1:${ports.submission}
  curl -ku ${login} pop3s://127.0.0.1:${ports.pop3s}/

Speak IMAP yourself, over STARTTLS:
  printf '%s\\n' 'a LOGIN ${DEMO_USER} ${password}' 'b SELECT INBOX' \\
    'c FETCH 1:* ENVELOPE' 'd LOGOUT' |
    openssl s_client -quiet -crlf -starttls imap -connect 127.0.0.1:${ports.imap} \\
      2>/dev/null

A whole client, which asks about the certificate once:
  mutt -F /dev/null -e 'set folder=.' \\
    -f imaps://${encoded}@127.0.0.1:${ports.imaps}/

Next, in front of your own servers:
  doorpost serve --init doorpost.toml
`;
}
