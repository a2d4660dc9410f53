/** When memory is given back: after a crowd, in quiet, and not again for the same crowd. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { THRIFT_CONNECTIONS, THRIFT_QUIET_MS } from "../../../src/core/limits.ts";
import { Wheel } from "../../../src/net/wheel.ts";
import { Capacity } from "../../../src/proxy/capacity.ts";
import { Thrift } from "../../../src/proxy/thrift.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { extend } from "../../../src/runtime/host.ts";

function scene() {
  const runtime = createMemoryRuntime();
  const { clock, host } = runtime;
  const counter = { connections: 0 };
  const capacity = new Capacity(clock);
  const said: string[] = [];
  const thrift = new Thrift(
    extend(host, { shrink: () => void said.push("shrink") }),
    new Wheel(clock),
    capacity,
    counter,
  );
  const come = (count: number) => {
    counter.connections += count;
    capacity.inUse += count;
    if (capacity.inUse >= thrift.crowd) thrift.watch();
  };
  return {
    said,
    come,
    leave: (count: number) => capacity.inUse -= count,
    advance: (ms: number) => runtime.advance(ms),
  };
}

test("a few are no crowd", async () => {
  const { said, come, advance } = scene();
  come(THRIFT_CONNECTIONS - 1);
  await advance(10 * THRIFT_QUIET_MS);
  assert.deepEqual(said, []);
});

test("a crowd, then quiet: once", async () => {
  const { said, come, advance } = scene();
  come(THRIFT_CONNECTIONS);
  await advance(THRIFT_QUIET_MS / 2);
  assert.deepEqual(said, []);
  await advance(THRIFT_QUIET_MS);
  assert.deepEqual(said, ["shrink"]);
  come(1);
  await advance(10 * THRIFT_QUIET_MS);
  assert.deepEqual(said, ["shrink"], "not again for nearly the same crowd");
});

test("who keeps coming puts it off", async () => {
  const { said, come, advance } = scene();
  come(THRIFT_CONNECTIONS);
  for (let i = 0; i < 20; i++) {
    await advance(THRIFT_QUIET_MS / 2);
    come(1);
  }
  assert.deepEqual(said, []);
  await advance(3 * THRIFT_QUIET_MS);
  assert.deepEqual(said, ["shrink"]);
});

test("twice the crowd: again; and after it has gone a crowd is a crowd again", async () => {
  const { said, come, leave, advance } = scene();
  const settle = () => advance(4 * THRIFT_QUIET_MS);
  come(THRIFT_CONNECTIONS);
  await settle();
  come(THRIFT_CONNECTIONS);
  await settle();
  assert.equal(said.length, 2);
  leave(2 * THRIFT_CONNECTIONS);
  come(4 * THRIFT_CONNECTIONS);
  leave(4 * THRIFT_CONNECTIONS);
  await settle();
  assert.equal(said.length, 3);
  come(THRIFT_CONNECTIONS);
  await settle();
  assert.equal(said.length, 4);
});
