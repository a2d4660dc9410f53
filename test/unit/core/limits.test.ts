/** Every cap is a sane number, and those that depend on each other agree. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as limits from "../../../src/core/limits.ts";

describe("limits", () => {
  for (const [name, value] of Object.entries(limits)) {
    test(`${name} is a positive whole number`, () => {
      assert.ok(Number.isSafeInteger(value) && (value as number) > 0, String(value));
    });
  }

  test("a line of the client fits its buffer, with tag and arguments", () => {
    assert.ok(limits.IMAP_TAG < limits.CLIENT_BUFFER);
    assert.ok(limits.LOG_QUOTE < limits.LOG_LINE);
  });

  test("the longest PROXY v1 line fits (PROXY protocol section 2.1)", () => {
    const line = `PROXY TCP6 ${"f".repeat(39)} ${"f".repeat(39)} 65535 65535\r\n`;
    assert.ok(line.length <= 107 && limits.PROXY_HEADER >= 107);
  });
});
