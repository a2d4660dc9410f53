/** What the memory runtime has beyond the contract: determinism, chunking, the clock, scripted peers. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode, encode } from "../../../src/core/bytes.ts";
import { ip, unix } from "../../../src/net/address.ts";
import type { Connection } from "../../../src/net/ports.ts";
import {
  createMemoryRuntime,
  Exit,
  type MemoryRuntime,
  ONE_BYTE,
} from "../../../src/runtime/memory.ts";
import { testAuthority } from "../../support/ca.ts";
import { Peer } from "../../support/peer.ts";

const at = ip("192.0.2.1", 143);

async function pair(memory: MemoryRuntime): Promise<{ client: Peer; server: Peer }> {
  const server = new Peer("server");
  await memory.listen(at, {}, (connection) => void server.attach(connection));
  const client = new Peer("client");
  client.adopt(memory.connect(at, { localAddress: "198.51.100.7" }, client.receiver));
  await memory.settle();
  return { client, server };
}

describe("memory runtime: sockets", () => {
  test("settle() is enough to wait for everything", async () => {
    const memory = createMemoryRuntime();
    const { client, server } = await pair(memory);
    client.write("question");
    await memory.settle();
    assert.equal(server.received, 8);
    server.write("answer");
    server.end();
    await memory.settle();
    assert.equal(decode(await client.rest()), "answer");
  });

  test("nothing happens inside the call that causes it", async () => {
    const memory = createMemoryRuntime();
    const { client, server } = await pair(memory);
    client.write("x");
    client.destroy();
    assert.deepEqual([server.events, client.events], [[], ["open"]]);
    await memory.settle();
    assert.deepEqual([server.events, client.events], [["data", "end"], ["open", "close"]]);
  });

  test("a test can play any client address", async () => {
    const { server } = await pair(createMemoryRuntime());
    assert.equal(
      server.connection.remote.is === "ip" && server.connection.remote.address,
      "198.51.100.7",
    );
    assert.deepEqual(server.connection.local, at);
  });

  test("chunking: one byte at a time, or as the test decides", async () => {
    const memory = createMemoryRuntime({ chunking: ONE_BYTE });
    const { client, server } = await pair(memory);
    const sizes: number[] = [];
    server.sink = (bytes) => sizes.push(bytes.length);
    client.write("abc");
    client.write("d");
    await memory.settle();
    assert.deepEqual(sizes, [1, 1, 1, 1]);
    memory.chunking = (available) => Math.min(3, available);
    client.write("12345678");
    await memory.settle();
    assert.deepEqual(sizes.slice(4), [3, 3, 2]);
  });

  test("TLS, one byte at a time", async () => {
    const now = Date.now();
    const memory = createMemoryRuntime({ chunking: ONE_BYTE, now });
    const { client, server } = await pair(memory);
    const ca = await testAuthority();
    const upgrades = [
      server.startTls(memory.tls.server({
        certificates: [await ca.issue()],
        protocols: ["TLSv1.2", "TLSv1.3"],
        alpn: ["imap"],
      })),
      client.startTls(memory.tls.client({ verify: true, ca: [ca.certificate], alpn: ["imap"] }), {
        serverName: "localhost",
      }),
    ];
    const [atServer, atClient] = await Promise.all(upgrades);
    assert.deepEqual([atServer.alpn, atClient.alpn], ["imap", "imap"]);
    client.write("secret");
    client.end();
    assert.equal(decode(await server.rest()), "secret");
    assert.deepEqual([...client.violations, ...server.violations], []);
  });

  test("the window bounds what is in flight", async () => {
    const memory = createMemoryRuntime({ window: 1000 });
    const { client, server } = await pair(memory);
    server.pause();
    client.write(new Uint8Array(2500));
    await memory.settle();
    assert.equal(client.connection.queued, 1500);
    server.resume();
    await memory.settle();
    assert.equal(client.connection.queued, 0);
    assert.equal(server.received, 2500);
  });

  test("the same steps give the same events", async () => {
    const runs = [0, 1].map(async () => {
      const memory = createMemoryRuntime({ chunking: (available) => 1 + available % 5 });
      const { client, server } = await pair(memory);
      const sizes: number[] = [];
      server.sink = (bytes) => sizes.push(bytes.length);
      for (let i = 0; i < 20; i++) client.write(new Uint8Array(i));
      await memory.settle();
      return { sizes, random: memory.random(8), port: client.connection.local };
    });
    const [first, second] = await Promise.all(runs);
    assert.deepEqual(first, second);
  });

  test("a hanging host neither opens nor fails until it is given up", async () => {
    const memory = createMemoryRuntime();
    memory.network.hang(at);
    const client = new Peer("client");
    client.adopt(memory.connect(at, {}, client.receiver));
    await memory.advance(3_600_000);
    assert.deepEqual(client.events, []);
    client.destroy();
    await memory.settle();
    assert.deepEqual(client.events, ["close"]);
  });

  test("two peers who never stop do not outlive a time-out", async () => {
    const memory = createMemoryRuntime();
    const echo = (connection: Connection) => ({
      data: (bytes: Uint8Array) => void connection.write(bytes),
      drain: () => {},
      end: () => {},
      close: () => {},
    });
    await memory.listen(at, {}, (connection) => void (connection.receiver = echo(connection)));
    const client: Connection = memory.connect(at, {}, {
      data: (bytes) => void client.write(bytes),
      drain: () => {},
      end: () => {},
      close: () => {},
    });
    client.write(encode("for ever"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.destroy();
    await memory.settle();
  });

  test("listening: what is bound, until it is closed", async () => {
    const memory = createMemoryRuntime();
    const one = await memory.listen(ip("0.0.0.0", 25), {}, () => {});
    await memory.listen(unix("/run.sock"), {}, () => {});
    assert.deepEqual(memory.network.listening, [ip("0.0.0.0", 25), unix("/run.sock")]);
    await one.close();
    assert.deepEqual(memory.network.listening, [unix("/run.sock")]);
  });
});

describe("memory runtime: clock", () => {
  test("timers fire in order of time, then of making, and see their own time", () => {
    const { clock } = createMemoryRuntime({ now: 1000 });
    const fired: [string, number][] = [];
    const note = (name: string) => () => void fired.push([name, clock.now()]);
    clock.after(20, note("b"));
    clock.after(10, note("a"));
    clock.after(20, note("c"));
    const cancelled = clock.after(15, note("never"));
    cancelled.cancel();
    clock.advance(19);
    assert.deepEqual(fired, [["a", 1010]]);
    clock.advance(1);
    assert.deepEqual(fired, [["a", 1010], ["b", 1020], ["c", 1020]]);
    assert.deepEqual([clock.now(), clock.monotonic(), clock.pending], [1020, 20, 0]);
  });

  test("a timer made by a timer fires in the same advance when it is due", () => {
    const { clock } = createMemoryRuntime();
    let ticks = 0;
    const tick = () => void (ticks++, clock.after(10, tick));
    clock.after(10, tick);
    clock.advance(100);
    assert.equal(ticks, 10);
  });

  test("advance() settles what each timer sets off before the next one", async () => {
    const memory = createMemoryRuntime();
    const { client, server } = await pair(memory);
    const seen: number[] = [];
    memory.clock.after(10, () => void client.write("x"));
    memory.clock.after(20, () => void seen.push(server.received));
    await memory.advance(20);
    assert.deepEqual(seen, [1]);
  });
});

describe("memory runtime: host and datagrams", () => {
  test("output is captured, input and environment are given", async () => {
    const { host } = createMemoryRuntime({
      argv: ["check-config"],
      env: { HOME: "/root" },
      stdin: "a b",
      secrets: ["pw"],
      terminals: ["stderr"],
    });
    host.writeOut("one\n");
    host.writeErr("two\n");
    assert.deepEqual([host.out, host.err], ["one\n", "two\n"]);
    assert.deepEqual([host.argv, host.env("HOME"), host.env("PATH")], [
      ["check-config"],
      "/root",
      undefined,
    ]);
    assert.equal(decode(await host.readIn()), "a b");
    assert.equal(await host.askSecret("Password: "), "pw");
    assert.equal(await host.askSecret("Password: "), null);
    assert.deepEqual([host.isTerminal("stderr"), host.isTerminal("stdout")], [true, false]);
    assert.doesNotMatch(host.out + host.err, /pw/);
  });

  test("exit() throws, and the first code counts", () => {
    const { host } = createMemoryRuntime();
    assert.throws(() => host.exit(2), Exit);
    assert.throws(() => host.exit(0), Exit);
    assert.equal(host.exitCode, 2);
  });

  test("signals reach all who asked for them", () => {
    const { host } = createMemoryRuntime();
    let count = 0;
    host.onSignal("SIGHUP", () => void count++);
    host.onSignal("SIGHUP", () => void count++);
    host.onSignal("SIGTERM", () => assert.fail("nobody sent it"));
    host.signal("SIGHUP");
    assert.equal(count, 2);
  });

  test("lookup answers from the script", async () => {
    const { host } = createMemoryRuntime({ names: { "imap.example": ["192.0.2.5"] } });
    assert.deepEqual(await host.lookup("imap.example"), ["192.0.2.5"]);
    assert.deepEqual(await host.lookup("::0001"), ["::1"]);
    await assert.rejects(host.lookup("other.example"), { code: "ENOTFOUND" });
  });

  test("datagram servers answer, or lose", async () => {
    const memory = createMemoryRuntime();
    const dns = ip("192.0.2.53", 53);
    memory.network.answer(dns, (bytes) => bytes[0] === 1 ? Uint8Array.of(2) : null);
    const socket = await memory.datagram({ family: 4 });
    const got: string[] = [];
    socket.receive = (bytes, from) => void got.push(`${bytes.join()} ${JSON.stringify(from)}`);
    socket.send(Uint8Array.of(1), dns);
    socket.send(Uint8Array.of(9), dns);
    socket.send(Uint8Array.of(1), ip("192.0.2.54", 53));
    await memory.settle();
    assert.deepEqual(got, [`2 ${JSON.stringify(dns)}`]);
  });

  test("syslog over a unix datagram socket", async () => {
    const memory = createMemoryRuntime();
    const lines: string[] = [];
    memory.network.answer(unix("/dev/log"), (bytes) => {
      lines.push(decode(bytes));
      return null;
    });
    const socket = await memory.datagram({ family: "unix" });
    socket.send(encode("<22>hello"), unix("/dev/log"));
    socket.close();
    await memory.settle();
    assert.deepEqual(lines, []);
    const open = await memory.datagram({ family: "unix" });
    open.send(encode("<22>hello"), unix("/dev/log"));
    await memory.settle();
    assert.deepEqual(lines, ["<22>hello"]);
  });

  test("files given at the start have their folders", () => {
    const { files } = createMemoryRuntime({ files: { "/etc/doorpost/doorpost.toml": "x = 1\n" } });
    assert.deepEqual([...files.list("/etc")], ["doorpost"]);
    assert.deepEqual([...files.list("/etc/doorpost")], ["doorpost.toml"]);
    assert.equal(files.readText("etc//doorpost/../doorpost/doorpost.toml"), "x = 1\n");
    assert.throws(() => files.write("/etc/doorpost/doorpost.toml/x", ""), { code: "ENOTDIR" });
    assert.throws(() => files.list("/etc/doorpost/doorpost.toml"), { code: "ENOTDIR" });
  });
});
