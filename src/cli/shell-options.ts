/** The rows of `completions` and `man` in the table of `options.ts`, whose rules they follow. */

import type { CommandRow } from "./options.ts";

export const COMPLETIONS = {
  name: "completions",
  summary: "print what a shell needs to complete doorpost's words",
  operands: [
    { name: "SHELL", required: true, many: false, help: "bash, zsh or fish" },
  ],
  options: [],
  examples: [
    { why: "for this bash alone", line: "source <(doorpost completions bash)" },
    { why: "for this zsh alone, behind compinit", line: "source <(doorpost completions zsh)" },
    {
      why: "for every fish from now on",
      line: "doorpost completions fish > ~/.config/fish/completions/doorpost.fish",
    },
  ],
  notes: [],
} as const satisfies CommandRow;

export const MAN = {
  name: "man",
  summary: "print the manual page",
  operands: [],
  options: [],
  examples: [
    { why: "read it", line: "doorpost man | man -l -" },
    { why: "install it", line: "doorpost man > /usr/local/share/man/man1/doorpost.1" },
  ],
  notes: [],
} as const satisfies CommandRow;
