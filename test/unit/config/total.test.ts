/** Whatever a file holds, loading ends with diagnostics, not with an exception. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DIRECTIVE_NAMES } from "../../../src/config/directives/table.ts";
import { layoutOf } from "../../../src/config/layout.ts";
import { print } from "../../../src/config/print.ts";
import { line, loadText } from "./support.ts";

const common = [
  "143",
  "on",
  "127.0.0.1:9000",
  '"',
  "'",
  "\\",
  "#",
  "\n",
  " ",
  "é",
  "\x00",
  "$",
  "server",
];

const pieces = {
  nginx: [
    ...DIRECTIVE_NAMES,
    ...common,
    "mail",
    "http",
    "events",
    "include",
    "{",
    "}",
    ";",
    ";",
    "{",
  ],
  toml: [
    ...DIRECTIVE_NAMES,
    ...common,
    "=",
    "=",
    "[",
    "]",
    "[[server]]\n",
    "{",
    "}",
    ",",
    '"""',
    "1.5",
  ],
};

for (const syntax of ["nginx", "toml"] as const) {
  test(`${syntax}: any order of pieces is judged`, async () => {
    const text = fc.array(fc.constantFrom(...pieces[syntax]), { maxLength: 60 }).map((all) =>
      all.join(syntax === "nginx" ? " " : "")
    );
    await fc.assert(
      fc.asyncProperty(text, async (input) => {
        const loaded = await loadText(input, syntax, { comments: true });
        const { settings, diagnostics, tree, outlines } = loaded;
        const failed = diagnostics.some(({ severity }) => severity === "error");
        assert.equal(settings === null, failed);
        for (const { at, message } of diagnostics) {
          assert.ok(at.line >= 0 && at.column >= 0 && at.length >= 1, message);
        }
        const layout = layoutOf(tree!, outlines!);
        assert.ok(layout.left().length >= 0);
        if (!settings) return;
        for (const to of ["nginx", "toml"] as const) {
          print(settings, to);
          const again = await loadText(print(settings, to, { layout }), to);
          assert.ok(again.settings, again.diagnostics.map(line).join("\n"));
        }
      }),
      { numRuns: 400 },
    );
  });
}

test("TOML: any value for any directive is judged", async () => {
  const scalar = fc.oneof(
    fc.string().map((text) => JSON.stringify(text).replaceAll("\x7f", "")),
    fc.constantFrom(
      "true",
      "1",
      "-1",
      "1.5",
      "nan",
      "1979-05-27",
      "07:32:00",
      "{}",
      '""',
      '" "',
      "{ a = 1 }",
    ),
  );
  const value = fc.oneof(
    scalar,
    fc.array(fc.oneof(scalar, fc.array(scalar).map((all) => `[${all}]`))).map((all) => `[${all}]`),
  );
  const lines = fc.uniqueArray(fc.constantFrom(...DIRECTIVE_NAMES), { maxLength: 12 }).chain((
    names,
  ) => fc.tuple(...names.map((name) => value.map((each) => `${name} = ${each}\n`)))).map((all) =>
    all.join("")
  );
  await fc.assert(
    fc.asyncProperty(lines, lines, async (top, server) => {
      const { diagnostics } = await loadText(`${top}[[server]]\n${server}`, "toml");
      assert.deepEqual(diagnostics.filter(({ rule }) => rule === "syntax"), []);
    }),
    { numRuns: 400 },
  );
});
