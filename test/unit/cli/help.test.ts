/** Help and version: complete, at most 80 columns, and true about the commands that it shows. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import pico from "picocolors";
import { readArgs } from "../../../src/cli/args.ts";
import { commandHelp, generalHelp, wrap } from "../../../src/cli/help.ts";
import { COMMANDS, GLOBAL_OPTIONS } from "../../../src/cli/options.ts";
import { SOURCE_VERSION, versionText } from "../../../src/cli/version.ts";

const PLAIN = pico.createColors(false);
const COLOURED = pico.createColors(true);

const PAGES: readonly [string, string][] = [
  ["doorpost", generalHelp(PLAIN)],
  ...COMMANDS.map((row) => [row.name, commandHelp(row, PLAIN)] as [string, string]),
];

for (const [name, page] of PAGES) {
  test(`${name}: no line is wider than 80 columns`, () => {
    assert.deepEqual(page.split("\n").filter((line) => line.length > 80 || line.endsWith(" ")), []);
  });

  test(`${name}: colour changes nothing but colour`, () => {
    const row = COMMANDS.find((each) => each.name === name);
    const coloured = row ? commandHelp(row, COLOURED) : generalHelp(COLOURED);
    // deno-lint-ignore no-control-regex
    assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), page);
  });
}

for (const row of COMMANDS) {
  test(`${row.name}: help shows every option`, () => {
    const page = commandHelp(row, PLAIN);
    for (const { name } of [...row.options, ...GLOBAL_OPTIONS]) {
      assert.ok(page.includes(`--${name}`));
    }
  });

  for (const { line } of row.examples) {
    test(`example is understood: ${line}`, () => {
      // What stands behind a pipe or a redirection is the shell's.
      const [own] = line.slice(line.search(/\bdoorpost (?!.*\| doorpost )/)).split(/ [|>] |\)$/);
      const words = own.split(" ").slice(1);
      const request = readArgs(words);
      assert.equal(request.is === "command" && request.name, row.name);
    });
  }
}

test("general help names every command", () => {
  for (const { name } of COMMANDS) assert.match(generalHelp(PLAIN), new RegExp(`^  ${name} `, "m"));
});

test("wrap breaks at spaces, and lets a long word stand alone", () => {
  assert.deepEqual(wrap("aa bb cc", 5), ["aa bb", "cc"]);
  assert.deepEqual(wrap("aa bbbbbbbb c", 5), ["aa", "bbbbbbbb", "c"]);
});

test("version says version, commit, runtime and TLS library", () => {
  const text = versionText({
    name: "bun",
    versions: { runtime: "1.4.5", tls: "BoringSSL" },
  });
  assert.equal(
    text,
    `doorpost ${SOURCE_VERSION}\ncommit:  run from source\nruntime: Bun 1.4.5\nTLS:     BoringSSL\n`,
  );
});

test("the version in the source is package.json's", () => {
  // The nearest one: below build/ the transpiled tree has its own, with the same version.
  const path = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "package.json");
  const manifest = readFileSync(path, "utf8");
  assert.equal(JSON.parse(manifest).version, SOURCE_VERSION);
});
