/**
 * The schema for editors against the reader: what the reader refuses by type, by a listed word or by the
 * form of a number, size or time, the schema refuses; what the reader takes, it takes.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { parse } from "smol-toml";
import { STARTER } from "../../../src/cli/starter.ts";
import type { AnyDirective } from "../../../src/config/directive.ts";
import { OLD, RENAMED } from "../../../src/config/directives/old.ts";
import { GROUPS, rowOf } from "../../../src/config/directives/table.ts";
import { jsonSchema } from "../../../src/config/json-schema.ts";
import { tomlValue } from "../../../src/config/print.ts";
import { exampleWords } from "../../../src/config/reference.ts";
import { ROOT } from "../../support/source.ts";
import { loadText } from "./support.ts";

const validate = new Ajv2020({ strict: false }).compile(jsonSchema() as object);

function accepts(toml: string): boolean {
  return validate(parse(toml));
}

const ROWS: readonly (readonly [string, AnyDirective])[] = [
  ...GROUPS.flatMap(({ rows }) => Object.entries(rows)),
  ...Object.entries(OLD),
  ...[...RENAMED].map(([old, name]) => [old, rowOf(name)!] as const),
];

const BASE: readonly (readonly [string, string])[] = [
  ["auth_http", '"127.0.0.1:9000"'],
  ["listen", '"143"'],
  ["protocol", '"imap"'],
];

/** A whole configuration with the directive where it may stand (or, `astray`, where it may not). */
function document(name: string, row: AnyDirective, value: string, astray = false): string {
  const top = (row.contexts[0] !== "server") !== astray;
  const rest = BASE.filter(([other]) => other !== name).map(([other, text]) =>
    `${other} = ${text}`
  );
  const own = `${name} = ${value}`;
  return [...(top ? [own] : []), "[[server]]", ...(top ? [] : [own]), ...rest].join("\n");
}

async function faultsOf(toml: string, name: string): Promise<readonly string[]> {
  const { diagnostics } = await loadText(toml, "toml");
  const lines = toml.split("\n");
  return diagnostics
    .filter(({ severity, at }) =>
      severity === "error" && lines[at.line - 1].startsWith(`${name} =`)
    )
    .map(({ rule }) => rule);
}

/** Values of every type and shape, right for some directives and wrong for the others. */
const VALUES: readonly string[] = [
  ...["true", "false", "0", "1", "60", "-1", "1.5", "inf", "1979-05-27", "07:32:00"],
  ...['""', '" "', '"on"', '"off"', '"onn"', '"plain"', '"imap"', '"imap4"', '"auto"', '"TLSv1.2"'],
  ...['"60"', '"60s"', '"1h30m"', '"30m1h"', '"500ms"', '"60 s"', '"1 h"', '"s"', '"-1s"', '"1y"'],
  ...['"8k"', '"8m"', '"8kb"', '"0"', '"0k"', '"8 k"', '"1.5m"', '"a b"', '"a b c"'],
  ...["[]", "[[]]", "{}", "[{}]", '["plain"]', '["plain", 1]', "[1]", "[true]", "[1.5]"],
  ...['["a", "b"]', '[["a", "b"]]', '[["a"]]', '[["a", 1]]', '[["a", "b", "c"]]', '["a", ["b"]]'],
  ...['{ a = "b" }', '[["143", "ssl"]]', '["143", "993 ssl"]', '["a", "b", "c"]'],
];

/** Refused for the form of the value alone, so that a schema can know. */
function isFormal(row: AnyDirective, rule: string): boolean {
  if (rule === "invalid-type" || rule === "invalid-number-of-arguments") return true;
  const { name, schema } = row.kind;
  return rule === "invalid-value" &&
    (schema.enum !== undefined || /^(?:flag|number|size|time)/.test(name));
}

