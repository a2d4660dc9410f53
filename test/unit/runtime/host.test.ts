/** Files, datagrams, names and hidden input, as they must be on every runtime alike. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { FileError, NetError } from "../../../src/core/errors.ts";
import { type Endpoint, ip } from "../../../src/net/address.ts";
import { clock, datagram, files, host, random } from "../../../src/runtime/host.ts";
import { SecretLine } from "../../../src/runtime/host/terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "doorpost-host-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const utf8 = new TextEncoder();
const at = (name: string) => join(folder, name);
const fails = (code: string, path: string, work: () => unknown) =>
  assert.throws(work, (error) => {
    assert.ok(error instanceof FileError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.path, path);
    return true;
  });

describe("files", () => {
  it("reads back what it wrote, with the mode that was asked for", () => {
    files.write(at("key.pem"), "schlüssel\n", { mode: 0o600 });
    assert.equal(files.readText(at("key.pem")), "schlüssel\n");
    assert.deepEqual(files.read(at("key.pem")), utf8.encode("schlüssel\n"));
    const { modified, ...about } = files.stat(at("key.pem"));
    assert.deepEqual(about, { mode: 0o600, size: 11, directory: false });
    assert.ok(Math.abs(Date.now() - modified!) < 60_000);
    assert.equal(files.stat(folder).directory, true);
    assert.ok(files.list(folder).includes("key.pem"));
    files.remove(at("key.pem"));
    assert.equal(files.exists(at("key.pem")), false);
  });

  it("names the errno of every failure", () => {
    files.write(at("here"), "");
    fails("ENOENT", at("no"), () => files.read(at("no")));
    fails("ENOENT", at("no"), () => files.readText(at("no")));
    fails("ENOENT", at("no"), () => files.stat(at("no")));
    fails("ENOENT", at("no"), () => files.remove(at("no")));
    fails("ENOENT", at("no"), () => files.list(at("no")));
    fails("ENOENT", at("no/log"), () => files.append(at("no/log")));
    fails("EISDIR", folder, () => files.readText(folder));
    fails("ENOTDIR", at("here/x"), () => files.readText(at("here/x")));
    fails("EEXIST", at("here"), () => files.write(at("here"), "x", { exclusive: true }));
  });

  it("reads malformed UTF-8 as U+FFFD", () => {
    const log = files.append(at("bytes"));
    log.write(Uint8Array.of(0x61, 0xff, 0x62));
    log.close();
    assert.equal(files.readText(at("bytes")), "a\ufffdb");
  });
});

describe("an appender", () => {
  it("goes on in the rotated file until it is reopened", () => {
    const log = files.append(at("error.log"));
    log.write(utf8.encode("one\n"));
    renameSync(at("error.log"), at("error.log.1"));
    log.write(utf8.encode("two\n"));
    log.reopen();
    log.write(utf8.encode("three\n"));
    log.close();
    log.close();
    assert.equal(files.readText(at("error.log.1")), "one\ntwo\n");
    assert.equal(files.readText(at("error.log")), "three\n");
  });

  it("keeps its file when the new one cannot be opened", () => {
    files.append(at("kept")).close();
    const log = files.append(at("kept"));
    renameSync(at("kept"), at("kept.1"));
    // A folder of that name: refused even to root.
    renameSync(mkdtempSync(at("in-the-way-")), at("kept"));
    fails("EISDIR", at("kept"), () => log.reopen());
    log.write(utf8.encode("still\n"));
    log.close();
    assert.equal(files.readText(at("kept.1")), "still\n");
  });

  it("makes a new file that others may read, and leaves the mode of an old one", () => {
    const before = process.umask(0o022);
    files.append(at("fresh")).close();
    process.umask(before);
    assert.equal(files.stat(at("fresh")).mode, 0o644);
    chmodSync(at("fresh"), 0o600);
    files.append(at("fresh")).close();
    assert.equal(files.stat(at("fresh")).mode, 0o600);
  });
});

describe("datagrams", () => {
  for (const [family, localAddress] of [[4, "127.0.0.1"], [6, "::1"]] as const) {
    it(`go and come over IPv${family}`, async () => {
      const echo = createSocket(family === 4 ? "udp4" : "udp6");
      echo.on("message", (bytes, from) => echo.send(bytes, from.port, from.address));
      await new Promise<void>((resolve) => echo.bind(0, localAddress, () => resolve()));
      const server = ip(localAddress, echo.address().port);

      const client = await datagram({ family, localAddress });
      const answer = new Promise<{ bytes: Uint8Array; from: Endpoint }>((resolve) => {
        client.receive = (bytes, from) => resolve({ bytes, from });
      });
      client.send(Uint8Array.of(1, 2, 3), server);
      const { bytes, from } = await answer;
      assert.deepEqual(Array.from(bytes), [1, 2, 3]);
      assert.deepEqual(from, server);
      client.close();
      client.close();
      client.send(Uint8Array.of(9), server);
      echo.close();
    });
  }

  it("swallow what cannot be sent", async () => {
    const socket = await datagram({ family: 4 });
    socket.send(Uint8Array.of(1), { is: "ip", address: "127.0.0.1", port: 0 });
    socket.send(Uint8Array.of(1), { is: "ip", address: "::1", port: 53 });
    socket.send(Uint8Array.of(1), { is: "unix", path: "/dev/log" });
    socket.close();
  });

  it("reject a local address that is not ours", async () => {
    await assert.rejects(
      datagram({ family: 4, localAddress: "192.0.2.1" }),
      (error) => error instanceof NetError && error.code === "EADDRNOTAVAIL",
    );
  });
});

describe("the host", () => {
  it("knows a process that runs, what it is and since when", async () => {
    const child = spawn("sleep", ["30"]);
    await once(child, "spawn");
    const sleeping = host.running!(child.pid!);
    if (process.platform === "linux") {
      assert.equal(sleeping?.name, "sleep");
      assert.ok(Math.abs(Date.now() - sleeping.since!) < 20_000, `${sleeping.since}`);
    } else assert.ok(sleeping);
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(host.running!(child.pid!), null);
  });

  it(
    "does not take a zombie for a process that runs",
    { skip: process.platform !== "linux" },
    async () => {
      // The shell becomes a process that never asks what has become of the shell's child.
      const script = "sleep 0 & echo $!; exec sleep 30";
      const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
      const [pid] = await once(parent.stdout, "data");
      while (!/\) Z /.test(readFileSync(`/proc/${Number(pid)}/stat`, "utf8"))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(host.running!(Number(pid)), null);
      parent.kill("SIGKILL");
      await once(parent, "exit");
    },
  );

  it("resolves through the system, and takes literals as they are", async () => {
    assert.deepEqual(await host.lookup("::ffff:127.0.0.1"), ["127.0.0.1"]);
    assert.ok((await host.lookup("localhost")).some((one) => one === "127.0.0.1" || one === "::1"));
    await assert.rejects(
      host.lookup("no..name"),
      (error) => error instanceof NetError && error.message.startsWith("Cannot resolve no..name"),
    );
  });

  it("hears every signal that the server heeds", async () => {
    // Waiting for a signal alone keeps no process alive.
    const alive = setTimeout(() => {}, 10_000);
    for (const signal of ["SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const) {
      const heard = new Promise<void>((resolve) => host.onSignal(signal, resolve));
      process.kill(process.pid, signal);
      await heard;
    }
    clearTimeout(alive);
  });

  it("knows its limit of open files on Linux", () => {
    if (process.platform === "linux") assert.ok((host.openFiles() ?? 0) >= 64);
  });
});

it("the clock runs later what it was told to, unless cancelled, and far ahead is not now", async () => {
  const ran: string[] = [];
  clock.after(2 ** 40, () => ran.push("far")).cancel();
  const far = clock.after(2 ** 40, () => ran.push("far"));
  clock.after(1, () => ran.push("cancelled")).cancel();
  await new Promise<void>((resolve) => clock.after(5, resolve));
  far.cancel();
  assert.deepEqual(ran, []);
  assert.ok(clock.monotonic() <= clock.monotonic());
});

it("random bytes come in the size asked for", () => {
  for (const size of [0, 1, 16, 100_000]) assert.equal(random(size).length, size);
  assert.notDeepEqual(random(16), random(16));
});

describe("a hidden line", () => {
  const cases: readonly (readonly [typed: string, text: string, state: string])[] = [
    ["geheim\r", "geheim", "done"],
    ["geheim\n", "geheim", "done"],
    ["geheim", "geheim", "more"],
    ["gex\x7fheim\r", "geheim", "done"],
    ["\x7f\x08a\r", "a", "done"],
    ["schlü\x7füssel\r", "schlüssel", "done"],
    ["wrong\x15right\r", "right", "done"],
    ["tab\tesc\x1b\r", "tabesc", "done"],
    ["one\rtwo\r", "one", "done"],
    ["end\x04", "end", "done"],
    ["half\x03", "half", "interrupted"],
  ];
  for (const [typed, text, state] of cases) {
    it(JSON.stringify(typed), () => {
      const line = new SecretLine();
      assert.equal(line.type(utf8.encode(typed)), state);
      assert.equal(line.text, text);
    });
  }
});
