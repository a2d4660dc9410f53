/** What the Bun adapter does by system calls of its own. Its contract is in test/contract. */

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { ip } from "../../../src/net/address.ts";
import { quiet } from "../../contract/harness.ts";
import { runningUnder } from "../../contract/setup.ts";
import { Peer } from "../../support/peer.ts";

const skip = runningUnder() !== "bun" && "this is not Bun";

const descriptors = () => readdirSync("/proc/self/fd").length;

describe("Bun, on Linux", { skip }, () => {
  it("a connect to a host that does not answer is given up with its descriptor", async () => {
    const { runtime } = await import("../../../src/runtime/bun/mod.ts");
    const { bindListener, boundAddress, closeDescriptor, libc } = await import(
      "../../../src/runtime/bun/libc.ts"
    );
    const c = libc();
    assert.ok(c);
    // Nobody accepts, and no queue: the kernel drops further SYNs, as a dead host would.
    const fd = bindListener(c, ip("127.0.0.1", 0), {});
    c.listen(fd, 0);
    const at = boundAddress(c, fd);
    assert.ok(at);
    const before = descriptors();
    const peers = Array.from({ length: 4 }, (_, i) => {
      const peer = new Peer(`client ${i}`);
      return peer.adopt(runtime.connect(at, {}, peer.receiver));
    });
    await quiet(() => peers.map((peer) => peer.events));
    const silent = peers.filter((peer) => peer.events.length === 0);
    assert.ok(silent.length > 0, "every connect was answered");
    assert.equal(descriptors(), before + peers.length);
    for (const peer of peers) peer.destroy();
    assert.deepEqual(await Promise.all(silent.map((peer) => peer.closed)), silent.map(() => null));
    assert.deepEqual(silent.flatMap((peer) => peer.events), silent.map(() => "close"));
    assert.equal(descriptors(), before);
    closeDescriptor(c, fd);
  });

  it("a descriptor that listens already is taken over, and can be handed on", async () => {
    const { runtime } = await import("../../../src/runtime/bun/mod.ts");
    const { bindListener, libc } = await import("../../../src/runtime/bun/libc.ts");
    const c = libc();
    assert.ok(c);
    const descriptor = bindListener(c, ip("127.0.0.1", 0), {});
    const server = new Peer("server");
    const listener = await runtime.listen(ip("0.0.0.0", 0), { descriptor }, (connection) => {
      server.attach(connection);
    });
    assert.equal(listener.descriptor, descriptor);
    assert.equal(listener.at.is === "ip" && listener.at.address, "127.0.0.1");
    const client = new Peer("client");
    client.adopt(runtime.connect(listener.at, {}, client.receiver));
    client.write("hello\n");
    await client.opened;
    await server.until("an accepted connection", () => server.connected);
    assert.equal(await server.line(), "hello");
    assert.deepEqual(server.connection.local, listener.at);
    client.destroy();
    server.destroy();
    await Promise.all([client.closed, server.closed]);
    await listener.close();
    assert.equal(listener.descriptor, undefined);
  });

  it("a listener put aside keeps its clients waiting and serves them later", async () => {
    const { runtime } = await import("../../../src/runtime/bun/mod.ts");
    const { libc } = await import("../../../src/runtime/bun/libc.ts");
    const { BunListener } = await import("../../../src/runtime/bun/listen.ts");
    const c = libc();
    assert.ok(c);
    const server = new Peer("server");
    const listener = await runtime.listen(ip("127.0.0.1", 0), {}, (connection) => {
      server.attach(connection);
    });
    assert.ok(listener instanceof BunListener);
    listener.suspend(c);
    assert.ok(listener.descriptor !== undefined);
    const client = new Peer("client");
    client.adopt(runtime.connect(listener.at, {}, client.receiver));
    client.write("patience\n");
    // The kernel's backlog answers, nobody accepts.
    await client.opened;
    await quiet(() => server.connected);
    assert.equal(server.connected, false);
    listener.resume(c);
    await quiet(() => server.connected);
    assert.equal(await server.line(), "patience");
    client.destroy();
    server.destroy();
    await Promise.all([client.closed, server.closed]);
    listener.suspend(c);
    await listener.close();
    const late = new Peer("late");
    late.adopt(runtime.connect(listener.at, {}, late.receiver));
    assert.equal((await late.closed)?.code, "ECONNREFUSED");
  });

  it("an endless name is refused by its length", async () => {
    const { runtime } = await import("../../../src/runtime/bun/mod.ts");
    await assert.rejects(
      runtime.listen({ is: "unix", path: `/tmp/${"x".repeat(200)}` }, {}, () => {}),
      { code: "ENAMETOOLONG" },
    );
  });
});

describe("the queue of output", { skip }, () => {
  it("keeps order over short writes, and knows its size", async () => {
    const { Outbox } = await import("../../../src/runtime/bun/outbox.ts");
    const outbox = new Outbox();
    outbox.add(Uint8Array.of(1, 2, 3), 1);
    outbox.add(Uint8Array.of(4));
    outbox.add(Uint8Array.of(5, 6));
    const sent: number[] = [];
    const takes = [1, 0, 9, 9, 1, 9];
    const socket = {
      write(bytes: Uint8Array): number {
        const taken = bytes.subarray(0, takes.shift());
        sent.push(...taken);
        return taken.length;
      },
    };
    const seen: [done: boolean, size: number][] = [];
    while (takes.length > 0) seen.push([outbox.flush(socket), outbox.size]);
    assert.deepEqual(sent, [2, 3, 4, 5, 6]);
    assert.deepEqual(seen, [[false, 4], [false, 4], [false, 1], [true, 0]]);
  });

  it("gives up when the socket is gone", async () => {
    const { Outbox } = await import("../../../src/runtime/bun/outbox.ts");
    const outbox = new Outbox();
    outbox.add(Uint8Array.of(1));
    assert.equal(outbox.flush({ write: () => -1 }), false);
  });
});