for (const [name, row] of ROWS) {
  test(`${name}: the schema refuses what the reader refuses, and takes what it takes`, async () => {
    let refused = 0;
    for (const value of VALUES) {
      const toml = document(name, row, value);
      const faults = await faultsOf(toml, name);
      const formal = faults.some((rule) => isFormal(row, rule));
      if (formal) refused++;
      if (formal) assert.ok(!accepts(toml), `the schema takes ${name} = ${value}: ${faults}`);
      else if (faults.length === 0) {
        assert.ok(accepts(toml), `${name} = ${value}: ${JSON.stringify(validate.errors)}`);
      }
    }
    assert.ok(refused > 10, `only ${refused} values were refused`);
  });

  test(`${name} in the wrong place is refused`, async () => {
    if (row.contexts.includes("server") && row.contexts.length > 1) return;
    const value = tomlValue(row, [exampleWords(row.example)]);
    const toml = document(name, row, value, true);
    assert.deepEqual(await faultsOf(toml, name), ["not-allowed-here"]);
    assert.ok(!accepts(toml));
  });
}

test("any TOML value of the wrong type is refused for any directive", async () => {
  const scalar = fc.oneof(
    fc.boolean().map(String),
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true })
      // JSON Schema has no floats: 1.0 is an integer to it.
      .map((each) => `${Math.trunc(each)}.5`),
    fc.stringMatching(/^[a-z0-9 :.]{0,8}$/).map((each) => `"${each}"`),
    fc.constant("1979-05-27T07:32:00Z"),
  );
  const list = (of: fc.Arbitrary<string>) =>
    fc.array(of, { maxLength: 3 }).map((each) => `[${each.join(", ")}]`);
  const value = fc.oneof(scalar, list(scalar), list(list(scalar)), fc.constant("{ a = 1 }"));
  const property = fc.asyncProperty(fc.constantFrom(...ROWS), value, async ([name, row], text) => {
    const toml = document(name, row, text);
    const faults = await faultsOf(toml, name);
    if (faults.some((rule) => isFormal(row, rule))) assert.ok(!accepts(toml), toml);
    else if (faults.length === 0) assert.ok(accepts(toml), toml);
  });
  await fc.assert(property, { numRuns: 600 });
});

describe("the shape of the document", () => {
  const REFUSED: readonly string[] = [
    'server = { listen = "143" }',
    'server = ["143"]',
    'server = "143"',
    '[server]\nlisten = "143"',
    '[mail]\ntimeout = "60s"',
    "[events]\nworker_connections = 1",
    'timeuot = "60s"',
    '[[server]]\nlisten = "143"\ntimeuot = "60s"',
    '[[server]]\nlisten = "143"\n[[server.server]]\nlisten = "110"',
    '[[server]]\nprotocol = "imap"',
  ];
  for (const toml of REFUSED) {
    test(`${JSON.stringify(toml)} is refused by both`, async () => {
      const { settings } = await loadText(`auth_http = "127.0.0.1:9"\n${toml}`, "toml");
      assert.equal(settings, null);
      assert.ok(!accepts(`auth_http = "127.0.0.1:9"\n${toml}`));
    });
  }
});

describe("whole files", () => {
  test("the starter keeps to it, and names it for editors", () => {
    assert.ok(accepts(STARTER), JSON.stringify(validate.errors));
    assert.match(STARTER, /^#:schema \S+$/m);
  });

  for (const folder of ["test/config", "test/config/comments"]) {
    for (const file of readdirSync(`${ROOT}/${folder}`).filter((each) => each.endsWith(".pair"))) {
      test(`the TOML of ${folder}/${file} keeps to it`, async () => {
        const parts = readFileSync(`${ROOT}/${folder}/${file}`, "utf8").split(/^-{80}\n/m);
        for (const [i, part] of parts.entries()) {
          const text = i === 0 ? part : part.slice(part.search(/^(?:\w+ = |\[\[)/m));
          const input = i === 0 && file.endsWith(".conf.pair");
          if (input || text === "") continue;
          const { settings } = await loadText(text, "toml");
          if (settings) assert.ok(accepts(text), `${text}\n${JSON.stringify(validate.errors)}`);
        }
      });
    }
  }
});
