/** The row of `test-auth` in the table of `options.ts`, whose rules it follows. */

import type { CommandRow } from "./options.ts";

export const TEST_AUTH = {
  name: "test-auth",
  summary: "ask an auth server, and say what its answer means",
  operands: [
    {
      name: "CASES",
      required: false,
      many: false,
      help: "with --suite: a TOML file of further cases (user, password, expect)",
    },
  ],
  options: [
    {
      name: "config",
      short: "c",
      type: "text",
      argument: "FILE",
      group: "Auth server",
      help: "take the auth server, its headers and time-out from a configuration; - is standard " +
        "input; without it and without --url from the usual places",
    },
    {
      name: "url",
      type: "text",
      argument: "URL",
      group: "Auth server",
      help: "ask this one: http:// or https://host:port/path, host:port/path or unix:path:/path",
    },
    {
      name: "ca",
      type: "text",
      argument: "FILE",
      group: "Auth server",
      help: "with https trust these authorities; without it SSL_CERT_FILE or the system's, and " +
        "NODE_EXTRA_CA_CERTS",
    },
    {
      name: "header",
      type: "list",
      argument: "'NAME: VALUE'",
      group: "Auth server",
      help: "send this header too (repeats)",
    },
    {
      name: "http",
      type: "choice",
      argument: "VERSION",
      choices: ["1.0", "1.1"],
      group: "Auth server",
      help: "the version of HTTP to ask by; 1.0, nginx's, without it",
    },
    {
      name: "timeout",
      type: "time",
      argument: "TIME",
      least: 1,
      most: 600_000,
      group: "Auth server",
      help: "wait so long instead of auth_http_timeout, and with --login for the " +
        "backend instead of timeout",
    },
    { name: "user", short: "u", type: "text", argument: "NAME", group: "Login", help: "who asks" },
    {
      name: "protocol",
      type: "choice",
      argument: "NAME",
      choices: ["imap", "pop3", "smtp"],
      group: "Login",
      help: "imap, pop3 or smtp; without it imap, pop3 for apop, smtp for none",
    },
    {
      name: "method",
      type: "choice",
      argument: "NAME",
      choices: [
        "plain",
        "login",
        "apop",
        "cram-md5",
        "external",
        "none",
        "xoauth2",
        "oauthbearer",
      ],
      group: "Login",
      help: "plain (without it), login (the same to an auth server), apop, cram-md5, external, " +
        "none, xoauth2 or oauthbearer; digests are made from the password, for the last two it " +
        "is the bearer token",
    },
    {
      name: "password-stdin",
      type: "flag",
      group: "Login",
      help: "read the password from standard input; else DOORPOST_PASSWORD is taken, or a prompt " +
        "asks without echo",
    },
    {
      name: "password-file",
      type: "text",
      argument: "FILE",
      group: "Login",
      help: "read the password from FILE, less a line end",
    },
    {
      name: "client-ip",
      type: "text",
      argument: "ADDRESS",
      group: "Client",
      help: "the client's address; 127.0.0.1 without it",
    },
    {
      name: "attempt",
      type: "number",
      argument: "N",
      least: 1,
      most: 1_000_000,
      group: "Client",
      help: "which attempt on its connection this is; 1 without it",
    },
    {
      name: "ssl",
      type: "text",
      argument: "WHAT",
      group: "Client",
      help: "the client is on TLS: on, or PROTOCOL/CIPHER as in TLSv1.2/AES128-SHA",
    },
    {
      name: "smtp-from",
      type: "text",
      argument: "ADDRESS",
      group: "Client",
      help: "with none: the sender, or the whole MAIL line",
    },
    {
      name: "smtp-to",
      type: "text",
      argument: "ADDRESS",
      group: "Client",
      help: "with none: the recipient, or the whole RCPT line",
    },
    {
      name: "helo",
      type: "text",
      argument: "NAME",
      group: "Client",
      help: "with none: the name that the client gives itself",
    },
    {
      name: "login",
      type: "flag",
      group: "What to do",
      help: "go on to the backend, log in there as the proxy would, and show that too",
    },
    {
      name: "expect",
      type: "list",
      argument: "WHAT",
      group: "What to do",
      help: "fail unless it is so: allowed, denied, server=ADDRESS:PORT, user=NAME, within=200ms " +
        "(repeats)",
    },
    {
      name: "repeat",
      type: "number",
      argument: "N",
      least: 1,
      most: 1_000_000,
      group: "What to do",
      help: "ask N times and show how long answers take",
    },
    {
      name: "concurrency",
      type: "number",
      argument: "C",
      least: 1,
      most: 1_000,
      group: "What to do",
      help: "with --repeat: so many at once; 1 without it",
    },
    {
      name: "suite",
      type: "flag",
      group: "What to do",
      help: "put some seventy questions, odd ones among them, and judge the answers; many are " +
        "wrong logins of --user",
    },
    {
      name: "format",
      type: "choice",
      argument: "NAME",
      choices: ["human", "json", "junit"],
      group: "Output",
      help: "human, json, or (with --suite) junit",
    },
    {
      name: "raw",
      type: "flag",
      group: "Output",
      help: "show every line that is sent and received, and the body",
    },
    {
      name: "curl",
      type: "flag",
      group: "Output",
      help: "print a curl command that asks the same, secrets as variables, and stop",
    },
  ],
  examples: [
    {
      why: "who may log in, and where would it go",
      line: "doorpost test-auth --config doorpost.toml --user john",
    },
    {
      why: "from the credentials to the mailbox",
      line: "doorpost test-auth --url http://127.0.0.1:9000/auth --user john --login",
    },
    {
      why: "in a script, the password in DOORPOST_PASSWORD: to this backend, and quickly",
      line: "doorpost test-auth -u john --expect server=10.0.1.5:143 --expect within=1s",
    },
    {
      why: "does an auth server get spaces, percent signs, digests and retries right?",
      line: "doorpost test-auth --config doorpost.toml -u john --suite cases.toml",
    },
    {
      why: "how fast is it",
      line: "doorpost test-auth -u john --password-file pw --repeat 1000 --concurrency 20",
    },
  ],
  notes: [
    {
      title: "Exit status",
      lines: [
        ["0", "allowed, or everything was as expected"],
        ["1", "denied, an expectation missed, or a backend that refused the login"],
        ["2", "wrong usage"],
        ["3", "the auth server, or with --login the backend, could not be reached"],
        ["4", "the answer breaks the protocol"],
      ],
    },
  ],
} as const satisfies CommandRow;
