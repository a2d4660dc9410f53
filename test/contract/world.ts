/** The contract of what is not a stream: clock, files, the host, datagrams, randomness. */

import assert from "node:assert/strict";
import { createSocket, type Socket, type SocketType } from "node:dgram";
import { decode, encode } from "../../src/core/bytes.ts";
import { FileError, NetError } from "../../src/core/errors.ts";
import { type Endpoint, ip, unix } from "../../src/net/address.ts";
import { LOG_SOCKET_PROGRAM, startLogSocket } from "../support/log-socket.ts";
import { skipWithout } from "../support/process.ts";
import { type Given, pause, within } from "./harness.ts";

export function world(given: Given): void {
  clock(given);
  files(given);
  appending(given);
  host(given);
  datagrams(given);
}

function clock(given: Given): void {
  const { clock } = given.runtime;

  given.test("clock: after() fires once, not early, in order of time", async () => {
    const start = clock.monotonic();
    const fired: number[] = [];
    await within(
      new Promise<void>((resolve) => {
        clock.after(60, () => {
          fired.push(60);
          assert.ok(clock.monotonic() - start >= 59, "fired early");
          resolve();
        });
        clock.after(20, () => fired.push(20));
      }),
      "a timer",
    );
    await pause(50);
    assert.deepEqual(fired, [20, 60]);
  });

  given.test("clock: a cancelled timer does not fire, cancelling twice is once", async () => {
    let fired = false;
    const timer = clock.after(10, () => fired = true);
    timer.cancel();
    timer.cancel();
    await within(new Promise<void>((resolve) => void clock.after(60, resolve)), "a later timer");
    assert.equal(fired, false);
  });

  given.test("clock: monotonic never goes back, now is the time of day", () => {
    const times = Array.from({ length: 1000 }, () => clock.monotonic());
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
    assert.ok(Math.abs(clock.now() - Date.now()) < 60_000);
    return Promise.resolve();
  });

  given.test("random: as many bytes as asked for, and not the same again", () => {
    const one = given.runtime.random(16);
    assert.equal(one.length, 16);
    assert.notDeepEqual(one, given.runtime.random(16));
    assert.equal(given.runtime.random(0).length, 0);
    return Promise.resolve();
  });
}

let made = 0;

function files(given: Given): void {
  const { files } = given.runtime;
  const fresh = () => `${given.options.folder}/f${++made}`;

  given.test("files: what was written is read, listed and removed", () => {
    const path = fresh();
    assert.equal(files.exists(path), false);
    files.write(path, "größe\n");
    assert.equal(files.exists(path), true);
    assert.equal(files.readText(path), "größe\n");
    assert.deepEqual(files.read(path), new TextEncoder().encode("größe\n"));
    assert.equal(files.stat(path).size, 8);
    assert.equal(files.stat(path).directory, false);
    assert.ok(files.list(given.options.folder).includes(path.split("/").at(-1)!));
    files.remove(path);
    assert.equal(files.exists(path), false);
    return Promise.resolve();
  });

  given.test("files: write replaces, exclusive refuses", () => {
    const path = fresh();
    files.write(path, "a longer first text");
    files.write(path, "short");
    assert.equal(files.readText(path), "short");
    fileError(() => files.write(path, "x", { exclusive: true }), "EEXIST", path);
    assert.equal(files.readText(path), "short");
    return Promise.resolve();
  });

  given.test("files: mode is the new file's, as the owner said", () => {
    const path = fresh();
    files.write(path, "secret", { mode: 0o600 });
    assert.equal(files.stat(path).mode & 0o777, 0o600);
    return Promise.resolve();
  });

  given.test("files: malformed UTF-8 becomes U+FFFD", () => {
    const path = fresh();
    const out = files.append(path);
    out.write(Uint8Array.of(0x61, 0xff, 0x62));
    out.close();
    assert.equal(files.readText(path), "a\ufffdb");
    return Promise.resolve();
  });

  given.test("files: a folder is a folder", () => {
    assert.equal(files.stat(given.options.folder).directory, true);
    assert.equal(files.exists(given.options.folder), true);
    fileError(() => files.read(given.options.folder), "EISDIR", given.options.folder);
    return Promise.resolve();
  });

  given.test("files: everything that is missing is ENOENT with its path", () => {
    const path = `${given.options.folder}/missing`;
    fileError(() => files.read(path), "ENOENT", path);
    fileError(() => files.readText(path), "ENOENT", path);
    fileError(() => files.remove(path), "ENOENT", path);
    fileError(() => files.list(path), "ENOENT", path);
    fileError(() => files.stat(path), "ENOENT", path);
    fileError(() => files.write(`${path}/x`, ""), "ENOENT", `${path}/x`);
    fileError(() => files.append(`${path}/x`), "ENOENT", `${path}/x`);
    return Promise.resolve();
  });
}

function fileError(call: () => unknown, code: string, path: string): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof FileError, `threw ${error}`);
    assert.deepEqual([error.code, error.path], [code, path]);
    return true;
  });
}

