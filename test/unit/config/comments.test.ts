/**
 * Comments in conversion. `test/config/comments/NAME.conf.pair` and `NAME.toml.pair` hold a file, a rule, the
 * file in the other syntax, a rule, and that one in the first syntax again. Conversion after that changes
 * nothing. `UPDATE_PAIRS=1` writes the lower parts anew; read the difference before you commit it.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { load } from "../../../src/config/load.ts";
import { layoutOf } from "../../../src/config/layout.ts";
import { print } from "../../../src/config/print.ts";
import type { Syntax } from "../../../src/config/tree.ts";
import { ROOT } from "../../support/source.ts";
import { line, loadText, values, world } from "./support.ts";

const FOLDER = `${ROOT}/test/config/comments/`;
const RULE = `${"-".repeat(80)}\n`;

const other = (syntax: Syntax): Syntax => syntax === "toml" ? "nginx" : "toml";

interface Converted {
  readonly text: string;
  /** What the file that was converted says. */
  readonly said: unknown;
  readonly left: readonly string[];
}

async function convert(text: string, from: Syntax, to: Syntax): Promise<Converted> {
  const loaded = await loadText(text, from, { comments: true });
  const { settings, tree, outlines } = loaded;
  assert.ok(settings && tree && outlines, `${loaded.diagnostics.map(line).join("\n")}\n${text}`);
  const layout = layoutOf(tree, outlines);
  const shown = print(settings, to, { layout });
  const left = layout.left().map((each) => `${each.at.line} ${each.name}`);
  return { text: shown, said: values(settings), left };
}

function comments(text: string): readonly string[] {
  return [...text.matchAll(/#.*/g)].map(([found]) => found.trimEnd()).sort();
}

test("an included file's comments stay at what it brings in", async () => {
  const files = {
    "/etc/doorpost/doorpost.conf": `# main
mail {
    # who decides
    include auth.conf; # shared
    # the server
    server { listen 143; }
}
`,
    "/etc/doorpost/auth.conf": `# by ops

auth_http 127.0.0.1:9000; # theirs
timeout 5s;
# last
`,
  };
  const path = "/etc/doorpost/doorpost.conf";
  const { settings, tree, outlines } = await load({ path }, world(files), { comments: true });
  const layout = layoutOf(tree!, outlines!);
  assert.equal(
    print(settings!, "toml", { layout }),
    `# main

# who decides
# shared

# by ops
auth_http = "127.0.0.1:9000" # theirs
timeout = "5s"
# last

# the server
[[server]]
listen = "143"
protocol = "imap"
`,
  );
  assert.deepEqual(layout.left(), []);
});

for (const file of readdirSync(FOLDER).sort()) {
  const from: Syntax = file.endsWith(".toml.pair") ? "toml" : "nginx";
  const to = other(from);
  const [input, second, third] = readFileSync(FOLDER + file, "utf8").split(RULE);

  describe(file, () => {
    test("converts into what is written below it, and back", async () => {
      const there = await convert(input, from, to);
      const back = await convert(there.text, to, from);
      if (process.env.UPDATE_PAIRS) {
        writeFileSync(FOLDER + file, [input, there.text, back.text].join(RULE));
        return;
      }
      assert.equal(there.text, second);
      assert.equal(back.text, third);
      assert.deepEqual(back.said, there.said);
    });

    test("is then the same whichever way it goes", async () => {
      const there = await convert(input, from, to);
      const back = await convert(there.text, to, from);
      assert.equal((await convert(back.text, from, to)).text, there.text);
      assert.equal((await convert(back.text, from, from)).text, back.text);
      assert.equal((await convert(there.text, to, to)).text, there.text);
    });

    test("loses no comment but those of what is left out", async () => {
      const there = await convert(input, from, to);
      const back = await convert(there.text, to, from);
      assert.deepEqual(comments(back.text), comments(there.text));
      const lost = comments(input).length - comments(there.text).length;
      assert.ok(lost >= there.left.length && (there.left.length > 0 || lost === 0));
    });
  });
}
