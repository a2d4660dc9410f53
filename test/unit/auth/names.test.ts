/** Auth servers that are named, not numbered: lookups, several addresses, and those that do not answer. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NetError } from "../../../src/core/errors.ts";
import { AUTH_NAME_MS } from "../../../src/core/limits.ts";
import { settings } from "./attempts.ts";
import { ALLOW, ANSWER_10, pending, settle, type World, world } from "./fake.ts";

const DOING = " while in http auth state";

describe("a host name", () => {
  const at = { is: "name", host: "auth.test", port: 9000 } as const;
  const named = (): World => {
    const it = world({ auth_http: { ...settings().auth_http, at, host: "auth.test" } });
    it.lookup = () => Promise.resolve(["127.0.0.1", "127.0.0.2"]);
    return it;
  };
  /** One whole question, answered by the first server that accepts. */
  const good = async (it: World): Promise<string> => {
    const verdict = it.ask();
    await settle();
    it.last().accept().say(ANSWER_10);
    assert.deepEqual(await verdict, ALLOW);
    return it.last().to;
  };

  test("is looked up once for all who ask at the same time", async () => {
    const it = named();
    let lookups = 0;
    it.lookup = () => (lookups++, Promise.resolve(["127.0.0.1"]));
    const both = [it.ask(), it.ask()];
    await settle();
    for (const server of it.servers) server.accept().say(ANSWER_10);
    assert.deepEqual(await Promise.all(both), [ALLOW, ALLOW]);
    assert.equal(lookups, 1);
  });

  test("is looked up again after a while", async () => {
    const it = named();
    assert.equal(await good(it), "127.0.0.1:9000");
    it.lookup = () => Promise.resolve(["127.0.0.9"]);
    it.advance(AUTH_NAME_MS - 100);
    assert.equal(await good(it), "127.0.0.1:9000");
    it.advance(200);
    assert.equal(await good(it), "127.0.0.9:9000");
  });

  test("whose first address refuses: the next one is tried, and comes first from then on", async () => {
    const it = named();
    const verdict = it.ask();
    await settle();
    it.last().fail("ECONNREFUSED");
    assert.deepEqual(it.servers.map(({ to }) => to), ["127.0.0.1:9000", "127.0.0.2:9000"]);
    it.last().accept().say(ANSWER_10);
    assert.deepEqual(await verdict, ALLOW);
    assert.deepEqual(it.log(), [
      `warn: connect() to 127.0.0.1:9000 failed (111: Connection refused)${DOING}`,
    ]);
    assert.equal(await good(it), "127.0.0.2:9000");
    it.advance(AUTH_NAME_MS + 1000);
    assert.equal(await good(it), "127.0.0.2:9000", "the same addresses keep their order");
  });

  test("whose addresses all refuse", async () => {
    const it = named();
    it.arrange = (server) => queueMicrotask(() => server.fail("ECONNREFUSED"));
    assert.deepEqual(await it.ask(), { is: "broken", why: "recv() failed" });
    assert.equal(it.servers.length, 2);
  });

  test("the addresses share one time-out", async () => {
    const it = named();
    const verdict = it.ask();
    await settle();
    it.advance(40_000);
    it.last().fail("EHOSTUNREACH");
    it.advance(20_100);
    assert.match((await verdict as { why: string }).why, /127\.0\.0\.2:9000 timed out/);
  });

  test("whose first address hangs: later questions go to the other one", async () => {
    const it = named();
    const verdict = it.ask();
    await settle();
    it.advance(10_000);
    assert.ok(await pending(verdict));
    it.advance(50_100);
    await verdict;
    assert.equal(await good(it), "127.0.0.2:9000");
  });

  test("that cannot be resolved", async () => {
    const it = named();
    it.lookup = () => Promise.reject(new NetError("ENOTFOUND", "host not found"));
    assert.equal((await it.ask()).is, "broken");
    assert.deepEqual(it.log(), [
      `error: auth http server auth.test:9000 could not be resolved (ENOTFOUND: host not found)${DOING}`,
    ]);
  });

  test("that resolves to nothing", async () => {
    const it = named();
    it.lookup = () => Promise.resolve([]);
    assert.match((await it.ask() as { why: string }).why, /could not be resolved/);
  });

  test("that can no longer be resolved keeps its addresses", async () => {
    const it = named();
    await good(it);
    it.lookup = () => Promise.reject(new NetError("ETIMEDOUT", "no answer"));
    it.advance(AUTH_NAME_MS + 100);
    assert.equal(await good(it), "127.0.0.1:9000");
  });

  test("whose lookup hangs counts against the time-out", async () => {
    const it = named();
    let release: (found: string[]) => void = () => {};
    it.lookup = () => new Promise((resolve) => release = resolve);
    const verdict = it.ask();
    it.advance(60_100);
    assert.match((await verdict as { why: string }).why, /auth\.test:9000 timed out/);
    release(["127.0.0.1"]);
    await settle();
    assert.equal(it.servers.length, 0, "nobody waits any more");
  });
});