function appending(given: Given): void {
  const { files } = given.runtime;
  const fresh = () => `${given.options.folder}/a${++made}`;

  given.test("append: makes the file, adds to it, and others see it at once", () => {
    const path = fresh();
    const out = files.append(path);
    assert.equal(files.readText(path), "");
    out.write(encode("one\n"));
    out.write(encode("two\n"));
    assert.equal(files.readText(path), "one\ntwo\n");
    out.close();
    const again = files.append(path);
    again.write(encode("three\n"));
    again.close();
    assert.equal(files.readText(path), "one\ntwo\nthree\n");
    return Promise.resolve();
  });

  given.test("append: two appenders on one file lose nothing", () => {
    const path = fresh();
    const one = files.append(path);
    const two = files.append(path);
    one.write(encode("1"));
    two.write(encode("2"));
    one.write(encode("3"));
    assert.equal(files.readText(path), "123");
    one.close();
    two.close();
    return Promise.resolve();
  });

  given.test("append: reopen() finds the path again after a rotation", () => {
    const path = fresh();
    const out = files.append(path);
    out.write(encode("old\n"));
    files.remove(path);
    out.write(encode("lost with the old file\n"));
    assert.equal(files.exists(path), false);
    out.reopen();
    out.write(encode("new\n"));
    assert.equal(files.readText(path), "new\n");
    out.close();
    return Promise.resolve();
  });
}

function host(given: Given): void {
  const { host } = given.runtime;

  given.test("host: environment, arguments, process", () => {
    assert.equal(host.env("DOORPOST_NO_SUCH_VARIABLE"), undefined);
    assert.ok(Array.isArray(host.argv));
    assert.ok(host.pid > 0);
    assert.match(host.hostname, /^\S+$/);
    assert.match(host.cwd, /^\//);
    assert.ok(host.columns > 0);
    const limit = host.openFiles();
    assert.ok(limit === null || limit > 0);
    return Promise.resolve();
  });

  given.test("host: lookup gives literals", async () => {
    const found = await host.lookup("localhost");
    assert.ok(found.includes("127.0.0.1") || found.includes("::1"), found.join());
    assert.deepEqual(await host.lookup("192.0.2.7"), ["192.0.2.7"]);
  });

  given.test("host: lookup of what is no name rejects with a NetError", async () => {
    // Malformed on purpose: no resolver is asked about it.
    await assert.rejects(host.lookup("no..name"), NetError);
  });
}

function datagrams(given: Given): void {
  for (const [family, address] of [[4, "127.0.0.1"], [6, "::1"]] as const) {
    given.test(`datagrams, IPv${family}: sent, answered, and from whom`, async () => {
      const echo = createSocket(family === 4 ? "udp4" : "udp6");
      const socket = await given.runtime.datagram({ family, localAddress: address });
      try {
        const at = ip(address, await bound(echo, address));
        const answer = new Promise<{ bytes: Uint8Array; from: Endpoint }>((resolve) => {
          socket.receive = (bytes, from) => resolve({ bytes, from });
        });
        socket.send(encode("question"), at);
        const { bytes, from } = await within(answer, "a datagram");
        assert.equal(decode(bytes), "echo question");
        assert.deepEqual(from, at);
      } finally {
        socket.close();
        echo.close();
      }
    });
  }

  given.test("datagrams, unix: supports() says what is so", async (bench) => {
    const able = given.runtime.supports("unix-datagrams") === true;
    const opening = given.runtime.datagram({ family: "unix" });
    if (!able) {
      await assert.rejects(opening, (error) => {
        return error instanceof NetError && error.code === "ENOTSUP";
      });
      // What another way would begin with.
      const type = "unix_dgram" as SocketType;
      assert.throws(() => createSocket({ type }), "there are unix datagram sockets now: use them");
      return;
    }
    const socket = await opening;
    const path = bench.socketPath();
    socket.send(encode("to nobody yet"), unix(path));
    if (skipWithout(LOG_SOCKET_PROGRAM) !== false) return socket.close();
    const receiver = await startLogSocket(path);
    try {
      socket.send(encode("<22>one"), unix(path));
      await receiver.said(/^<22>one$/m);
      // The daemon's own size, to show that nothing is cut.
      socket.send(encode("x".repeat(2048)), unix(path));
      await receiver.said(/^x{2048}$/m);
      assert.doesNotMatch(receiver.output(), /nobody/);
    } finally {
      socket.close();
      socket.send(encode("closed"), unix(path));
      socket.close();
      await receiver.stop();
    }
  });

  given.test("datagrams: one to nobody is lost in silence; close() ends it", async () => {
    const socket = await given.runtime.datagram({ family: 4, localAddress: "127.0.0.1" });
    socket.receive = () => assert.fail("nobody answers");
    socket.send(encode("anybody?"), ip("127.0.0.1", 9));
    await pause(50);
    socket.send(encode("still nobody?"), ip("127.0.0.1", 9));
    socket.close();
    socket.send(encode("closed"), ip("127.0.0.1", 9));
    socket.close();
  });
}

function bound(echo: Socket, address: string): Promise<number> {
  return new Promise((resolve) => {
    echo.on("message", (message, from) => {
      echo.send(`echo ${message}`, from.port, from.address);
    });
    echo.bind(0, address, () => resolve(echo.address().port));
  });
}
