/**
 * Several worker processes under a master, as an administrator sees them: what is lost when one dies, is
 * reloaded, told to go, or when the master itself is killed; who gets how much of the load; limits.
 */

import assert from "node:assert/strict";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { allow, type AuthServer, deny, startAuthServer } from "../support/auth-server.ts";
import { type BadBackend, letIn, startBadBackend } from "../support/bad-backend.ts";
import { LineClient } from "../support/clients.ts";
import { freePort, type Proxy, startProxy } from "../support/process.ts";
import { logIn } from "./dialogue.ts";

const UNDER = process.env["DOORPOST_UNDER_TEST"] ?? "exe";
const ROOT = process.getuid?.() === 0;

/** One process that joins a site of its own: a POP3 proxy before a backend that repeats what it hears. */
interface Setting extends AsyncDisposable {
  readonly proxy: Proxy;
  readonly port: number;
  /** A session joined to its backend. */
  session(port?: number): Promise<LineClient>;
  /** Process ids of the workers that run, oldest first. */
  workers(): number[];
}

if (UNDER === "deno") {
  test("Deno has no workers, and says so", async () => {
    await assert.rejects(start(), (error: Error) => {
      assert.match(error.message, /ended \(1\)/);
      assert.match(error.message, /Cannot start 2 worker processes: Under Deno/);
      return true;
    });
  });
} else describe("workers", { concurrency: false }, suite);

function suite(): void {
  describe("load", load);
  describe("signals", signals);
  describe("deaths", deaths);
  describe("limits", limits);
}

// --- load -----------------------------------------------------------------------------------------

function load(): void {
  test("is shared: each of two has half of the logins, to within a fifth", async (t) => {
    await using setting = await start();
    await hammer(setting, { clients: 24, sessions: 40 });
    const shares = Object.values(loginsByProcess(setting.proxy));
    t.diagnostic(`logins: ${shares.join(" and ")}`);
    assert.equal(shares.length, 2);
    assertShared(shares);
  });

  test("is shared: so are sessions that stay", async (t) => {
    await using setting = await start("worker_connections = 4096");
    const sessions = await Promise.all(Array.from({ length: 600 }, () => setting.session()));
    const shares = Object.values(loginsByProcess(setting.proxy));
    t.diagnostic(`sessions: ${shares.join(" and ")}`);
    for (const session of sessions) session[Symbol.dispose]();
    assertShared(shares);
  });

  test("loses no connection by reloads", async (t) => {
    await using setting = await start();
    const before = setting.workers();
    const hammering = hammer(setting, { clients: 12, ms: 4000 });
    for (let reloads = 1; reloads <= 4; reloads++) {
      setting.proxy.signal("SIGHUP");
      await setting.proxy.said(new RegExp(`(?:reloaded[^]*){${reloads}}`));
    }
    const done = await hammering;
    t.diagnostic(`${done} sessions, 4 reloads`);
    assert.ok(done > 50, `${done} sessions`);
    await until("old workers are gone", () => setting.workers().length === 2);
    assert.ok(setting.workers().every((pid) => !before.includes(pid)));
  });
}

/**
 * Each within a fifth of the mean. Under Node workers share one socket, and who wakes first takes what
 * is there: it is held to no more than that nobody starves.
 */
function assertShared(counts: readonly number[]): void {
  const mean = counts.reduce((a, b) => a + b) / counts.length;
  const most = UNDER === "node" ? mean * 0.8 : mean / 5;
  for (const count of counts) assert.ok(Math.abs(count - mean) <= most, counts.join(" and "));
}

// --- signals --------------------------------------------------------------------------------------

