/** Medians, ratios and judgements of the benchmark. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sessionSteps, workersFor } from "../../../bench/curves.ts";
import { need } from "../../../bench/fleet.ts";
import type { Measurement, Subject } from "../../../bench/model.ts";
import { figure, judge, median, ratio, spread } from "../../../bench/summary.ts";
import { resultsOf } from "./results.ts";

function runs(subject: Subject, name: string, ...values: readonly number[]): Measurement[] {
  return values.map((value) => ({ scenario: "login-imap", subject, figures: { [name]: value } }));
}

describe("median", () => {
  const cases: readonly [string, readonly number[], number][] = [
    ["of an odd number is the middle one", [3, 1, 100], 3],
    ["of an even number is between the middle two", [4, 1, 2, 100], 3],
    ["of none is not a number", [], NaN],
  ];
  for (const [title, values, expected] of cases) {
    test(title, () => assert.equal(median(values), expected));
  }
});

describe("a run's results", () => {
  const results = resultsOf([
    ...runs("nginx", "rate", 100, 90, 500),
    ...runs("doorpost", "rate", 149, 151, 150),
    ...runs("nginx", "cpu", 2),
    ...runs("doorpost", "cpu", 2.006),
    ...runs("doorpost", "p99", 9),
  ]);

  test("a figure is the median of the rounds", () => {
    assert.equal(figure(results, "login-imap", "nginx", "rate"), 100);
  });

  test("a figure that was not measured is not a number", () => {
    assert.ok(Number.isNaN(figure(results, "login-imap", "nginx-2w", "rate")));
  });

  test("a ratio is ours by theirs", () => {
    assert.equal(ratio(results, "login-imap", "rate"), 1.5);
  });

  test("the spread is a share of the median", () => {
    assert.equal(Math.round(spread(results, "login-imap", "doorpost", "rate")), 1);
  });

  test("targets: judged as they are shown; what was not measured is left out", () => {
    const judged = judge(results).map(({ target, met }) => [target.figure, met]);
    // 1.003 is shown as 1.00; p99 has no ratio, since nginx has none.
    assert.deepEqual(judged, [["rate", true], ["cpu", true]]);
  });

  test("targets: a cost above is missed", () => {
    const worse = resultsOf([...runs("nginx", "cpu", 2), ...runs("doorpost", "cpu", 2.1)]);
    assert.deepEqual(judge(worse).map(({ met }) => met), [false]);
  });
});

describe("curves", () => {
  test("sessions grow tenfold up to the most", () => {
    assert.deepEqual(sessionSteps(10_000), [0, 1, 10, 100, 1000, 10_000]);
    assert.deepEqual(sessionSteps(2000), [0, 1, 10, 100, 1000, 2000]);
  });

  const limits: readonly [sessions: number, openFiles: number, workers: number][] = [
    [1000, 20_000, 1],
    [10_000, 20_000, 2],
    [10_000, 1_048_576, 1],
  ];
  for (const [sessions, openFiles, workers] of limits) {
    test(`${sessions} sessions under ${openFiles} open files take ${workers} workers`, () =>
      assert.equal(workersFor(sessions, openFiles), workers));
  }
});

describe("a fleet", () => {
  const costs = { login: 0.6, megabyte: 1.5, session: 8 };

  test("processors are for the storm of logins and the traffic, at 60 per cent", () => {
    // 300,000 sessions in 300 s are 1000 logins a second and 600 MB/s: 0.6 s and 0.9 s.
    assert.equal(need(300_000, costs).processors, 1.5 / 0.6);
  });

  test("memory decides when it is what runs out", () => {
    const { gigabytes, machines } = need(6 * 2 ** 20, { login: 0, megabyte: 0, session: 8 });
    assert.equal(gigabytes, 96);
    // 24 GiB of each may be used: four, and one to spare.
    assert.equal(machines, 5);
  });
});
