/** Dates as mail and IMAP write them. RFC 5322 section 3.3, RFC 3501 section 9. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  headerDay,
  internalDate,
  mailDate,
  midnight,
  parseDay,
  parseInternalDate,
} from "../../../src/demo/dates.ts";

const NOON = Date.UTC(2026, 1, 3, 12, 4, 5);
const DAY = Date.UTC(2026, 1, 3);

test("a header has the day of the week and the zone", () => {
  assert.equal(mailDate(NOON), "Tue, 3 Feb 2026 12:04:05 +0000");
});

test("INTERNALDATE pads the day with a space", () => {
  assert.equal(internalDate(NOON), " 3-Feb-2026 12:04:05 +0000");
  assert.equal(internalDate(NOON + 20 * 86_400_000), "23-Feb-2026 12:04:05 +0000");
});

describe("APPEND's date-time", () => {
  const cases: [string, number | null][] = [
    [" 3-Feb-2026 12:04:05 +0000", NOON],
    ["03-Feb-2026 12:04:05 +0000", NOON],
    ["03-FEB-2026 13:34:05 +0130", NOON],
    ["03-Feb-2026 04:04:05 -0800", NOON],
    ["30-Feb-2026 12:04:05 +0000", null],
    ["03-Foo-2026 12:04:05 +0000", null],
    ["03-Feb-2026 25:04:05 +0000", null],
    ["03-Feb-2026 12:04:05", null],
    ["", null],
  ];
  for (const [text, ms] of cases) test(text, () => assert.equal(parseInternalDate(text), ms));
});

test("INTERNALDATE is read back", () => {
  assert.equal(parseInternalDate(internalDate(NOON)), NOON);
});

describe("SEARCH's date", () => {
  const cases: [string, number | null][] = [
    ["3-Feb-2026", DAY],
    ["03-feb-2026", DAY],
    ["31-Feb-2026", null],
    ["3 Feb 2026", null],
  ];
  for (const [text, day] of cases) test(text, () => assert.equal(parseDay(text), day));
});

describe("the day of a Date field", () => {
  const cases: [string, number | null][] = [
    ["Tue, 3 Feb 2026 23:59:00 -0800", DAY],
    ["3 Feb 2026 00:00:00 +1400", DAY],
    ["Tue,3 Feb 2026", DAY],
    ["yesterday", null],
    ["", null],
  ];
  for (const [text, day] of cases) {
    test(text || "(empty)", () => assert.equal(headerDay(text), day));
  }
});

test("midnight is the beginning of the day", () => assert.equal(midnight(NOON), DAY));
