/** Findings for people: head, caret, hint, related place; tabs, wide characters, long lines, secrets. */

import assert from "node:assert/strict";
import { test } from "node:test";
import pico from "picocolors";
import type { Diagnostic, Position } from "../../../src/core/diagnostic.ts";
import { renderReport, summary } from "../../../src/cli/report.ts";

const PLAIN = pico.createColors(false);

function at(line: number, column: number, length = 1): Position {
  return { file: "a.toml", line, column, length };
}

function finding(over: Partial<Diagnostic>): Diagnostic {
  return { at: at(1, 1), severity: "error", rule: "some-rule", message: "Message", ...over };
}

/** The report of one finding over the given source lines. */
function report(over: Partial<Diagnostic>, lines: readonly string[], columns = 80): string {
  const source = (_: string, line: number) => lines[line - 1];
  return renderReport([finding(over)], source, { colors: PLAIN, columns });
}

const REPORTS: readonly [string, Partial<Diagnostic>, readonly string[], string][] = [
  [
    "a word",
    {
      at: at(2, 1, 7),
      rule: "unknown-directive",
      message: 'Unknown directive "lissten"',
      hint: 'did you mean "listen"?',
    },
    ["", 'lissten = ["143"]'],
    `a.toml:2:1: error[unknown-directive]: Unknown directive "lissten"
 2 | lissten = ["143"]
   | ^^^^^^^
   = did you mean "listen"?
`,
  ],
  [
    "a warning with the place that explains it",
    {
      at: at(12, 3, 2),
      severity: "warning",
      related: { at: at(9, 1, 2), message: "first set here" },
    },
    [...Array(8).fill(""), "ab", "", "", "  cd"],
    `a.toml:12:3: warning[some-rule]: Message
 12 |   cd
    |   ^^
a.toml:9:1: first set here
  9 | ab
    | ^^
`,
  ],
  [
    "the file as a whole",
    { at: at(0, 0), severity: "info" },
    ["x"],
    "a.toml: info[some-rule]: Message\n",
  ],
  [
    "the line as a whole: no caret",
    { at: at(1, 0) },
    ["timeout = 1"],
    "a.toml:1: error[some-rule]: Message\n 1 | timeout = 1\n",
  ],
  [
    "a line that is not known",
    { at: at(7, 1) },
    [],
    "a.toml:7:1: error[some-rule]: Message\n",
  ],
  [
    "tabs go to stops of four",
    { at: at(1, 4, 2) },
    ["\ta\tbc"],
    `a.toml:1:4: error[some-rule]: Message
 1 |     a   bc
   |         ^^
`,
  ],
  [
    "wide characters take two cells, combining ones none",
    { at: at(1, 5, 2) },
    ["日本e\u0301語x"],
    `a.toml:1:5: error[some-rule]: Message
 1 | 日本e\u0301語x
   |      ^^^
`,
  ],
  [
    "columns count UTF-16 units, as editors do",
    { at: at(1, 4, 2) },
    ["\u{1f4ec}=ab"],
    `a.toml:1:4: error[some-rule]: Message
 1 | \u{1f4ec}=ab
   |    ^^
`,
  ],
  [
    "the end of a line",
    { at: at(1, 4, 9) },
    ["abc\r"],
    `a.toml:1:4: error[some-rule]: Message
 1 | abc
   |    ^
`,
  ],
  [
    "control characters cannot steer the terminal",
    { at: at(1, 2), message: "bad \x1b[2J" },
    ["\x1b]0;x\x07\u202e"],
    `a.toml:1:2: error[some-rule]: bad \ufffd[2J
 1 | \ufffd]0;x\ufffd\ufffd
   |  ^
`,
  ],
];

for (const [name, over, lines, expected] of REPORTS) {
  test(`report: ${name}`, () => assert.equal(report(over, lines), expected));
}

