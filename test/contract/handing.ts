/**
 * The contract of sockets that are bound for other processes, and of the limit of open files: what the
 * master of several workers stands on. Under a runtime without "spawn" there is nothing to hold it to.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { NetError } from "../../src/core/errors.ts";
import { type Endpoint, ip, unix } from "../../src/net/address.ts";
import type { BoundSocket, Connection, ListenOptions } from "../../src/net/ports.ts";
import type { Bench, Given } from "./harness.ts";

export function handing(given: Given): void {
  binding(given);
  spreading(given);
  openFiles(given);
}

/** Binds, and closes when the work is done. */
async function bound(
  { runtime }: Bench,
  work: (socket: BoundSocket) => Promise<void> | void,
  at: Endpoint = ip("127.0.0.1", 0),
): Promise<void> {
  if (!runtime.bind) return assert.notEqual(runtime.supports("spawn"), true);
  const socket = runtime.bind(at, {})!;
  try {
    await work(socket);
  } finally {
    socket.close();
  }
}

function binding(given: Given): void {
  given.test("bind: a port of the system's choice is named", (bench) =>
    bound(bench, ({ at, descriptor }) => {
      assert.ok(at.is === "ip" && at.port > 0 && descriptor > 2);
    }));

  given.test("bind: an address that is listened on is refused", async (bench) => {
    if (!bench.runtime.bind) return;
    const { at } = await bench.listen();
    assert.throws(() => bench.runtime.bind!(at, {}), (error) => {
      assert.ok(error instanceof NetError);
      assert.match(error.message, /^Cannot bind 127\.0\.0\.1:\d+: address in use$/);
      return error.code === "EADDRINUSE";
    });
  });

  given.test("bind: an address that is nobody's here is refused", (bench) => {
    if (!bench.runtime.bind) return Promise.resolve();
    assert.throws(
      () => bench.runtime.bind!(ip("203.0.113.1", 0), {}),
      (error) => error instanceof NetError && error.code === "EADDRNOTAVAIL",
    );
    return Promise.resolve();
  });

  given.test("bind: a unix socket is everybody's, and gone with its master", async (bench) => {
    const path = bench.socketPath();
    const mode = () => bench.runtime.files.stat(path).mode & 0o777;
    await bound(bench, () => assert.equal(mode(), 0o666), unix(path));
    assert.equal(existsSync(path), false);
  });
}

/** Two sockets of one address, if the runtime can have them. */
async function spread(
  bench: Bench,
  work: (first: BoundSocket, second: BoundSocket) => Promise<void>,
): Promise<void> {
  await bound(bench, async (first) => {
    const second = bench.runtime.bind!(first.at, {}, first);
    if (!second) return;
    try {
      await work(first, second);
    } finally {
      second.close();
    }
  });
}

const on = ({ descriptor }: BoundSocket): ListenOptions => ({ descriptor, keepDescriptor: true });

function spreading(given: Given): void {
  given.test("bind beside: what is bound twice is still in use for everybody else", (bench) =>
    spread(bench, (first, second) => {
      assert.deepEqual(second.at, first.at);
      assert.throws(() => bench.runtime.bind!(first.at, {}), /address in use/);
      return Promise.resolve();
    }));

  given.test("bind beside: the system gives both sockets their share", (bench) =>
    spread(bench, async (first, second) => {
      let [here, there] = [0, 0];
      const greeting = new Uint8Array([0x2b]);
      const greets = (count: () => void) => (connection: Connection) => {
        count();
        connection.receiver = { data() {}, drain() {}, end() {}, close() {} };
        connection.write(greeting);
        connection.end();
      };
      const { runtime } = bench;
      const listeners = [
        await runtime.listen(first.at, on(first), greets(() => here++)),
        await runtime.listen(first.at, on(second), greets(() => there++)),
      ];
      const peers = Array.from({ length: 200 }, () => bench.connect(first.at));
      await Promise.all(peers.map((peer) => peer.total(1)));
      await Promise.all(listeners.map((listener) => listener.close()));
      assert.equal(here + there, 200);
      assert.ok(Math.min(here, there) > 50, `${here} and ${there}`);
    }));

  given.test("bind beside: a socket that nobody listens on yet gets nothing", (bench) =>
    spread(bench, async (first) => {
      const listening = await bench.listen(first.at, on(first));
      for (let i = 0; i < 20; i++) await bench.join(listening);
    }));

  given.test("a descriptor that is kept can be listened on again; who waits is served", (bench) =>
    spread(bench, async (first) => {
      const before = await bench.listen(first.at, on(first));
      await before.listener.close();
      const client = bench.connect(first.at);
      await client.opened;
      const after = await bench.listen(first.at, on(first));
      const server = await after.accepted();
      server.write("hello\n");
      assert.equal(await client.line(), "hello");
    }));
}

function openFiles(given: Given): void {
  given.test("the limit of open files can be set, or a sentence says why not", ({ runtime }) => {
    const { host } = runtime;
    const able = runtime.supports("set-open-files") === true;
    assert.equal(host.setOpenFiles !== undefined, able);
    const before = host.openFiles();
    if (!able || before === null) return Promise.resolve();
    host.setOpenFiles!(before - 1);
    assert.equal(host.openFiles(), before - 1);
    host.setOpenFiles!(before);
    return Promise.resolve();
  });
}
