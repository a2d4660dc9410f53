/** Listeners on `[::]` and on IPv4 addresses of the same port, which on Deno share one socket. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NetError } from "../../../src/core/errors.ts";
import { ip } from "../../../src/net/address.ts";
import type { Connection, Listener, Runtime } from "../../../src/net/ports.ts";
import { runningUnder } from "../../contract/setup.ts";
import { Peer } from "../../support/peer.ts";

const onDeno = runningUnder() === "deno";

/** Accepts and says its name. */
function listenAs(name: string, runtime: Runtime, address: string, port: number) {
  return runtime.listen(ip(address, port), {}, (connection: Connection) => {
    new Peer(name).attach(connection);
    connection.write(new TextEncoder().encode(`${name}\n`));
    connection.end();
  });
}

/** Who answers at the address: a name, or nobody. */
async function whoIsAt(runtime: Runtime, address: string, port: number): Promise<string> {
  const peer = new Peer(`client of ${address}`);
  peer.adopt(runtime.connect(ip(address, port), {}, peer.receiver));
  await peer.until("an end", () => peer.count("end") + peer.count("close") > 0);
  const name = peer.received > 0 ? await peer.line() : "nobody";
  peer.destroy();
  return name;
}

function portOf(listener: Listener): number {
  return listener.at.is === "ip" ? listener.at.port : 0;
}

describe("a port on [::] and on IPv4", { skip: onDeno ? false : "this is not Deno" }, () => {
  const load = async () => (await import("../../../src/runtime/deno.ts")).runtime;

  for (const [first, second] of [["0.0.0.0", "::"], ["::", "0.0.0.0"]] as const) {
    it(`${first} first, then ${second}: each gets its own peers`, async () => {
      const runtime = await load();
      const one = await listenAs(first, runtime, first, 0);
      const port = portOf(one);
      const two = await listenAs(second, runtime, second, port);
      assert.equal(await whoIsAt(runtime, "127.0.0.1", port), "0.0.0.0");
      assert.equal(await whoIsAt(runtime, "::1", port), "::");
      await one.close();
      assert.equal(await whoIsAt(runtime, first === "::" ? "::1" : "127.0.0.1", port), "nobody");
      assert.equal(await whoIsAt(runtime, second === "::" ? "::1" : "127.0.0.1", port), second);
      await two.close();
      assert.equal(await whoIsAt(runtime, "127.0.0.1", port), "nobody");
      assert.equal(await whoIsAt(runtime, "::1", port), "nobody");
    });
  }

  it("one IPv4 address goes before all of them", async () => {
    const runtime = await load();
    const six = await listenAs("six", runtime, "::", 0);
    const port = portOf(six);
    const any = await listenAs("any", runtime, "0.0.0.0", port);
    const one = await listenAs("one", runtime, "127.0.0.1", port);
    assert.equal(await whoIsAt(runtime, "127.0.0.1", port), "one");
    assert.equal(await whoIsAt(runtime, "127.0.0.2", port), "any");
    for (const listener of [one, any, six]) await listener.close();
  });

  it("the same address twice is still a collision", async () => {
    const runtime = await load();
    const six = await listenAs("six", runtime, "::", 0);
    const four = await listenAs("four", runtime, "0.0.0.0", portOf(six));
    for (const address of ["0.0.0.0", "::"]) {
      await assert.rejects(
        listenAs("late", runtime, address, portOf(six)),
        (error) => error instanceof NetError && error.code === "EADDRINUSE",
      );
    }
    await four.close();
    await six.close();
  });
});
