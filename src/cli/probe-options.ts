/** The row of `probe` in the table of `options.ts`, whose rules it follows. */

import { PROBE_CONCURRENCY, PROBE_COUNT } from "../core/limits.ts";
import type { CommandRow } from "./options.ts";

/** What `probe --format` knows. */
const PROBE_FORMATS = ["human", "json", "nagios", "prometheus"] as const;

const METHOD_WORDS = [
  "plain",
  "login",
  "scram-sha-256",
  "cram-md5",
  "apop",
  "command",
  "external",
  "xoauth2",
  "oauthbearer",
] as const;

export const PROBE = {
  name: "probe",
  summary: "look at a mail server as a client does, and say what is wrong",
  operands: [
    {
      name: "URL",
      required: false,
      many: true,
      help: "imap, imaps, pop3, pop3s, smtp, smtps, submission or submissions://HOST[:PORT], " +
        "or imap://unix:PATH",
    },
  ],
  options: [
    {
      name: "config",
      short: "c",
      type: "text",
      argument: "FILE",
      group: "Targets",
      help: "probe every listener of a configuration",
    },
    {
      name: "targets",
      type: "text",
      argument: "FILE",
      group: "Targets",
      help: "read URLs from FILE, one a line; - is standard input",
    },
    {
      name: "direct",
      type: "text",
      argument: "URL",
      group: "Targets",
      help: "probe this backend too, and show what differs",
    },
    {
      name: "connect-to",
      type: "text",
      argument: "HOST:PORT",
      group: "Targets",
      help: "connect there, or to unix:PATH; the URL's name stays for TLS",
    },
    { name: "ipv4", short: "4", type: "flag", group: "Targets", help: "IPv4 addresses only" },
    { name: "ipv6", short: "6", type: "flag", group: "Targets", help: "IPv6 addresses only" },
    {
      name: "proxy-protocol",
      type: "text",
      argument: "VERSION[:SRC]",
      group: "Targets",
      help: "send a PROXY header first: v1, v2, or v2:192.0.2.7 to be that client",
    },
    {
      name: "helo",
      type: "text",
      argument: "NAME",
      group: "Targets",
      help: "the name to greet SMTP servers with; this machine's without it",
    },
    {
      name: "xclient",
      type: "text",
      argument: "ATTRIBUTES",
      group: "Targets",
      help:
        "tell a backend who the client is, 'ADDR=192.0.2.7 PORT=4711': by XCLIENT, by ID in IMAP",
    },
    {
      name: "timeout",
      type: "time",
      argument: "TIME",
      least: 1,
      most: 600_000,
      group: "Targets",
      help: "how long each step and check may take, 500ms say; 10s without it",
    },
    {
      name: "starttls",
      type: "choice",
      argument: "WHEN",
      choices: ["auto", "require", "never"],
      group: "TLS",
      help: "auto (when offered), require or never",
    },
    {
      name: "ca",
      type: "text",
      argument: "FILE",
      group: "TLS",
      help: "trust these authorities; without it SSL_CERT_FILE or the system's, and " +
        "NODE_EXTRA_CA_CERTS",
    },
    {
      name: "cert",
      type: "text",
      argument: "FILE",
      group: "TLS",
      help: "show this certificate, with --key",
    },
    { name: "key", type: "text", argument: "FILE", group: "TLS", help: "the key of --cert" },
    {
      name: "alpn",
      type: "text",
      argument: "NAME",
      group: "TLS",
      help: "the ALPN protocol to offer, or none; imap, pop3 or smtp without it",
    },
    {
      name: "tls-scan",
      type: "flag",
      group: "TLS",
      help: "try TLS 1.0 to 1.3, each by itself",
    },
    {
      name: "user",
      short: "u",
      type: "text",
      argument: "NAME",
      group: "Login",
      help: "log in; the password is asked for, or taken from DOORPOST_PASSWORD",
    },
    {
      name: "method",
      type: "choice",
      argument: "NAME",
      choices: METHOD_WORDS,
      group: "Login",
      help:
        "plain, login, scram-sha-256, cram-md5, apop, external, xoauth2, oauthbearer, or command (IMAP " +
        "LOGIN, POP3 USER and PASS); the best offered without it",
    },
    {
      name: "password-stdin",
      type: "flag",
      group: "Login",
      help: "read the password from standard input",
    },
    {
      name: "password-file",
      type: "text",
      argument: "FILE",
      group: "Login",
      help: "read the password from FILE",
    },
    {
      name: "insecure",
      type: "flag",
      group: "Login",
      help: "send the password without TLS, or to a certificate that does not verify",
    },
    { name: "fetch", type: "flag", group: "Login", help: "ask for the message count" },
    {
      name: "check-injection",
      type: "flag",
      group: "Checks",
      help: "try to smuggle a harmless command past STARTTLS",
    },
    {
      name: "relay-to",
      type: "text",
      argument: "ADDRESS",
      group: "Checks",
      help: "see whether SMTP takes mail for ADDRESS without a login; no mail is sent",
    },
    {
      name: "warn",
      type: "text",
      argument: "LIMITS",
      group: "Checks",
      help: "warn below so many days of the certificate, above so many ms; 30d,1000ms without it",
    },
    {
      name: "crit",
      type: "text",
      argument: "LIMITS",
      group: "Checks",
      help: "when Nagios is told CRITICAL; 7d,10000ms without it",
    },
    {
      name: "verbose",
      short: "v",
      type: "flag",
      group: "Output",
      help: "show the dialogue: -> and <-, under TLS ~> and <~, secrets masked",
    },
    {
      name: "format",
      type: "choice",
      argument: "NAME",
      choices: PROBE_FORMATS,
      group: "Output",
      help: "human, json, nagios or prometheus",
    },
    {
      name: "watch",
      type: "time",
      argument: "SECONDS",
      least: 1_000,
      most: 86_400_000,
      group: "Output",
      help: "look again every SECONDS, until interrupted",
    },
    {
      name: "count",
      type: "number",
      argument: "N",
      least: 1,
      most: PROBE_COUNT,
      group: "Load",
      help: "go through N whole sessions and report how long they took",
    },
    {
      name: "concurrency",
      type: "number",
      argument: "C",
      least: 1,
      most: PROBE_CONCURRENCY,
      group: "Load",
      help: "so many at once; 1 without it",
    },
  ],
  examples: [
    { why: "what a client sees", line: "doorpost probe imap://mail.example.com" },
    {
      why: "log in, and show the dialogue",
      line: "doorpost probe submission://mail.example.com -u alice -v",
    },
    {
      why: "compare the proxy with the backend behind it",
      line: "doorpost probe imaps://mail.example.com --direct imap://10.0.0.5",
    },
    {
      why: "a check for Nagios",
      line: "doorpost probe imaps://mail.example.com --format nagios --warn 21d --crit 7d",
    },
    { why: "every listener of a configuration", line: "doorpost probe --config doorpost.toml" },
  ],
  notes: [
    {
      title: "Exit status",
      lines: [
        ["0", "fine"],
        ["1", "something is wrong, as the verdicts at the end say"],
        ["2", "wrong usage"],
        ["3", "not reachable"],
        ["", "with --format nagios: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN"],
      ],
    },
  ],
} as const satisfies CommandRow;
