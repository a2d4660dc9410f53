/** What the benchmark writes: options in, tables and plots out; and that docs/performance.md is fresh. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { blocks, fill, tables } from "../../../bench/document.ts";
import { BenchError, type Results } from "../../../bench/model.ts";
import { readOptions } from "../../../bench/options.ts";
import { barChart, lineChart } from "../../../bench/plot.ts";
import { plots } from "../../../bench/plots.ts";
import { bytes, number } from "../../../bench/words.ts";
import { ROOT } from "../../support/source.ts";
import { resultsOf } from "./results.ts";

describe("options", () => {
  test("defaults, and those of --quick", () => {
    const { rounds, seconds, sessions } = readOptions([]);
    assert.deepEqual([rounds, seconds, sessions], [3, 1.5, 10_000]);
    const quick = readOptions(["--quick"]);
    assert.deepEqual([quick.rounds, quick.seconds, quick.sessions], [1, 0.5, 1000]);
  });

  test("values stand behind a space or an equals sign", () => {
    assert.deepEqual(readOptions(["--only", "up,down"]).only, ["up", "down"]);
    assert.equal(readOptions(["--rounds=5"]).rounds, 5);
  });

  for (const words of [["--fast"], ["--rounds", "0"], ["--seconds", "many"], ["--sessions"]]) {
    test(`${words.join(" ")} is refused`, () => {
      assert.throws(() => readOptions(words), BenchError);
    });
  }
});

describe("numbers", () => {
  const cases: readonly [number, string][] = [
    [0.070_56, "0.0706"],
    [12.345, "12.3"],
    [7718.4, "7718"],
    [NaN, "–"],
  ];
  for (const [value, text] of cases) test(text, () => assert.equal(number(value), text));

  test("sizes", () => {
    assert.deepEqual([1, 2 ** 10, 2 ** 25, 2 ** 30].map(bytes), ["1 B", "1 KB", "32 MB", "1 GB"]);
  });
});

describe("a document", () => {
  test("gets each block between its markers, again and again", () => {
    const text = "a\n<!-- bench:x -->\nold\n<!-- /bench -->\nb\n";
    const once = fill(text, { x: "new" });
    assert.equal(once, "a\n<!-- bench:x -->\nnew\n<!-- /bench -->\nb\n");
    assert.equal(fill(once, { x: "new" }), once);
  });

  test("without a block's markers is an error", () => {
    assert.throws(() => fill("a", { x: "new" }), /bench:x/);
  });

  test("shows only tables that have rows", () => {
    const figures = { rate: 10, cpu: 1, p50: 1, p99: 2 };
    const busy = { proxy: 95, client: 40, servers: 30, others: 0 };
    const runs = (["nginx", "doorpost"] as const).map((subject) => ({
      scenario: "login-imap",
      subject,
      figures,
      busy,
    }));
    const text = tables(resultsOf(runs));
    assert.match(text, /^\| IMAP logins \| 10 \| 10 \| 1\.00 .* proxy \| 0 % \|$/m);
    assert.doesNotMatch(text, /idle session|two workers each/);
  });
});

describe("plots", () => {
  test("a line chart has a mark for each point and a name for each series", () => {
    const points = [[1, 10], [10, 100]] as const;
    const svg = lineChart({
      title: "a < b",
      x: "x",
      y: "y",
      series: [{ name: "ours", points }, { name: "theirs", points }],
      name: String,
      log: true,
    });
    assert.equal(svg.match(/<circle /g)?.length, 2);
    assert.equal(svg.match(/<rect /g)?.length, 2);
    assert.match(svg, />ours<[^]*>theirs</);
    assert.match(svg, /a &lt; b/);
    assert.match(svg, /prefers-color-scheme: dark/);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  });

  test("a bar chart marks what costs more", () => {
    const svg = barChart({ title: "t", subtitle: "s", bars: [["less", 0.5], ["more", 1.5]] });
    assert.match(svg, />less<[^]*class="a"[^]*>more<[^]*class="b"/);
  });
});

describe("docs/performance.md", () => {
  const file = join(ROOT, "bench", "results", "latest.json");
  const skip = !existsSync(file) && "there is no result yet";

  test("is what the benchmark makes of its result", { skip }, () => {
    const results: Results = JSON.parse(readFileSync(file, "utf8"));
    const text = readFileSync(join(ROOT, "docs", "performance.md"), "utf8");
    for (const [name, block] of Object.entries(blocks(results))) {
      assert.equal(fill(text, { [name]: block }) === text, true, `the table "${name}"`);
    }
    for (const [name, svg] of Object.entries(plots(results))) {
      const kept = readFileSync(join(ROOT, "docs", "performance", `${name}.svg`), "utf8");
      assert.equal(kept === svg, true, `${name}.svg`);
    }
  });
});
