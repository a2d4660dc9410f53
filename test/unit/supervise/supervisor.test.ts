/**
 * The master over processes that a test plays: who is started, replaced, covered for, told to go, and in
 * which order, and which sockets are open meanwhile.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  RESPAWN_MOST_MS,
  RESPAWN_MS,
  WORKER_END_MS,
  WORKER_RETIRE_MS,
  WORKER_START_MS,
  WORKER_STEADY_MS,
} from "../../../src/core/limits.ts";
import { StartError } from "../../../src/proxy/server.ts";
import { Supervisor } from "../../../src/supervise/supervisor.ts";
import { type FakeChild, type Machine, machine, recorded } from "./fakes.ts";

/** A master with ready workers on port 143. */
async function serving(on: Machine, workers: number | "auto" = 2): Promise<Supervisor> {
  const starting = Supervisor.start(on, recorded(on, workers, [143]));
  await on.allReady();
  return await starting;
}

/** How the promise ends. */
function settled(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "done", (error) => `${error.name}: ${error.message}`);
}

/** The same, or that it has not ended yet. */
async function outcome(on: Machine, promise: Promise<unknown>): Promise<string> {
  const end = settled(promise);
  await on.memory.settle();
  return await Promise.race([end, Promise.resolve().then(() => "waiting")]);
}

function pids(children: readonly FakeChild[]): number[] {
  return children.map(({ pid }) => pid);
}

describe("start", () => {
  test("is over when every worker accepts", async () => {
    const on = machine();
    const starting = Supervisor.start(on, recorded(on, 2, [143]));
    await on.memory.settle();
    assert.deepEqual(on.children.map(({ args }) => args), [["worker"], ["worker"]]);
    on.children[0].getReady();
    assert.equal(await outcome(on, starting), "waiting");
    on.children[1].getReady();
    const supervisor = await starting;
    assert.deepEqual(supervisor.listening, [
      { at: { is: "ip", address: "127.0.0.1", port: 143 }, protocol: "imap", ssl: false },
    ]);
    assert.equal(supervisor.workers, 2);
  });

  test("each worker gets every socket, and knows which are its own", async () => {
    const on = machine();
    await serving(on);
    assert.deepEqual(on.children.map(({ descriptors }) => descriptors), [[20, 21], [20, 21]]);
    assert.deepEqual(
      on.children.map(({ errand }) => [errand!.slot, errand!.workers, errand!.sockets]),
      [0, 1].map((slot) => [slot, 2, [{ key: "127.0.0.1:143", descriptors: [3, 4] }]]),
    );
  });

  test("auto is one a processor", async () => {
    const on = machine({ processors: 3 });
    await serving(on, "auto");
    assert.equal(on.children.length, 3);
  });

  const FAILURES: readonly (readonly [string, (child: FakeChild) => void, RegExp])[] = [
    ["it says why", (child) => {
      child.say({ is: "awake" });
      child.say({ is: "failed", why: "Cannot become user" });
      child.exit(1);
    }, /^StartError: Cannot start the workers: Cannot become user$/],
    [
      "it dies",
      (child) => child.exit("SIGSEGV"),
      /: worker process 101 exited on signal 11 \(SIGSEGV\) before it was ready$/,
    ],
    [
      "it exits",
      (child) => child.exit(70),
      /: worker process 101 exited with code 70 before it was ready$/,
    ],
  ];
  for (const [name, fail, words] of FAILURES) {
    test(`fails when one worker cannot start: ${name}; nothing is left`, async () => {
      const on = machine();
      const starting = Supervisor.start(on, recorded(on, 2, [143]));
      await on.memory.settle();
      on.children[0].getReady();
      fail(on.children[1]);
      assert.equal(await outcome(on, starting), "waiting", "for the other to end");
      assert.deepEqual(on.children[0].signals, ["SIGTERM"]);
      on.children[0].exit(0);
      assert.match(await outcome(on, starting), words);
      assert.equal(on.sockets.size, 0);
    });
  }

  test("a worker that does not get ready is killed", async () => {
    const on = machine();
    const starting = Supervisor.start(on, recorded(on, 2, [143]));
    await on.memory.settle();
    on.children[0].getReady();
    await on.memory.advance(WORKER_START_MS);
    assert.deepEqual(on.children[1].signals, ["SIGKILL"]);
    assert.ok(
      on.lines.includes("alert: worker process 101 did not get ready in 30 s: it is killed"),
    );
    on.children[1].exit("SIGKILL");
    on.children[0].exit(0);
    await assert.rejects(starting, StartError);
  });

  test("a busy address fails before any worker is started", async () => {
    const on = machine();
    on.busy.add("127.0.0.1:110");
    const starting = Supervisor.start(on, recorded(on, 2, [143, 110]));
    assert.equal(
      await outcome(on, starting),
      "StartError: Cannot bind 127.0.0.1:110: address in use",
    );
    assert.equal(on.children.length, 0);
    assert.equal(on.sockets.size, 0);
  });
});

