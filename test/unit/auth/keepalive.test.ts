/** `auth_http_keepalive`: when connections are kept, and that no login ever suffers for it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  AUTH_BODY,
  AUTH_HTTP10_MS,
  AUTH_IDLE,
  AUTH_IDLE_MS,
  AUTH_STALL_MS,
} from "../../../src/core/limits.ts";
import type { Verdict } from "../../../src/session/machine.ts";
import {
  ALLOW,
  ANSWER_10,
  ANSWER_11,
  ANSWER_11_CLOSE,
  VERDICT,
  type World,
  world,
} from "./fake.ts";

/** Asks, and answers on the newest connection. */
function exchange(it: World, answer: string): Promise<Verdict> {
  const known = it.servers.length;
  const verdict = it.ask();
  if (it.servers.length > known) it.last().accept();
  it.last().say(answer);
  return verdict;
}

/** A world whose server is known to speak HTTP/1.1, with one idle connection. */
async function kept(config = {}, keepalive: "auto" | "off" | number = "auto"): Promise<World> {
  const it = world(config, keepalive);
  await exchange(it, ANSWER_11_CLOSE);
  await exchange(it, ANSWER_11);
  return it;
}

const versions = (it: World) => it.servers.map(({ asked }) => asked.map((line) => line.slice(-3)));

describe("learning what the server can do", () => {
  test("first nginx's HTTP/1.0 request; once HTTP/1.1 was answered, one connection for all", async () => {
    const it = world();
    for (const answer of [ANSWER_11_CLOSE, ANSWER_11, ANSWER_11, ANSWER_11]) {
      assert.deepEqual(await exchange(it, answer), ALLOW);
    }
    assert.deepEqual(versions(it), [["1.0"], ["1.1", "1.1", "1.1"]]);
    assert.equal(it.auth.idle, 1);
    const [first, second] = it.last().received.split("\r\n\r\n");
    assert.equal(first, second);
    assert.equal(first, it.servers[0].received.replace("HTTP/1.0", "HTTP/1.1").slice(0, -4));
  });

  test("a server that answers HTTP/1.0 is always asked so", async () => {
    const it = world();
    for (let i = 0; i < 3; i++) await exchange(it, ANSWER_10);
    assert.deepEqual(versions(it), [["1.0"], ["1.0"], ["1.0"]]);
  });

  test("off, 0, and configured headers that touch the framing: always HTTP/1.0", async () => {
    const header = { auth_http_header: [["Connection", "close"]] as const };
    for (const it of [world({}, "off"), world({}, 0), world(header)]) {
      for (let i = 0; i < 3; i++) await exchange(it, ANSWER_11);
      assert.deepEqual(versions(it), [["1.0"], ["1.0"], ["1.0"]]);
      assert.equal(it.auth.idle, 0);
    }
  });

  test("an answer that breaks the protocol teaches nothing", async () => {
    const it = world();
    await exchange(it, "HTTP/1.1 502 Bad Gateway\r\n\r\n");
    await exchange(it, ANSWER_10);
    assert.deepEqual(versions(it), [["1.0"], ["1.0"]]);
  });

  for (
    const [name, answer] of [
      ["closes its first HTTP/1.1 connection", ANSWER_11_CLOSE],
      ["gives no length", `HTTP/1.1 200 OK\r\n${VERDICT}\r\n`],
      ["falls back to HTTP/1.0", ANSWER_10],
    ]
  ) {
    test(`a server that ${name} keeps none: back to HTTP/1.0 for a while`, async () => {
      const it = world();
      await exchange(it, ANSWER_11_CLOSE);
      assert.deepEqual(await exchange(it, answer), ALLOW);
      await exchange(it, ANSWER_11_CLOSE);
      assert.deepEqual(versions(it), [["1.0"], ["1.1"], ["1.0"]]);
      assert.ok(it.servers.every(({ destroyed }) => destroyed));
      it.advance(AUTH_HTTP10_MS);
      await exchange(it, ANSWER_11_CLOSE);
      await exchange(it, ANSWER_11);
      assert.deepEqual(versions(it).slice(3), [["1.0"], ["1.1"]]);
      assert.equal(it.auth.idle, 1);
    });
  }

  test("a close after many requests is only that connection's end", async () => {
    const it = await kept();
    await exchange(it, ANSWER_11_CLOSE.replace("Connection", "Content-Length: 0\r\nConnection"));
    assert.ok(it.last().destroyed);
    await exchange(it, ANSWER_11);
    assert.deepEqual(versions(it), [["1.0"], ["1.1", "1.1"], ["1.1"]]);
  });
});

