/** The pages in docs/rules are what the rules say, and every finding has one. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RULE_IDS } from "../../../src/lint/faults.ts";
import { rulePages } from "../../../src/lint/pages.ts";
import { ROOT, sourcesBelow } from "../../support/source.ts";

const FOLDER = join(ROOT, "docs", "rules");
const STALE = "stale: run `npm run build -- --target reference`";

test("there is a page for each rule, and no other", () => {
  assert.deepEqual(readdirSync(FOLDER).sort(), [...rulePages().keys()].sort(), STALE);
});

for (const [name, text] of rulePages()) {
  test(`${name} is fresh`, () => {
    assert.equal(readFileSync(join(FOLDER, name), "utf8"), text, STALE);
  });
}

test("every id that the sources report has a page", () => {
  // The ids of `probe` and `test-auth` are theirs, and docs/ has them with the commands.
  const theirs = /^src\/(?:probe\/|lint\/|cli\/(?:probe|test-auth))/;
  const texts = sourcesBelow("src").filter(({ path }) => !theirs.test(path)).map(({ text }) =>
    text
  );
  const reports =
    /\b(?:error|warning|info|fault|warn|unexpected)\(\s*"([a-z0-9]+(?:-[a-z0-9]+)*)",/g;
  const added = /findings\.add\(\s*[^,]+,\s*"([a-z-]+)"/g;
  const rules = /\brule: "([a-z-]+)"/g;
  const found = texts.flatMap((text) =>
    [reports, added, rules].flatMap((form) => [...text.matchAll(form)].map(([, id]) => id))
  );
  assert.ok(new Set(found).size > 30, `only ${new Set(found).size} ids were found`);
  assert.deepEqual([...new Set(found)].filter((id) => !RULE_IDS.includes(id)), []);
});
