/** The benchmark itself: it compiles its load generator, and a short run of each kind loses no session. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { run } from "../support/clients.ts";
import { commandUnderTest, skipWithout } from "../support/process.ts";
import { ROOT } from "../support/source.ts";

/** It measures the executable, whatever else is tested. */
const EXECUTABLE = (process.env["DOORPOST_UNDER_TEST"] ?? "exe") === "exe";

if (EXECUTABLE) {
  test("npm run bench", { skip: skipWithout("cc") }, async () => {
    const bun = join(ROOT, "node_modules", ".bin", "bun");
    const scenarios = "--only=login-pop3-stls,up,lone,idle-tls";
    const short = ["--rounds=1", "--seconds=0.2", "--sessions=100", "--quick", "--nginx=none"];
    const doorpost = `--doorpost=${commandUnderTest()[0]}`;
    const main = join(ROOT, "bench", "main.ts");
    const { code, out, err } = await run(bun, [main, scenarios, ...short, doorpost]);
    assert.equal(code, 0, err);
    assert.match(out, /^\| upload, MB \|/m);
    const file = out.trim().split("\n").at(-1)!;
    const { failed, measurements } = JSON.parse(readFileSync(file, "utf8"));
    assert.equal(failed, 0, err);
    const names = new Set(measurements.map(({ scenario }: { scenario: string }) => scenario));
    for (const name of ["login-pop3-stls", "up", "up-tls", "lone-tls", "idle-tls"]) {
      assert.ok(names.has(name), name);
    }
  });
}
