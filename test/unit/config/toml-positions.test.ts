/** The places of keys and values in every form that TOML has for them. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "smol-toml";
import { type Mark, markPositions } from "../../../src/config/toml-positions.ts";

/** `path key@line:column value@line:column source` for every value, depth first. */
function places(text: string): readonly string[] {
  const lines: string[] = [];
  const walk = (mark: Mark, path: string) => {
    for (const [name, { key, mark: inner }] of mark.members) {
      const here = path === "" ? name : `${path}.${name}`;
      const leaf = inner.members.size === 0 && inner.items.length === 0;
      lines.push(`${here} @${key.line}:${key.column}${leaf ? ` ${show(inner)}` : ""}`);
      walk(inner, here);
    }
    mark.items.forEach((item, i) => {
      if (item.members.size === 0 && item.items.length === 0) {
        lines.push(`${path}[${i}] ${show(item)}`);
      }
      walk(item, `${path}[${i}]`);
    });
  };
  walk(markPositions("t", text), "");
  return lines;
}

function show({ at, source }: Mark): string {
  return `= ${source} @${at.line}:${at.column}+${at.length}`;
}

describe("places", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["plain values", "a = 1\nb   =  true # c\n", ["a @1:1 = 1 @1:5+1", "b @2:1 = true @2:8+4"]],
    ["a date with a space", "a = 1979-05-27 07:32:00 # c", [
      "a @1:1 = 1979-05-27 07:32:00 @1:5+19",
    ]],
    ["strings with signs", `a = "# ] \\" ,"\nb = '\\'\nc = 1`, [
      `a @1:1 = "# ] \\" ," @1:5+10`,
      `b @2:1 = '\\' @2:5+3`,
      "c @3:1 = 1 @3:5+1",
    ]],
    ["long strings", `a = """\nx " "" \\""" y"""\nb = '''\n''''\nc = """""""\nd = 1`, [
      `a @1:1 = """\nx " "" \\""" y""" @1:5+3`,
      `b @3:1 = '''\n'''' @3:5+3`,
      `c @5:1 = """"""" @5:5+7`,
      "d @6:1 = 1 @6:5+1",
    ]],
    ["arrays", 'a = [ 1, [2, "]"], # ]\n  3,\n]', [
      "a @1:1",
      "a[0] = 1 @1:7+1",
      "a[1][0] = 2 @1:11+1",
      'a[1][1] = "]" @1:14+3',
      "a[2] = 3 @2:3+1",
    ]],
    ["inline tables", "a = { b = 1, c.d = 2 }", [
      "a @1:1",
      "a.b @1:7 = 1 @1:11+1",
      "a.c @1:14",
      "a.c.d @1:16 = 2 @1:20+1",
    ]],
    ["dotted and quoted keys", `a."b c" = 1\n'd' . e = 2\n"\\u0041" = 3`, [
      "a @1:1",
      "a.b c @1:3 = 1 @1:11+1",
      "d @2:1",
      "d.e @2:7 = 2 @2:11+1",
      "A @3:1 = 3 @3:12+1",
    ]],
    ["tables", "x = 1\n[a]\nb = 1\n[ a.c ]\nd = 2\n", [
      "x @1:1 = 1 @1:5+1",
      "a @2:1",
      "a.b @3:1 = 1 @3:5+1",
      "a.c @4:1",
      "a.c.d @5:1 = 2 @5:5+1",
    ]],
    ["arrays of tables", "[[s]]\na = 1\n[[s]]\n[s.t]\nb = 2\n", [
      "s @1:1",
      "s[0].a @2:1 = 1 @2:5+1",
      "s[1].t @4:1",
      "s[1].t.b @5:1 = 2 @5:5+1",
    ]],
    ["carriage returns and a byte order mark", "\ufeffa = 1\r\nb = 2\r\n", [
      "a @1:2 = 1 @1:6+1",
      "b @2:1 = 2 @2:5+1",
    ]],
  ];
  for (const [name, text, expected] of cases) {
    test(name, () => {
      parse(text);
      assert.deepEqual(places(text), expected);
    });
  }
});

test("any text comes to an end", () => {
  const signs = fc.constantFrom(
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    '"""',
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\\",
    "a",
    " ",
  );
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 40 }), (parts) => {
      markPositions("t", parts.join(""));
    }),
    { numRuns: 500 },
  );
});
