/** The ends of a relay over the memory runtime: whose FIN does what to the other side. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip } from "../../../src/net/address.ts";
import { startProxy } from "../../../src/proxy/server.ts";
import {
  createMemoryRuntime,
  type MemoryOptions,
  type MemoryRuntime,
} from "../../../src/runtime/memory.ts";
import { Peer } from "../../support/peer.ts";
import { settingsOf } from "../../support/settings.ts";
import { MemoryLog } from "../../support/world.ts";

const SETTINGS = settingsOf(`server_name = "mx.example"
auth_http = "127.0.0.1:9/auth"
[[server]]
protocol = "imap"
listen = "127.0.0.1:143"
`);
const ALLOW = "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\n" +
  "Auth-Port: 1143\r\n\r\n";

interface Ends {
  readonly runtime: MemoryRuntime;
  readonly client: Peer;
  readonly backend: Peer;
  stop(): Promise<void>;
}

/** A session that is logged in and relayed. */
async function joined(options: MemoryOptions = {}): Promise<Ends> {
  const runtime = createMemoryRuntime(options);
  await runtime.listen(ip("127.0.0.1", 9), {}, (connection) => {
    new Peer("auth server").attach(connection).write(ALLOW);
  });
  const backend = new Peer("backend");
  await runtime.listen(ip("127.0.0.1", 1143), {}, (connection) => {
    backend.attach(connection).write("* OK hi\r\n");
  });
  const proxy = await startProxy({ runtime, settings: SETTINGS, log: new MemoryLog() });
  const client = new Peer("client");
  client.adopt(runtime.connect(ip("127.0.0.1", 143), {}, client.receiver));
  assert.equal(await client.line(), "* OK IMAP4 ready");
  client.write("a LOGIN u p\r\n");
  assert.equal(await backend.line(), 'a LOGIN "u" "p"');
  backend.write("a OK in\r\n");
  assert.equal(await client.line(), "a OK in");
  return { runtime, client, backend, stop: () => proxy.stop() };
}

describe("a relay ends", () => {
  test("the backend's FIN closes it at once, and comes to the client behind its last words", async () => {
    const { client, backend, stop } = await joined();
    backend.write("* BYE\r\n");
    backend.end();
    assert.equal(await client.line(), "* BYE");
    await client.ended;
    // The client has not ended: nothing that it still says could be answered.
    assert.equal(await backend.closed, null);
    client.write("b NOOP\r\n");
    client.end();
    assert.equal(await client.closed, null);
    await stop();
  });

  test("the client's FIN is passed on, and the backend goes on answering", async () => {
    const { client, backend, stop } = await joined();
    client.write("b FETCH\r\n");
    client.end();
    assert.equal(await backend.line(), "b FETCH");
    await backend.ended;
    backend.write("b OK done\r\n");
    assert.equal(await client.line(), "b OK done");
    assert.equal(client.count("end"), 0);
    backend.end();
    await client.ended;
    await stop();
  });

  test("a client that talks on after the backend's end is put out all the same", async () => {
    const { runtime, client, backend, stop } = await joined();
    backend.end();
    await client.ended;
    for (let second = 0; second < 6; second++) {
      client.write("b NOOP\r\n");
      await runtime.advance(1_000);
    }
    await client.closed;
    await stop();
  });

  test("a slow reader gets all that the backend said before its end", async () => {
    const { runtime, client, backend, stop } = await joined({ window: 4096 });
    client.pause();
    const size = 128 * 1024;
    const said = new Uint8Array(size).fill(0x61);
    backend.write(said);
    backend.end();
    let taken = 0;
    client.sink = (bytes) => {
      taken += bytes.length;
      client.pause();
    };
    while (taken < size) {
      await runtime.advance(1_000);
      const before = taken;
      client.resume();
      await client.until("more", () => taken > before);
    }
    client.resume();
    await client.ended;
    await stop();
  });
});
