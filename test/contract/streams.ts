/** The contract of a byte stream: order, holding, half-close, reset, `close` once and last. */

import assert from "node:assert/strict";
import { decode } from "../../src/core/bytes.ts";
import { NetError } from "../../src/core/errors.ts";
import type { Connection } from "../../src/net/ports.ts";
import { type Bench, expectPattern, type Given, pattern, quiet, send, within } from "./harness.ts";

const MiB = 1024 * 1024;

export function streams(given: Given): void {
  delivery(given);
  halfClose(given);
  endings(given);
}

function delivery(given: Given): void {
  given.test("data goes both ways, in order", async (bench) => {
    const { client, server } = await bench.pair();
    const sizes = [1, 2, 3, 100, 1000, 1, 16_384, 16_385, 7, 65_537, 1];
    let at = 0;
    for (const size of sizes) {
      client.write(pattern(size, at));
      server.write(pattern(size, at));
      at += size;
    }
    assert.deepEqual(await server.bytes(at), pattern(at));
    assert.deepEqual(await client.bytes(at), pattern(at));
  });

  given.test("a thousand writes of one byte arrive in order", async (bench) => {
    const { client, server } = await bench.pair();
    const whole = pattern(1000);
    for (let i = 0; i < whole.length; i++) client.write(whole.subarray(i, i + 1));
    assert.deepEqual(await server.bytes(1000), whole);
  });

  given.test("an empty write sends nothing and harms nothing", async (bench) => {
    const { client, server } = await bench.pair();
    assert.equal(client.write(new Uint8Array(0)), true);
    client.write("after\n");
    assert.equal(await server.line(), "after");
  });

  given.test("bytes belong to the receiver: a later chunk does not change them", async (bench) => {
    const { client, server } = await bench.pair();
    const chunks: Uint8Array[] = [];
    server.sink = (bytes) => chunks.push(bytes);
    await send(client, 2 * MiB, 10_000);
    await server.total(2 * MiB);
    const check = expectPattern();
    for (const chunk of chunks) check(chunk);
  });

  given.test("writes before open are queued", async (bench) => {
    const listening = await bench.listen();
    const client = bench.connect(listening.at);
    client.write("early ");
    client.write("bird\n");
    const server = await listening.accepted();
    assert.equal(await server.line(), "early bird");
    await client.opened;
    assert.equal(client.events[0], "open");
  });

  given.test("end before open: what was written before it arrives, then FIN", async (bench) => {
    const listening = await bench.listen();
    const client = bench.connect(listening.at);
    client.write("all there is");
    client.end();
    const server = await listening.accepted();
    assert.equal(decode(await server.rest()), "all there is");
  });

  given.test("data that arrives before a receiver is set is held", async (bench) => {
    const { client, late } = await unattended(bench);
    client.write("held");
    client.end();
    await quiet(() => client.connection.queued);
    const server = bench.peer("server").attach(late);
    assert.equal(decode(await server.rest()), "held");
    server.write("answer\n");
    assert.equal(await client.line(), "answer");
  });

  given.test("a receiver swapped inside data gets what comes next, in order", async (bench) => {
    const { client, late } = await unattended(bench);
    const second = bench.peer("second").adopt(late);
    const first = bench.peer("first").attach(late);
    first.sink = () => void (late.receiver = second.receiver);
    client.write("one\n");
    await first.total(4);
    client.write("two\n");
    assert.equal(await second.line(), "two");
    assert.equal(first.received, 4);
  });
}

/** An established connection whose accepted side has no receiver yet. */
async function unattended(bench: Bench) {
  let arrived: (connection: Connection) => void;
  const arrival = new Promise<Connection>((resolve) => arrived = resolve);
  const at = await bench.listenRaw((connection) => arrived(connection));
  const client = bench.connect(at);
  const late = await within(arrival, "a connection");
  await client.opened;
  return { client, late };
}

