/** One process or workers: which it is, what a reload may change about it, whose the logs are. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Engine, startEngine, type Usable } from "../../../src/cli/engine.ts";
import type { Owner, Runtime } from "../../../src/net/ports.ts";
import { type Proxy, StartError } from "../../../src/proxy/server.ts";
import { type Machine, machine, recorded } from "../supervise/fakes.ts";

class QuietProxy implements Proxy {
  readonly listening = [];
  readonly warnings = [];
  readonly connections = 3;
  reloads = 0;

  reload(): Promise<void> {
    this.reloads++;
    return Promise.resolve();
  }

  async drain(): Promise<void> {}
  async stop(): Promise<void> {}

  cover(): Promise<() => Promise<void>> {
    return Promise.resolve(() => Promise.resolve());
  }
}

function usable(on: Machine, workers: number | "auto", more = ""): Usable {
  const { settings, ...record } = recorded(on, workers, [143], more);
  return { settings, lines: () => undefined, record };
}

interface Started {
  readonly on: Machine;
  readonly proxy: QuietProxy;
  readonly engine: Engine;
}

async function start(
  workers: number | "auto",
  more = "",
  change: Partial<Runtime> = {},
  on: Machine = machine(),
): Promise<Started> {
  const proxy = new QuietProxy();
  const runtime = { ...on.runtime, ...change };
  const options = { runtime, log: on.log, startProxy: () => Promise.resolve(proxy) };
  const starting = startEngine(options, usable(on, workers, more));
  starting.catch(() => {});
  await on.allReady();
  return { on, proxy, engine: await starting };
}

describe("one process", () => {
  test("is the default, and starts no other", async () => {
    const { on, engine } = await start(1);
    assert.deepEqual([on.children.length, engine.workers, engine.burden], [
      0,
      1,
      "3 connections open",
    ]);
  });

  test("is what auto comes to on one processor", async () => {
    const { on } = await start("auto", "", {}, machine({ processors: 1 }));
    assert.equal(on.children.length, 0);
  });

  test("does not become a master by a reload, and says so", async () => {
    const { on, proxy, engine } = await start(1);
    assert.deepEqual(await engine.reload(usable(on, 1)), []);
    assert.deepEqual(await engine.reload(usable(on, 4)), [
      "worker_processes 4 has no effect before a restart: this is one process",
    ]);
    assert.deepEqual([proxy.reloads, on.children.length], [2, 0]);
  });
});

describe("what a reload leaves as it was is said", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["user mail;", "user mail;", []],
    ["user mail;", "user mail certs;", [
      "user has no effect before a restart: it is changed at the start alone",
    ]],
    ["", "user mail;", ["user has no effect before a restart: it is changed at the start alone"]],
    ["worker_connections 9;", "worker_connections 10;", []],
  ];
  for (const [before, after, said] of cases) {
    test(`one process: ${before || "nothing"}, then ${after}`, async () => {
      const toml = (text: string) => text.replace(/^(\w+) (.*);$/, '$1 = "$2"\n');
      const { on, engine } = await start(1, toml(before));
      assert.deepEqual(await engine.reload(usable(on, 1, toml(after))), said);
    });
  }

  test("and said again at the next one", async () => {
    const { on, engine } = await start(1, 'user = "mail"\n');
    for (const _ of [1, 2]) {
      assert.equal((await engine.reload(usable(on, 1, 'user = "news"\n'))).length, 1);
    }
  });
});

describe("workers", () => {
  test("are started when there shall be several", async () => {
    const { on, engine } = await start(2);
    assert.deepEqual([on.children.length, engine.workers, engine.burden], [
      2,
      2,
      "sessions of 2 workers open",
    ]);
  });

  test("a master stays one when a reload asks for a single worker", async () => {
    const { on, engine } = await start(2);
    const reloading = engine.reload(usable(on, 1));
    await on.allReady();
    for (const child of on.children.slice(0, 2)) {
      child.exit(0);
      await on.memory.settle();
    }
    assert.deepEqual(await reloading, []);
    assert.deepEqual([on.alive().length, engine.workers], [1, 1]);
  });

  test("are refused where there cannot be any, by their number", async () => {
    const why = "Under Nowhere the proxy is one process";
    const supports = () => why;
    await assert.rejects(start(3, "", { supports }), (error) => {
      assert.ok(error instanceof StartError);
      assert.equal(error.message, `Cannot start 3 worker processes: ${why}`);
      return true;
    });
    const { on, engine, proxy } = await start(1, "", { supports });
    await assert.rejects(engine.reload(usable(on, 3)), StartError);
    assert.equal(proxy.reloads, 0);
  });

  test("new log files become the workers' before they open them", async () => {
    const given: [string, Owner][] = [];
    const on = machine();
    const files = {
      ...recorded(on, 1, []).recorder.runtime.files,
      chown: (path: string, owner: Owner) => void given.push([path, owner]),
    };
    const { engine } = await start(2, 'error_log = ["/a.log", "stderr"]', { files }, on);
    engine.reopened();
    assert.deepEqual(given, [["/a.log", { uid: 0, gid: 0 }]]);
    assert.deepEqual(on.children.map(({ signals }) => signals), [["SIGUSR1"], ["SIGUSR1"]]);
  });

  test("a master that is abandoned leaves nobody behind", async () => {
    const { on, engine } = await start(2);
    engine.abandon();
    assert.deepEqual(on.children.map(({ signals }) => signals), [["SIGKILL"], ["SIGKILL"]]);
  });
});
