/** Reload and drain over the memory runtime: who stays, who is told, who is put out, and when. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ip } from "../../../src/net/address.ts";
import { type Proxy, StartError, startProxy } from "../../../src/proxy/server.ts";
import { createMemoryRuntime, type MemoryRuntime } from "../../../src/runtime/memory.ts";
import { Peer } from "../../support/peer.ts";
import { settingsOf } from "../../support/settings.ts";
import { MemoryLog } from "../../support/world.ts";

const PORT = 143;

function configuration(
  server: string,
  top = "",
  listen = `"127.0.0.1:${PORT}"`,
): ReturnType<typeof settingsOf> {
  return settingsOf(`server_name = "mx.example"
auth_http = "127.0.0.1:9/auth"
${top}
[[server]]
protocol = "imap"
listen = ${listen}
${server}
`);
}

async function begin(top = ""): Promise<{ memory: MemoryRuntime; proxy: Proxy; log: MemoryLog }> {
  const memory = createMemoryRuntime();
  const log = new MemoryLog();
  const settings = configuration('imap_capabilities = ["ONE"]', top);
  return { memory, log, proxy: await startProxy({ runtime: memory, settings, log }) };
}

async function client(memory: MemoryRuntime, port = PORT): Promise<Peer> {
  const peer = new Peer("client");
  peer.adopt(memory.connect(ip("127.0.0.1", port), {}, peer.receiver));
  assert.equal(await peer.line(), "* OK IMAP4 ready");
  return peer;
}

async function capability(peer: Peer): Promise<string> {
  peer.write("a CAPABILITY\r\n");
  const line = await peer.line();
  assert.equal(await peer.line(), "a OK completed");
  return line;
}

describe("reload", () => {
  test("new clients see the new configuration, old ones keep theirs", async () => {
    const { memory, proxy } = await begin();
    const old = await client(memory);
    await proxy.reload(configuration('imap_capabilities = ["TWO"]'));
    assert.equal(await capability(await client(memory)), "* CAPABILITY TWO AUTH=PLAIN");
    assert.equal(await capability(old), "* CAPABILITY ONE AUTH=PLAIN");
    assert.equal(proxy.connections, 2);
    await proxy.stop();
  });

  test("old sessions are put out after worker_shutdown_timeout, new ones are not", async () => {
    const { memory, proxy } = await begin('worker_shutdown_timeout = "5s"');
    const old = await client(memory);
    await proxy.reload(configuration('imap_capabilities = ["TWO"]'));
    const young = await client(memory);
    await memory.advance(4_900);
    assert.equal(old.count("end"), 0);
    await memory.advance(200);
    await old.ended;
    assert.equal(await capability(young), "* CAPABILITY TWO AUTH=PLAIN");
    assert.equal(proxy.connections, 1);
    await proxy.stop();
  });

  test("a configuration that cannot be used changes nothing", async () => {
    const { memory, proxy } = await begin();
    const bad = configuration(
      'starttls = "on"\nssl_certificate = "/nosuch"\nssl_certificate_key = "/nosuch"',
    );
    await assert.rejects(proxy.reload(bad), StartError);
    assert.equal(await capability(await client(memory)), "* CAPABILITY ONE AUTH=PLAIN");
    await proxy.stop();
  });

  test("an address that is busy changes nothing, and what was bound is given back", async () => {
    const { memory, proxy } = await begin();
    await memory.listen(ip("127.0.0.1", 999), {}, () => {});
    const next = configuration("", "", '["127.0.0.1:143", "127.0.0.1:998", "127.0.0.1:999"]');
    await assert.rejects(proxy.reload(next), /Cannot bind 127\.0\.0\.1:999: address in use/);
    assert.equal(await capability(await client(memory)), "* CAPABILITY ONE AUTH=PLAIN");
    await (await memory.listen(ip("127.0.0.1", 998), {}, () => {})).close();
    await proxy.stop();
  });

  test("a listener that is gone stops, its sessions go on", async () => {
    const { memory, proxy } = await begin();
    const old = await client(memory);
    const moved = settingsOf(
      `auth_http = "127.0.0.1:9/"\n[[server]]\nprotocol = "imap"\nlisten = "127.0.0.1:1143"\n`,
    );
    await proxy.reload(moved);
    const late = new Peer("late client");
    late.adopt(memory.connect(ip("127.0.0.1", PORT), {}, late.receiver));
    assert.equal((await late.closed)?.code, "ECONNREFUSED");
    assert.equal(await capability(old), "* CAPABILITY ONE AUTH=PLAIN");
    await client(memory, 1143);
    await proxy.stop();
  });
});

describe("drain", () => {
  test("clients that have not logged in are told, and the drain ends", async () => {
    const { memory, proxy } = await begin();
    const peer = await client(memory);
    const drained = proxy.drain();
    assert.equal(await peer.line(), "* BYE Server shutting down");
    await peer.ended;
    peer.end();
    await drained;
    assert.equal(proxy.connections, 0);
  });

  test("sessions of an earlier configuration are drained too", async () => {
    const { memory, proxy } = await begin();
    const old = await client(memory);
    await proxy.reload(configuration('imap_capabilities = ["TWO"]'));
    const drained = proxy.drain();
    assert.equal(await old.line(), "* BYE Server shutting down");
    old.end();
    await drained;
  });
});