function halfClose(given: Given): void {
  for (const first of ["client", "server"] as const) {
    const second = first === "client" ? "server" : "client";
    given.test(`half-close, ${first} first: the other side writes on`, async (bench) => {
      const peers = await bench.pair();
      peers[first].write("last words");
      peers[first].end();
      assert.equal(decode(await peers[second].rest()), "last words");
      assert.equal(peers[second].count("close"), 0);
      peers[second].write(pattern(100_000));
      peers[second].end();
      assert.deepEqual(await peers[first].rest(), pattern(100_000));
      assert.equal(await peers[first].closed, null);
      assert.equal(await peers[second].closed, null);
    });
  }

  given.test("FIN without data is an end, not a close", async (bench) => {
    const { client, server } = await bench.pair();
    client.end();
    await server.ended;
    await quiet(() => server.events);
    assert.deepEqual(server.events, ["end"]);
  });

  given.test("both sides end at once", async (bench) => {
    const { client, server } = await bench.pair();
    client.write("from client");
    server.write("from server");
    client.end();
    server.end();
    assert.equal(decode(await client.rest()), "from server");
    assert.equal(decode(await server.rest()), "from client");
    assert.equal(await client.closed, null);
    assert.equal(await server.closed, null);
  });

  given.test("end() after a large write delivers everything", async (bench) => {
    const { client, server } = await bench.pair();
    server.sink = expectPattern();
    client.write(pattern(8 * MiB));
    client.end();
    await server.ended;
    assert.equal(server.received, 8 * MiB);
  });

  given.test("end() after a large write waits for a reader who is slow to start", async (bench) => {
    const { client, server } = await bench.pair();
    server.sink = expectPattern();
    server.pause();
    client.write(pattern(8 * MiB));
    client.end();
    await quiet(() => client.connection.queued);
    server.resume();
    await server.ended;
    assert.equal(server.received, 8 * MiB);
  });
}

function endings(given: Given): void {
  given.test("a reset by the peer is a close with an error", async (bench) => {
    const { client, server } = await bench.pair();
    // Leaving with unread data makes the kernel send RST instead of FIN.
    server.pause();
    client.write(pattern(4 * MiB));
    await quiet(() => client.connection.queued);
    server.destroy();
    const error = await client.closed;
    assert.ok(error instanceof NetError, `closed with ${error}`);
    assert.match(error.code, /^(ECONNRESET|EPIPE)$/);
  });

  given.test("destroy() closes once and last, and the peer sees the end", async (bench) => {
    const { client, server } = await bench.pair();
    client.write("x");
    await server.bytes(1);
    server.destroy();
    await server.closed;
    await client.until("end or close", () => client.count("end") + client.count("close") > 0);
    client.end();
    await client.closed;
    await quiet(() => [client.events, server.events]);
    assert.equal(server.events.at(-1), "close");
    assert.equal(client.events.at(-1), "close");
  });

  given.test("after destroy() nothing that is called does harm", async (bench) => {
    const { client, server } = await bench.pair();
    server.write("never read");
    client.destroy();
    client.destroy();
    client.write("too late");
    client.end();
    client.connection.pause();
    client.connection.resume();
    await client.closed;
    client.write("far too late");
    client.end();
    client.destroy();
    await quiet(() => client.events);
    assert.deepEqual(client.events.filter((event) => event !== "open"), ["close"]);
  });

  given.test("destroy() inside data: no more data, then close", async (bench) => {
    const { client, server } = await bench.pair();
    server.sink = () => server.destroy();
    client.write(pattern(MiB));
    await server.closed;
    const { received } = server;
    await quiet(() => server.events);
    assert.equal(server.received, received);
    assert.deepEqual(server.events, ["data", "close"]);
  });

  given.test("destroy() drops what is queued", async (bench) => {
    const { client, server } = await bench.pair();
    server.pause();
    client.write(pattern(given.window + 8 * MiB));
    await quiet(() => client.connection.queued);
    client.destroy();
    await client.closed;
    server.resume();
    await server.until("end or close", () => server.count("end") + server.count("close") > 0);
    assert.ok(server.received < given.window + 8 * MiB);
  });
}
