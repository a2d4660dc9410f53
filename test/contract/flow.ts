/**
 * The contract of flow control, once over plain sockets and once over TLS: `write` tells when to stop,
 * `drain` when to go on, `pause` stops delivery at once and the peer before memory grows.
 */

import assert from "node:assert/strict";
import type { Peer } from "../support/peer.ts";
import { type Bench, expectPattern, type Given, pattern, pause, quiet, send } from "./harness.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

interface Way {
  readonly name: string;
  pair(bench: Bench): Promise<{ client: Peer; server: Peer }>;
}

const WAYS: readonly Way[] = [
  { name: "plain", pair: (bench) => bench.pair() },
  { name: "TLS", pair: (bench) => bench.tlsPair() },
];

export function flow(given: Given): void {
  for (const way of WAYS) {
    stalls(given, way);
    pauses(given, way);
    transfers(given, way);
  }
}

const BOTH = [["client", "server"], ["server", "client"]] as const;

function stalls(given: Given, way: Way): void {
  for (const [writer, reader] of BOTH) {
    given.test(`${way.name}: a stalled ${reader} stops the ${writer}, then drain`, async (bench) => {
      const peers = await way.pair(bench);
      peers[reader].sink = expectPattern();
      peers[reader].pause();
      const written = await writeUntilRefused(peers[writer], given.window + 8 * MiB);
      const { queued } = peers[writer].connection;
      assert.ok(queued > 0 && queued <= written, `${queued} queued of ${written} written`);
      await quiet(() => peers[writer].connection.queued);
      const drains = peers[writer].count("drain");
      const drained = peers[writer].drained;
      peers[reader].resume();
      await drained;
      assert.equal(peers[writer].count("drain"), drains + 1);
      assert.equal(peers[writer].connection.queued, 0);
      await peers[reader].total(written);
    });
  }

  given.test(`${way.name}: a little is written without being refused`, async (bench) => {
    const { client, server } = await way.pair(bench);
    assert.equal(client.write("NOOP\r\n"), true);
    assert.equal(await server.line(), "NOOP");
  });

  given.test(`${way.name}: what a stalled reader costs is bounded by the window`, async (bench) => {
    const { client, server } = await way.pair(bench);
    const size = given.window + 24 * MiB;
    server.sink = expectPattern();
    server.pause();
    // A writer who ignores `false` pays for it in its own queue; nothing else grows.
    for (let at = 0; at < size; at += 64 * KiB) client.write(pattern(64 * KiB, at));
    await quiet(() => client.connection.queued, 300);
    const taken = size - client.connection.queued;
    assert.ok(taken <= given.window, `${taken} bytes left for a reader who reads nothing`);
    assert.equal(server.received, 0);
    server.resume();
    await server.total(size);
  });
}

/** Writes until `write` gives false; fails when `most` bytes did not make it. Gives the bytes written. */
async function writeUntilRefused(peer: Peer, most: number): Promise<number> {
  for (let at = 0; at < most;) {
    const more = peer.write(pattern(64 * KiB, at));
    at += 64 * KiB;
    if (more) continue;
    // The first refusals are cleared at once by the kernel; the last one stays.
    await pause(1);
    if (peer.connection.queued > 0) await quiet(() => peer.connection.queued, 50);
    if (peer.connection.queued > 0) return at;
  }
  throw new Error(`write never refused, after ${most} bytes to a reader who reads nothing`);
}

function pauses(given: Given, way: Way): void {
  given.test(`${way.name}: no data after pause(), nothing lost after resume()`, async (bench) => {
    const { client, server } = await way.pair(bench);
    const check = expectPattern();
    // `Peer` notes any data between `pause` and `resume` as a violation.
    server.sink = (bytes) => {
      check(bytes);
      server.pause();
    };
    const sending = send(client, 3 * MiB);
    while (server.received < 3 * MiB) {
      const before = server.received;
      server.resume();
      await server.until("more data", () => server.received > before);
    }
    await sending;
  });

  given.test(`${way.name}: a long pause holds data and FIN back`, async (bench) => {
    const { client, server } = await way.pair(bench);
    server.pause();
    client.write("held back");
    client.end();
    await quiet(() => server.events);
    assert.equal(server.received, 0);
    assert.equal(server.count("end"), 0);
    server.resume();
    assert.equal(new TextDecoder().decode(await server.rest()), "held back");
  });

  given.test(`${way.name}: both have ended while one is paused: nothing is lost`, async (bench) => {
    const { client, server } = await way.pair(bench);
    server.pause();
    server.end();
    await client.ended;
    client.write(pattern(100_000));
    client.end();
    await quiet(() => [server.events, client.events]);
    assert.equal(server.received, 0);
    server.resume();
    assert.deepEqual(await server.rest(), pattern(100_000));
    assert.equal(await server.closed, null);
    assert.equal(await client.closed, null);
  });

  given.test(`${way.name}: pause and resume in one breath change nothing`, async (bench) => {
    const { client, server } = await way.pair(bench);
    for (let i = 0; i < 20; i++) {
      server.pause();
      server.resume();
      client.write(pattern(1000, 1000 * i));
    }
    assert.deepEqual(await server.bytes(20_000), pattern(20_000));
  });

  given.test(`${way.name}: a paused side can still write`, async (bench) => {
    const { client, server } = await way.pair(bench);
    server.pause();
    client.write("unread");
    server.write("written\n");
    assert.equal(await client.line(), "written");
    server.resume();
    assert.equal(await server.text(6), "unread");
  });
}

function transfers(given: Given, way: Way): void {
  given.test(`${way.name}: a big transfer each way at once`, async (bench) => {
    const { client, server } = await way.pair(bench);
    const size = 8 * MiB;
    client.sink = expectPattern();
    server.sink = expectPattern();
    await Promise.all([
      send(client, size, 100_000).then(() => client.end()),
      send(server, size, 3_000).then(() => server.end()),
      client.ended,
      server.ended,
    ]);
    assert.equal(client.received, size);
    assert.equal(server.received, size);
    assert.equal(await client.closed, null);
    assert.equal(await server.closed, null);
  });

  given.test(`${way.name}: half-close, the answer is larger than the question`, async (bench) => {
    const { client, server } = await way.pair(bench);
    client.sink = expectPattern();
    client.write("question");
    client.end();
    assert.equal(new TextDecoder().decode(await server.rest()), "question");
    await send(server, 2 * MiB);
    server.end();
    await client.ended;
    assert.equal(client.received, 2 * MiB);
    assert.equal(await client.closed, null);
    assert.equal(await server.closed, null);
  });

  given.test(`${way.name}: a relay with backpressure loses nothing`, async (bench) => {
    const left = await way.pair(bench);
    const right = await way.pair(bench);
    pump(left.server, right.client);
    right.server.sink = expectPattern();
    right.server.pause();
    const sending = send(left.client, given.window * 2 + 4 * MiB).then(() => left.client.end());
    await quiet(() => [left.client.connection.queued, right.client.connection.queued]);
    // Nobody in the middle keeps more than what `write` refused plus one chunk of reading.
    assert.ok(
      right.client.connection.queued <= 2 * MiB,
      `${right.client.connection.queued} queued`,
    );
    right.server.resume();
    await sending;
    await right.server.ended;
    assert.equal(right.server.received, given.window * 2 + 4 * MiB);
  });
}

/** What the proxy does with a joined pair, one direction. */
function pump(from: Peer, to: Peer): void {
  from.sink = (bytes) => {
    if (to.write(bytes)) return;
    from.pause();
    to.drained.then(() => from.resume(), () => {});
  };
  from.ended.then(() => to.end(), () => {});
}