test("a long line is shown as a window around the caret, within the terminal", () => {
  const line = `${"a".repeat(300)}HERE${"b".repeat(300)}`;
  for (const columns of [40, 80, 132]) {
    const [, shown, carets] = report({ at: at(1, 301, 4) }, [line], columns).split("\n");
    assert.ok(shown.length <= columns, `${shown.length} columns`);
    assert.equal(carets.indexOf("^^^^"), shown.indexOf("HERE"));
    assert.match(shown, /\| \.\.\.a+HEREb+\.\.\.$/);
  }
});

test("a window at either end of the line is cut on one side only", () => {
  const line = "x".repeat(200);
  assert.match(report({ at: at(1, 1) }, [line], 60), /\| x+\.\.\.\n {3}\| \^\n/);
  assert.match(report({ at: at(1, 200) }, [line], 60), /\| \.\.\.x+\n {3}\| +\^\n/);
});

test("a span wider than the window ends with it", () => {
  const [, shown, carets] = report({ at: at(1, 1, 500) }, ["x".repeat(500)], 60).split("\n");
  assert.ok(carets.length <= shown.length);
});

const SECRETS: readonly [string, string][] = [
  ["auth_http_header X-Auth-Key s3cret;", "auth_http_header X-Auth-Key ******;"],
  ['auth_http_header "X-Key" "a b";', 'auth_http_header "X-Key" "***";'],
  ['auth_http_header = [["X-Key", "s3cret"]]', 'auth_http_header = [["X-Key", "******"]]'],
  [
    "auth_http_header = [['X', 'ab'], ['Y', 'cd']]",
    "auth_http_header = [['X', '**'], ['Y', '**']]",
  ],
  ['auth_http_header = ["X-Key", "s3cret"]', 'auth_http_header = ["X-Key", "******"]'],
  ['  ["X-Key", "s3cret"],', '  ["X-Key", "******"],'],
  ['auth_http_header = [["X-Key", "s3cret', 'auth_http_header = [["X-Key", "******'],
  [
    'key = "data:-----BEGIN EC PRIVATE KEY-----\\nMHcC\\n-----END EC',
    'key = "data:-----BEGIN EC PRIVATE KEY-----********-----END EC',
  ],
  ['listen = ["143", "993 ssl"]', 'listen = ["143", "993 ssl"]'],
  ['imap_auth = [ "plain", "login" ]', 'imap_auth = [ "plain", "login" ]'],
];

for (const [line, shown] of SECRETS) {
  test(`secrets are masked: ${shown}`, () => {
    assert.equal(report({ at: at(1, 0) }, [line]).split("\n")[1], ` 1 | ${shown}`);
  });
}

test("a private key over several lines is masked to its end", () => {
  const lines = [
    'key = """',
    "data:-----BEGIN PRIVATE KEY-----",
    "MIIEvQIBADAN",
    "x==",
    "-----END PRIVATE KEY-----",
    'listen = "143"',
  ];
  const shown = lines.map((_, i) => report({ at: at(i + 1, 0) }, lines).split("\n")[1].slice(5));
  assert.deepEqual(shown, [lines[0], lines[1], "*".repeat(12), "***", lines[4], lines[5]]);
});

test("colour marks the severity", () => {
  const colors = pico.createColors(true);
  const text = renderReport([finding({})], () => "x", { colors, columns: 80 });
  assert.ok(text.includes("\x1b[31merror[some-rule]\x1b[39m: Message"));
});

const COUNTS: readonly [readonly Diagnostic["severity"][], string][] = [
  [[], ""],
  [["info"], ""],
  [["error"], "1 error"],
  [["warning", "error", "error"], "2 errors, 1 warning"],
  [["warning", "warning"], "2 warnings"],
];

for (const [severities, expected] of COUNTS) {
  test(`summary: ${expected || "nothing"}`, () => {
    assert.equal(summary(severities.map((severity) => finding({ severity }))), expected);
  });
}