describe("a worker that dies", () => {
  test("is replaced in its slot, on the same sockets, and said loudly", async () => {
    const on = machine();
    await serving(on);
    on.children[1].exit("SIGKILL");
    assert.deepEqual(on.lines.slice(2), [
      "alert: worker process 101 exited on signal 9 (SIGKILL): a new one starts in 100 ms",
    ]);
    await on.memory.advance(RESPAWN_MS - 1);
    assert.equal(on.children.length, 2);
    await on.memory.advance(1);
    await on.allReady();
    assert.equal(on.children[2].errand!.slot, 1);
    assert.deepEqual(on.children[2].descriptors, on.children[1].descriptors);
    assert.deepEqual(on.children[0].signals, []);
  });

  test("is covered for by its neighbour until then", async () => {
    const on = machine();
    await serving(on);
    on.children[1].exit(1);
    assert.deepEqual(on.children[0].told, ["cover 1"]);
    await on.memory.advance(RESPAWN_MS);
    assert.deepEqual(on.children[0].told, ["cover 1"]);
    await on.allReady();
    assert.deepEqual(on.children[0].told, ["cover 1", "uncover 1"]);
  });

  /** Which of three workers die in which order; what each is told. */
  const COVERS: readonly (readonly [string, readonly number[], readonly (readonly string[])[]])[] =
    [
      ["the next one covers", [1], [[], [], ["cover 1"]]],
      ["the last is covered for by the first", [2], [["cover 2"], [], []]],
      ["a cover that dies is covered for, with what it covered", [1, 2], [
        ["cover 2", "cover 1"],
        [],
        ["cover 1"],
      ]],
      ["nobody is left to cover", [0, 1, 2], [[], ["cover 0"], ["cover 1", "cover 0"]]],
    ];
  for (const [name, deaths, told] of COVERS) {
    test(`of three: ${name}`, async () => {
      const on = machine();
      await serving(on, 3);
      for (const slot of deaths) on.children[slot].exit(1);
      assert.deepEqual(on.children.slice(0, 3).map((child) => child.told), told);
    });
  }

  test("after all have died, the first that is back covers for those that are not", async () => {
    const on = machine();
    await serving(on, 3);
    for (const child of on.children) child.exit(1);
    await on.memory.advance(RESPAWN_MS);
    const [first, second, third] = on.alive();
    second.getReady();
    assert.deepEqual(second.told, ["cover 0", "cover 2"]);
    first.getReady();
    third.getReady();
    assert.deepEqual(second.told, ["cover 0", "cover 2", "uncover 0", "uncover 2"]);
  });

  test("young successors that die too come later and later, up to 10 s", async () => {
    const on = machine();
    await serving(on);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      on.alive().find((child) => child.pid !== 100)!.exit(70);
      const wait = Number(/in (\d+) ms/.exec(on.lines.at(-1)!)![1]);
      waits.push(wait);
      await on.memory.advance(wait);
      // Every second one does not even get ready.
      if (i % 2 === 0) await on.allReady();
    }
    assert.deepEqual(waits, [
      100,
      200,
      400,
      800,
      1600,
      3200,
      6400,
      RESPAWN_MOST_MS,
      RESPAWN_MOST_MS,
    ]);
  });

  test("one that was sound for a while is replaced quickly again", async () => {
    const on = machine();
    await serving(on);
    for (const wait of [100, 200]) {
      on.alive().at(-1)!.exit(70);
      await on.memory.advance(wait);
      await on.allReady();
    }
    await on.memory.advance(WORKER_STEADY_MS);
    on.alive().at(-1)!.exit(70);
    assert.match(on.lines.at(-1)!, /in 100 ms$/);
  });

  test("what a replacement says about its failure is logged", async () => {
    const on = machine();
    await serving(on);
    on.children[0].exit(70);
    await on.memory.advance(RESPAWN_MS);
    on.children[2].say({ is: "awake" });
    on.children[2].say({ is: "failed", why: "no memory" });
    on.children[2].exit(1);
    assert.equal(
      on.lines.at(-1),
      "alert: worker process 102 exited with code 1 (no memory): a new one starts in 200 ms",
    );
  });

  test("one that left in good order, told by somebody else, is replaced as well", async () => {
    const on = machine();
    await serving(on);
    on.children[0].exit(0);
    await on.memory.advance(RESPAWN_MS);
    assert.equal(on.alive().length, 2);
  });
});

