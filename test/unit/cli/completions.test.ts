/** Completions and the manual page: they hold the whole table, and their readers take them. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  bashCompletions,
  fishCompletions,
  SHELL_NAMES,
  zshCompletions,
} from "../../../src/cli/completions.ts";
import { manualPage } from "../../../src/cli/man.ts";
import { COMMANDS, GLOBAL_OPTIONS } from "../../../src/cli/options.ts";
import { findProgram, temporaryFolder } from "../../support/process.ts";

const SCRIPTS = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions } as const;
const OPTIONS = [...COMMANDS.flatMap((command) => [...command.options]), ...GLOBAL_OPTIONS];

const without = (program: string) => findProgram(program) ? false : `no ${program} here`;

/** fish reads no script from a socket, and that is what Node gives a program as its standard input. */
function inFile(script: string): Disposable & { readonly path: string } {
  const folder = temporaryFolder("shell");
  const path = join(folder, "script");
  writeFileSync(path, script);
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

test("each shell that is named has a script", () => {
  assert.deepEqual(SHELL_NAMES, Object.keys(SCRIPTS));
});

for (const [shell, make] of Object.entries(SCRIPTS)) {
  test(`${shell}: every command and option is there`, () => {
    const script = make();
    for (const { name } of COMMANDS) assert.ok(script.includes(name), name);
    for (const { name } of OPTIONS) {
      assert.ok(script.includes(shell === "fish" ? `-l ${name} ` : `--${name}`), name);
    }
  });

  test(`${shell} can read it`, { skip: without(shell) }, () => {
    using file = inFile(make());
    const { status, stderr } = spawnSync(shell, ["-n", file.path], { encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

const TYPED: readonly (readonly [string, string])[] = [
  ["doorpost pro", "probe"],
  ["doorpost probe --form", "--format"],
  ["doorpost probe --format n", "nagios"],
  ["doorpost --color never probe --starttls re", "require"],
  ["doorpost completions f", "fish"],
  ["doorpost probe --user a", ""],
  ["doorpost check-config --skip-rule chunk", "chunking-advertised"],
  // Bash makes a word of "=".
  ["doorpost probe --format = n", "nagios"],
  ["doorpost check-config --print = e", "effective"],
  ["doorpost --color a", "auto always"],
];
for (const [typed, expected] of TYPED) {
  test(`bash completes "${typed}" to "${expected}"`, { skip: without("bash") }, () => {
    const words = typed.split(" ");
    const script = `${bashCompletions()}
COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${
      words.length - 1
    }; _doorpost; echo "\${COMPREPLY[*]}"`;
    const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8", cwd: "/" });
    assert.equal(stdout.trim(), expected);
  });
}

const IN_FISH: readonly (readonly [string, readonly string[]])[] = [
  ["doorpost pro", ["probe"]],
  ["doorpost check-config --print=e", ["--print=effective"]],
  ["doorpost check-config --print ", ["effective", "json", "nginx", "toml"]],
  ["doorpost completions ", ["bash", "fish", "zsh"]],
];
for (const [typed, expected] of IN_FISH) {
  test(`fish completes "${typed}" to ${expected.join(", ")}`, { skip: without("fish") }, () => {
    const script = `${fishCompletions()}\ncomplete -C "${typed}"\n`;
    using file = inFile(script);
    const { stdout } = spawnSync("fish", ["--no-config", file.path], { encoding: "utf8" });
    const found = stdout.trim().split("\n").map((line) => line.split("\t")[0]);
    assert.deepEqual(found.sort(), expected);
  });
}

test(
  "the script of zsh makes itself known when it is read by source",
  { skip: without("zsh") },
  () => {
    const script = `compdef() { echo "$@"; }\n${zshCompletions()}`;
    const { stdout, stderr } = spawnSync("zsh", ["-f"], { input: script, encoding: "utf8" });
    assert.deepEqual([stdout, stderr], ["_doorpost doorpost\n", ""]);
  },
);

test("the manual page has every command and option", () => {
  const page = manualPage().replaceAll("\\-", "-");
  for (const { name } of COMMANDS) assert.match(page, new RegExp(`^\\.SS ${name}$`, "m"));
  for (const { name } of OPTIONS) assert.ok(page.includes(`--${name}\\fR`), name);
});

test("groff reads the manual page without a complaint", { skip: without("groff") }, () => {
  const { status, stdout, stderr } = spawnSync("groff", ["-man", "-Tascii", "-ww"], {
    input: manualPage(),
    encoding: "utf8",
  });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.match(stdout, /smuggle a harmless command/);
});
