/** Which worker accepts on which sockets, and that sockets come and go with the configuration. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip } from "../../../src/net/address.ts";
import { shareOf, Sockets, soleShareOf } from "../../../src/supervise/sockets.ts";
import { machine } from "./fakes.ts";

const SHARES: readonly (readonly [
  name: string,
  sockets: number,
  workers: number,
  each: readonly (readonly number[])[],
  alone: readonly (readonly number[])[],
])[] = [
  ["one socket each", 2, 2, [[3], [4]], [[3], [4]]],
  ["one socket for all", 1, 2, [[3], [3]], [[], []]],
  ["a single worker has all", 3, 1, [[3, 4, 5]], [[3, 4, 5]]],
  ["left over from more workers: two each", 4, 2, [[3, 5], [4, 6]], [[3, 5], [4, 6]]],
  ["an odd one is for all", 3, 2, [[3, 5], [4, 5]], [[3], [4]]],
];

describe("shares", () => {
  for (const [name, count, workers, each, alone] of SHARES) {
    test(name, () => {
      const descriptors = Array.from({ length: count }, (_, i) => 3 + i);
      const handed = [{ key: "gate", descriptors }];
      const slots = Array.from({ length: workers }, (_, slot) => slot);
      const of = (share: typeof shareOf) =>
        slots.map((slot) => share(handed, slot, workers).get("gate") ?? []);
      assert.deepEqual(of(shareOf), each);
      assert.deepEqual(of(soleShareOf), alone);
    });
  }
});

describe("sockets of a master", () => {
  const place = (port: number) => ({
    key: `gate ${port}`,
    at: ip("127.0.0.1", port),
    options: {},
  });

  test("a preparation that is given up leaves what was there", () => {
    const on = machine();
    const sockets = new Sockets(on.runtime);
    sockets.prepare([place(143)], 2).adopt();
    const before = [...on.sockets.keys()];
    const next = sockets.prepare([place(143), place(110)], 3);
    assert.equal(on.sockets.size, 6);
    next.abandon();
    assert.deepEqual([...on.sockets.keys()], before);
  });

  test("where addresses cannot be spread there is one socket for each", () => {
    const on = machine({ spreads: false });
    const prepared = new Sockets(on.runtime).prepare([place(143), place(110)], 4);
    assert.deepEqual(prepared.handed.map(({ descriptors }) => descriptors.length), [1, 1]);
  });

  test("a port that the system chose is the same for all sockets", () => {
    const on = machine();
    const prepared = new Sockets(on.runtime).prepare([place(0)], 3);
    const at = prepared.addressOf("gate 0");
    assert.ok(at.is === "ip" && at.port > 0);
    assert.equal(prepared.handed[0].descriptors.length, 3);
  });
});
