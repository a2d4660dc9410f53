/** The pages in docs/rules are what the rules say. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ruleIndex, rulePage } from "../../../src/lint/pages.ts";
import { RULES } from "../../../src/lint/rules.ts";
import { ROOT } from "../../support/source.ts";

const FOLDER = join(ROOT, "docs", "rules");
const STALE = "stale: run `npm run build -- --target reference`";

test("there is a page for each rule, and no other", () => {
  const pages = ["README.md", ...RULES.map(({ id }) => `${id}.md`)];
  assert.deepEqual(readdirSync(FOLDER).sort(), pages.sort());
});

for (const rule of RULES) {
  test(`the page of ${rule.id} is fresh`, () => {
    assert.equal(readFileSync(join(FOLDER, `${rule.id}.md`), "utf8"), rulePage(rule), STALE);
  });
}

test("the index is fresh", () => {
  assert.equal(readFileSync(join(FOLDER, "README.md"), "utf8"), ruleIndex(RULES), STALE);
});
