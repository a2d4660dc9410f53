/** What the short contract file of a runtime needs besides the body: where it runs, folder, program. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { after } from "node:test";

/** What executes this process: an adapter is held to the contract under its own runtime only. */
export function runningUnder(): "bun" | "deno" | "node" {
  const { versions } = process;
  return versions.bun ? "bun" : versions.deno ? "deno" : "node";
}

/** A folder of its own, removed after the suite. Short: a unix socket's path has 107 bytes. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "doorpost-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** argv that runs exhaustion.ts under the runtime of this process; Node wants it bundled first. */
export function exhaustionProgram(folder: string): () => Promise<readonly string[]> {
  const root = projectRoot();
  const source = join(root, "test/contract/exhaustion.ts");
  const argv = {
    bun: () => [process.execPath, source],
    deno: () => [process.execPath, "run", "-A", "--no-check", source],
    node: () => {
      const bundle = join(folder, "exhaustion.mjs");
      const bun = join(root, "node_modules/.bin/bun");
      const build = ["build", "--target=node", `--outfile=${bundle}`, source];
      execFileSync(bun, build, { cwd: root, stdio: "ignore" });
      return [process.execPath, bundle];
    },
  }[runningUnder()];
  return () => Promise.resolve(argv());
}

/** Tests run from the project's root or, bundled for Node, with it as their working folder. */
function projectRoot(): string {
  for (let folder = process.cwd(); folder !== "/"; folder = dirname(folder)) {
    if (existsSync(join(folder, "test/contract/exhaustion.ts"))) return folder;
  }
  throw new Error("the project's folder was not found above the working folder");
}
