/**
 * The contract of `startTls`: one upgrade for implicit TLS, STARTTLS and TLS behind a PROXY header,
 * with the bytes before, during and after it. RFC 8446, RFC 5246.
 */

import assert from "node:assert/strict";
import { concat, decode, encode } from "../../src/core/bytes.ts";
import { NetError } from "../../src/core/errors.ts";
import type { TlsContext, TlsInfo } from "../../src/net/ports.ts";
import type { Peer } from "../support/peer.ts";
import { type Bench, contexts, type Given, quiet, within } from "./harness.ts";

export function tls(given: Given): void {
  upgrades(given);
  pendingBytes(given);
}

function upgrades(given: Given): void {
  given.test("TLS from byte zero: both ways, and tls says so", async (bench) => {
    const { client, server, clientTls, serverTls } = await bench.tlsPair();
    client.write("a NOOP\r\n");
    assert.equal(await server.line(), "a NOOP");
    server.write("a OK\r\n");
    assert.equal(await client.line(), "a OK");
    assert.equal(client.connection.tls, clientTls);
    assert.equal(server.connection.tls, serverTls);
  });

  given.test("a plain connection has no tls", async (bench) => {
    const { client, server } = await bench.pair();
    assert.equal(client.connection.tls, null);
    assert.equal(server.connection.tls, null);
  });

  given.test("the server may speak first, at once", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    const greeting = server.startTls(context.server).then(() => server.write("* OK ready\r\n"));
    await client.startTls(context.client, { serverName: "localhost" });
    await greeting;
    assert.equal(await client.line(), "* OK ready");
    assert.deepEqual(client.events.filter((event) => event !== "drain"), [
      "open",
      "secured",
      "data",
    ]);
  });

  given.test("the client may speak first, at once", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    const upgraded = server.startTls(context.server);
    await client.startTls(context.client, { serverName: "localhost" });
    client.write("hello\r\n");
    assert.equal(await server.line(), "hello");
    await upgraded;
    assert.deepEqual(server.events.filter((event) => event !== "drain"), ["secured", "data"]);
  });

  given.test("what is written during the handshake leaves after it, encrypted", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    const upgrades = [
      server.startTls(context.server),
      client.startTls(context.client, { serverName: "localhost" }),
    ];
    // Right behind the last message of the handshake, often in one segment with it.
    client.write("early\n");
    server.write("greeting\n");
    await Promise.all(upgrades);
    assert.equal(await server.line(), "early");
    assert.equal(await client.line(), "greeting");
  });

  given.test("end() during the handshake: FIN comes after it", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    const upgrades = [
      server.startTls(context.server),
      client.startTls(context.client, { serverName: "localhost" }),
    ];
    client.write("only this");
    client.end();
    await Promise.all(upgrades);
    assert.equal(decode(await server.rest()), "only this");
    server.end();
    assert.equal(await client.closed, null);
  });

  given.test("STARTTLS: plaintext both ways, then TLS on both sides", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    server.write("* OK ready\r\n");
    assert.equal(await client.line(), "* OK ready");
    client.write("a STARTTLS\r\n");
    assert.equal(await server.line(), "a STARTTLS");
    // Written just before: it must leave in the clear and ahead of the handshake.
    server.write("a OK begin\r\n");
    const upgraded = server.startTls(context.server);
    assert.equal(await client.line(), "a OK begin");
    await client.startTls(context.client, { serverName: "localhost" });
    await upgraded;
    client.write("b NOOP\r\n");
    assert.equal(await server.line(), "b NOOP");
    assert.equal(server.received, "a STARTTLS\r\nb NOOP\r\n".length);
  });

  given.test("a client's plaintext just before startTls is flushed first", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    client.write("PROXY UNKNOWN\r\n");
    const upgraded = client.startTls(context.client, { serverName: "localhost" });
    // Header and ClientHello may come in one piece: what lies behind the header is pending.
    const first = await firstBytes(server, "PROXY UNKNOWN\r\n".length);
    assert.equal(decode(first, 0, 15), "PROXY UNKNOWN\r\n");
    await server.startTls(context.server, { pending: first.subarray(15) });
    await upgraded;
    client.write("behind\n");
    assert.equal(await server.line(), "behind");
  });

  given.test("much plaintext queued before startTls is flushed first", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    const size = given.window + 1024 * 1024;
    server.pause();
    client.write(new Uint8Array(size).fill(0x2e));
    const upgraded = client.startTls(context.client, { serverName: "localhost" });
    let plain = 0;
    let pending = new Uint8Array(0);
    server.sink = (bytes) => {
      const mine = Math.min(bytes.length, size - plain);
      assert.ok(bytes.subarray(0, mine).every((byte) => byte === 0x2e));
      plain += mine;
      pending = Uint8Array.from(concat([pending, bytes.subarray(mine)]));
    };
    server.resume();
    await server.total(size);
    server.sink = null;
    await server.startTls(context.server, { pending });
    await upgraded;
    client.write("behind\n");
    assert.equal(await server.line(), "behind");
  });

  given.test("ciphertext never reaches a receiver", async (bench) => {
    const { client, server } = await bench.tlsPair();
    for (let i = 0; i < 50; i++) {
      client.write(`line ${i}\n`);
      assert.equal(await server.line(), `line ${i}`);
      server.write(`reply ${i}\n`);
      assert.equal(await client.line(), `reply ${i}`);
    }
    client.end();
    assert.equal((await server.rest()).length, 0);
    server.end();
    assert.equal((await client.rest()).length, 0);
  });

  for (const first of ["client", "server"] as const) {
    const second = first === "client" ? "server" : "client";
    given.test(`half-close over TLS, ${first} first`, async (bench) => {
      const peers = await bench.tlsPair();
      peers[first].write("last words");
      peers[first].end();
      assert.equal(decode(await peers[second].rest()), "last words");
      assert.equal(peers[second].count("close"), 0);
      peers[second].write("answer");
      peers[second].end();
      assert.equal(decode(await peers[first].rest()), "answer");
      assert.equal(await peers[first].closed, null);
      assert.equal(await peers[second].closed, null);
    });
  }

  given.test("destroy() over TLS closes once; the peer sees an end or a reset", async (bench) => {
    const { client, server } = await bench.tlsPair();
    server.destroy();
    await server.closed;
    await client.until("end or close", () => client.count("end") + client.count("close") > 0);
    client.destroy();
    await client.closed;
    await quiet(() => [client.events, server.events]);
    assert.equal(server.events.at(-1), "close");
  });
}

