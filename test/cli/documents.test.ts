/**
 * The sessions of docs/check-config.md and of the README are what the program prints. A comment
 * `<!-- file: NAME -->` gives the block behind it to the program as a file; in a `console` block each `$`
 * begins a command, and `> FILE` keeps its standard output for the commands behind it. Of the README all
 * `check-config` sessions have to stand in the page, too.
 *
 * UPDATE_SNAPSHOTS=1 writes the page's sessions anew.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { BugTrap } from "../../src/cli/bugs.ts";
import { run } from "../../src/cli/run.ts";
import { ROOT } from "../support/source.ts";
import { fakeRuntime } from "../unit/observe/fakes.ts";

const PAGE = join(ROOT, "docs", "check-config.md");
const FILE = /<!-- file: (\S+) -->\n+```\w*\n([\s\S]*?)```/g;
const CONSOLE = /```console\n([\s\S]*?)```/g;

async function printed(line: string, files: Record<string, string>): Promise<string> {
  const [, command, target] = /^(.*?)(?: > (\S+))?$/.exec(line)!;
  const words = command.split(" ");
  if (words[0] === "cat") return files[words[1]];
  const runtime = fakeRuntime(files);
  for (const [name, text] of Object.entries(files)) {
    if (!name.startsWith("/")) runtime.files.contents.set(`${runtime.host.cwd}/${name}`, text);
  }
  runtime.host.argv = words.slice(1);
  runtime.host.columns = 80;
  await run(runtime, new BugTrap(runtime.host));
  if (target === undefined) return runtime.host.out + runtime.host.err;
  files[target] = runtime.host.out;
  return runtime.host.err;
}

/** The block as it should be. */
async function played(block: string, files: Record<string, string>): Promise<string> {
  const shown: string[] = [];
  for (const line of block.split("\n").filter((each) => each.startsWith("$ "))) {
    shown.push(`${line}\n${await printed(line.slice(2), files)}`);
  }
  return shown.join("\n");
}

test("the sessions of docs/check-config.md are what is printed", async () => {
  const page = readFileSync(PAGE, "utf8");
  const files: Record<string, string> = {
    "/proc/sys/net/core/somaxconn": "4096\n",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768 60999\n",
  };
  for (const [, name, text] of page.matchAll(FILE)) files[name] = text;
  let fresh = page;
  for (const [whole, block] of page.matchAll(CONSOLE)) {
    const right = whole.replace(block, () => "").replace("```console\n", "");
    const text = await played(block, files);
    fresh = fresh.replace(whole, () => `\`\`\`console\n${text}${right}`);
  }
  if (process.env.UPDATE_SNAPSHOTS === "1") writeFileSync(PAGE, fresh);
  else assert.equal(page, fresh);
  assert.ok([...page.matchAll(CONSOLE)].length >= 3);
});

test("the README's check-config sessions stand in the page, too", () => {
  const page = readFileSync(PAGE, "utf8");
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const sessions = [...readme.matchAll(/```text\n(\$ doorpost check-config [\s\S]*?)```/g)];
  assert.ok(sessions.length > 0);
  for (const [, session] of sessions) assert.ok(page.includes(session), session);
});
