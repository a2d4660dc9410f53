/** A reload that takes TLS from a listener, and gives it back, on the runtime's own sockets. */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runtime } from "#runtime";
import { ip } from "../../../src/net/address.ts";
import { startProxy } from "../../../src/proxy/server.ts";
import { testAuthority } from "../../support/ca.ts";
import { Peer } from "../../support/peer.ts";
import { freePort, temporaryFolder } from "../../support/process.ts";
import { settingsOf } from "../../support/settings.ts";
import { MemoryLog } from "../../support/world.ts";

test("ssl taken from a listener and given back: who is in stays, who comes is served", async () => {
  const folder = temporaryFolder("reload-tls");
  const authority = await testAuthority();
  const leaf = await authority.issue();
  writeFileSync(join(folder, "cert.pem"), leaf.certificate);
  writeFileSync(join(folder, "key.pem"), leaf.key);
  const port = await freePort();
  const settings = (ssl: "" | " ssl") =>
    settingsOf(`server_name = "mx.example"
auth_http = "127.0.0.1:9/auth"
ssl_certificate = "${folder}/cert.pem"
ssl_certificate_key = "${folder}/key.pem"
[[server]]
protocol = "imap"
listen = "127.0.0.1:${port}${ssl}"
`);
  const context = runtime.tls.client({ verify: true, ca: [authority.certificate] });
  const client = async (ssl: boolean) => {
    const peer = new Peer(ssl ? "a client in TLS" : "a plain client");
    peer.adopt(runtime.connect(ip("127.0.0.1", port), {}, peer.receiver));
    if (ssl) await peer.startTls(context, { serverName: "localhost" });
    assert.equal(await peer.line(), "* OK IMAP4 ready");
    return peer;
  };
  const answers = async (...peers: Peer[]) => {
    for (const peer of peers) {
      peer.write("a NOOP\r\n");
      assert.equal(await peer.line(), "a OK completed");
    }
  };
  const proxy = await startProxy({ runtime, settings: settings(" ssl"), log: new MemoryLog() });
  const first = await client(true);
  await proxy.reload(settings(""));
  const second = await client(false);
  await answers(first, second);
  await proxy.reload(settings(" ssl"));
  const third = await client(true);
  await answers(first, second, third);
  await proxy.stop();
  for (const peer of [first, second, third]) {
    await peer.ended;
    peer.destroy();
  }
  rmSync(folder, { recursive: true });
});
