/** Faults in the form of a file: what keeps it from being read as statements. */

import { atTop, type Fault, inMail, inServer } from "../fault.ts";

const SERVER = "server { listen 127.0.0.1:143; }";

export const SYNTAX: readonly Fault[] = [
  {
    id: "syntax",
    severity: "error",
    title: "the file is not TOML",
    why:
      "The TOML parser stops at this place; the message is its own. Nothing behind it could be " +
      "looked at.",
    mend: "Mend the line. Strings stand in quotes, a list in brackets, each `[[server]]` in two.",
    bad: inServer(`listen = 127.0.0.1:143`),
    good: inServer(`listen = "127.0.0.1:143"`),
  },
  {
    id: "not-flat",
    severity: "error",
    title: "TOML has no tables for nginx's blocks",
    why: "In TOML the top level is nginx's `main`, `events` and `mail` contexts in one. A table " +
      "`[mail]` would say the same in a second way.",
    mend: "Write its keys at the top level, before the first `[[server]]`.",
    bad: `[mail]\n${inServer(`listen = "127.0.0.1:143"`).replace("[[server]]", "[[mail.server]]")}`,
    good: inServer(`listen = "127.0.0.1:143"`),
  },
  {
    id: "invalid-type",
    severity: "error",
    title: "a TOML value of the wrong type",
    why: "The directive takes another kind of value: a time is a number of seconds or a string " +
      'such as "90s", a flag is true or false, several addresses are an array of strings.',
    mend: "Give the type that the message names. `docs/directives.md` has an example of each.",
    bad: atTop("timeout = true"),
    good: atTop(`timeout = "60s"`),
  },
  {
    id: "unexpected-character",
    severity: "error",
    title: "a character that cannot stand here",
    why: "A `;` or a brace stands where none can be, usually because another one is missing.",
    mend: "Look at the end of the statement before: it ends with `;`, a block with `}`.",
    syntax: "nginx",
    bad: inMail("server { listen 127.0.0.1:143 }"),
    good: inMail(SERVER),
  },
  {
    id: "unexpected-end",
    severity: "error",
    title: "the file ends within a block, a statement or a quoted string",
    why: "Something that was opened is never closed. The related place is where it opens.",
    mend: "Add the missing `}`, `;` or quote.",
    syntax: "nginx",
    bad: `mail {\n    auth_http 127.0.0.1:9000/auth;\n    ${SERVER}`,
    good: inMail(SERVER),
  },
  {
    id: "too-long-parameter",
    severity: "error",
    title: "a word that is longer than nginx's buffer",
    why:
      "nginx reads words of at most 4096 bytes. A longer one is nearly always a quote that was " +
      "forgotten.",
    mend: "Close the quote, or shorten the word.",
    syntax: "nginx",
    bad: inMail(`server_name "${"mail".repeat(1100)}";\n${SERVER}`),
    good: inMail(`server_name "mail.example.com";\n${SERVER}`),
  },
  {
    id: "missing-semicolon",
    severity: "warning",
    title: "a directive is taken for a value of the one before",
    why: "The directive before takes any number of words, so that a forgotten `;` does not show: " +
      "the next line became a part of it. nginx takes it in the same way, and says nothing.",
    mend: "Add the `;`. If the word is meant, put it on the line of its directive.",
    syntax: "nginx",
    bad: inMail(`imap_capabilities IMAP4rev1\ntimeout 60s;\n${SERVER}`),
    good: inMail(`imap_capabilities IMAP4rev1;\ntimeout 60s;\n${SERVER}`),
  },
  {
    id: "not-terminated",
    severity: "error",
    title: "a simple directive has a block",
    why: "Behind the directive stands `{` where `;` must be.",
    mend: "End it with `;`.",
    syntax: "nginx",
    bad: inMail(`timeout 60s {}\n${SERVER}`),
    good: inMail(`timeout 60s;\n${SERVER}`),
  },
  {
    id: "no-opening-brace",
    severity: "error",
    title: "a block has no opening brace",
    why: "`mail`, `events` and `server` are blocks; a `;` ends none of them.",
    mend: "Write `server { ... }`.",
    syntax: "nginx",
    bad: inMail("server;"),
    good: inMail(SERVER),
  },
  {
    id: "include-loop",
    severity: "error",
    title: "a file includes itself",
    why: "Reading would never end.",
    mend: "Take the `include` out, or name the other files one by one.",
    syntax: "nginx",
    bad: inMail(`include doorpost.conf;\n${SERVER}`),
    good: inMail(SERVER),
  },
  {
    id: "not-utf-8",
    severity: "warning",
    title: "a line is not valid UTF-8",
    why: "The bytes that are not become U+FFFD. In a comment that is harmless; in a name or a " +
      "secret it is not.",
    mend: "Save the file as UTF-8.",
    bad: atTop(`server_name = "m\u00fcller.example.com"  # one byte, FC, as Latin-1 has it`),
    good: atTop(`server_name = "mueller.example.com"`),
  },
];
