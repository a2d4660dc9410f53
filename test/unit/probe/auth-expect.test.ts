/** `--expect`: what is understood, and what meets it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip } from "../../../src/net/address.ts";
import type { Decision } from "../../../src/probe/auth-decision.ts";
import { type Expectation, meets, readExpectation } from "../../../src/probe/auth-expect.ts";
import { latencyOf } from "../../../src/probe/auth-load.ts";

const ALLOWED: Decision = {
  is: "allowed",
  target: ip("192.0.2.1", 143),
  user: null,
  password: null,
};
const RENAMED: Decision = { ...ALLOWED, user: "newname" };
const SIX: Decision = { ...ALLOWED, target: ip("2001:db8::1", 143) };
const DENIED: Decision = { is: "denied", text: "No", code: null, waitMs: null, challenge: null };
const GONE: Decision = { is: "unreachable", why: "connection refused" };

describe("expectations", () => {
  const cases: readonly (readonly [string, Decision, boolean])[] = [
    ["allowed", ALLOWED, true],
    ["allowed", DENIED, false],
    ["denied", DENIED, true],
    ["denied", GONE, false],
    ["server=192.0.2.1:143", ALLOWED, true],
    ["server=192.0.2.1:144", ALLOWED, false],
    ["server=192.0.2.1:143", DENIED, false],
    ["server=[2001:DB8:0::1]:143", SIX, true],
    ["user=john", ALLOWED, true],
    ["user=newname", RENAMED, true],
    ["user=john", RENAMED, false],
    ["within=200ms", ALLOWED, true],
    ["within=100ms", ALLOWED, true],
    ["within=99", ALLOWED, false],
    ["within=0.1s", DENIED, true],
    ["within=1s", GONE, false],
  ];
  for (const [text, decision, met] of cases) {
    test(`${text} is ${met ? "met" : "missed"} by ${decision.is}`, () => {
      const expectation = readExpectation(text);
      assert.ok("is" in expectation);
      assert.equal(meets(expectation as Expectation, decision, "john", 100).met, met);
    });
  }

  for (const text of ["", "Allowed", "server=mx:143", "server=1.2.3.4", "within=soon", "user"]) {
    test(`"${text}" is none`, () => assert.ok("problem" in readExpectation(text)));
  }
});

describe("latency", () => {
  test("percentiles are times that occurred, by nearest rank", () => {
    const times = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.deepEqual(latencyOf(times), { least: 1, p50: 50, p90: 90, p95: 95, p99: 99, most: 100 });
  });
  test("of one is that one", () => {
    assert.deepEqual(latencyOf([7]), { least: 7, p50: 7, p90: 7, p95: 7, p99: 7, most: 7 });
  });
  test("of none is none", () => assert.equal(latencyOf([]), null));
});
