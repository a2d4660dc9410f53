/** nginx's times and sizes (its ngx_parse_time and ngx_parse_size rules), both ways. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  describeTime,
  parseNumber,
  parseSeconds,
  parseSize,
  parseTime,
  showSize,
  showTime,
} from "../../../src/config/numbers.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("a time of the millisecond kind", () => {
  const good: readonly (readonly [string, number])[] = [
    ["60", 60_000],
    ["0", 0],
    ["90s", 90_000],
    ["500ms", 500],
    ["1m", 60_000],
    ["1m30s", 90_000],
    ["1m 30s", 90_000],
    ["1h 30", HOUR + 30_000],
    ["1w2d3h4m5s6ms", 9 * DAY + 3 * HOUR + 4 * 60_000 + 5_006],
    ["1d", DAY],
  ];
  for (const [text, ms] of good) {
    test(`"${text}" is ${ms} ms`, () => assert.equal(parseTime(text), ms));
  }
  for (
    const text of ["", " ", "s", "1y", "1M", "30s1m", "1m1m", "-1", "1.5s", "1x", "ms", "1s2s"]
  ) {
    test(`"${text}" is none`, () => assert.equal(parseTime(text), null));
  }
});

describe("a time of the seconds kind", () => {
  const good: readonly (readonly [string, number])[] = [
    ["300", 300_000],
    ["1y", 365 * DAY],
    ["1M", 30 * DAY],
    ["1y6M", 545 * DAY],
    ["1M1m", 30 * DAY + 60_000],
    ["10m", 600_000],
  ];
  for (const [text, ms] of good) {
    test(`"${text}" is ${ms} ms`, () => assert.equal(parseSeconds(text), ms));
  }
  for (const text of ["", "500ms", "1m1M", "1s1h", "99999999999999999999"]) {
    test(`"${text}" is none`, () => assert.equal(parseSeconds(text), null));
  }
});

describe("a size", () => {
  const good: readonly (readonly [string, number])[] = [
    ["4096", 4096],
    ["8k", 8192],
    ["8K", 8192],
    ["1m", 1_048_576],
    ["1M", 1_048_576],
  ];
  for (const [text, bytes] of good) {
    test(`"${text}" is ${bytes} bytes`, () => assert.equal(parseSize(text), bytes));
  }
  for (const text of ["", "k", "1g", "-1", "1.5k", "1 k", "1kk"]) {
    test(`"${text}" is none`, () => assert.equal(parseSize(text), null));
  }
});

test("a number is digits alone, and exact", () => {
  assert.equal(parseNumber("007"), 7);
  for (const text of ["", "+1", "-1", "1e3", "0x10", "9007199254740993"]) {
    assert.equal(parseNumber(text), null, text);
  }
});

test("times and sizes are shown in the largest exact unit, and read back", () => {
  for (const ms of [0, 1, 999, 1000, 60_000, 90_000, HOUR, DAY, 36 * HOUR, 86_401_000]) {
    assert.equal(parseTime(showTime(ms)), ms);
  }
  assert.equal(showTime(90 * 60_000), "90m");
  for (const size of [0, 1, 1023, 1024, 1_048_576, 1_048_577]) {
    assert.equal(parseSize(showSize(size)), size);
  }
  assert.equal(showSize(65536), "64k");
});

test("times are described by their two largest units", () => {
  assert.equal(describeTime(60_000_000), "16 hours 40 minutes");
  assert.equal(describeTime(1_200_000_000), "13 days 21 hours");
  assert.equal(describeTime(DAY + 1000), "1 day 1 second");
});
