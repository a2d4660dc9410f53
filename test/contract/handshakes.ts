/**
 * The contract of TLS handshakes: what makes them fail, what they agree on, and how they resume.
 * RFC 8446, RFC 5246, RFC 5077 (tickets), RFC 6066 section 3 (SNI), RFC 7301 (ALPN).
 */

import assert from "node:assert/strict";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { encode } from "../../src/core/bytes.ts";
import type { Endpoint } from "../../src/net/address.ts";
import type { TlsServerSettings } from "../../src/net/ports.ts";
import { testAuthority } from "../support/ca.ts";
import {
  type Bench,
  contexts,
  type Given,
  rejected,
  serverSettings,
  type TlsPairOptions,
  within,
} from "./harness.ts";

export function handshakes(given: Given): void {
  refusals(given);
  negotiation(given);
  resumption(given);
}

function refusals(given: Given): void {
  const garbage: Readonly<Record<string, string>> = {
    "a plaintext command": "a LOGIN bob secret\r\n",
    "an HTTP request": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a handshake record of nonsense": "\x16\x03\x01\x00\x10" + "nonsense".repeat(2),
  };
  for (const [what, text] of Object.entries(garbage)) {
    given.test(`the server gets ${what} instead of a ClientHello`, async (bench) => {
      const { client, server } = await bench.pair();
      const context = await contexts(bench);
      const failed = rejected(server.startTls(context.server));
      client.write(text);
      await failed;
      await server.closed;
      assert.equal(server.received, 0);
    });

    given.test(`the server gets ${what} as pending bytes`, async (bench) => {
      const { server } = await bench.pair();
      const context = await contexts(bench);
      await rejected(server.startTls(context.server, { pending: encode(text) }));
      await server.closed;
      assert.equal(server.received, 0);
    });

    given.test(`the client gets ${what} instead of a ServerHello`, async (bench) => {
      const { client, server } = await bench.pair();
      const context = await contexts(bench);
      const failed = rejected(client.startTls(context.client, { serverName: "localhost" }));
      server.write(text);
      await failed;
      await client.closed;
      assert.equal(client.received, 0);
    });
  }

  given.test("the peer leaves in the middle of the handshake: both sides reject", async (bench) => {
    for (const leave of ["end", "destroy"] as const) {
      const one = await bench.pair();
      const context = await contexts(bench);
      const atServer = rejected(one.server.startTls(context.server));
      one.client.write("\x16\x03\x01\x02\x00\x01");
      one.client[leave]();
      await atServer;
      await one.server.closed;
      const two = await bench.pair();
      const atClient = rejected(two.client.startTls(context.client, { serverName: "localhost" }));
      await two.server.total(5);
      two.server[leave]();
      await atClient;
      await two.client.closed;
    }
  });

  given.test("destroy() in the middle of the handshake rejects it", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    const atServer = rejected(server.startTls(context.server));
    const atClient = rejected(client.startTls(context.client, { serverName: "localhost" }));
    client.destroy();
    await atClient;
    await atServer;
    await client.closed;
    await server.closed;
  });

  given.test("startTls on a connection that is gone rejects", async (bench) => {
    const { client, server } = await bench.pair();
    const context = await contexts(bench);
    server.destroy();
    await server.closed;
    await rejected(server.startTls(context.server));
    client.destroy();
    await client.closed;
    await rejected(client.startTls(context.client, { serverName: "localhost" }));
  });

  given.test("no version in common: both sides reject", async (bench) => {
    await neither(bench, {
      server: { protocols: ["TLSv1.2"] },
      client: { protocols: ["TLSv1.3"] },
    });
  });
}

/** A handshake that fails for both, each closed afterwards. */
async function neither(bench: Bench, options: TlsPairOptions): Promise<void> {
  const { client, server } = await bench.pair();
  const context = await contexts(bench, options);
  await Promise.all([
    rejected(server.startTls(context.server)),
    rejected(client.startTls(context.client, { serverName: "localhost" })),
  ]);
  await client.closed;
  await server.closed;
}

