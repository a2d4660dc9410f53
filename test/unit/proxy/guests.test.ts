/** Who is in: members come and go in any order, and those who left are kept by nothing. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Guest, Guests, NO_SEAT } from "../../../src/proxy/guests.ts";

function guest(): Guest {
  return { seat: NO_SEAT, retire() {}, evict() {} };
}

describe("guests", () => {
  test("come and go in any order", () => {
    const guests = new Guests();
    const [a, b, c] = [guest(), guest(), guest()];
    for (const each of [a, b, c]) guests.add(each);
    assert.ok(guests.delete(a));
    assert.deepEqual(new Set(guests.all()), new Set([b, c]));
    assert.ok(guests.delete(c));
    assert.deepEqual(guests.all(), [b]);
    assert.ok(guests.delete(b));
    assert.equal(guests.size, 0);
  });

  test("leave once", () => {
    const guests = new Guests();
    const [a, b] = [guest(), guest()];
    guests.add(a);
    assert.equal(guests.delete(b), false, "was never in");
    guests.add(b);
    assert.ok(guests.delete(a));
    assert.equal(guests.delete(a), false);
    assert.deepEqual(guests.all(), [b]);
  });

  test("are replaced by their next stage", () => {
    const guests = new Guests();
    const [before, after, other] = [guest(), guest(), guest()];
    guests.add(before);
    guests.add(other);
    guests.replace(before, after);
    assert.equal(guests.size, 2);
    assert.equal(guests.delete(before), false);
    assert.ok(guests.delete(after));
    assert.deepEqual(guests.all(), [other]);
  });

  test("may leave while all are told something", () => {
    const guests = new Guests();
    const [a, b] = [guest(), guest()];
    guests.add(a);
    guests.add(b);
    for (const each of guests.all()) guests.delete(each);
    assert.equal(guests.size, 0);
  });
});
