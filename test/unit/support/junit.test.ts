/** What Bun, Deno and Node write about the same suites, and that it counts the same. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { add, countJunit, NONE } from "../../support/junit.ts";

const BUN = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" failures="1" skipped="1" time="0.04">
  <testsuite name="a.test.ts" tests="4" failures="1" skipped="1">
    <testsuite name="outer" tests="3" failures="1" skipped="1">
      <testcase name="good" classname="outer" time="0.0007" />
      <testcase name="left out" classname="outer" time="0">
        <skipped />
      </testcase>
      <testcase name="bad" classname="outer" time="0.0008">
        <failure type="AssertionError" message="1 !== 2">AssertionError</failure>
      </testcase>
    </testsuite>
    <testcase name="outer" classname="" time="0.0002" />
  </testsuite>
</testsuites>`;

const DENO = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="6" failures="2" errors="0" time="0.014">
    <testsuite name="./a.test.ts" tests="2" disabled="0" errors="0" failures="1">
        <testcase name="group" classname="./a.test.ts" time="0.012">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="alone" classname="./a.test.ts" time="0.000">
        </testcase>
    </testsuite>
    <testsuite name="ext:deno_node/testing.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="group &gt; inner" classname="x" time="0.001">
        </testcase>
        <testcase name="group &gt; inner &gt; good" classname="x" time="0.001">
        </testcase>
        <testcase name="group &gt; left out" classname="x" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="group &gt; bad" classname="x" time="0.001">
            <failure message="Uncaught AssertionError">1 &lt; 2</failure>
        </testcase>
    </testsuite>
</testsuites>`;

const NODE = `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
\t<testsuite name="outer" time="0.009" tests="3" failures="1" skipped="1" hostname="h">
\t\t<testcase name="good" time="0.0006" classname="test"/>
\t\t<testcase name="left out" time="0.00009" classname="test">
\t\t\t<skipped type="skipped" message="because"/>
\t\t</testcase>
\t\t<testcase name="bad" time="0.001" classname="test" failure="1 !== 2">
\t\t\t<failure type="testCodeFailure" message="1 !== 2">[Error]</failure>
\t\t</testcase>
\t</testsuite>
\t<testcase name="/x/broken.test.js" time="0.05" classname="test" failure="test failed">
\t\t<failure type="testCodeFailure" message="test failed">[Error: test failed]</failure>
\t</testcase>
</testsuites>`;

const CASES = [
  { runtime: "Bun", xml: BUN, counts: { passed: 2, failed: 1, skipped: 1 } },
  {
    runtime: "Deno, whose groups are test cases",
    xml: DENO,
    counts: { passed: 2, failed: 1, skipped: 1 },
  },
  {
    runtime: "Node, with a file that failed as a whole",
    xml: NODE,
    counts: { passed: 1, failed: 2, skipped: 1 },
  },
  { runtime: "nobody", xml: "<testsuites/>", counts: NONE },
];

for (const { runtime, xml, counts } of CASES) {
  test(`counts what ${runtime} wrote`, () => assert.deepEqual(countJunit(xml), counts));
}

test("sums are sums", () => {
  const counts = { passed: 1, failed: 2, skipped: 3 };
  assert.deepEqual(add(counts, counts), { passed: 2, failed: 4, skipped: 6 });
});
