/** Each machine format, read back by its own schema or by a reader of its kind. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv } from "ajv";
import { XMLParser } from "fast-xml-parser";
import type { Log } from "sarif";
import { checkstyleFormat } from "../../../src/cli/formats/checkstyle.ts";
import type { Checked } from "../../../src/cli/formats/format.ts";
import { githubFormat } from "../../../src/cli/formats/github.ts";
import { gitlabFormat } from "../../../src/cli/formats/gitlab.ts";
import { jsonFormat } from "../../../src/cli/formats/json.ts";
import { junitFormat } from "../../../src/cli/formats/junit.ts";
import { sarifFormat } from "../../../src/cli/formats/sarif.ts";
import type { Diagnostic } from "../../../src/core/diagnostic.ts";
import { ROOT } from "../../support/source.ts";

const at = (line: number, column: number, length = 4) => ({
  file: "a b/mail.toml",
  line,
  column,
  length,
});

/** Words that every format has to escape in its own way. */
const NASTY = 'say "50%": <b> & it\'s,\r\nnew line\x01';

const ERROR: Diagnostic = {
  at: at(3, 5),
  severity: "error",
  rule: "unknown-directive",
  message: NASTY,
  hint: "did you mean ::listen?",
  related: { at: at(1, 1), message: "first set here" },
};
const WARNING: Diagnostic = {
  at: at(9, 0, 1),
  severity: "warning",
  rule: "cleartext-login",
  message: "imap on 0.0.0.0:143 takes passwords without TLS",
};
const INFO: Diagnostic = {
  at: at(0, 0, 1),
  severity: "info",
  rule: "passed-over",
  message: "http",
};

const CHECKED: readonly Checked[] = [
  { file: "a b/mail.toml", good: false, diagnostics: [ERROR, WARNING, WARNING, INFO] },
  { file: "good.toml", good: true, diagnostics: [] },
];

function schema(path: string): object {
  return JSON.parse(readFileSync(join(ROOT, path), "utf8"));
}

function assertValid(path: string, value: unknown): void {
  const ajv = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false });
  // SARIF's is written in draft 4, whose names for itself later drafts refuse.
  const { $schema: _dialect, id: _id, ...rules } = schema(path) as Record<string, unknown>;
  const valid = ajv.compile(rules);
  assert.ok(valid(value), JSON.stringify(valid.errors, null, 1));
}

const XML = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "",
  htmlEntities: true,
  isArray: (name: string) => ["testsuite", "testcase", "file", "error"].includes(name),
});

describe("json", () => {
  test("keeps to docs/check-config.schema.json", () => {
    assertValid("docs/check-config.schema.json", JSON.parse(jsonFormat(CHECKED, "1.2.3")));
  });

  test("has every field of a finding", () => {
    const [file] = JSON.parse(jsonFormat(CHECKED, "1.2.3")).files;
    assert.deepEqual(file.diagnostics[0], {
      file: "a b/mail.toml",
      line: 3,
      column: 5,
      length: 4,
      severity: "error",
      rule: "unknown-directive",
      message: NASTY,
      hint: "did you mean ::listen?",
      related: { file: "a b/mail.toml", line: 1, column: 1, message: "first set here" },
    });
  });
});

describe("sarif", () => {
  const log: Log = JSON.parse(sarifFormat(CHECKED, "1.2.3"));

  test("is valid by the schema of SARIF 2.1.0", () => {
    assertValid("node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json", log);
  });

  test("results point at their rules and places", () => {
    const [{ results = [], tool }] = log.runs;
    const ids = tool.driver.rules!.map(({ id }) => id);
    for (const { ruleId, ruleIndex } of results) assert.equal(ids[ruleIndex!], ruleId);
    const { region, artifactLocation } = results[0].locations![0].physicalLocation!;
    assert.deepEqual(region, { startLine: 3, startColumn: 5, endColumn: 9 });
    assert.equal(artifactLocation!.uri, "a%20b/mail.toml");
    assert.equal(results[3].locations![0].physicalLocation!.region, undefined);
    assert.deepEqual(results.map(({ level }) => level), ["error", "warning", "warning", "note"]);
  });
});

test("github: one command a line, nothing of the message ends it early", () => {
  const lines = githubFormat(CHECKED, "1.2.3").trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.slice(0, line.indexOf(" "))), [
    "::error",
    "::warning",
    "::warning",
    "::notice",
  ]);
  assert.equal(
    lines[0],
    "::error file=a b/mail.toml,line=3,col=5,endColumn=9,title=unknown-directive::" +
      'say "50%25": <b> & it\'s,%0D%0Anew line\x01 (did you mean ::listen?)',
  );
  assert.equal(lines[3], "::notice file=a b/mail.toml,title=passed-over::http");
});

