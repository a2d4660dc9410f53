/** `worker_connections`: when it is full, and how often that is said. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CAPACITY_NOTE_MS } from "../../../src/core/limits.ts";
import { Capacity } from "../../../src/proxy/capacity.ts";
import { MemoryClock } from "../../../src/runtime/memory/clock.ts";

test("is full with as many connections as configured", () => {
  const capacity = new Capacity(new MemoryClock());
  capacity.most = 2;
  const full = [0, 1, 2, 3].map((inUse) => Object.assign(capacity, { inUse }).full);
  assert.deepEqual(full, [false, false, true, true]);
});

test("is never full before it is configured", () => {
  assert.equal(new Capacity(new MemoryClock()).full, false);
});

test("says so in nginx's words, once a second", () => {
  const clock = new MemoryClock();
  const capacity = new Capacity(clock);
  capacity.most = 512;
  const said = () => capacity.complaint()?.message;
  assert.equal(said(), "512 worker_connections are not enough");
  assert.equal(said(), undefined);
  clock.advance(CAPACITY_NOTE_MS - 1);
  assert.equal(said(), undefined);
  clock.advance(1);
  assert.equal(said(), "512 worker_connections are not enough");
});
