/** Faults of whole servers: what is missing, what collides, and files that cannot be used. */

import { atTop, type Fault, inServer } from "../fault.ts";

const IMAPS = `listen = "127.0.0.1:993 ssl"\nssl_certificate = "mail.crt"`;

export const SERVERS: readonly Fault[] = [
  {
    id: "no-server",
    severity: "warning",
    title: "a configuration that serves nothing",
    why:
      "Without a server there is nothing to listen on. In an nginx.conf the `mail {}` block may " +
      "be in a file that is not included.",
    mend: "Add a `[[server]]` with `listen` and `protocol`.",
    bad: `auth_http = "127.0.0.1:9000/auth"`,
    good: inServer(`listen = "127.0.0.1:143"`),
  },
  {
    id: "no-listen",
    severity: "error",
    title: "a server without an address",
    why: "No client can reach it.",
    mend: "Add `listen`, with a port such as 143.",
    bad: inServer(`protocol = "imap"`),
    good: inServer(`listen = "127.0.0.1:143"\nprotocol = "imap"`),
  },
  {
    id: "no-protocol",
    severity: "error",
    title: "a server whose protocol is not known",
    why: "Only the usual ports tell the protocol.",
    mend: "Add `protocol`: imap, pop3 or smtp.",
    bad: inServer(`listen = "127.0.0.1:1143"`),
    good: inServer(`listen = "127.0.0.1:1143"\nprotocol = "imap"`),
  },
  {
    id: "no-auth-http",
    severity: "error",
    title: "a server without an auth server",
    why: "Nobody could decide where a client goes.",
    mend: "Name it in `auth_http`, in the server or above it.",
    bad: `[[server]]\nlisten = "127.0.0.1:143"`,
    good: inServer(`listen = "127.0.0.1:143"`),
  },
  {
    id: "no-certificate",
    severity: "error",
    title: "`starttls` or `listen ... ssl` without certificate or key",
    why: "A TLS server has to show a certificate, and needs the key for each.",
    mend: "Give `ssl_certificate` and `ssl_certificate_key`, in the server or above it.",
    bad: inServer(`listen = "127.0.0.1:143"\nstarttls = "on"`),
    good: inServer(`listen = "127.0.0.1:143"\nstarttls = "off"`),
  },
  {
    id: "no-client-authority",
    severity: "error",
    title: "client certificates are verified against nothing",
    why: "`ssl_verify_client` has to know which authorities count.",
    mend: "Name a file of them in `ssl_client_certificate`.",
    bad: inServer(`${IMAPS}\nssl_certificate_key = "mail.key"\nssl_verify_client = "on"`),
    good: inServer(
      `${IMAPS}\nssl_certificate_key = "mail.key"\nssl_verify_client = "on"\n` +
        `ssl_client_certificate = "clients-ca.pem"`,
    ),
  },
  {
    id: "no-tls-version",
    severity: "error",
    title: "no version of TLS is left",
    why: "All that `ssl_protocols` names is broken and was dropped.",
    mend: "Name TLSv1.2 and TLSv1.3.",
    bad: atTop(`ssl_protocols = ["SSLv3"]`),
    good: atTop(`ssl_protocols = ["TLSv1.2", "TLSv1.3"]`),
  },
  {
    id: "duplicate-listen",
    severity: "error",
    title: "two listeners have one address",
    why: "An address can be bound once: the second server would never see a client. The related " +
      "place is the first listener.",
    mend: "Give each server its own address or port.",
    bad: inServer(`listen = ["127.0.0.1:143", "127.0.0.1:143"]`),
    good: inServer(`listen = ["127.0.0.1:143", "127.0.0.2:143"]`),
  },
  {
    id: "shared-socket",
    severity: "warning",
    title: "a parameter of a socket that the listener does not have alone",
    why: "Beside a wildcard on its port a listener has no socket of its own, as in nginx: the " +
      "wildcard's takes the connections for both, and its backlog, buffers and keep-alive count.",
    mend: "Write the parameter at the wildcard's `listen`, or give the listener a socket: `bind`.",
    bad: inServer(`listen = ["0.0.0.0:143", "127.0.0.1:143 backlog=64"]`),
    good: inServer(`listen = ["0.0.0.0:143 backlog=64", "127.0.0.1:143"]`),
  },
  {
    id: "missing-file",
    severity: "error",
    title: "a file that cannot be read",
    why: "It is not there, or may not be read by whoever runs the check. Relative paths start at " +
      "the folder of the configuration.",
    mend: "Correct the path, or check as the user that runs the proxy.",
    bad: inServer(`${IMAPS.replace("mail.crt", "nosuch.crt")}\nssl_certificate_key = "mail.key"`),
    good: inServer(`${IMAPS}\nssl_certificate_key = "mail.key"`),
  },
  {
    id: "tls-setting",
    severity: "error",
    title: "the TLS library refuses a setting or a file",
    why: "A certificate, key, authority, revocation list or DH file is not what it should be, a " +
      "key does not belong to its certificate, or a list of ciphers or curves names none that " +
      "the library knows.",
    mend: "The message has the library's own words. `openssl x509 -in FILE -noout -text` shows " +
      "what a certificate is.",
    bad: inServer(
      `${IMAPS}\nssl_certificate_key = "mail.key"\n# a misspelling of HIGH\nssl_ciphers = "HIHG"`,
    ),
    good: inServer(`${IMAPS}\nssl_certificate_key = "mail.key"\nssl_ciphers = "HIGH"`),
  },
];

const ALONE = inServer(`listen = "127.0.0.1:143"`);

/** What `--online` finds; the configuration alone does not tell, so there are no examples. */
export const ONLINE: readonly Fault[] = [
  {
    id: "auth-server-answers",
    severity: "info",
    title: "the auth server answers as it should",
    why: "It denied a made-up user, or asked to wait. Each address of its name is asked.",
    mend: "Nothing needs to be done.",
    bad: ALONE,
    good: ALONE,
  },
  {
    id: "backend-answers",
    severity: "info",
    title: "the backend that the auth server names is there and greets",
    why: "It is only known where the auth server lets a made-up user in.",
    mend: "Nothing needs to be done.",
    bad: ALONE,
    good: ALONE,
  },
  {
    id: "auth-server-broken",
    severity: "error",
    title: "the auth server cannot be reached, or does not answer as it should",
    why: "Nobody could log in. Every address of its name is asked; the message says which failed " +
      "and how.",
    mend: "`doorpost test-auth --url URL --user NAME` shows the request and the answer.",
    bad: ALONE,
    good: ALONE,
  },
  {
    id: "auth-server-allows-anybody",
    severity: "warning",
    title: "the auth server lets a made-up user in",
    why:
      "It allowed a user that cannot exist, with a password that cannot be right. That is as it " +
      "should be where the backend checks passwords, and an open door where nobody does.",
    mend: "Make sure that the backends check the password, or mend the auth server.",
    bad: ALONE,
    good: ALONE,
  },
  {
    id: "backend-unreachable",
    severity: "error",
    title: "the backend that the auth server names does not answer",
    why: "The auth server sent a made-up user there, so that other users are sent there, too; it " +
      "refused the connection, or did not greet as its protocol does.",
    mend: "`doorpost probe imap://HOST:PORT` shows what the backend says.",
    bad: ALONE,
    good: ALONE,
  },
];
