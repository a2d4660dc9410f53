/**
 * The contract of `secure` listeners, whose clients begin with TLS, and of `relax`: what is TLS stays so,
 * and whoever comes then may begin without.
 */

import assert from "node:assert/strict";
import type { Listener, TlsContext } from "../../src/net/ports.ts";
import { ip } from "../../src/net/address.ts";
import type { Peer } from "../support/peer.ts";
import { Arrivals, type Bench, contexts, expectPattern, type Given, send } from "./harness.ts";

const SIZE = 3 * 1024 * 1024;

/** A listener that changes to TLS until it is told otherwise. */
class Door {
  plainly = false;
  readonly #bench: Bench;
  readonly #context: TlsContext;
  readonly #arrived = new Arrivals<Peer>("a connection");
  #listener!: Listener;

  constructor(bench: Bench, context: TlsContext) {
    this.#bench = bench;
    this.#context = context;
  }

  async open(): Promise<this> {
    const at = ip("127.0.0.1", 0);
    this.#listener = await this.#bench.listenWith(at, { secure: true }, (connection) => {
      const peer = this.#bench.peer("server").attach(connection);
      if (!this.plainly) peer.startTls(this.#context).catch(() => {});
      this.#arrived.push(peer);
    });
    return this;
  }

  relax(): void {
    this.plainly = true;
    this.#listener.relax?.();
  }

  async knock(): Promise<{ client: Peer; server: Peer }> {
    const client = this.#bench.connect(this.#listener.at);
    return { client, server: await this.#arrived.next() };
  }
}

export function secure(given: Given): void {
  given.test("both directions, both ends, one close", async (bench) => {
    const context = await contexts(bench);
    const door = await new Door(bench, context.server).open();
    const { client, server } = await door.knock();
    await client.startTls(context.client, { serverName: "localhost" });
    for (const [from, to] of [[client, server], [server, client]]) {
      to.sink = expectPattern();
      await send(from, SIZE, 64 * 1024);
      from.end();
      await to.ended;
      assert.equal(to.received, SIZE);
    }
    await Promise.all([client.closed, server.closed]);
    assert.equal(server.count("close"), 1);
  });

  given.test("who leaves before the handshake is told of", async (bench) => {
    const context = await contexts(bench);
    const door = await new Door(bench, context.server).open();
    const { client, server } = await door.knock();
    await client.opened;
    client.end();
    await server.closed;
  });

  given.test("relax(): who comes then is heard, and who is in TLS stays", async (bench) => {
    const context = await contexts(bench);
    const door = await new Door(bench, context.server).open();
    const before = await door.knock();
    await before.client.startTls(context.client, { serverName: "localhost" });
    before.client.write("one\r\n");
    assert.equal(await before.server.line(), "one");
    door.relax();
    const after = await door.knock();
    after.client.write("in plain\r\n");
    assert.equal(await after.server.line(), "in plain");
    before.client.write("two\r\n");
    assert.equal(await before.server.line(), "two");
    before.server.write("three\r\n");
    assert.equal(await before.client.line(), "three");
    after.server.write("as well\r\n");
    assert.equal(await after.client.line(), "as well");
    // A change to TLS goes on being possible there.
    const [info] = await Promise.all([
      after.server.startTls(context.server),
      after.client.startTls(context.client, { serverName: "localhost" }),
    ]);
    after.client.write("and now in TLS\r\n");
    assert.equal(await after.server.line(), "and now in TLS");
    assert.match(info.protocol, /^TLSv1/);
  });
}