function signals(): void {
  test("TERM ends all at once, with status 0", async () => {
    await using setting = await start();
    using client = await setting.session();
    const workers = setting.workers();
    setting.proxy.signal("SIGTERM");
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
    await client.closed();
    assert.deepEqual(workers.filter(alive), []);
    await assert.rejects(LineClient.connect(setting.port), /ECONNREFUSED/);
  });

  test("QUIT waits for the last session", async () => {
    await using setting = await start();
    using client = await setting.session();
    setting.proxy.signal("SIGQUIT");
    await refused(setting.port);
    assert.equal(await client.ask("still there?"), "still there?");
    client.send("QUIT");
    await client.closed();
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
  });

  test("worker_shutdown_timeout ends a session that does not", async () => {
    await using setting = await start('worker_shutdown_timeout = "500ms"');
    using client = await setting.session();
    setting.proxy.signal("SIGQUIT");
    await client.closed();
    assert.deepEqual(await setting.proxy.exited, { code: 0, signal: null });
  });

  test("HUP: sessions of old workers live on, new ones have the new configuration", async () => {
    await using setting = await start();
    using client = await setting.session();
    const second = await freePort();
    rewrite(setting.proxy, (toml) => `${toml}[[server]]\n${listenOn(second)}`);
    setting.proxy.signal("SIGHUP");
    await setting.proxy.said(/reloaded/);
    assert.equal(await client.ask("still there?"), "still there?");
    using other = await setting.session(second);
    assert.equal(await other.ask("new here"), "new here");
    await until("only that of the old is left", () => setting.workers().length === 3);
    client.send("QUIT");
    await client.closed();
    await until("it is gone", () => setting.workers().length === 2);
  });

  test("HUP: a client that has not logged in yet does so, at its old worker", async () => {
    await using setting = await start();
    using client = await LineClient.connect(setting.port);
    await client.line();
    setting.proxy.signal("SIGHUP");
    await setting.proxy.said(/reloaded/);
    assert.match(await logIn(client, "pop3", "bob", "any"), /^\+OK/);
    assert.equal(await client.ask("hello"), "hello");
  });

  test("HUP: a port that is gone is refused, one that stays has never been", async () => {
    await using setting = await start();
    const second = await freePort();
    rewrite(setting.proxy, (toml) => toml.replace(String(setting.port), String(second)));
    setting.proxy.signal("SIGHUP");
    await setting.proxy.said(/reloaded/);
    await refused(setting.port);
    using other = await setting.session(second);
    assert.equal(await other.ask("new here"), "new here");
  });

  const BAD: readonly (readonly [string, (toml: string, busy: number) => string, RegExp])[] = [
    ["an error in it", (toml) => `nonsense = "on"\n${toml}`, /nonsense/],
    [
      "an address in use",
      (toml, busy) => `${toml}[[server]]\n${listenOn(busy)}`,
      /Cannot bind 127\.0\.0\.1:\d+: address in use/,
    ],
  ];
  for (const [name, change, words] of BAD) {
    test(`HUP with ${name}: says so, and the workers stay`, async () => {
      await using setting = await start();
      const before = setting.workers();
      rewrite(setting.proxy, (toml) => change(toml, setting.backendPort));
      setting.proxy.signal("SIGHUP");
      await setting.proxy.said(/RELOAD FAILED/);
      assert.match(setting.proxy.output(), words);
      assert.deepEqual(setting.workers(), before);
      using client = await setting.session();
      assert.equal(await client.ask("as before"), "as before");
    });
  }

  test("HUP changes the number of workers", async () => {
    await using setting = await start();
    for (const workers of [3, 1, 2]) {
      rewrite(
        setting.proxy,
        (toml) => toml.replace(/worker_processes = \d/, `worker_processes = ${workers}`),
      );
      const reloads = setting.proxy.output().split("reloaded").length;
      setting.proxy.signal("SIGHUP");
      await setting.proxy.said(new RegExp(`(?:reloaded[^]*){${reloads}}`));
      await until(`there are ${workers}`, () => setting.workers().length === workers);
      for (let i = 0; i < 8; i++) (await setting.session())[Symbol.dispose]();
    }
  });

  test("USR1: all logs go on in a new file", async () => {
    await using setting = await start();
    const log = join(setting.proxy.folder, "error.log");
    renameSync(log, `${log}.1`);
    setting.proxy.signal("SIGUSR1");
    await until("there is a new file", () => existsSync(log));
    await until("every worker writes there", async () => {
      (await setting.session())[Symbol.dispose]();
      return Object.keys(loginsIn(readFileSync(log, "utf8"))).length === 2;
    });
  });

  test("the pid file names the master, and goes with it", async () => {
    await using setting = await start('pid = "doorpost.pid"');
    const file = join(setting.proxy.folder, "doorpost.pid");
    assert.equal(readFileSync(file, "utf8"), `${setting.proxy.pid}\n`);
    await setting.proxy.stop();
    assert.equal(existsSync(file), false);
  });
}

