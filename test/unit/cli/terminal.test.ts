/** Colour: `--color`, then NO_COLOR, FORCE_COLOR, TERM and the terminal, for each stream by itself. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { complain, openTerminal } from "../../../src/cli/terminal.ts";
import { FakeHost } from "../observe/fakes.ts";

type Case = readonly [
  name: string,
  choice: "auto" | "always" | "never",
  environment: Readonly<Record<string, string>>,
  terminal: boolean,
  coloured: boolean,
];

const COLOURS: readonly Case[] = [
  ["a pipe", "auto", {}, false, false],
  ["a terminal", "auto", {}, true, true],
  ["a dumb terminal", "auto", { TERM: "dumb" }, true, false],
  ["NO_COLOR", "auto", { NO_COLOR: "1" }, true, false],
  ["an empty NO_COLOR says nothing", "auto", { NO_COLOR: "" }, true, true],
  ["FORCE_COLOR in a pipe", "auto", { FORCE_COLOR: "1" }, false, true],
  ["FORCE_COLOR=0", "auto", { FORCE_COLOR: "0" }, true, false],
  ["NO_COLOR before FORCE_COLOR", "auto", { NO_COLOR: "1", FORCE_COLOR: "1" }, true, false],
  ["--color always before NO_COLOR", "always", { NO_COLOR: "1" }, false, true],
  ["--color never before FORCE_COLOR", "never", { FORCE_COLOR: "1" }, true, false],
];

for (const [name, choice, environment, terminal, coloured] of COLOURS) {
  test(`colour: ${name}`, () => {
    const host = new FakeHost();
    for (const [key, value] of Object.entries(environment)) host.variables.set(key, value);
    if (terminal) host.terminals.add("stderr");
    const { errColors, outColors } = openTerminal(host, choice);
    assert.equal(errColors.isColorSupported, coloured);
    if (terminal && choice === "auto") assert.equal(outColors.isColorSupported, false);
  });
}

test("a complaint is one sentence and its hint", () => {
  const host = new FakeHost();
  complain(openTerminal(host, "auto"), "Cannot bind 0.0.0.0:143: address in use", "try sudo");
  assert.equal(
    host.err,
    "doorpost: error: Cannot bind 0.0.0.0:143: address in use\nhint: try sudo\n",
  );
});
