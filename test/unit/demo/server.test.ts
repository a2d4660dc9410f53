/** The pump under the demo backends: backpressure, silence, caps and faults. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DEMO_CONNECTIONS, LINGER_MS } from "../../../src/core/limits.ts";
import type { Log, LogEvent } from "../../../src/core/log.ts";
import type { Input } from "../../../src/demo/input.ts";
import { type Conversation, type Outlet, serve } from "../../../src/demo/server.ts";
import { createMemoryRuntime, ONE_BYTE } from "../../../src/runtime/memory.ts";
import { Peer } from "./peer.ts";

const PIECE = new Uint8Array(10_000);

/** Repeats lines in brackets; `more N` gives N pieces, `bye` ends, `fault` throws. */
class Echo implements Conversation {
  readonly patience = 60_000;
  readonly outlet: Outlet;
  steps = 0;
  closed = 0;
  pieces = 0;

  constructor(outlet: Outlet) {
    this.outlet = outlet;
  }

  greet(): void {
    this.outlet.send("hello\n");
  }

  close(): void {
    this.closed++;
  }

  step(input: Input): boolean {
    this.steps++;
    if (this.pieces > 0) {
      this.pieces--;
      this.outlet.send(PIECE);
      return true;
    }
    const line = input.line(100);
    if (typeof line !== "string") return false;
    if (line.startsWith("more ")) this.pieces = Number(line.slice(5));
    else if (line === "bye") this.outlet.finish();
    else if (line === "fault") throw new Error("broken on purpose");
    else this.outlet.send(`[${line}]`);
    return true;
  }
}

async function start(options: Parameters<typeof createMemoryRuntime>[0] = {}, log?: Log) {
  const runtime = createMemoryRuntime(options);
  const echoes: Echo[] = [];
  const backend = await serve(runtime, (outlet) => {
    const echo = new Echo(outlet);
    echoes.push(echo);
    return echo;
  }, log);
  return { runtime, backend, echoes, peer: () => new Peer(runtime, backend.at) };
}

describe("a connection", () => {
  test("is greeted and answered, however its bytes come", async () => {
    const { peer } = await start({ chunking: ONE_BYTE });
    const client = peer();
    assert.equal(await client.say("one\ntwo\n"), "hello\n[one][two]");
  });

  test("is answered to its end when the client has sent all", async () => {
    const { peer, echoes } = await start();
    const client = peer();
    client.connection.write(new TextEncoder().encode("one\n"));
    client.connection.end();
    assert.equal(await client.say(), "hello\n[one]");
    assert.ok(client.ended && client.closed);
    assert.equal(echoes[0].closed, 1);
  });

  test("is closed after the last word, and hears nothing more", async () => {
    const { peer } = await start();
    const client = peer();
    assert.equal(await client.say("bye\nmore\n"), "hello\n");
    assert.ok(client.ended);
  });

  test("is dropped when the client does not close in turn", async () => {
    const { peer, runtime, echoes } = await start();
    const client = peer();
    await client.say("bye\n");
    assert.equal(echoes[0].closed, 0);
    await runtime.advance(LINGER_MS + 1000);
    assert.equal(echoes[0].closed, 1);
  });

  test("is dropped after long silence, and kept by a word", async () => {
    const { peer, runtime } = await start();
    const [silent, talking] = [peer(), peer()];
    await runtime.advance(50_000);
    await talking.say("x\n");
    await runtime.advance(12_000);
    assert.deepEqual([silent.gone, talking.gone], [true, false]);
  });

  test("gets a step when it is woken", async () => {
    const { peer, echoes } = await start();
    const client = peer();
    await client.say();
    echoes[0].pieces = 1;
    echoes[0].outlet.wake();
    echoes[0].outlet.wake();
    assert.equal((await client.say()).length, PIECE.length);
  });
});

describe("a client that does not read", () => {
  test("is given no more than fits, until it reads", async () => {
    const { peer, echoes } = await start();
    const client = peer();
    await client.say();
    client.connection.pause();
    await client.say("more 1000\n");
    const [echo] = echoes;
    assert.ok(echo.steps < 50, `${echo.steps} steps`);
    client.connection.resume();
    assert.equal((await client.say()).length, 1000 * PIECE.length);
    assert.equal(echo.pieces, 0);
  });

  test("is read no further meanwhile", async () => {
    const { peer, echoes } = await start();
    const client = peer();
    client.connection.pause();
    await client.say("more 1000\n");
    for (let i = 0; i < 100; i++) client.connection.write(new Uint8Array(10_000));
    await client.say();
    assert.ok(client.connection.queued > 500_000);
    assert.ok(echoes[0].pieces > 900);
  });
});

describe("the server", () => {
  test("takes connections up to the cap", async () => {
    const { peer, echoes } = await start();
    const clients = Array.from({ length: DEMO_CONNECTIONS + 1 }, peer);
    await clients[0].say();
    assert.equal(clients.filter(({ gone }) => gone).length, 1);
    assert.equal(echoes.length, DEMO_CONNECTIONS);
    clients[0].connection.destroy();
    await clients[1].say();
    assert.equal(await peer().say(), "hello\n");
  });

  test("survives a fault of ours, and tells it", async () => {
    const events: LogEvent[] = [];
    const log: Log = { enabled: () => true, write: (event) => void events.push(event) };
    const { peer } = await start({}, log);
    const [client, other] = [peer(), peer()];
    await client.say("fault\n");
    assert.ok(client.gone);
    assert.deepEqual(events.map(({ level, message }) => [level, message]), [
      ["alert", "demo backend failed: Error: broken on purpose"],
    ]);
    assert.equal(await other.say("x\n"), "hello\n[x]");
  });

  test("stops with all its connections", async () => {
    const { peer, backend, runtime, echoes } = await start();
    const client = peer();
    await client.say();
    await backend.stop();
    await runtime.advance(0);
    assert.ok(client.gone);
    assert.equal(echoes[0].closed, 1);
    const late = peer();
    await late.say();
    assert.ok(late.gone);
  });
});
