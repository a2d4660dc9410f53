/** Faults of single directives: their names, places and values. */

import { atTop, type Fault, inMail, inServer } from "../fault.ts";

const SERVER = "server { listen 127.0.0.1:143; }";

export const DIRECTIVES: readonly Fault[] = [
  {
    id: "unknown-directive",
    severity: "error",
    title: "a directive that does not exist",
    why:
      "Nothing has this name; the nearest name is given where one is near. A directive that is " +
      "passed over because of a slip would be worse than one that stops the start.",
    mend: "Correct the name; `docs/directives.md` has them all.",
    bad: atTop(`timeuot = "60s"`),
    good: atTop(`timeout = "60s"`),
  },
  {
    id: "foreign-directive",
    severity: "error",
    title: "a directive of another nginx module or of a fork",
    why:
      "`mail {}` has fewer directives than `http {}` has, and some names look as if they should " +
      "work in both. nginx refuses them here, too; directives of forks have no meaning outside.",
    mend: "Leave it out, or use what the hint names.",
    syntax: "nginx",
    bad: inMail(`proxy_pass http://127.0.0.1:8080;\n${SERVER}`),
    good: inMail(SERVER),
  },
  {
    id: "not-allowed-here",
    severity: "error",
    title: "a directive in a context that it does not belong to",
    why: "`listen` and `protocol` belong to a server, `worker_processes` to the whole process.",
    mend: "Move it to where the hint says.",
    bad: atTop(`protocol = "imap"`),
    good: inServer(`listen = "127.0.0.1:143"\nprotocol = "imap"`),
  },
  {
    id: "invalid-number-of-arguments",
    severity: "error",
    title: "too few or too many words",
    why:
      "The directive takes another number of words. When the next line begins with a directive, " +
      "a `;` is missing.",
    mend: "Compare with the example in the hint.",
    syntax: "nginx",
    bad: inMail(`timeout 60 s;\n${SERVER}`),
    good: inMail(`timeout 60s;\n${SERVER}`),
  },
  {
    id: "duplicate-directive",
    severity: "error",
    title: "a directive stands twice at one level",
    why: "Which of the two is meant is anybody's guess. The related place is the first.",
    mend: "Leave one of them out.",
    syntax: "nginx",
    bad: inMail(`timeout 60s;\ntimeout 90s;\n${SERVER}`),
    good: inMail(`timeout 90s;\n${SERVER}`),
  },
  {
    id: "duplicate-value",
    severity: "warning",
    title: "a value stands twice in a set",
    why: "The second changes nothing; perhaps another one was meant.",
    mend: "Leave it out, or correct it.",
    bad: atTop(`imap_auth = ["plain", "plain"]`),
    good: atTop(`imap_auth = ["plain", "login"]`),
  },
  {
    id: "invalid-value",
    severity: "error",
    title: "a value that the directive does not take",
    why: "It is not one of the known words, no number, size, time or address in the form that " +
      "nginx reads, or a name that nobody resolves.",
    mend: "See the hint; the nearest known word is given where one is near.",
    bad: inServer(`listen = "127.0.0.1:143"\nprotocol = "imap4"`),
    good: inServer(`listen = "127.0.0.1:143"\nprotocol = "imap"`),
  },
  {
    id: "unsupported-value",
    severity: "error",
    title: "a value that nginx takes and Doorpost does not",
    why:
      "What it asks for is not there: `https` for `auth_http`, keys in an engine, some OpenSSL " +
      "commands. Starting without it would not be what was asked for.",
    mend: "Use what the hint names.",
    bad: inServer(`listen = "127.0.0.1:143"`).replace('"127.0.0.1:9000', '"https://127.0.0.1:9000'),
    good: inServer(`listen = "127.0.0.1:143"`),
  },
  {
    id: "looks-like-milliseconds",
    severity: "warning",
    title: "a bare number of seconds that looks like milliseconds",
    why: "A number without a unit counts seconds: `timeout 60000` is more than 16 hours.",
    mend: "Write the unit: `60s`, or `60000ms`; `60000s` if it is meant.",
    bad: atTop("timeout = 60000"),
    good: atTop(`timeout = "60s"`),
  },
  {
    id: "low-address-bits",
    severity: "warning",
    title: "a range whose address has bits beyond its mask",
    why:
      "They mean nothing. Perhaps the mask is wrong, and more peers are believed than should be.",
    mend: "Write the range as the hint does, or correct the mask.",
    bad: atTop(`set_real_ip_from = "10.1.2.3/8"`),
    good: atTop(`set_real_ip_from = "10.0.0.0/8"`),
  },
  {
    id: "broken-tls-version",
    severity: "warning",
    title: "SSLv2 or SSLv3 is asked for",
    why: "Both are broken (RFC 6176, RFC 7568), and no TLS library in use has them. They are " +
      "dropped from the list.",
    mend: "Name TLSv1.2 and TLSv1.3.",
    bad: atTop(`ssl_protocols = ["SSLv3", "TLSv1.2"]`),
    good: atTop(`ssl_protocols = ["TLSv1.2", "TLSv1.3"]`),
  },
  {
    id: "old-directive",
    severity: "warning",
    title: "a directive that nginx no longer has",
    why: "It works here, because files in use have it; nginx of today refuses it.",
    mend: "Write today's form, which the hint names.",
    bad: inServer(`listen = "127.0.0.1:143"\nso_keepalive = true`),
    good: inServer(`listen = "127.0.0.1:143 so_keepalive=on"`),
  },
  {
    id: "old-server-name",
    severity: "warning",
    title: "`server_name` with several names or a wildcard",
    why: "In `mail {}` the name selects nothing; it is what the proxy calls itself. The first " +
      "plain name is used.",
    mend: "Leave the other names out.",
    bad: atTop(`server_name = ["mail.example.com", "*.example.com"]`),
    good: atTop(`server_name = "mail.example.com"`),
  },
  {
    id: "ignored",
    severity: "warning",
    title: "a directive that is read and has no effect",
    why:
      "What it asks for is not done here: Doorpost stays in the foreground, and keeps no log in " +
      "memory.",
    mend: "Leave it out. A service manager runs the proxy in the background.",
    bad: atTop("daemon = true"),
    good: atTop("daemon = false"),
  },
  {
    id: "passed-over",
    severity: "info",
    title: "a directive or block of nginx that has no meaning here",
    why:
      "`http {}`, `stream {}` and what concerns nginx's own processes are read over, so that a " +
      "whole nginx.conf can be used as it is.",
    mend: "Nothing needs to be done.",
    syntax: "nginx",
    bad: `worker_priority 5;\n${inMail(SERVER)}`,
    good: inMail(SERVER),
  },
];