describe("idle connections", () => {
  test("questions at the same time have connections of their own, the freshest is used next", async () => {
    const it = await kept();
    const one = it.ask();
    const two = it.ask();
    const [, first, second] = it.servers;
    second.accept().say(ANSWER_11);
    first.say(ANSWER_11);
    await Promise.all([one, two]);
    assert.equal(it.auth.idle, 2);
    it.ask();
    assert.equal(first.asked.length, 3);
    assert.equal(second.asked.length, 1);
  });

  for (const [keepalive, most] of [["auto", AUTH_IDLE], [2, 2]] as const) {
    test(`auth_http_keepalive ${keepalive} keeps ${most}`, async () => {
      const it = await kept({}, keepalive);
      const asks = Array.from({ length: most + 3 }, () => it.ask());
      const [, known, ...fresh] = it.servers;
      known.say(ANSWER_11);
      for (const server of fresh) server.accept().say(ANSWER_11);
      await Promise.all(asks);
      assert.equal(it.auth.idle, most);
      assert.equal(it.servers.filter(({ destroyed }) => !destroyed).length, most);
    });
  }

  test("are closed when they grow old", async () => {
    const it = await kept();
    it.advance(AUTH_IDLE_MS - 100);
    assert.equal(it.auth.idle, 1);
    it.advance(200);
    assert.equal(it.auth.idle, 0);
    assert.ok(it.last().destroyed);
    assert.equal(it.wheel.size, 0);
  });

  test("grow old by their own time, not by that of a body that came late", async () => {
    const it = await kept({ auth_http_timeout: 3 * AUTH_IDLE_MS });
    await exchange(it, `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${VERDICT}\r\n`);
    assert.equal(it.auth.idle, 0);
    it.last().say("ok");
    assert.equal(it.auth.idle, 1);
    it.advance(AUTH_IDLE_MS + 100);
    assert.equal(it.auth.idle, 0);
  });

  test("are forgotten when the server closes them", async () => {
    const it = await kept();
    it.last().end();
    assert.equal(it.auth.idle, 0);
    await exchange(it, ANSWER_11);
    assert.deepEqual(versions(it), [["1.0"], ["1.1"], ["1.1"]]);
    assert.deepEqual(it.log(), []);
  });

  test("an answer before the question is never taken for one (response splitting)", async () => {
    const it = await kept();
    it.last().say(ANSWER_11);
    assert.ok(it.last().destroyed);
    const verdict = it.ask();
    it.last().accept().say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAuth-Status: no\r\n\r\n");
    assert.equal((await verdict).is, "deny");
  });

  test("close() frees them; asks under way are finished, and nothing is kept any more", async () => {
    const it = await kept();
    const busy = it.ask();
    it.auth.close();
    it.last().say(ANSWER_11);
    assert.deepEqual(await busy, ALLOW);
    assert.ok(it.last().destroyed);
    assert.deepEqual(await exchange(it, ANSWER_11), ALLOW);
    assert.equal(it.auth.idle, 0);
    assert.equal(it.wheel.size, 0);
  });
});

describe("bodies", () => {
  const head = (framing: string) => `HTTP/1.1 200 OK\r\n${framing}\r\n${VERDICT}\r\n`;

  for (
    const [name, answer] of [
      ["by Content-Length", head("Content-Length: 5") + "hello"],
      ["chunked", head("Transfer-Encoding: chunked") + "5\r\nhello\r\n0\r\n\r\n"],
      ["none, by 204", `HTTP/1.1 204 No Content\r\n${VERDICT}\r\n`],
    ]
  ) {
    test(`${name}: read past, whole or in pieces`, async () => {
      const it = world();
      await exchange(it, ANSWER_11_CLOSE);
      assert.deepEqual(await exchange(it, answer), ALLOW);
      assert.equal(it.auth.idle, 1);
      const verdict = it.ask();
      for (const byte of answer) it.last().say(byte);
      assert.deepEqual(await verdict, ALLOW);
      assert.equal(it.auth.idle, 1);
      assert.equal(it.servers.length, 2);
    });
  }

  test("the verdict does not wait for the body, the connection does", async () => {
    const it = await kept();
    const verdict = it.ask();
    it.last().say(head("Content-Length: 5") + "he");
    assert.deepEqual(await verdict, ALLOW);
    assert.equal(it.auth.idle, 0);
    it.last().say("llo");
    assert.equal(it.auth.idle, 1);
  });

  for (
    const [name, answer] of [
      ["longer than said", head("Content-Length: 1") + "xy"],
      ["larger than the cap", head(`Content-Length: ${AUTH_BODY + 1}`)],
      ["with a bad chunk", head("Transfer-Encoding: chunked") + "zz\r\n"],
    ]
  ) {
    test(`${name}: the verdict stands, the connection is closed`, async () => {
      const it = await kept();
      assert.deepEqual(await exchange(it, answer), ALLOW);
      assert.ok(it.last().destroyed);
      assert.equal(it.wheel.size, 0);
    });
  }

  test("that never ends: the connection is closed in time", async () => {
    const it = await kept();
    await exchange(it, head("Content-Length: 5"));
    it.advance(60_100);
    assert.ok(it.last().destroyed);
  });
});

