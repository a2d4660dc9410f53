/** The generated reference and schema are fresh, and every example in the table is true. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { AnyDirective } from "../../../src/config/directive.ts";
import { GROUPS } from "../../../src/config/directives/table.ts";
import { jsonSchemaText } from "../../../src/config/json-schema.ts";
import { tomlValue } from "../../../src/config/print.ts";
import { exampleWords, reference } from "../../../src/config/reference.ts";
import { ROOT } from "../../support/source.ts";
import { line, loadText } from "./support.ts";

const DOCS = `${ROOT}/docs/`;

function committed(name: string): string {
  return readFileSync(DOCS + name, "utf8");
}

test("docs/directives.md is what the table says", () => {
  assert.equal(committed("directives.md"), reference());
});

test("docs/doorpost.schema.json is what the table says", () => {
  assert.equal(committed("doorpost.schema.json"), jsonSchemaText());
});

/** Everything that a server needs besides the directive. */
function needs(name: string, give: (directive: string, value: string) => string): string {
  const all = [
    ["listen", "110"],
    ["auth_http", "127.0.0.1:9000"],
    ["ssl_certificate", "a.pem"],
    ["ssl_certificate_key", "a.key"],
    ["ssl_client_certificate", "ca.pem"],
  ];
  return all.filter(([other]) => other !== name).map(([other, value]) => give(other, value)).join(
    "",
  );
}

function inNginx(name: string, row: AnyDirective, context: string): string {
  const rest = needs(name, (other, value) => `${other} ${value};`);
  const here = (where: string) => where === context ? row.example : "";
  return `${here("main")} events { ${here("events")} }
    mail { ${here("mail")} server { ${here("server")} ${rest} } }`;
}

function inToml(name: string, row: AnyDirective, context: string): string {
  const line = `${name} = ${tomlValue(row, [exampleWords(row.example)])}\n`;
  const rest = needs(name, (other, value) => `${other} = "${value}"\n`);
  return `${context === "server" ? "" : line}[[server]]\n${
    context === "server" ? line : ""
  }${rest}`;
}

for (const { title, rows } of GROUPS) {
  describe(`examples of ${title}`, () => {
    for (const [name, row] of Object.entries(rows)) {
      test(`${name} is valid wherever it may stand, in both syntaxes`, async () => {
        for (const context of row.contexts) {
          for (const [syntax, write] of [["nginx", inNginx], ["toml", inToml]] as const) {
            const { settings, diagnostics } = await loadText(write(name, row, context), syntax);
            const severe = diagnostics.filter(({ rule }) => rule !== "old-directive");
            assert.deepEqual(severe.map(line), [], `${context}, ${syntax}`);
            assert.ok(settings);
          }
        }
      });
    }
  });
}
