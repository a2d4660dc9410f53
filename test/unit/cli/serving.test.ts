/** One run of the proxy: start and its failures, reload, drain, the ways to stop, pid file and user. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { type Parts, serveUntilSignal } from "../../../src/cli/serving.ts";
import { openTerminal } from "../../../src/cli/terminal.ts";
import type { GlobalSettings, Settings } from "../../../src/config/settings.ts";
import type { Diagnostic } from "../../../src/core/diagnostic.ts";
import { ip } from "../../../src/net/address.ts";
import type { Running } from "../../../src/net/ports.ts";
import { type Proxy, type ProxyOptions, StartError } from "../../../src/proxy/server.ts";
import { type FakeRuntime, fakeRuntime } from "../observe/fakes.ts";

/** When a pid file was written that is there already. */
const FILE_MS = 1_700_000_000_000;

const LOG = { destination: { is: "file", path: "/log" }, level: "notice" } as const;

function settings(over: Partial<GlobalSettings> = {}): Settings {
  const global = { error_log: [LOG], pid: null, user: null, ...over };
  // Of all settings only these concern the run as a whole.
  return { global: global as unknown as GlobalSettings, servers: [] };
}

type Loaded = Awaited<ReturnType<Parts["load"]>>;

const FAULT: Diagnostic = {
  at: { file: "a.toml", line: 1, column: 1, length: 1 },
  severity: "error",
  rule: "some-rule",
  message: "Something is wrong",
};

function good(over: Partial<GlobalSettings> = {}): Loaded {
  return { settings: settings(over), diagnostics: [], sources: new Map() };
}

const BAD: Loaded = { settings: null, diagnostics: [FAULT], sources: new Map([["a.toml", "x"]]) };

class FakeProxy implements Proxy {
  listening = [
    { at: ip("127.0.0.1", 143), protocol: "imap", ssl: false },
    { at: ip("::1", 993), protocol: "imap", ssl: true },
  ];
  warnings: readonly Diagnostic[] = [];
  connections = 2;
  readonly calls: string[] = [];
  /** What the next reload rejects with. */
  refuses: Error | null = null;
  /** Called when `drain` is; resolve it to let the last session end. */
  drained: Promise<void> = Promise.resolve();
  stopped: Promise<void> = Promise.resolve();

  reload(): Promise<void> {
    this.calls.push("reload");
    const error = this.refuses;
    return error ? Promise.reject(error) : Promise.resolve();
  }

  cover(): Promise<() => Promise<void>> {
    return Promise.resolve(() => Promise.resolve());
  }

  drain(): Promise<void> {
    this.calls.push("drain");
    return this.drained;
  }

  stop(): Promise<void> {
    this.calls.push("stop");
    return this.stopped;
  }
}

interface Run {
  readonly runtime: FakeRuntime;
  readonly proxy: FakeProxy;
  readonly status: Promise<number>;
  /** What the next `load` gives. */
  next: Loaded;
  loads: number;
  log(): string;
}

interface Setup {
  readonly withTerminal?: boolean;
  readonly first?: Loaded;
  readonly refuse?: Error;
  prepare?(runtime: FakeRuntime, proxy: FakeProxy): void;
}

/** Starts a run; resolves when it is ready or has ended. */
async function start({ first = good(), refuse, prepare, ...more }: Setup = {}): Promise<Run> {
  const runtime = fakeRuntime();
  const proxy = new FakeProxy();
  prepare?.(runtime, proxy);
  const { promise: ready, resolve } = deferred();
  const run = { runtime, proxy, next: first, loads: 0 };
  const status = serveUntilSignal({
    name: "a.toml",
    load: () => {
      run.loads++;
      return Promise.resolve(run.next);
    },
    startProxy: (_: ProxyOptions) => refuse ? Promise.reject(refuse) : Promise.resolve(proxy),
    ready: resolve,
    ...more,
  }, {
    runtime,
    terminal: openTerminal(runtime.host, "never"),
    bugs: new BugTrap(runtime.host),
  });
  await Promise.race([ready, status]);
  return Object.assign(run, { status, log: () => runtime.files.contents.get("/log") ?? "" });
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  let resolve = () => {};
  const promise = new Promise<void>((done) => resolve = done);
  return { promise, resolve };
}

