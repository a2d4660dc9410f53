/**
 * Signals, as an administrator sends them: TERM ends at once and cleanly, QUIT lets sessions finish, HUP
 * takes a new configuration or keeps the old one, USR1 opens the logs anew. And the starts before them.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { allow, type AuthServer, startAuthServer } from "../support/auth-server.ts";
import { letIn, startBadBackend } from "../support/bad-backend.ts";
import { LineClient } from "../support/clients.ts";
import { freePort, type Proxy, startProxy } from "../support/process.ts";
import { logIn } from "./dialogue.ts";

interface Setting extends AsyncDisposable {
  readonly auth: AuthServer;
  readonly proxy: Proxy;
  readonly port: number;
  readonly toml: string;
  /** A session joined to its backend. */
  session(port?: number): Promise<LineClient>;
}

describe("signals", () => {
  test("TERM: sessions are cut, the exit status is 0, nothing listens any more", async () => {
    await using setting = await start();
    using client = await setting.session();
    setting.proxy.signal("SIGTERM");
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
    await client.closed();
    await assert.rejects(LineClient.connect(setting.port), /ECONNREFUSED/);
    assert.match(setting.proxy.log(), /proxied session done, client: 127\.0\.0\.1/);
  });

  test("INT ends like TERM", async () => {
    await using setting = await start();
    setting.proxy.signal("SIGINT");
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
  });

  test("QUIT: no new session, those that are there go on to their end", async () => {
    await using setting = await start();
    using client = await setting.session();
    setting.proxy.signal("SIGQUIT");
    await refused(setting.port);
    assert.equal(await client.ask("still there?"), "still there?");
    client.send("QUIT");
    await client.closed();
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
  });

  test("QUIT: what is left at worker_shutdown_timeout is cut, in nginx's words", async () => {
    await using setting = await start('worker_shutdown_timeout = "300ms"\n');
    using client = await setting.session();
    setting.proxy.signal("SIGQUIT");
    await client.closed();
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
    const log = setting.proxy.log();
    assert.match(
      log,
      /\[info\] .* shutdown timeout while proxying, client: 127\.0\.0\.1, server: /,
    );
    assert.doesNotMatch(log, /proxied session done/);
  });

  test("QUIT while a client has not logged in yet", async () => {
    await using setting = await start();
    using client = await LineClient.connect(setting.port);
    await client.line();
    setting.proxy.signal("SIGQUIT");
    await client.closed();
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
  });

  test("HUP: new listeners, without an interruption of old sessions", async () => {
    await using setting = await start();
    using client = await setting.session();
    const second = await freePort();
    rewrite(
      setting.proxy,
      (toml) => `${toml}[[server]]\nlisten = "127.0.0.1:${second}"\nprotocol = "pop3"\n`,
    );
    setting.proxy.signal("SIGHUP");
    await setting.proxy.said(/reloaded/);
    assert.equal(await client.ask("still there?"), "still there?");
    using other = await setting.session(second);
    assert.equal(await other.ask("new here"), "new here");
  });

  test("HUP with a broken file: says so and keeps on as before", async () => {
    await using setting = await start();
    rewrite(setting.proxy, (toml) => `nonsense = "on"\n${toml}`);
    setting.proxy.signal("SIGHUP");
    await setting.proxy.said(/RELOAD FAILED/);
    using client = await setting.session();
    assert.equal(await client.ask("still there?"), "still there?");
  });

  test("USR1: the log goes on in a new file", async () => {
    await using setting = await start();
    const log = join(setting.proxy.folder, "error.log");
    renameSync(log, `${log}.1`);
    setting.proxy.signal("SIGUSR1");
    for (let tries = 0; tries < 100 && !existsSync(log); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    using _client = await setting.session();
    setting.proxy.signal("SIGTERM");
    await setting.proxy.exited;
    assert.match(readFileSync(log, "utf8"), /client logged in/);
  });

  test("an nginx.conf serves as it stands", async () => {
    await using setting = await start();
    const port = await freePort();
    await using proxy = await startProxy(
      `events { worker_connections 100; }
mail {
    auth_http 127.0.0.1:${setting.auth.port}/auth;
    server { listen 127.0.0.1:${port}; protocol pop3; }
}
`,
      { syntax: "nginx" },
    );
    using client = await setting.session(port);
    assert.equal(await client.ask("hello"), "hello");
    proxy.signal("SIGTERM");
    await proxy.exited;
    assert.match(proxy.log(), /client logged in/);
  });

  test("a pid file of a process that runs is left alone, one that is left over is taken", async () => {
    await using setting = await start();
    const file = join(setting.proxy.folder, "other.pid");
    const port = await freePort();
    const moved = setting.toml.replace(`127.0.0.1:${setting.port}"`, `127.0.0.1:${port}"`);
    const toml = `pid = "${file}"\n${moved}`;
    writeFileSync(file, `${setting.proxy.pid}\n`);
    await assert.rejects(startProxy(toml), (error: Error) => {
      assert.match(error.message, /ended \(1\)/);
      const sentence =
        `Cannot write pid file "${file}": it is the file of process ${setting.proxy.pid}`;
      assert.ok(error.message.includes(sentence), error.message);
      return true;
    });
    assert.equal(readFileSync(file, "utf8"), `${setting.proxy.pid}\n`);

    setting.proxy.signal("SIGTERM");
    await setting.proxy.exited;
    await using next = await startProxy(toml);
    assert.equal(readFileSync(file, "utf8"), `${next.pid}\n`);
    next.signal("SIGTERM");
    assert.deepEqual(await next.exited, { code: 0, signal: null });
    assert.equal(existsSync(file), false);
  });

  test("a port that is taken: one sentence, and a failing exit status", async () => {
    await using setting = await start();
    await assert.rejects(startProxy(setting.toml), (error: Error) => {
      assert.match(error.message, /ended \(1\)/);
      assert.match(
        error.message,
        new RegExp(`Cannot bind 127\\.0\\.0\\.1:${setting.port}: address in use`),
      );
      return true;
    });
  });
});

// --- below --------------------------------------------------------------------------------------

/** A POP3 proxy before a backend that repeats what it hears until QUIT. */
async function start(top = ""): Promise<Setting> {
  const backend = await startBadBackend((socket) =>
    letIn(socket, () => {}, (text) => text === "QUIT" ? socket.end() : socket.write(`${text}\r\n`))
  );
  const auth = await startAuthServer(() => allow(backend.port));
  const port = await freePort();
  const toml =
    `${top}auth_http = "${auth.url}"\n[[server]]\nlisten = "127.0.0.1:${port}"\nprotocol = "pop3"\n`;
  const proxy = await startProxy(toml);
  return {
    auth,
    proxy,
    port,
    toml,
    async session(at = port) {
      const client = await LineClient.connect(at);
      await client.line();
      assert.match(await logIn(client, "pop3", "bob", "any"), /^\+OK/);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await auth[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

/** Waits until nothing listens any more. */
async function refused(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      using _client = await LineClient.connect(port);
    } catch (error) {
      return assert.match(String(error), /ECONNREFUSED/);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`port ${port} still accepts`);
}

function rewrite(proxy: Proxy, change: (toml: string) => string): void {
  const file = join(proxy.folder, "doorpost.toml");
  writeFileSync(file, change(readFileSync(file, "utf8")));
}
