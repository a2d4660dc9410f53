/** The contract of `listen` and `connect`: addresses, failures, sockets of every family. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NetError } from "../../src/core/errors.ts";
import { type Endpoint, ip, unix } from "../../src/net/address.ts";
import type { Feature } from "../../src/net/ports.ts";
import { ROOT } from "../support/source.ts";
import { type Given, quiet } from "./harness.ts";

export function endpoints(given: Given): void {
  connecting(given);
  listening(given);
  families(given);
  features(given);
}

function portOf(at: Endpoint): number {
  return at.is === "ip" ? at.port : 0;
}

function connecting(given: Given): void {
  given.test("connect to a port where nobody listens is refused", async (bench) => {
    const { at, listener } = await bench.listen();
    await listener.close();
    const client = bench.connect(at);
    const error = await client.closed;
    assert.ok(error instanceof NetError, `closed with ${error}`);
    assert.equal(error.code, "ECONNREFUSED");
    assert.deepEqual(client.events, ["close"]);
  });

  given.test("a refused connect forgets what was written before", async (bench) => {
    const { at, listener } = await bench.listen();
    await listener.close();
    const client = bench.connect(at);
    client.write("for nobody");
    client.end();
    assert.ok(await client.closed instanceof NetError);
    assert.deepEqual(client.events, ["close"]);
  });

  given.test("destroy() gives a connect up: no open, one close", async (bench) => {
    const { at } = await bench.listen();
    const client = bench.connect(at);
    client.write("never sent");
    client.destroy();
    await client.closed;
    await quiet(() => client.events);
    assert.deepEqual(client.events, ["close"]);
  });

  given.test("destroy() gives a refused connect up: one close", async (bench) => {
    const { at, listener } = await bench.listen();
    await listener.close();
    const client = bench.connect(at);
    client.destroy();
    await client.closed;
    await quiet(() => client.events);
    assert.deepEqual(client.events, ["close"]);
  });

  given.test("localAddress binds the local side", async (bench) => {
    const listening = await bench.listen(ip("127.0.0.1", 0));
    const { client, server } = await bench.join(listening, { localAddress: "127.0.0.1" });
    assert.equal(
      client.connection.local.is === "ip" && client.connection.local.address,
      "127.0.0.1",
    );
    assert.deepEqual(server.connection.remote, client.connection.local);
  });

  given.test("another loopback address as localAddress is seen by the peer", async (bench) => {
    const listening = await bench.listen(ip("127.0.0.1", 0));
    const { server } = await bench.join(listening, { localAddress: "127.0.0.2" });
    assert.equal(
      server.connection.remote.is === "ip" && server.connection.remote.address,
      "127.0.0.2",
    );
  });

  given.test("a localAddress that is not ours is a close with an error", async (bench) => {
    const { at } = await bench.listen();
    // RFC 5737: an address for documentation, on no interface.
    const client = bench.connect(at, { localAddress: "203.0.113.9" });
    const error = await client.closed;
    assert.ok(error instanceof NetError, `closed with ${error}`);
    assert.equal(error.code, "EADDRNOTAVAIL");
    assert.deepEqual(client.events, ["close"]);
  });
}

function listening(given: Given): void {
  given.test("port 0 becomes a real port; both ends know both endpoints", async (bench) => {
    const listening = await bench.listen();
    assert.ok(portOf(listening.at) > 0);
    const { client, server } = await bench.join(listening);
    assert.deepEqual(client.connection.remote, listening.at);
    assert.deepEqual(server.connection.local, listening.at);
    assert.deepEqual(server.connection.remote, client.connection.local);
    assert.ok(portOf(client.connection.local) > 0);
  });

  given.test("endpoints stay known after close", async (bench) => {
    const listening = await bench.listen();
    const { client, server } = await bench.join(listening);
    const remote = server.connection.remote;
    client.destroy();
    await client.closed;
    server.destroy();
    await server.closed;
    assert.deepEqual(server.connection.remote, remote);
    assert.deepEqual(client.connection.remote, listening.at);
  });

  given.test("a busy port is EADDRINUSE", async (bench) => {
    const { at } = await bench.listen();
    await assert.rejects(bench.listen(at), netError("EADDRINUSE"));
  });

  given.test("an address that is not ours is EADDRNOTAVAIL", async (bench) => {
    await assert.rejects(bench.listen(ip("203.0.113.9", 0)), netError("EADDRNOTAVAIL"));
  });

  given.test("a port is free again once its listener is closed", async (bench) => {
    const { at, listener } = await bench.listen();
    await listener.close();
    const again = await bench.listen(at);
    const { client, server } = await bench.join(again);
    client.write("hello\n");
    assert.equal(await server.line(), "hello");
  });

  given.test("listener.close() stops accepting and leaves connections alive", async (bench) => {
    const listening = await bench.listen();
    const { client, server } = await bench.join(listening);
    await listening.listener.close();
    const late = bench.connect(listening.at);
    assert.ok(await late.closed instanceof NetError);
    client.write("still here?\n");
    assert.equal(await server.line(), "still here?");
    server.write("still here\n");
    assert.equal(await client.line(), "still here");
  });

  given.test("listener.close() twice is once", async (bench) => {
    const { listener } = await bench.listen();
    await Promise.all([listener.close(), listener.close()]);
    await listener.close();
  });

  given.test("every connection of a burst is accepted", async (bench) => {
    const listening = await bench.listen();
    const clients = Array.from({ length: 40 }, () => bench.connect(listening.at));
    await Promise.all(clients.map((client) => client.opened));
    const servers = await Promise.all(clients.map(() => listening.accepted()));
    const ports = new Set(servers.map((server) => portOf(server.connection.remote)));
    assert.equal(ports.size, 40);
  });
}

function netError(code: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof NetError, `rejected with ${error}`);
    assert.equal(error.code, code);
    return true;
  };
}

function families(given: Given): void {
  given.test("IPv6: addresses in canonical form, without brackets", async (bench) => {
    const listening = await bench.listen(ip("::1", 0));
    assert.equal(listening.at.is === "ip" && listening.at.address, "::1");
    const { client, server } = await bench.join(listening);
    assert.deepEqual(server.connection.remote, ip("::1", portOf(client.connection.local)));
    assert.deepEqual(client.connection.remote, listening.at);
  });

  given.test("ipv6Only false: IPv4 peers show as IPv4", async (bench) => {
    const listening = await bench.listen(ip("::", 0), { ipv6Only: false });
    const client = bench.connect(ip("127.0.0.1", portOf(listening.at)));
    const server = await listening.accepted();
    await client.opened;
    assert.deepEqual(server.connection.remote, client.connection.local);
    assert.deepEqual(server.connection.local, ip("127.0.0.1", portOf(listening.at)));
  });

  given.test("ipv6Only is the default: no IPv4 peers", async (bench) => {
    let arrived = false;
    const at = await bench.listenRaw(() => arrived = true, ip("::", 0));
    const client = bench.connect(ip("127.0.0.1", portOf(at)));
    // Where the system cannot be told, the kernel accepts for the adapter, which hangs up at once.
    await client.until("a refusal", () => client.count("end") + client.count("close") > 0);
    if (given.runtime.name !== "deno") assert.equal(client.error?.code, "ECONNREFUSED");
    client.destroy();
    await client.closed;
    assert.equal(arrived, false);
  });

  given.test("the same port on 0.0.0.0 and on [::] are two listeners", async (bench) => {
    const four = await bench.listen(ip("0.0.0.0", 0));
    const six = await bench.listen(ip("::", portOf(four.at)));
    const client = bench.connect(ip("127.0.0.1", portOf(four.at)));
    await four.accepted();
    await client.opened;
    const other = bench.connect(ip("::1", portOf(four.at)));
    await six.accepted();
    await other.opened;
  });

  given.test("unix sockets: both ways, half-close, the path as endpoint", async (bench) => {
    const path = bench.socketPath();
    const listening = await bench.listen(unix(path));
    assert.deepEqual(listening.at, unix(path));
    const { client, server } = await bench.join(listening);
    assert.deepEqual(client.connection.remote, unix(path));
    assert.deepEqual(server.connection.local, unix(path));
    assert.equal(server.connection.remote.is, "unix");
    client.write("hello");
    client.end();
    assert.equal(new TextDecoder().decode(await server.rest()), "hello");
    server.write("goodbye");
    server.end();
    assert.equal(new TextDecoder().decode(await client.rest()), "goodbye");
    assert.equal(await client.closed, null);
  });

  given.test("closing a unix listener unlinks its path", async (bench) => {
    const path = bench.socketPath();
    const { listener } = await bench.listen(unix(path));
    assert.equal(given.runtime.files.exists(path), true);
    await listener.close();
    assert.equal(given.runtime.files.exists(path), false);
  });

  given.test("a unix listener takes clients of every user, as nginx's", async (bench) => {
    const path = bench.socketPath();
    await bench.listen(unix(path));
    assert.equal(given.runtime.files.stat(path).mode & 0o777, 0o666);
  });

  given.test("a unix path in use is EADDRINUSE, and stays in use", async (bench) => {
    const path = bench.socketPath();
    const first = await bench.listen(unix(path));
    await assert.rejects(bench.listen(unix(path)), netError("EADDRINUSE"));
    const { client, server } = await bench.join(first);
    client.write("mine\n");
    assert.equal(await server.line(), "mine");
  });

  given.test("a unix path that is not there is ENOENT", async (bench) => {
    const client = bench.connect(unix(bench.socketPath()));
    assert.equal((await client.closed)?.code, "ENOENT");
  });

  given.test("an unresolvable or malformed address closes with an error", async (bench) => {
    const client = bench.connect(ip("not an address", 25));
    assert.ok(await client.closed instanceof NetError);
    assert.deepEqual(client.events, ["close"]);
  });
}

const FEATURES: readonly Feature[] = [
  "tls-dhparam",
  "tls-ciphers",
  "tls-ciphersuites",
  "tls-curves",
  "tls-crl",
  "tls-protocols-old",
  "tls-protocols-old-by-default",
  "tls-protocols-gap",
  "tls-session-cache",
  "tls-session-cache-shared",
  "tls-session-timeout",
  "tls-ticket-keys",
  "tls-ticket-keys-several",
  "tls-tickets-off",
  "tls-encrypted-keys",
  "tls-prefer-server-ciphers",
  "tls-prioritize-chacha",
  "tls-certificate-compression",
  "tls-unnamed-authorities",
  "listen-backlog",
  "listen-buffers",
  "listen-keepalive",
  "set-user",
  "set-open-files",
  "spawn",
];

/** What the documentation says of runtimes. */
async function documented(): Promise<string> {
  const pages = ["runtimes.md", "tls-runtimes.md"].map((name) => join(ROOT, "docs", name));
  return (await Promise.all(pages.map((path) => readFile(path, "utf8")))).join("\n");
}

function features(given: Given): void {
  given.test("every feature is there, or a sentence says why not", async () => {
    const pages = given.runtime.name === "memory" ? null : await documented();
    for (const feature of FEATURES) {
      const answer = given.runtime.supports(feature);
      if (answer === true) continue;
      assert.match(answer, /^\S.* .*\S$/, feature);
      if (pages) assert.ok(pages.includes(answer), `docs/runtimes.md does not say: ${answer}`);
    }
  });

  const options = {
    "listen-backlog": { backlog: 16 },
    "listen-buffers": { receiveBuffer: 65_536, sendBuffer: 65_536 },
    "listen-keepalive": { keepAlive: { idle: 30, interval: 10, count: 3 } },
  } as const;
  for (const [feature, option] of Object.entries(options)) {
    given.test(`${feature}: the option leaves a working listener`, async (bench) => {
      const listening = await bench.listen(ip("127.0.0.1", 0), option);
      const { client, server } = await bench.join(listening);
      client.write("hello\n");
      assert.equal(await server.line(), "hello");
    });
  }
}
