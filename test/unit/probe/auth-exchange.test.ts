/**
 * One question and its answer as they come over a connection: where an answer ends, what counts as none,
 * and the times. Any split of the bytes gives the same.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AuthAddresses } from "../../../src/auth/names.ts";
import { decode, encode } from "../../../src/core/bytes.ts";
import { NetError } from "../../../src/core/errors.ts";
import { PROBE_BODY_MS } from "../../../src/core/limits.ts";
import { Secret } from "../../../src/core/secret.ts";
import { ip } from "../../../src/net/address.ts";
import type { Connection, Receiver } from "../../../src/net/ports.ts";
import { judge } from "../../../src/probe/auth-decision.ts";
import { AuthLine, type AuthPlace, exchange } from "../../../src/probe/auth-exchange.ts";
import { attemptOf } from "../../../src/probe/auth-question.ts";
import { type FakeRuntime, fakeRuntime } from "../observe/fakes.ts";

const HEAD = "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\n";
const TIMEOUT = 5_000;

function placeOf(runtime: FakeRuntime, host: string): AuthPlace {
  const at = { is: "name", host, port: 80 } as const;
  const addresses = new AuthAddresses({ tls: false, at, host, uri: "/", text: host }, runtime);
  return { runtime, addresses, timeoutMs: TIMEOUT, secure: null };
}

/** A line to a server that the test plays. */
function dial(): { line: AuthLine; server: Receiver; runtime: FakeRuntime } {
  const runtime = fakeRuntime();
  let server: Receiver | null = null;
  runtime.connect = (_to, _options, receiver) => {
    server = receiver;
    return { write: () => true, destroy: () => {} } as unknown as Connection;
  };
  const place = placeOf(runtime, "127.0.0.1");
  const line = new AuthLine(place, { at: ip("127.0.0.1", 9), peer: "127.0.0.1:9" });
  return { line, server: server!, runtime };
}

/** What an answer in these pieces comes to; `closed`: the server ends behind it. */
async function asked(pieces: readonly string[], closed = false) {
  const { line, server } = dial();
  const result = line.ask(encode("GET"));
  server.open?.();
  for (const piece of pieces) server.data(encode(piece));
  if (closed) server.end();
  const { bytes, failure } = await result;
  return { text: decode(bytes), failure, reusable: line.reusable };
}

describe("an answer ends", () => {
  const cases: readonly (readonly [string, string, boolean, boolean])[] = [
    ["where its length says", `${HEAD}Content-Length: 5\r\n\r\nHello`, false, true],
    [
      "with its last chunk",
      `${HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\nHi\r\n0\r\n\r\n`,
      false,
      true,
    ],
    ["at once without a body", `${HEAD}Content-Length: 0\r\n\r\n`, false, true],
    [
      "where an HTTP/1.0 length says",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nHi",
      false,
      false,
    ],
    ["with the connection", `${HEAD}\r\nHello`, true, false],
    ["at a fault", "HTTP/1.1 200 OK\r\nBad_Name: x\r\n", false, false],
  ];
  for (const [name, text, closed, reusable] of cases) {
    test(`${name}, however it is split`, async () => {
      const whole = await asked([text], closed);
      assert.deepEqual(whole, { text, failure: null, reusable });
      assert.deepEqual(await asked([...text], closed), whole);
      for (let at = 1; at < text.length; at += 7) {
        assert.deepEqual(await asked([text.slice(0, at), text.slice(at)], closed), whole);
      }
    });
  }

  test("after a while when nobody says where", async () => {
    const { line, server, runtime } = dial();
    const result = line.ask(encode("GET"));
    server.open?.();
    runtime.clock.turn(3);
    server.data(encode(`${HEAD}\r\nHello`));
    runtime.clock.turn(PROBE_BODY_MS);
    const { failure, timings } = await result;
    assert.equal(failure, null);
    // The time that was only waited is nobody's.
    assert.deepEqual(timings, { connectMs: 0, tlsMs: null, firstByteMs: 3, totalMs: 3 });
  });
});

describe("no answer", () => {
  test("a connection that is refused", async () => {
    const { line, server } = dial();
    const result = line.ask(encode("GET"));
    server.close(new NetError("ECONNREFUSED", "connection refused"));
    assert.deepEqual((await result).failure, { stage: "connecting", why: "connection refused" });
  });
  test("silence", async () => {
    const { line, server, runtime } = dial();
    const result = line.ask(encode("GET"));
    server.open?.();
    runtime.clock.turn(TIMEOUT);
    assert.deepEqual((await result).failure, { stage: "waiting", why: "no answer in time" });
  });
  test("a server that stops in the middle", async () => {
    const { failure } = await asked([HEAD], true);
    assert.deepEqual(failure, { stage: "answering", why: "it closed the connection" });
  });
  test("a kept connection that was closed meanwhile", async () => {
    const { line, server } = dial();
    const first = line.ask(encode("GET"));
    server.open?.();
    server.data(encode(`${HEAD}Content-Length: 0\r\n\r\n`));
    await first;
    server.end();
    assert.equal(line.reusable, false);
    assert.equal((await line.ask(encode("GET"))).failure?.stage, "answering");
  });
});

test("an address that refuses gives way to the next", async () => {
  const runtime = fakeRuntime();
  runtime.host.lookup = () => Promise.resolve(["192.0.2.1", "192.0.2.2"]);
  runtime.connect = (to, _, receiver) => {
    queueMicrotask(() => {
      if (to.is === "ip" && to.address === "192.0.2.1") {
        return receiver.close(new NetError("ECONNREFUSED", "connection refused"));
      }
      receiver.open?.();
      receiver.data(encode(`${HEAD}Content-Length: 0\r\n\r\n`));
    });
    return { write: () => true, destroy: () => {} } as unknown as Connection;
  };
  const { peer, failure } = await exchange(placeOf(runtime, "auth"), encode("GET"));
  assert.equal(failure, null);
  assert.equal(peer, "192.0.2.2:80");
});

test("whatever a server says is judged without an exception", () => {
  const attempt = attemptOf({
    protocol: "smtp",
    method: "plain",
    user: "john",
    password: new Secret("secret"),
    clientIp: "127.0.0.1",
    attempt: 1,
    envelope: null,
    tls: null,
    salt: "",
  }, () => new Secret(""));
  const words = [
    "HTTP/",
    "1.1",
    " ",
    ":",
    "\r",
    "\n",
    "Auth-Status",
    "OK",
    "Auth-Port",
    "1",
    "\0",
    "\xff",
    "_",
  ];
  let seed = 1;
  for (let round = 0; round < 2_000; round++) {
    let text = "";
    for (let i = 0; i < 30; i++) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      text += words[seed % words.length];
    }
    const timings = { connectMs: 0, tlsMs: null, firstByteMs: 0, totalMs: 0 };
    const heard = { peer: "x", tls: null, bytes: encode(text), timings, failure: null };
    const { decision } = judge(heard, attempt);
    assert.ok(["allowed", "denied", "wait", "broken"].includes(decision.is));
  }
});
