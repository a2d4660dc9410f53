/** Addresses as an ENVELOPE shows them. RFC 5322 sections 3.4 and 4.4. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { DEMO_ADDRESSES } from "../../../../src/core/limits.ts";
import { parseAddresses } from "../../../../src/demo/imap/envelope.ts";

type Row = [name: string | null, mailbox: string | null, host: string | null];

function rows(value: string): Row[] {
  return parseAddresses(value).map(({ name, mailbox, host }) => [name, mailbox, host]);
}

describe("addresses", () => {
  const cases: [value: string, rows: Row[]][] = [
    ["bob@example.net", [[null, "bob", "example.net"]]],
    ["<bob@example.net>", [[null, "bob", "example.net"]]],
    ["Bob Smith <bob@example.net>", [["Bob Smith", "bob", "example.net"]]],
    ['"Smith, Bob" <bob@example.net>', [["Smith, Bob", "bob", "example.net"]]],
    ['"a \\"b\\" c" <x@y>', [['a "b" c', "x", "y"]]],
    ["bob@example.net (Bob (the) Builder)", [["Bob (the) Builder", "bob", "example.net"]]],
    ["Bob (comment) <bob@example.net>", [["Bob", "bob", "example.net"]]],
    ["a@b, c@d ,, e@f,", [[null, "a", "b"], [null, "c", "d"], [null, "e", "f"]]],
    ["=?UTF-8?Q?J=C3=BCrgen?= <j@x>", [["=?UTF-8?Q?J=C3=BCrgen?=", "j", "x"]]],
    ["<@a,@b:bob@example.net>", [[null, "bob", "example.net"]]],
    ['"odd local"@example.net', [[null, "odd local", "example.net"]]],
    ["bob@[192.0.2.1]", [[null, "bob", "[192.0.2.1]"]]],
    ["undisclosed-recipients:;", [[null, "undisclosed-recipients", null], [null, null, null]]],
    ["Team: a@b, C <c@d>; e@f", [
      [null, "Team", null],
      [null, "a", "b"],
      ["C", "c", "d"],
      [null, null, null],
      [null, "e", "f"],
    ]],
    ["Team: a@b", [[null, "Team", null], [null, "a", "b"], [null, null, null]]],
    ["postmaster", [[null, "postmaster", ""]]],
    ["Bob <bob@example.net", [["Bob", "bob", "example.net"]]],
    ['"Bob <bob@x', [[null, "Bob <bob@x", ""]]],
    ["(only a comment)", []],
    ["", []],
  ];
  for (const [value, expected] of cases) {
    test(value || "(empty)", () => assert.deepEqual(rows(value), expected));
  }

  test("are shown up to the cap", () => {
    assert.equal(rows("a@b,".repeat(2 * DEMO_ADDRESSES)).length, DEMO_ADDRESSES);
  });

  test("may be anything at all, for a short while", () => {
    const piece = fc.constantFrom(...'<>,:;@"\\() ab[]\r\n\t');
    fc.assert(fc.property(fc.array(piece), (pieces) => void rows(pieces.join(""))));
    const began = performance.now();
    for (const one of ["<", "(", '"', ",", "<,", "a:", "\\(", "<a>"]) rows(one.repeat(100_000));
    assert.ok(performance.now() - began < 2000);
  });
});