/** Lets everything that is already settled run to its end. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

// --- start ---------------------------------------------------------------------------------------

test("one ready line lists the listeners", async () => {
  const run = await start();
  assert.equal(
    run.runtime.host.err,
    "doorpost 0.1.0 ready: imap 127.0.0.1:143, imaps [::1]:993\n",
  );
});

const REFUSALS: readonly [string, Setup, string][] = [
  [
    "errors in the configuration",
    { first: BAD },
    "a.toml:1:1: error[some-rule]: Something is wrong\n 1 | x\n   | ^\n" +
    "doorpost: error: Cannot use a.toml: 1 error\n",
  ],
  [
    "a busy port",
    { refuse: new StartError("Cannot bind 0.0.0.0:143: address in use") },
    "doorpost: error: Cannot bind 0.0.0.0:143: address in use\n",
  ],
  [
    "findings of the proxy itself",
    {
      refuse: new StartError("The configuration cannot be used", [{
        ...FAULT,
        at: { ...FAULT.at, line: 0 },
      }]),
    },
    "a.toml: error[some-rule]: Something is wrong\n" +
    "doorpost: error: The configuration cannot be used\n",
  ],
  [
    "a log that cannot be opened",
    { prepare: (runtime) => runtime.files.faults.set("/log", "EACCES") },
    'doorpost: error: Cannot open "/log": Permission denied\n',
  ],
  [
    "a pid file that cannot be written",
    {
      first: good({ pid: "/run/x.pid" }),
      prepare: (runtime) => runtime.files.faults.set("/run/x.pid", "EROFS"),
    },
    'doorpost: error: Cannot open "/run/x.pid": Read-only file system\n',
  ],
  [
    "an unknown user",
    {
      first: good({ user: { name: "nosuch", group: null } }),
      prepare: (runtime) => {
        runtime.host.setUser = () => {
          throw new Error("User identifier does not exist: nosuch");
        };
      },
    },
    'doorpost: error: Cannot become user "nosuch": User identifier does not exist: nosuch\n',
  ],
  [
    "a user without a group of that name",
    {
      first: good({ user: { name: "nobody", group: null } }),
      prepare: (runtime) => {
        runtime.host.setUser = () => {
          throw new Error("Group identifier does not exist: nobody");
        };
      },
    },
    'doorpost: error: Cannot become user "nobody": Group identifier does not exist: nobody\n' +
    "hint: without a second word the group has the name of the user, as in nginx: " +
    'user = "nobody nogroup"\n',
  ],
];

for (const [name, setup, text] of REFUSALS) {
  test(`start fails with status 1 and one reason: ${name}`, async () => {
    const run = await start(setup);
    assert.equal(await run.status, 1);
    assert.equal(run.runtime.host.err, text);
    assert.equal(run.runtime.files.open, 0, "logs are closed");
    assert.equal(run.runtime.files.contents.has("/run/x.pid"), false);
  });
}

test("what was bound is closed when a later step of the start fails", async () => {
  const run = await start({
    first: good({ pid: "/run/x.pid" }),
    prepare: (runtime) => runtime.files.faults.set("/run/x.pid", "EACCES"),
  });
  assert.deepEqual(run.proxy.calls, ["stop"]);
});

test("warnings are shown and keep nothing from starting", async () => {
  const warning: Diagnostic = { ...FAULT, severity: "warning" };
  const run = await start({ first: { ...good(), diagnostics: [warning] } });
  assert.match(run.runtime.host.err, /^a\.toml:1:1: warning\[some-rule\][^]*ready: imap/);
});

test("a fault of ours is not taken for the administrator's", async () => {
  const bug = new TypeError("x is undefined");
  await assert.rejects(start({ refuse: bug }).then((run) => run.status), bug);
});

// --- pid and user ----------------------------------------------------------------------------------

test("the pid file is there while it serves", async () => {
  const run = await start({ first: good({ pid: "/run/x.pid" }) });
  assert.equal(run.runtime.files.contents.get("/run/x.pid"), "4711\n");
  run.runtime.host.signal("SIGTERM");
  assert.equal(await run.status, 0);
  assert.equal(run.runtime.files.contents.has("/run/x.pid"), false);
});

test("a reload may move the pid file", async () => {
  const run = await start({ first: good({ pid: "/run/x.pid" }) });
  run.next = good({ pid: "/run/y.pid" });
  run.runtime.host.signal("SIGHUP");
  await settled();
  assert.deepEqual(
    [...run.runtime.files.contents.keys()].filter((path) => path.endsWith(".pid")),
    ["/run/y.pid"],
  );
});

const OTHERS: readonly [string, string, Running | null, string | null][] = [
  [
    "of another process that runs",
    "99\n",
    { name: "nginx", since: FILE_MS - 5_000 },
    "99 (nginx)",
  ],
  ["of one of which nothing else is known", "99", { name: null, since: null }, "99"],
  ["that began within the second of the file", "99", { name: "x", since: FILE_MS + 999 }, "99 (x)"],
  ["of a process that has ended", "99\n", null, null],
  ["whose number another process has got since", "99\n", { name: "x", since: FILE_MS + 2e3 }, null],
  ["of our own number, from before a crash", "4711\n", { name: "x", since: 0 }, null],
  ["without a number", "\n", { name: "x", since: 0 }, null],
  ["with the number of no process", "0\n", { name: "x", since: 0 }, null],
];

for (const [which, content, running, refused] of OTHERS) {
  test(`a pid file ${which} is ${refused ? "left alone" : "taken over"}`, async () => {
    const run = await start({
      first: good({ pid: "/run/x.pid" }),
      prepare: ({ files, host }) => {
        files.contents.set("/run/x.pid", content);
        files.modified = FILE_MS;
        host.running = () => running;
      },
    });
    const { contents } = run.runtime.files;
    if (refused === null) return assert.equal(contents.get("/run/x.pid"), "4711\n");
    assert.equal(await run.status, 1);
    assert.equal(contents.get("/run/x.pid"), content);
    assert.deepEqual(run.proxy.calls, [], "nothing was bound");
    const [sentence, hint] = run.runtime.host.err.split("\n");
    const why = `it is the file of process ${refused}, which is running`;
    assert.equal(sentence, `doorpost: error: Cannot write pid file "/run/x.pid": ${why}`);
    assert.match(hint, /^hint: stop that process, or give `pid` another file/);
  });
}

test("a reload to the pid file of another process is refused", async () => {
  const run = await start({ first: good({ pid: "/run/x.pid" }) });
  run.runtime.files.contents.set("/run/y.pid", "99\n");
  run.runtime.host.running = () => ({ name: "nginx", since: null });
  run.next = good({ pid: "/run/y.pid" });
  run.runtime.host.signal("SIGHUP");
  await settled();
  assert.match(run.runtime.host.err, /Cannot write pid file "\/run\/y\.pid"[^]*RELOAD FAILED/);
  assert.equal(run.runtime.files.contents.get("/run/y.pid"), "99\n");
  assert.equal(run.runtime.files.contents.get("/run/x.pid"), "4711\n");
});

test("a pid file that may not be removed does not spoil the end", async () => {
  const run = await start({ first: good({ pid: "/run/x.pid" }) });
  run.runtime.files.faults.set("/run/x.pid", "EACCES");
  run.runtime.host.signal("SIGTERM");
  assert.equal(await run.status, 0);
  assert.match(run.log(), /\[warn\] .*Cannot remove pid file "\/run\/x\.pid": Permission denied\n/);
});

const USERS: readonly [{ name: string; group: string | null }, string][] = [
  [{ name: "mail", group: null }, "mail"],
  [{ name: "mail", group: "certs" }, "mail:certs"],
];

for (const [user, became] of USERS) {
  test(`user: ${became}`, async () => {
    const run = await start({ first: good({ user }) });
    assert.deepEqual(run.runtime.host.users, [became]);
  });
}

test("user is ignored with a warning when not started by root, as in nginx", async () => {
  const run = await start({
    first: good({ user: { name: "mail", group: null } }),
    prepare: (runtime) => {
      runtime.host.setUser = () => {
        throw Object.assign(new Error("operation not permitted"), { code: "EPERM" });
      };
    },
  });
  run.runtime.host.signal("SIGTERM");
  assert.equal(await run.status, 0);
  assert.match(run.log(), /\[warn\] .*started by root: it is ignored\n/);
});

// --- reload ----------------------------------------------------------------------------------------

test("HUP reloads, logs to the new places, and says so", async () => {
  const run = await start();
  run.next = good({ error_log: [{ destination: { is: "file", path: "/new" }, level: "notice" }] });
  run.runtime.host.signal("SIGHUP");
  await settled();
  run.runtime.clock.turn();
  assert.deepEqual(run.proxy.calls, ["reload"]);
  assert.match(run.runtime.host.err, /doorpost 0\.1\.0 reloaded a\.toml: imap 127\.0\.0\.1:143/);
  assert.match(run.log(), /\[notice\] .*\(SIGHUP\) received, reconfiguring\n$/);
  assert.match(
    run.runtime.files.contents.get("/new")!,
    /\[notice\] .*reconfigured from a\.toml\n$/,
  );
});

const KEPT: readonly [string, Loaded, Error | null, RegExp][] = [
  ["errors in the file", BAD, null, /Something is wrong/],
  ["an address in use", good(), new StartError("Cannot bind [::]:25: address in use"), /\[::\]:25/],
  [
    "a log that cannot be opened",
    good({ error_log: [{ destination: { is: "file", path: "/denied" }, level: "info" }] }),
    null,
    /Cannot open "\/denied"/,
  ],
];

for (const [name, next, refuses, reason] of KEPT) {
  test(`a failed reload changes nothing and is said loudly: ${name}`, async () => {
    const run = await start({
      prepare: (runtime) => runtime.files.faults.set("/denied", "EACCES"),
    });
    run.next = next;
    run.proxy.refuses = refuses;
    run.runtime.host.signal("SIGHUP");
    await settled();
    const { host } = run.runtime;
    assert.match(host.err, reason);
    assert.match(host.err, /RELOAD FAILED, the configuration in force stays as it was\n$/);
    assert.match(run.log(), /\[emerg\] .*reload of a\.toml failed .*stays as it was\n$/);
    host.signal("SIGTERM");
    assert.equal(await run.status, 0);
    assert.match(run.log(), /exit\n$/, "the old log is still in use");
  });
}

test("signals that arrive during a reload ask for one more", async () => {
  const run = await start();
  for (let i = 0; i < 5; i++) run.runtime.host.signal("SIGHUP");
  await settled();
  assert.deepEqual(run.proxy.calls, ["reload", "reload"]);
});

// --- the end ---------------------------------------------------------------------------------------

test("HUP ends a run that goes with its terminal: there is nothing to read again", async () => {
  const run = await start({ withTerminal: true });
  run.runtime.host.signal("SIGHUP");
  assert.equal(await run.status, 0);
  assert.deepEqual([run.proxy.calls, run.loads], [["stop"], 1]);
  assert.match(run.log(), /signal 1 \(SIGHUP\) received, exiting/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} ends at once`, async () => {
    const run = await start();
    run.runtime.host.signal(signal);
    assert.equal(await run.status, 0);
    assert.deepEqual(run.proxy.calls, ["stop"]);
    assert.match(run.log(), new RegExp(`\\(${signal}\\) received, exiting\n.*exit\n$`));
    assert.equal(run.runtime.files.open, 0);
  });
}

test("QUIT waits for the last session", async () => {
  const last = deferred();
  const run = await start({ prepare: (_, proxy) => proxy.drained = last.promise });
  run.runtime.host.signal("SIGQUIT");
  await settled();
  assert.match(run.runtime.host.err, /draining: 2 connections open, no new ones are taken\n$/);
  assert.equal(await Promise.race([run.status, Promise.resolve("serving")]), "serving");
  last.resolve();
  assert.equal(await run.status, 0);
  assert.deepEqual(run.proxy.calls, ["drain"]);
});

test("TERM cuts a drain short; HUP does not disturb one", async () => {
  const run = await start({ prepare: (_, proxy) => proxy.drained = new Promise(() => {}) });
  run.runtime.host.signal("SIGQUIT");
  run.runtime.host.signal("SIGHUP");
  run.runtime.host.signal("SIGTERM");
  assert.equal(await run.status, 0);
  assert.deepEqual(run.proxy.calls, ["drain", "stop"]);
});

test("a second INT forces the exit when stopping hangs", async () => {
  const run = await start({
    first: good({ pid: "/run/x.pid" }),
    prepare: (_, proxy) => proxy.stopped = new Promise(() => {}),
  });
  run.runtime.host.signal("SIGINT");
  await settled();
  assert.equal(run.runtime.host.exitCode, null);
  run.runtime.host.signal("SIGINT");
  await settled();
  assert.equal(run.runtime.host.exitCode, 130);
  assert.equal(run.runtime.files.contents.has("/run/x.pid"), false);
});

// --- the rest --------------------------------------------------------------------------------------

test("USR1 opens every log anew", async () => {
  const run = await start();
  run.runtime.host.signal("SIGUSR1");
  assert.equal(run.runtime.files.reopened, 1);
});

test("a fault in one session is logged at alert, and the proxy goes on", async () => {
  const runtime = fakeRuntime();
  const bugs = new BugTrap(runtime.host);
  const proxy = new FakeProxy();
  const ready = deferred();
  const status = serveUntilSignal({
    name: "a.toml",
    load: () => Promise.resolve(good()),
    startProxy: () => Promise.resolve(proxy),
    ready: ready.resolve,
  }, { runtime, terminal: openTerminal(runtime.host, "never"), bugs });
  await ready.promise;
  bugs.caught(new TypeError("x is undefined"));
  assert.match(
    runtime.files.contents.get("/log")!,
    /\[alert\] .*internal error: x is undefined\n$/,
  );
  runtime.host.signal("SIGTERM");
  assert.equal(await status, 0);
});