/** As the runner reads a command: properties, then the message, escapes undone. */
function readCommand(line: string): Readonly<Record<string, string>> {
  const [, command, places, message] = /^::(\w+) ([^:]*)::(.*)$/.exec(line)!;
  const data = (text: string) =>
    text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
  const property = (text: string) => data(text.replaceAll("%3A", ":").replaceAll("%2C", ","));
  const read = places.split(",").map((each) => {
    const equals = each.indexOf("=");
    return [each.slice(0, equals), property(each.slice(equals + 1))];
  });
  return { ...Object.fromEntries(read), command, message: data(message) };
}

test("github: the runner reads back what was found", () => {
  const [first] = githubFormat(CHECKED, "1.2.3").split("\n");
  assert.deepEqual(readCommand(first), {
    command: "error",
    file: "a b/mail.toml",
    line: "3",
    col: "5",
    endColumn: "9",
    title: "unknown-directive",
    message: `${NASTY} (did you mean ::listen?)`,
  });
});

/** What GitLab documents of its code quality report. */
const GITLAB = {
  type: "array",
  items: {
    type: "object",
    required: ["description", "check_name", "fingerprint", "severity", "location"],
    properties: {
      description: { type: "string", minLength: 1 },
      check_name: { type: "string", minLength: 1 },
      fingerprint: { type: "string", minLength: 1 },
      severity: { enum: ["info", "minor", "major", "critical", "blocker"] },
      location: {
        type: "object",
        required: ["path", "lines"],
        properties: {
          path: { type: "string", pattern: "^(?!\\./)" },
          lines: {
            type: "object",
            required: ["begin"],
            properties: { begin: { type: "integer", minimum: 1 } },
          },
        },
      },
    },
  },
};

describe("gitlab", () => {
  test("keeps to what GitLab documents", () => {
    const valid = new Ajv().compile(GITLAB);
    assert.ok(valid(JSON.parse(gitlabFormat(CHECKED, "1.2.3"))), JSON.stringify(valid.errors));
  });

  interface Issue {
    readonly description: string;
    readonly check_name: string;
    readonly fingerprint: string;
    readonly severity: string;
    readonly location: { readonly path: string; readonly lines: { readonly begin: number } };
  }
  const read = (checked: readonly Checked[]): Issue[] => JSON.parse(gitlabFormat(checked, "1.2.3"));

  test("paths begin at the top of the repository", () => {
    const here = { ...WARNING, at: { ...at(1, 1), file: "./mail/a.toml" } };
    assert.equal(read([{ ...CHECKED[0], diagnostics: [here] }])[0].location.path, "mail/a.toml");
  });

  test("has the required fields, and fingerprints of its own for each finding", () => {
    const issues = read(CHECKED);
    for (const { severity, location } of issues) {
      assert.match(severity, /^(info|minor|major|critical|blocker)$/);
      assert.ok(location.lines.begin >= 1);
    }
    assert.equal(new Set(issues.map(({ fingerprint }) => fingerprint)).size, issues.length);
  });

  test("a fingerprint stays when the line moves", () => {
    const moved = { ...WARNING, at: at(20, 0, 1) };
    const [before] = read([{ ...CHECKED[0], diagnostics: [WARNING] }]);
    const [after] = read([{ ...CHECKED[0], diagnostics: [moved] }]);
    assert.equal(before.fingerprint, after.fingerprint);
  });
});

test("checkstyle: files, places, and messages that survive XML", () => {
  const { checkstyle } = XML.parse(checkstyleFormat(CHECKED, "1.2.3"));
  assert.deepEqual(checkstyle.file.map(({ name }: { name: string }) => name), [
    "a b/mail.toml",
    "good.toml",
  ]);
  const [error] = checkstyle.file[0].error;
  assert.equal(error.line, "3");
  assert.equal(error.column, "5");
  assert.equal(error.source, "doorpost.unknown-directive");
  assert.equal(error.message, `${NASTY.replace("\x01", "\ufffd")} (did you mean ::listen?)`);
});

test("junit: a suite a file, a failure a finding, a good file passes", () => {
  const { testsuites } = XML.parse(junitFormat(CHECKED, "1.2.3"));
  const [bad, good] = testsuites.testsuite;
  assert.equal(bad.tests, "4");
  assert.equal(bad.failures, "3");
  assert.equal(bad.testcase.filter((each: { failure?: unknown }) => each.failure).length, 3);
  assert.equal(good.failures, "0");
  assert.equal(good.testcase.length, 1);
});