// --- deaths ---------------------------------------------------------------------------------------

function deaths(): void {
  test("a killed worker: the others' sessions live on, everybody new is served, it is replaced", async () => {
    await using setting = await start();
    const sessions = await Promise.all(Array.from({ length: 16 }, () => setting.session()));
    const [victim, other] = setting.workers();
    process.kill(victim, "SIGKILL");
    await until("it is missed", () => /exited on signal 9/.test(setting.proxy.log()));
    // While it is missing the other accepts for it.
    const meanwhile = await Promise.all(Array.from({ length: 16 }, () => setting.session()));
    await until("it is replaced", () => setting.workers().length === 2);
    assert.ok(setting.workers().includes(other));
    const alive = await Promise.all([...sessions, ...meanwhile].map(answers));
    assert.ok(alive.slice(0, 16).some(Boolean), "sessions of the other worker");
    assert.deepEqual(alive.slice(16).filter((yes) => !yes), []);
    const both = new Set<string>();
    await until("both serve again", async () => {
      (await setting.session())[Symbol.dispose]();
      for (const pid of Object.keys(loginsByProcess(setting.proxy))) both.add(pid);
      return setting.workers().every((pid) => both.has(String(pid)));
    });
    for (const session of [...sessions, ...meanwhile]) session[Symbol.dispose]();
    assert.match(
      setting.proxy.log(),
      new RegExp(
        `\\[alert\\] ${setting.proxy.pid}#0: worker process ${victim} exited on signal 9 \\(SIGKILL\\)`,
      ),
    );
  });

  test("the master is killed: its workers take no new clients and end with their sessions", async () => {
    await using setting = await start();
    using client = await setting.session();
    const workers = setting.workers();
    process.kill(setting.proxy.pid, "SIGKILL");
    await refused(setting.port);
    assert.equal(await client.ask("still there?"), "still there?");
    client.send("QUIT");
    await client.closed();
    await until("nobody is left", () => workers.filter(alive).length === 0);
    assert.match(setting.proxy.log(), /the master process has gone/);
  });

  test("a master keeps its descriptors, whatever becomes of its workers", async (t) => {
    await using setting = await start();
    const atRest = () => stable(() => setting.proxy.descriptors());
    const before = await atRest();
    for (let round = 1; round <= 3; round++) {
      setting.proxy.signal("SIGHUP");
      await setting.proxy.said(new RegExp(`(?:reloaded[^]*){${round}}`));
      await until("old workers are gone", () => setting.workers().length === 2);
      const [victim] = setting.workers();
      process.kill(victim, "SIGKILL");
      await until("it is replaced", () => {
        return setting.workers().length === 2 && !setting.workers().includes(victim);
      });
    }
    const after = await atRest();
    t.diagnostic(`descriptors of the master: ${before} before, ${after} after`);
    assert.equal(after, before);
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
}

// --- limits ---------------------------------------------------------------------------------------

function limits(): void {
  for (const workers of [1, 2]) {
    test(`worker_connections: who comes beyond them is turned away (${workers} at work)`, async () => {
      await using setting = await start("worker_connections = 6", workers);
      // Each session is two connections. With two workers chance decides which of them is full first.
      const { inside, refused } = await crowd(setting, 16 * workers);
      assert.equal(inside.length, 3 * workers);
      assert.equal(refused, 13 * workers);
      assert.match(setting.proxy.log(), /\[alert\] \d+#0: 6 worker_connections are not enough/);
      for (const client of inside) {
        client.send("QUIT");
        await client.closed();
      }
      await until("there is room again", async () => (await crowd(setting, 1)).inside.length === 1);
    });
  }

  /** Ways in which a session can end. */
  const ENDS:
    readonly (readonly [string, (setting: Started, client: LineClient) => Promise<void>])[] = [
      ["before it says a word", () => Promise.resolve()],
      ["after a wrong password", async (_, client) => {
        assert.match(await logIn(client, "pop3", "mallory", "any"), /^-ERR/);
      }],
      ["by a backend that refuses it", async (_, client) => {
        assert.match(await logIn(client, "pop3", "dead", "any"), /^-ERR/);
      }],
      ["while its backend is silent", async (setting, client) => {
        void logIn(client, "pop3", "slow", "any").catch(() => {});
        const before = setting.silent.accepted;
        await until("the backend is dialled", () => setting.silent.accepted > before);
      }],
      ["by the backend", async (_, client) => {
        assert.match(await logIn(client, "pop3", "bob", "any"), /^\+OK/);
        client.send("QUIT");
        await client.closed();
      }],
      ["by the client", async (_, client) => {
        assert.match(await logIn(client, "pop3", "bob", "any"), /^\+OK/);
      }],
    ];
  for (const [name, end] of ENDS) {
    test(`worker_connections: a session that ends ${name} gives its connections back`, async () => {
      // A client that leaves during the backend's login is not missed before that has had its time.
      await using setting = await start('worker_connections = 2\ntimeout = "1s"', 1);
      for (let round = 0; round < 3; round++) {
        using client = await admitted(setting);
        await end(setting, client);
      }
      await until("there is room", async () => (await crowd(setting, 1)).inside.length === 1);
    });
  }

  test("worker_connections: a login whose backend would be one too many fails", async () => {
    await using setting = await start("worker_connections = 2", 1);
    using one = await admitted(setting);
    using other = await admitted(setting);
    assert.match(await logIn(one, "pop3", "bob", "any"), /^-ERR internal server error/);
    other.end();
  });

  test("worker_rlimit_nofile is the workers'", { skip: UNDER === "node" }, async () => {
    await using setting = await start("worker_rlimit_nofile = 1234");
    for (const pid of setting.workers()) {
      assert.match(readFileSync(`/proc/${pid}/limits`, "utf8"), /Max open files +1234 /);
    }
  });

  test("a limit that is too low is said at the start, with the way to raise it", async () => {
    await using setting = await start("worker_connections = 1000000\nworker_rlimit_nofile = 500");
    const output = setting.proxy.output();
    assert.match(output, /warning: .*too low for 1000000 worker_connections/);
    assert.match(output, /warning: .*net\.ipv4\.ip_local_port_range/);
    assert.ok(output.indexOf("warning:") < output.indexOf("ready:"));
  });

  test(
    "user: workers give root up, the master keeps it, and logs follow",
    { skip: !ROOT },
    async () => {
      await using setting = await start('user = "nobody nogroup"');
      const uid = (pid: number) =>
        /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1];
      assert.equal(uid(setting.proxy.pid), "0");
      const [nobody, same] = setting.workers().map(uid);
      assert.notEqual(nobody, "0");
      assert.equal(same, nobody);
      const log = join(setting.proxy.folder, "error.log");
      renameSync(log, `${log}.1`);
      setting.proxy.signal("SIGUSR1");
      await until("the new file is theirs", () => {
        return existsSync(log) && String(statSync(log).uid) === nobody;
      });
      await until("they write there", async () => {
        (await setting.session())[Symbol.dispose]();
        return /client logged in/.test(readFileSync(log, "utf8"));
      });
    },
  );
}

// --- below ----------------------------------------------------------------------------------------

interface Started extends Setting {
  readonly toml: string;
  readonly backendPort: number;
  /** Where the user `slow` is sent: it accepts and says nothing. */
  readonly silent: BadBackend;
}

/** Connected and greeted, as soon as there is room. */
async function admitted(setting: Started): Promise<LineClient> {
  let client: LineClient | null = null;
  await until("a client is let in", async () => {
    client = await LineClient.connect(setting.port);
    return await client.line().then(() => true, () => false);
  });
  return client!;
}

function listenOn(port: number): string {
  return `listen = "127.0.0.1:${port}"\nprotocol = "pop3"\n`;
}

async function start(more = "", workers = 2): Promise<Started> {
  const backend: BadBackend = await startBadBackend((socket) =>
    letIn(socket, () => {}, (text) => text === "QUIT" ? socket.end() : socket.write(`${text}\r\n`))
  );
  const silent = await startBadBackend(() => {});
  const auth: AuthServer = await startAuthServer(({ user }) => {
    if (user === "mallory") return deny("no");
    // Port 1 is nobody's.
    return allow(user === "dead" ? 1 : user === "slow" ? silent.port : backend.port);
  });
  const stop = async () => {
    for (const each of [auth, backend, silent]) await each[Symbol.asyncDispose]();
  };
  const port = await freePort();
  const toml = `worker_processes = ${workers}\n${more}\nauth_http = "${auth.url}"\n[[server]]\n${
    listenOn(port)
  }`;
  const proxy = await startProxy(toml).catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    proxy,
    port,
    toml,
    backendPort: backend.port,
    silent,
    workers: () => childrenOf(proxy.pid),
    async session(at = port) {
      const client = await LineClient.connect(at);
      await client.line();
      assert.match(await logIn(client, "pop3", "bob", "any"), /^\+OK/);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await stop();
    },
  };
}

/** Whole sessions, one after the other at each client; any that fails fails the test. How many there were. */
async function hammer(
  setting: Setting,
  { clients, sessions = Infinity, ms = Infinity }: {
    readonly clients: number;
    readonly sessions?: number;
    readonly ms?: number;
  },
): Promise<number> {
  const until = Date.now() + ms;
  const each = async () => {
    let done = 0;
    for (; done < sessions && Date.now() < until; done++) {
      using client = await setting.session();
      assert.equal(await client.ask("hello"), "hello");
      client.send("QUIT");
      await client.closed();
    }
    return done;
  };
  const done = await Promise.all(Array.from({ length: clients }, each));
  return done.reduce((a, b) => a + b);
}

/** Clients that come one by one and stay, if they are let in. */
async function crowd(
  setting: Setting,
  size: number,
): Promise<{ inside: LineClient[]; refused: number }> {
  const inside: LineClient[] = [];
  let refused = 0;
  for (let i = 0; i < size; i++) {
    try {
      inside.push(await setting.session());
    } catch {
      refused++;
    }
  }
  return { inside, refused };
}

async function answers(client: LineClient): Promise<boolean> {
  try {
    return await client.ask("still there?") === "still there?";
  } catch {
    return false;
  }
}

/** Logins by process id, from the log. */
function loginsByProcess(proxy: Proxy): Record<string, number> {
  return loginsIn(proxy.log());
}

function loginsIn(log: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, pid] of log.matchAll(/ (\d+)#0: \*\d+ client logged in/g)) {
    counts[pid] = (counts[pid] ?? 0) + 1;
  }
  return counts;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim();
    return text === "" ? [] : text.split(" ").map(Number);
  }).sort((a, b) => a - b);
}

/** A process that runs; one that nobody has waited for yet does not. */
function alive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits until nothing listens any more. */
async function refused(port: number): Promise<void> {
  await until(`port ${port} refuses`, async () => {
    try {
      using _client = await LineClient.connect(port);
      return false;
    } catch (error) {
      assert.match(String(error), /ECONNREFUSED/);
      return true;
    }
  });
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited 20 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A number that has not changed for a while. */
async function stable(measure: () => number): Promise<number> {
  let [last, same] = [-1, 0];
  await until("a number comes to rest", () => {
    const now = measure();
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= 10;
  });
  return last;
}

function rewrite(proxy: Proxy, change: (toml: string) => string): void {
  const file = join(proxy.folder, "doorpost.toml");
  writeFileSync(file, change(readFileSync(file, "utf8")));
}