describe("a kept connection that turns out to be closed", () => {
  for (const how of ["end", "fail"] as const) {
    test(`${how}: the question is put once more, on a new connection`, async () => {
      const it = await kept();
      const verdict = it.ask();
      if (how === "end") it.last().end();
      else it.last().fail("ECONNRESET");
      assert.deepEqual(versions(it), [["1.0"], ["1.1", "1.1"], ["1.1"]]);
      it.last().accept().say(ANSWER_11);
      assert.deepEqual(await verdict, ALLOW);
      assert.deepEqual(it.log(), []);
    });
  }

  test("the new connection is no idle one", async () => {
    const it = await kept();
    const two = [it.ask(), it.ask()];
    const [, first, second] = it.servers;
    first.say(ANSWER_11);
    second.accept().say(ANSWER_11);
    await Promise.all(two);
    it.ask();
    second.end();
    assert.equal(it.servers.length, 4);
    assert.equal(first.asked.length, 2);
  });

  test("a server that is then down says so", async () => {
    const it = await kept();
    const verdict = it.ask();
    it.last().end();
    it.last().fail("ECONNREFUSED");
    assert.deepEqual(await verdict, { is: "broken", why: "recv() failed" });
  });
});

describe("an HTTP/1.1 answer that is bad", () => {
  const PEER = "auth http server 127.0.0.1:9000";
  const cases: [string, (it: World) => void, string][] = [
    [
      "400 without a verdict",
      (it) => it.last().say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
      "did not send Auth-Status",
    ],
    ["garbage", (it) => it.last().say("\xff\n"), "sent invalid header in response"],
    [
      "cut off",
      (it) => it.last().say("HTTP/1.1 200 OK\r\n").end(),
      "closed the connection before the end of its answer",
    ],
    [
      "reset",
      (it) => it.last().say("HTTP/1.1 200 OK\r\n").fail("ECONNRESET"),
      "failed: (104: Connection reset by peer)",
    ],
  ];
  for (const [name, play, what] of cases) {
    test(`${name}: asked again in nginx's own words, once`, async () => {
      const it = await kept();
      const verdict = it.ask();
      play(it);
      assert.equal(it.auth.idle, 0);
      it.last().accept().say(ANSWER_11_CLOSE);
      assert.deepEqual(await verdict, ALLOW);
      assert.deepEqual(versions(it), [["1.0"], ["1.1", "1.1"], ["1.0"]]);
      assert.deepEqual(it.log(), [
        `warn: ${PEER} ${what}, asking again by HTTP/1.0 while in http auth state`,
      ]);
      await exchange(it, ANSWER_11_CLOSE);
      assert.deepEqual(versions(it).at(-1), ["1.0"]);
    });
  }

  test("and bad by HTTP/1.0 too: broken, after two requests", async () => {
    const it = await kept();
    const verdict = it.ask();
    it.last().say("\xff\n");
    it.last().accept().say("\xff\n");
    assert.equal((await verdict).is, "broken");
    assert.equal(it.servers.length, 3);
  });

  test("a verdict that does not hold is not asked for again: HTTP is not to blame", async () => {
    const it = await kept();
    assert.equal((await exchange(it, ANSWER_11.replace("10.0.0.5", "localhost"))).is, "broken");
    assert.equal(it.auth.idle, 1);
    assert.equal(it.servers.length, 2);
  });
});

describe("a server that does not answer by HTTP/1.1", () => {
  test("times out, and is asked by HTTP/1.0 from then on", async () => {
    const it = await kept();
    const verdict = it.ask();
    it.advance(60_100);
    assert.match((await verdict as { why: string }).why, /timed out/);
    await exchange(it, ANSWER_11_CLOSE);
    assert.deepEqual(versions(it).at(-1), ["1.0"]);
  });

  test("a server with one thread, waiting on an idle connection, is set free", async () => {
    const it = await kept();
    const first = it.ask();
    const second = it.ask();
    const [, busy, waiting] = it.servers;
    busy.say(ANSWER_11);
    await first;
    waiting.accept();
    assert.ok(!busy.destroyed);
    it.advance(AUTH_STALL_MS + 100);
    assert.ok(busy.destroyed);
    waiting.say(ANSWER_11);
    assert.deepEqual(await second, ALLOW);
    assert.ok(waiting.destroyed);
    await exchange(it, ANSWER_11_CLOSE);
    assert.deepEqual(versions(it).at(-1), ["1.0"]);
    assert.deepEqual(it.log(), []);
  });

  test("a stall takes nothing from the time-out", async () => {
    const it = world({ auth_http_timeout: 5000 });
    await exchange(it, ANSWER_11_CLOSE);
    const verdict = it.ask();
    it.last().accept();
    it.advance(4900);
    it.last().say(ANSWER_11);
    assert.deepEqual(await verdict, ALLOW);
    assert.equal(it.wheel.size, 0);
  });
});
