/**
 * What lies in the demo mailbox at the start: three messages that explain what one is looking at, one
 * of them in several MIME parts with a subject beyond ASCII, so that a client has something to show.
 * RFC 5322, RFC 2045 (quoted-printable), RFC 2046 (multipart), RFC 2047 (encoded words).
 */

import { encode, toByteString } from "../core/bytes.ts";
import { encodeBase64 } from "../wire/sasl.ts";
import { DEMO_USER } from "./account.ts";
import { mailDate } from "./dates.ts";
import type { Mailbox } from "./mailbox.ts";
import type { DemoPorts } from "./ports.ts";

/** Fills a new mailbox: special folders and the welcome messages, the oldest first. */
export function furnish(mailbox: Mailbox, now: number, ports: DemoPorts): void {
  mailbox.create("Archive", "\\Archive");
  mailbox.create("Drafts", "\\Drafts");
  mailbox.create("Junk", "\\Junk");
  mailbox.create("Sent", "\\Sent");
  mailbox.create("Trash", "\\Trash");
  const texts = [welcome, parts, next];
  texts.forEach((text, i) => {
    const at = now - (texts.length - i) * 60_000;
    mailbox.inbox.add(encode(text(at, ports)), at);
  });
}

function header(subject: string, id: string, at: number): string[] {
  return [
    "From: Doorpost <postmaster@example.com>",
    `To: <${DEMO_USER}>`,
    `Subject: ${subject}`,
    `Date: ${mailDate(at)}`,
    `Message-ID: <${id}.${at}@demo.example.com>`,
    "MIME-Version: 1.0",
  ];
}

function message(lines: readonly string[]): string {
  return lines.join("\r\n").replace(/\r?\n/g, "\r\n");
}

function welcome(at: number): string {
  return message([
    ...header("Welcome to Doorpost", "welcome", at),
    "Content-Type: text/plain; charset=us-ascii",
    "",
    `Hello,

you are reading this through Doorpost. Your mail client logged in at the
proxy, the proxy asked an authentication server who you are and where your
mailbox is, and then joined your connection to that mail server:

    your client ---> Doorpost ---> mail server (this mailbox)
                        |
                        +--------> auth server

For this demo all of them run in one process. The proxy in the middle is
the real one, with an ordinary configuration; only the mail servers and the
auth server are small stand-ins. Nothing leaves this machine, and this
mailbox is gone when the demo stops.

Things to try:

  * Log in with a wrong password. The auth server answers
    "Invalid login or password" and "Auth-Wait: 3", so the proxy holds the
    refusal for three seconds.

  * Open the same mailbox by IMAP and by POP3: one login, one store, two
    backends, each chosen by the auth server.

  * Send a message to anyone. Every recipient is this mailbox, and an open
    IMAP client sees it arrive. Look at its Received line: the client's
    address stands there because the proxy passed it on by XCLIENT.

  * Watch the log in the terminal meanwhile. Each session says when it
    connected, logged in and ended.
`,
  ]);
}

/** Any text that occurs in no part. */
const MIXED = "=_mixed_3f1c";
const ALTERNATIVE = "=_alternative_3f1c";

function parts(at: number): string {
  const subject = encodedWord("A message in several parts: café, 你好 and ✉");
  return message([
    ...header(subject, "parts", at),
    `Content-Type: multipart/mixed; boundary="${MIXED}"`,
    "",
    "This is a message in MIME format.",
    `--${MIXED}`,
    `Content-Type: multipart/alternative; boundary="${ALTERNATIVE}"`,
    "",
    ...textPart("plain", PLAIN),
    ...textPart("html", HTML),
    `--${ALTERNATIVE}--`,
    `--${MIXED}`,
    "Content-Type: application/toml; name=doorpost.toml",
    "Content-Disposition: attachment; filename=doorpost.toml",
    "Content-Transfer-Encoding: base64",
    "",
    ...encodeBase64(toByteString(ATTACHMENT)).match(/.{1,76}/g) ?? [],
    `--${MIXED}--`,
    "",
  ]);
}