/** What has been read so far, at least `n` bytes. */
async function firstBytes(peer: Peer, n: number): Promise<Uint8Array> {
  await peer.total(n);
  return await peer.bytes(peer.received);
}

function pendingBytes(given: Given): void {
  given.test("PROXY header and ClientHello in one segment", async (bench) => {
    const header = "PROXY TCP4 192.0.2.1 192.0.2.2 1000 143\r\n";
    const wire = await interpose(bench);
    const hello = await clientHello(wire.near);
    wire.far.write(concat([encode(header), hello]));
    const first = await firstBytes(wire.server, header.length + hello.length);
    await finish(wire, first.subarray(header.length));
  });

  const places = [
    "one byte",
    "within the record header",
    "the record header",
    "half",
    "all but one",
  ];
  for (const place of [...places, "all", "nothing"]) {
    given.test(`pending holds of the ClientHello: ${place}`, async (bench) => {
      const wire = await interpose(bench);
      const hello = await clientHello(wire.near);
      const n = hello.length;
      const known = [1, 3, 5, n >> 1, n - 1, n, 0][[...places, "all", "nothing"].indexOf(place)];
      wire.far.write(hello.subarray(0, known));
      const pending = await wire.server.bytes(known);
      const done = finish(wire, pending);
      wire.far.write(hello.subarray(known));
      await done;
    });
  }

  given.test("pending split at every byte of the ClientHello", async (bench) => {
    const wire = await interpose(bench);
    const hello = await clientHello(wire.near);
    wire.client.destroy();
    await assert.rejects(wire.upgraded);
    const listening = await bench.listen();
    const { server } = await contexts(bench);
    for (let at = 0; at <= hello.length; at++) {
      // Only a whole and unharmed ClientHello makes the server answer with its own flight.
      const client = bench.connect(listening.at);
      const accepted = await listening.accepted();
      client.write(hello.subarray(0, at));
      const pending = await accepted.bytes(at);
      const failed = assert.rejects(accepted.startTls(server, { pending }), NetError);
      client.write(hello.subarray(at));
      const answer = await client.bytes(6);
      assert.deepEqual([answer[0], answer[5]], [22, 2], `no ServerHello for a split at ${at}`);
      client.destroy();
      await failed;
      await accepted.closed;
    }
  });
}

interface Wire {
  readonly client: Peer;
  readonly near: Peer;
  readonly far: Peer;
  readonly server: Peer;
  readonly upgraded: Promise<TlsInfo>;
  readonly context: TlsContext;
}

/** A client that starts TLS, and a middle that can hold its bytes: client - near | far - server. */
async function interpose(bench: Bench): Promise<Wire> {
  const { client, server: near } = await bench.pair();
  const { client: far, server } = await bench.pair();
  const context = await contexts(bench);
  const upgraded = client.startTls(context.client, { serverName: "localhost" });
  upgraded.catch(() => {});
  return { client, near, far, server, upgraded, context: context.server };
}

/** The client's first record, whole. */
async function clientHello(near: Peer): Promise<Uint8Array> {
  const header = await near.bytes(5);
  assert.equal(header[0], 22, "a handshake record");
  return concat([header, await near.bytes((header[3] << 8) | header[4])]);
}

/** Upgrades the server with `pending`, lets the rest pass, and talks over the result. */
async function finish(wire: Wire, pending: Uint8Array): Promise<void> {
  const upgraded = wire.server.startTls(wire.context, { pending });
  wire.far.sink = (bytes) => void wire.near.write(bytes);
  wire.near.sink = (bytes) => void wire.far.write(bytes);
  await within(Promise.all([upgraded, wire.upgraded]), "both ends to be secured");
  wire.client.write("through\n");
  assert.equal(await wire.server.line(), "through");
  wire.server.write("and back\n");
  assert.equal(await wire.client.line(), "and back");
}