describe("reload", () => {
  test("new workers first; when all accept, the old ones stop to, one by one", async () => {
    const on = machine();
    const supervisor = await serving(on);
    const reloading = supervisor.reload(recorded(on, 2, [143]));
    await on.memory.settle();
    assert.deepEqual(pids(on.alive()), [100, 101, 102, 103]);
    on.children[2].getReady();
    assert.deepEqual(on.children[0].told, []);
    on.children[3].getReady();
    await on.memory.settle();
    assert.deepEqual([on.children[0].told, on.children[1].told], [["retire"], []]);
    on.children[0].say({ is: "retired" });
    await on.memory.settle();
    assert.deepEqual(on.children[1].told, ["retire"]);
    on.children[1].say({ is: "retired" });
    assert.equal(await outcome(on, reloading), "done");
    assert.equal(supervisor.workers, 4, "sessions of the old ones live on");
    on.children[0].exit(0);
    on.children[1].exit(0);
    assert.equal(supervisor.workers, 2);
    assert.deepEqual(on.children[2].descriptors, [20, 21], "the same sockets");
  });

  test("one that does not answer delays the next by 5 s at most", async () => {
    const on = machine();
    const supervisor = await serving(on);
    const reloading = supervisor.reload(recorded(on, 2, [143]));
    await on.allReady();
    await on.memory.advance(WORKER_RETIRE_MS);
    assert.deepEqual(on.children[1].told, ["retire"]);
    on.children[1].exit(0);
    assert.equal(await outcome(on, reloading), "done");
  });

  /** Workers and ports before, after; sockets by port afterwards. */
  const CHANGES: readonly (readonly [string, number, number[], number, number[], string[]])[] = [
    ["more workers: more sockets", 2, [143], 3, [143], ["143", "143", "143"]],
    ["fewer workers: what waits in a socket is not lost", 3, [143], 2, [143], [
      "143",
      "143",
      "143",
    ]],
    ["another port", 2, [143], 2, [143, 110], ["143", "143", "110", "110"]],
    ["a port that is gone", 2, [143, 110], 2, [110], ["110", "110"]],
  ];
  for (const [name, workersBefore, before, workersAfter, after, sockets] of CHANGES) {
    test(name, async () => {
      const on = machine();
      const starting = Supervisor.start(on, recorded(on, workersBefore, before));
      await on.allReady();
      const supervisor = await starting;
      const reloading = supervisor.reload(recorded(on, workersAfter, after));
      await on.allReady();
      for (const child of on.children.slice(0, workersBefore)) {
        child.say({ is: "retired" });
        await on.memory.settle();
      }
      await reloading;
      assert.equal(on.alive().length, workersBefore + workersAfter);
      assert.deepEqual([...on.sockets.values()].map((at) => at.split(":")[1]), sockets);
    });
  }

  /** What goes wrong: before new workers are started, or with one of them. */
  const REFUSALS: readonly (readonly [string, {
    readonly before?: (on: Machine) => void;
    readonly then?: (on: Machine) => void;
  }, RegExp])[] = [
    [
      "an address is in use",
      { before: (on) => on.busy.add("127.0.0.1:110") },
      /^StartError: Cannot bind 127\.0\.0\.1:110: address in use$/,
    ],
    [
      "a new worker dies",
      { then: (on) => on.alive().at(-1)!.exit(70) },
      /^StartError: Cannot start the workers: .* exited with code 70/,
    ],
  ];
  for (const [name, { before, then }, words] of REFUSALS) {
    test(`changes nothing when ${name}`, async () => {
      const on = machine();
      const supervisor = await serving(on);
      const sockets = [...on.sockets];
      before?.(on);
      const reloading = settled(supervisor.reload(recorded(on, 2, [143, 110])));
      await on.memory.settle();
      then?.(on);
      for (const child of on.alive().slice(2)) child.exit(0);
      assert.match(await reloading, words);
      assert.deepEqual(pids(on.alive()), [100, 101]);
      assert.deepEqual(on.alive().flatMap(({ told, signals }) => [...told, ...signals]), []);
      assert.deepEqual([...on.sockets], sockets);
      // And they are looked after as before.
      on.children[0].exit(1);
      await on.memory.advance(RESPAWN_MS);
      assert.equal(on.alive().length, 2);
    });
  }

  test("a retired worker that crashes is not replaced", async () => {
    const on = machine();
    const supervisor = await serving(on);
    void supervisor.reload(recorded(on, 2, [143]));
    await on.allReady();
    on.children[0].exit("SIGABRT");
    await on.memory.advance(RESPAWN_MOST_MS);
    assert.deepEqual(pids(on.alive()), [101, 102, 103]);
    assert.ok(on.lines.includes("alert: worker process 100 exited on signal 6 (SIGABRT)"));
  });
});

