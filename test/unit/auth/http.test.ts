/** Asking an auth server: good ones, bad ones and slow ones. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { AUTH_RESPONSE } from "../../../src/core/limits.ts";
import { Secret } from "../../../src/core/secret.ts";
import { PASSWORD, settings } from "./attempts.ts";
import { ALLOW, ANSWER_10, pending, type ServerEnd, VERDICT, type World, world } from "./fake.ts";

const PEER = "auth http server 127.0.0.1:9000";
const DOING = " while in http auth state";

describe("one question", () => {
  test("goes out on its own connection, which is closed as soon as the head is read", async () => {
    const it = world();
    const verdict = it.ask();
    it.last().accept().say(ANSWER_10.slice(0, 20));
    assert.ok(await pending(verdict));
    it.last().say(ANSWER_10.slice(20));
    assert.deepEqual(await verdict, ALLOW);
    assert.ok(
      it.last().received.startsWith("GET /auth HTTP/1.0\r\nHost: 127.0.0.1\r\nAuth-Method: plain"),
    );
    assert.ok(it.last().destroyed);
    assert.equal(it.wheel.size, 0);
    assert.deepEqual(it.log(), []);
  });

  test("the next one has another connection", async () => {
    const it = world();
    for (let i = 0; i < 2; i++) {
      const verdict = it.ask();
      it.last().accept().say(ANSWER_10);
      await verdict;
    }
    assert.equal(it.servers.length, 2);
    assert.deepEqual(it.last().asked, ["GET /auth HTTP/1.0"]);
  });

  test("over a unix socket", async () => {
    const at = { is: "unix", path: "/run/auth.sock" } as const;
    const it = world({ auth_http: { ...settings().auth_http, at, host: "localhost" } });
    const verdict = it.ask();
    it.last().accept().say(ANSWER_10);
    assert.deepEqual(await verdict, ALLOW);
    assert.equal(it.last().to, "unix:/run/auth.sock");
    assert.match(it.last().received, /\r\nHost: localhost\r\n/);
  });

  test("byte by byte, with the server's close behind it", async () => {
    const it = world();
    const verdict = it.ask();
    it.last().accept();
    for (const byte of ANSWER_10) it.last().say(byte);
    it.last().end();
    assert.deepEqual(await verdict, ALLOW);
  });

  test("WAIT, and the same question again with its digest", async () => {
    const it = world();
    const digest = { method: "cram-md5", salt: "<1.2@x>", password: new Secret("00ff") } as const;
    const first = it.ask(digest);
    it.last().accept().say("Auth-Status: WAIT\r\n\r\n");
    assert.deepEqual(await first, { is: "retry", waitMs: 1000 });
    it.ask(digest);
    assert.equal(it.servers[1].received, it.servers[0].received);
  });

  test("an https URL is refused: nothing is sent in clear", () => {
    assert.throws(
      () => world({ auth_http: { ...settings().auth_http, tls: true } }),
      /Cannot ask "http:\/\/127\.0\.0\.1:9000\/auth": auth_http over TLS is not available/,
    );
  });
});

describe("a server that", () => {
  const cases: [string, (server: ServerEnd, it: World) => void, string][] = [
    [
      "is down",
      (server) => server.fail("ECONNREFUSED"),
      `error: recv() failed (111: Connection refused)${DOING}`,
    ],
    [
      "is on a network that is not there",
      (server) => server.fail("EADDRNOTAVAIL"),
      `crit: connect() to 127.0.0.1:9000 failed (99: Cannot assign requested address)${DOING}`,
    ],
    [
      "hangs at connect",
      (_, it) => it.advance(60_050),
      `error: ${PEER} timed out (110: Connection timed out)${DOING}`,
    ],
    [
      "hangs before headers",
      (server, it) => (server.accept(), it.advance(60_050)),
      `error: ${PEER} timed out (110: Connection timed out)${DOING}`,
    ],
    [
      "hangs before the blank line",
      (server, it) => (server.accept().say(ANSWER_10.slice(0, -2)), it.advance(60_050)),
      `error: ${PEER} timed out (110: Connection timed out)${DOING}`,
    ],
    [
      "closes at once",
      (server) => server.accept().end(),
      `error: ${PEER} closed the connection before the end of its answer${DOING}`,
    ],
    [
      "closes early",
      (server) => server.accept().say(ANSWER_10.slice(0, -2)).end(),
      `error: ${PEER} closed the connection before the end of its answer${DOING}`,
    ],
    [
      "resets the connection",
      (server) => server.accept().say("HTTP/1.0").fail("ECONNRESET"),
      `error: recv() failed (104: Connection reset by peer)${DOING}`,
    ],
    [
      "sends garbage",
      (server) => server.accept().say("\x00\xff\x16\x03\n"),
      `error: ${PEER} sent invalid header in response${DOING}`,
    ],
    [
      "sends CR without LF in the status line",
      (server) => server.accept().say("HTTP/1.0 200\rOK\n\n"),
      `error: ${PEER} sent invalid response${DOING}`,
    ],
    [
      "sends oversized headers",
      (server) => server.accept().say(`X: ${"x".repeat(AUTH_RESPONSE)}`),
      `error: ${PEER} sent too long response: no empty line within ${AUTH_RESPONSE} bytes${DOING}`,
    ],
    [
      "sends an underscore in a header name",
      (server) => server.accept().say("Auth_Status: OK\r\n\r\n"),
      `error: ${PEER} sent invalid header in response${DOING}`,
    ],
    [
      "sends a folded header",
      (server) => server.accept().say("Auth-Status: OK\r\n more\r\n\r\n"),
      `error: ${PEER} sent invalid header in response${DOING}`,
    ],
    [
      "sends no Auth-Status",
      (server) =>
        server.accept().say("HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n<html>"),
      `error: ${PEER} did not send Auth-Status${DOING}`,
    ],
    [
      "sends an empty Auth-Status",
      (server) =>
        server.accept().say("Auth-Status:\r\nAuth-Server: 10.0.0.5\r\nAuth-Port: 25\r\n\r\n"),
      `error: ${PEER} sent empty Auth-Status${DOING}`,
    ],
    [
      "sends no server",
      (server) => server.accept().say("Auth-Status: OK\r\n\r\n"),
      `error: ${PEER} did not send server or port${DOING}`,
    ],
    [
      "sends a host name",
      (server) => server.accept().say(ANSWER_10.replace("10.0.0.5", "localhost")),
      `error: ${PEER} sent invalid server address:"localhost"${DOING}`,
    ],
    [
      "sends port 0",
      (server) => server.accept().say(ANSWER_10.replace("143", "0")),
      `error: ${PEER} sent invalid server port:"0"${DOING}`,
    ],
  ];
  for (const [name, play, line] of cases) {
    test(`${name}: ${line}`, async () => {
      const it = world();
      const verdict = it.ask();
      play(it.last(), it);
      const got = await verdict;
      assert.equal(got.is, "broken");
      assert.deepEqual(it.log(), [line]);
      assert.ok(it.last().destroyed, "the connection is closed");
      assert.equal(it.servers.length, 1, "nothing is asked again");
      assert.equal(it.wheel.size, 0, "no deadline is left");
    });
  }

  test("is a unix socket that is not there: crit, as in nginx", async () => {
    const at = { is: "unix", path: "/run/auth.sock" } as const;
    const it = world({ auth_http: { ...settings().auth_http, at } });
    const verdict = it.ask();
    it.last().fail("ENOENT");
    assert.equal((await verdict).is, "broken");
    assert.deepEqual(it.log(), [
      `crit: connect() to unix:/run/auth.sock failed (2: No such file or directory)${DOING}`,
    ]);
  });

  test("refuses while connect() still runs", async () => {
    const it = world();
    it.arrange = (server) => server.fail("ECONNREFUSED");
    assert.equal((await it.ask()).is, "broken");
    assert.ok(it.last().destroyed);
    assert.equal(it.last().received, "", "no password is written to a dead connection");
  });

  test("denies is no error, and the log is the session's business", async () => {
    const it = world();
    const verdict = it.ask();
    it.last().accept().say("HTTP/1.1 403 No\r\nAuth-Status: no\r\nAuth-Wait: 3\r\n\r\n");
    assert.deepEqual(await verdict, { is: "deny", text: "no", code: null, waitMs: 3000 });
    assert.deepEqual(it.log(), []);
  });
});

describe("auth_http_timeout", () => {
  test("counts once until the request has left and once for the answer", async () => {
    const it = world({ auth_http_timeout: 5000 });
    it.arrange = (server) => server.stuck = true;
    const verdict = it.ask();
    it.advance(3000);
    it.last().accept();
    it.advance(1900);
    assert.ok(await pending(verdict));
    it.last().receiver.drain();
    it.advance(4900);
    assert.ok(await pending(verdict));
    it.advance(200);
    assert.match((await verdict as { why: string }).why, /timed out/);
  });

  test("is not extended by a server that trickles", async () => {
    const it = world({ auth_http_timeout: 5000 });
    const verdict = it.ask();
    it.last().accept();
    for (let i = 0; i < 6; i++) {
      it.last().say("X: y\r\n");
      it.advance(1000);
    }
    assert.match((await verdict as { why: string }).why, /timed out/);
  });

  test("is not renewed by a connection that accepts but takes no bytes", async () => {
    const it = world({ auth_http_timeout: 5000 });
    it.arrange = (server) => server.stuck = true;
    const verdict = it.ask();
    it.advance(3000);
    it.last().accept();
    it.advance(2100);
    assert.match((await verdict as { why: string }).why, /timed out/);
  });
});

describe("what is logged", () => {
  test("never holds a password, a digest or a configured secret, not even at debug level", async () => {
    const hush = `Auth-Pass: ${PASSWORD}\r\n`;
    const bad = [
      ANSWER_10,
      ANSWER_10.replace("\r\n\r\n", `\r\n${hush}\r\n`),
      `Auth-Status: no\r\n${hush}\r\n`,
      `Auth-Status: WAIT\r\n${hush}\r\n`,
      `${hush}\r\n`,
      `${VERDICT.replace("143", "0")}${hush}\r\n`,
      `${VERDICT.replace("10.0.0.5", "x")}${hush}\r\n`,
      `${hush} ${PASSWORD}\r\n\r\n`,
      `Auth-Pass_: ${PASSWORD}\r\n\r\n`,
      `Auth-Pass: ${PASSWORD}`,
    ];
    for (const method of ["plain", "apop", "cram-md5", "external", "none"] as const) {
      const it = world({ auth_http_header: [["X-Key", PASSWORD]] }, "auto", true);
      for (const answer of bad) {
        const verdict = it.ask({ method, salt: "<1.2@x>" });
        if (!it.last().destroyed) it.last().accept().say(answer).end();
        assert.doesNotMatch(inspect(await verdict) + JSON.stringify(await verdict), /Tr0ub4dor/);
      }
      assert.ok(it.events.length > bad.length);
      assert.doesNotMatch(JSON.stringify(it.events), /Tr0ub4dor/);
      assert.doesNotMatch(inspect(it.auth, { depth: 9 }), /Tr0ub4dor/);
    }
  });

  test("at debug level: the question without its secrets, and the decision", async () => {
    const it = world({}, "auto", true);
    const verdict = it.ask();
    it.last().accept().say(ANSWER_10);
    await verdict;
    assert.deepEqual(it.log(), [
      `debug: ${PEER} asked: GET /auth HTTP/1.0; Host: 127.0.0.1; Auth-Method: plain; ` +
      `Auth-User: alice; Auth-Pass: ****; Auth-Protocol: imap; Auth-Login-Attempt: 1; ` +
      `Client-IP: 192.0.2.7${DOING}`,
      `debug: ${PEER} decided: allow, 10.0.0.5:143${DOING}`,
    ]);
  });
});