function textPart(subtype: string, text: string): string[] {
  return [
    `--${ALTERNATIVE}`,
    `Content-Type: text/${subtype}; charset=utf-8`,
    "Content-Transfer-Encoding: quoted-printable",
    "",
    quotedPrintable(text),
  ];
}

const PLAIN = `This message has a text part, an HTML part and an attachment, and a subject
beyond ASCII: naïve café, Grüße, 你好, ✉.

A mail proxy must not care. After the login Doorpost reads nothing and
changes nothing: it passes bytes from one side to the other until one of
them closes. What your client shows here is what the mail server sent.

The attachment is a configuration to start from.
`;

const HTML = `<!doctype html>
<html lang="en">
<body style="font-family: sans-serif; line-height: 1.5">
<p>This message has a <b>text part</b>, an <b>HTML part</b> and an <b>attachment</b>,
and a subject beyond ASCII: naïve café, Grüße, 你好, ✉.</p>
<p>A mail proxy must not care. After the login Doorpost reads nothing and changes
nothing: it passes bytes from one side to the other until one of them closes.
What your client shows here is what the mail server sent.</p>
<p>The attachment is a configuration to start from.</p>
</body>
</html>
`;

const ATTACHMENT =
  `# Doorpost in front of your own mail servers: IMAP with STARTTLS and IMAP over TLS.
# Check it with: doorpost check-config doorpost.toml

server_name         = "mail.example.com"
auth_http           = "http://127.0.0.1:9000/auth"
ssl_certificate     = "/etc/ssl/mail.example.com.pem"
ssl_certificate_key = "/etc/ssl/private/mail.example.com.key"

[[server]]
listen   = "143"
protocol = "imap"
starttls = "only"

[[server]]
listen   = "993 ssl"
protocol = "imap"
`;

function next(at: number, ports: DemoPorts): string {
  return message([
    ...header("Your own servers next", "next", at),
    "Content-Type: text/plain; charset=us-ascii",
    "",
    `Where to go from here:

  doorpost serve --init doorpost.toml
      writes a configuration with comments; name your auth server in it.

  doorpost check-config doorpost.toml
      finds mistakes before they are live. It reads the mail {} block of
      an nginx.conf as well.

  doorpost test-auth
      asks your auth server about a login, and shows its decision.

  doorpost probe imap://127.0.0.1:${ports.imap}
      looks at a running mail port from outside, step by step.

Your auth server needs one HTTP endpoint. The proxy asks it with headers
like these for every login:

  GET /auth HTTP/1.0
  Auth-Method: plain
  Auth-User: ${DEMO_USER}
  Auth-Pass: ********
  Auth-Protocol: imap
  Auth-Login-Attempt: 1
  Client-IP: 192.0.2.7

and it answers with the backend to use:

  HTTP/1.0 200 OK
  Auth-Status: OK
  Auth-Server: 10.0.1.5
  Auth-Port: 143
`,
  ]);
}

/** RFC 2047: at most 75 characters a word, characters are not split between words. */
function encodedWord(text: string): string {
  const pieces: string[] = [""];
  for (const char of text) {
    if (toByteString(pieces[pieces.length - 1] + char).length > 42) pieces.push("");
    pieces[pieces.length - 1] += char;
  }
  return pieces.map((piece) => `=?UTF-8?B?${encodeBase64(toByteString(piece))}?=`).join("\r\n ");
}

/** RFC 2045 section 6.7: at most 76 characters a line. */
function quotedPrintable(text: string): string {
  return toByteString(text).split("\n").map((line) => {
    // deno-lint-ignore no-control-regex
    const safe = line.replace(/[^\x20-\x3c\x3e-\x7e]| $/g, (char) => {
      return "=" + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
    });
    return (safe.match(/(?:=..|[^=]){1,25}/g) ?? []).reduce(fold, [""]).join("=\r\n");
  }).join("\r\n");
}

/** Adds a piece to the last line, or begins a new one: 25 characters of text are at most 75 written. */
function fold(lines: string[], piece: string): string[] {
  const last = lines.length - 1;
  if (lines[last].length + piece.length <= 75) lines[last] += piece;
  else lines.push(piece);
  return lines;
}