describe("the end", () => {
  /** Signals to two workers, and what is told to the log when both exit with 0. */
  const ENDS: readonly (readonly [string, (s: Supervisor) => Promise<void>, string])[] = [
    ["drain: QUIT", (supervisor) => supervisor.drain(), "SIGQUIT"],
    ["stop: TERM", (supervisor) => supervisor.stop(), "SIGTERM"],
  ];
  for (const [name, end, signal] of ENDS) {
    test(`${name} to all at once, and the last exit is the end`, async () => {
      const on = machine();
      const supervisor = await serving(on);
      const ending = end(supervisor);
      assert.deepEqual(on.children.map(({ signals }) => signals), [[signal], [signal]]);
      assert.equal(on.sockets.size, 0, "clients are refused");
      on.children[0].exit(0);
      assert.equal(await outcome(on, ending), "waiting");
      on.children[1].exit(0);
      assert.equal(await outcome(on, ending), "done");
      assert.equal(on.children.length, 2, "nobody was replaced");
    });
  }

  test("stop cuts a drain short", async () => {
    const on = machine();
    const supervisor = await serving(on);
    const ends = [supervisor.drain(), supervisor.stop()];
    assert.deepEqual(on.children[0].signals, ["SIGQUIT", "SIGTERM"]);
    for (const child of on.children) child.exit(0);
    await Promise.all(ends);
  });

  test("a worker that does not stop is killed", async () => {
    const on = machine();
    const supervisor = await serving(on);
    const ending = supervisor.stop();
    await on.memory.advance(WORKER_END_MS);
    assert.deepEqual(on.children[0].signals, ["SIGTERM", "SIGKILL"]);
    for (const child of on.children) child.exit("SIGKILL");
    await ending;
  });

  test("worker_shutdown_timeout is the worker's to keep; one that hangs is killed after it", async () => {
    const on = machine();
    const options = recorded(on, 2, [143], 'worker_shutdown_timeout = "1m"');
    const starting = Supervisor.start(on, options);
    await on.allReady();
    const ending = (await starting).drain();
    await on.memory.advance(60_000 + WORKER_END_MS - 1);
    assert.deepEqual(on.children[0].signals, ["SIGQUIT"]);
    await on.memory.advance(1);
    assert.deepEqual(on.children[0].signals, ["SIGQUIT", "SIGKILL"]);
    for (const child of on.children) child.exit("SIGKILL");
    await ending;
  });

  test("without it sessions have all the time they want", async () => {
    const on = machine();
    const supervisor = await serving(on);
    const ending = supervisor.drain();
    await on.memory.advance(24 * 3600_000);
    assert.deepEqual(on.children[0].signals, ["SIGQUIT"]);
    for (const child of on.children) child.exit(0);
    await ending;
  });

  test("a slot that waits for its replacement waits in vain", async () => {
    const on = machine();
    const supervisor = await serving(on);
    on.children[0].exit(1);
    on.children[1].exit(1);
    const ending = supervisor.drain();
    assert.equal(await outcome(on, ending), "done");
    await on.memory.advance(RESPAWN_MOST_MS);
    assert.equal(on.children.length, 2);
  });

  test("during a reload: the old, the new and those that are leaving are told", async () => {
    const on = machine();
    const supervisor = await serving(on);
    const first = supervisor.reload(recorded(on, 2, [143]));
    await on.allReady();
    for (const child of on.children.slice(0, 2)) {
      child.say({ is: "retired" });
      await on.memory.settle();
    }
    await first;
    const second = settled(supervisor.reload(recorded(on, 2, [143])));
    await on.memory.settle();
    const ending = supervisor.stop();
    assert.deepEqual(
      on.children.map(({ signals }) => signals[0]),
      Array.from({ length: 6 }, () => "SIGTERM"),
    );
    for (const child of on.children) child.exit(0);
    await ending;
    assert.match(await second, /^StartError: .*it was told to end before it was ready$/);
  });

  test("USR1 waits for a worker that is not ready yet: it would be its end", async () => {
    const on = machine();
    const supervisor = await serving(on);
    on.children[0].exit(1);
    await on.memory.advance(RESPAWN_MS);
    supervisor.reopen();
    assert.deepEqual(on.alive().map(({ signals }) => signals), [["SIGUSR1"], []]);
    await on.allReady();
    assert.deepEqual(on.alive().map(({ signals }) => signals), [["SIGUSR1"], ["SIGUSR1"]]);
  });

  test("USR1 reaches every process, of old configurations too", async () => {
    const on = machine();
    const supervisor = await serving(on);
    void supervisor.reload(recorded(on, 2, [143]));
    await on.allReady();
    supervisor.reopen();
    assert.deepEqual(
      on.children.map(({ signals }) => signals),
      Array.from({ length: 4 }, () => ["SIGUSR1"]),
    );
  });
});
