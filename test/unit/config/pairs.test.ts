/**
 * Golden pairs: `test/config/NAME.conf.pair` and `NAME.toml.pair` hold a configuration, a rule, and what it
 * comes to: its diagnostics, then its effective settings (TOML, what differs from the defaults).
 *
 * `UPDATE_PAIRS=1` writes the lower halves anew; read the difference before you commit it.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { print } from "../../../src/config/print.ts";
import { ROOT } from "../../support/source.ts";
import { line, loadText } from "./support.ts";

const FOLDER = `${ROOT}/test/config/`;
const RULE = "-".repeat(80);

async function outcome(input: string, file: string): Promise<string> {
  const syntax = file.endsWith(".toml.pair") ? "toml" : "nginx";
  const { settings, diagnostics } = await loadText(input, syntax);
  const findings = diagnostics.map((each) => line(each) + "\n").join("");
  const shown = settings ? print(settings, "toml") : "";
  return findings + (findings && shown ? "\n" : "") + shown;
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".pair")).sort()) {
  test(`${file}: the configuration comes to what is written below it`, async () => {
    const [input, expected = ""] = readFileSync(FOLDER + file, "utf8").split(`${RULE}\n`);
    const actual = await outcome(input, file);
    if (process.env.UPDATE_PAIRS) writeFileSync(FOLDER + file, `${input}${RULE}\n${actual}`);
    else assert.equal(actual, expected);
  });
}