function negotiation(given: Given): void {
  const ciphers = {
    "TLSv1.2": /^ECDHE-ECDSA-(AES|CHACHA)[A-Z0-9-]+$/,
    "TLSv1.3": /^TLS_(AES|CHACHA)[A-Z0-9_]+$/,
  } as const;
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    given.test(`${version}: version and cipher in OpenSSL's spelling`, async (bench) => {
      const pair = await bench.tlsPair({ server: { protocols: [version] } });
      for (const info of [pair.clientTls, pair.serverTls]) {
        assert.equal(info.protocol, version);
        assert.match(info.cipher, ciphers[version]);
      }
      assert.equal(pair.clientTls.cipher, pair.serverTls.cipher);
    });

    given.test(`${version}: a client that offers nothing else`, async (bench) => {
      const pair = await bench.tlsPair({ client: { protocols: [version] } });
      assert.equal(pair.serverTls.protocol, version);
    });

    given.test(`${version}: half-close and a first handshake that is not resumed`, async (bench) => {
      const pair = await bench.tlsPair({ server: { protocols: [version] } });
      assert.equal(pair.clientTls.resumed, false);
      assert.equal(pair.serverTls.resumed, false);
      pair.client.end();
      await pair.server.ended;
      pair.server.write("late\n");
      assert.equal(await pair.client.line(), "late");
    });
  }

  given.test("SNI: the server learns the name", async (bench) => {
    const ca = await testAuthority();
    const certificate = await ca.issue({ names: ["mail.example.com"] });
    const { serverTls } = await bench.tlsPair({
      server: { certificates: [certificate] },
      start: { serverName: "mail.example.com" },
    });
    assert.equal(serverTls.sni, "mail.example.com");
  });

  given.test("SNI: an IP literal is not sent", async (bench) => {
    const { serverTls, clientTls } = await bench.tlsPair({ start: { serverName: "127.0.0.1" } });
    assert.equal(serverTls.sni, null);
    assert.equal(clientTls.verify.ok, true);
  });

  const alpn: readonly {
    name: string;
    server?: readonly string[];
    client?: readonly string[];
    agreed: string | null;
  }[] = [
    { name: "both name it", server: ["imap"], client: ["imap"], agreed: "imap" },
    {
      name: "one of several",
      server: ["pop3", "imap"],
      client: ["http/1.1", "imap"],
      agreed: "imap",
    },
    { name: "the client offers none", server: ["imap"], agreed: null },
    { name: "the server knows none", client: ["imap"], agreed: null },
    { name: "nobody asks", agreed: null },
  ];
  for (const { name, server, client, agreed } of alpn) {
    given.test(`ALPN: ${name}`, async (bench) => {
      const pair = await bench.tlsPair({
        server: server ? { alpn: server } : {},
        client: client ? { alpn: client } : {},
      });
      assert.equal(pair.serverTls.alpn, agreed);
      assert.equal(pair.clientTls.alpn, agreed);
    });
  }

  given.test("ALPN: nothing in common fails for both", async (bench) => {
    await neither(bench, { server: { alpn: ["imap"] }, client: { alpn: ["http/1.1"] } });
  });
}

function resumption(given: Given): void {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    given.test(`${version}: resumed is what the client says, and tickets do it`, async (bench) => {
      const settings = await serverSettings({ protocols: [version] });
      const { first, second } = await twice(bench, settings);
      assert.deepEqual([first.server, first.client], [false, false]);
      assert.equal(second.server, second.client);
      // Deno's node:tls client keeps no session, so nothing can be resumed there.
      if (bench.runtime.name !== "deno") assert.equal(second.server, true);
    });
  }

  given.test("sessionTickets false: TLS 1.2 is not resumed", async (bench) => {
    if (bench.runtime.supports("tls-tickets-off") !== true) return;
    const settings = await serverSettings({ protocols: ["TLSv1.2"], sessionTickets: false });
    const { second } = await twice(bench, settings);
    assert.equal(second.server, second.client);
    if (bench.runtime.supports("tls-session-cache") !== true) assert.equal(second.server, false);
  });
}

/** Two visits of one foreign client that keeps its session: what each side says of `resumed`. */
async function twice(bench: Bench, settings: TlsServerSettings) {
  const listening = await bench.listen();
  const context = bench.runtime.tls.server(settings);
  const ca = (await testAuthority()).certificate;
  let session: Uint8Array | undefined;
  const visit = async () => {
    const client = foreignClient(listening.at, ca, session);
    client.on("session", (ticket) => session = ticket);
    const server = await listening.accepted();
    const info = await server.startTls(context);
    server.write("hello");
    await within(new Promise((resolve) => client.once("data", resolve)), "the greeting");
    const reused = client.isSessionReused();
    client.end();
    await server.ended;
    server.end();
    await server.closed;
    return { server: info.resumed, client: reused };
  };
  return { first: await visit(), second: await visit() };
}

function foreignClient(at: Endpoint, ca: string, session: Uint8Array | undefined): TLSSocket {
  const port = at.is === "ip" ? at.port : 0;
  const known = session ? { session: session as never } : {};
  return connectTls({ host: "127.0.0.1", port, ca, servername: "localhost", ...known });
}
