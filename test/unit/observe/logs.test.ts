/** `error_log`: several destinations with a level each, batched writes, rotation, failing disks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorLog } from "../../../src/config/settings.ts";
import { FileError } from "../../../src/core/errors.ts";
import { LOG_BATCH } from "../../../src/core/limits.ts";
import { type Level, LEVELS } from "../../../src/core/log.ts";
import { openLogs } from "../../../src/observe/logs.ts";
import { fakeRuntime } from "./fakes.ts";

function file(path: string, level: Level): ErrorLog {
  return { destination: { is: "file", path }, level };
}

const STDERR: ErrorLog = { destination: { is: "stderr" }, level: "info" };

test("a line goes to every destination that is fine enough", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/coarse", "warn"), file("/fine", "debug")], runtime);
  for (const level of LEVELS) logs.write({ level, message: level });
  logs.flush();
  const words = (path: string) =>
    [...runtime.files.contents.get(path)!.matchAll(/\[(\w+)\]/g)].map((match) => match[1]);
  assert.deepEqual(words("/coarse"), ["emerg", "alert", "crit", "error", "warn"]);
  assert.deepEqual(words("/fine"), [...LEVELS]);
});

const ENABLED: readonly [string, readonly ErrorLog[], Level][] = [
  ["none named: stderr error", [], "error"],
  ["one", [file("/a", "error")], "error"],
  ["the finest of several", [file("/a", "info"), file("/b", "warn")], "info"],
  ["debug", [file("/a", "debug")], "debug"],
];

for (const [name, destinations, finest] of ENABLED) {
  test(`enabled: ${name}`, () => {
    const logs = openLogs(destinations, fakeRuntime());
    const enabled = LEVELS.filter((level) => logs.enabled(level));
    assert.deepEqual(enabled, LEVELS.slice(0, LEVELS.indexOf(finest) + 1));
  });
}

test("a burst within one event-loop turn is one write", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  for (let i = 0; i < 3; i++) logs.write({ level: "info", message: `m${i}` });
  assert.equal(runtime.files.writes.length, 0);
  runtime.clock.turn();
  assert.equal(runtime.files.writes.length, 1);
  assert.equal(runtime.files.writes[0].text.split("\n").length, 4);
  runtime.clock.turn();
  assert.equal(runtime.files.writes.length, 1, "nothing is written twice");
});

test("a grave line is written at once, after those that waited", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  logs.write({ level: "info", message: "first" });
  logs.write({ level: "error", message: "second" });
  assert.match(runtime.files.writes[0].text, /first\n.*second\n$/);
  assert.equal(runtime.clock.due.length, 0);
});

test("a full batch does not wait for the turn to end", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  const message = "x".repeat(1000);
  while (runtime.files.writes.length === 0) logs.write({ level: "info", message });
  assert.ok(runtime.files.writes[0].text.length < LOG_BATCH + 2048);
});

test("standard error is written as UTF-8 text", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([STDERR], runtime);
  logs.write({ level: "info", message: "gr\xc3\xbc\xc3\x9fe" });
  logs.flush();
  assert.deepEqual(runtime.host.errWrites, ["2026/08/05 12:34:56 [info] 4711#0: grüße\n"]);
});

test("the stamp follows the clock", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([STDERR], runtime);
  logs.write({ level: "info", message: "a" });
  runtime.clock.turn(2000);
  logs.write({ level: "info", message: "b" });
  logs.flush();
  assert.match(runtime.host.err, /12:34:56 .* a\n.*12:34:58 .* b\n/);
});

test("a file that cannot be opened is an error at the start, and leaves nothing open", () => {
  const runtime = fakeRuntime();
  runtime.files.faults.set("/b", "EACCES");
  assert.throws(
    () => openLogs([file("/a", "info"), file("/b", "info")], runtime),
    (error: unknown) => error instanceof FileError && error.message === '"/b": Permission denied',
  );
  assert.equal(runtime.files.open, 0);
});

test("reopen flushes to the old file first", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  logs.write({ level: "info", message: "before" });
  logs.reopen();
  assert.match(runtime.files.writes[0].text, /before/);
  assert.equal(runtime.files.reopened, 1);
});

test("a file that cannot be reopened is reported in the others", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/gone", "info"), STDERR], runtime);
  runtime.files.faults.set("/gone", "EACCES");
  logs.reopen();
  assert.match(runtime.host.err, /\[emerg\] .*: Cannot reopen log "\/gone": Permission denied\n/);
});

test("a full disk loses lines, is said once, and heals", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  const say = (message: string) => logs.write({ level: "error", message });
  runtime.files.faults.set("/log", "ENOSPC");
  say("one");
  say("two");
  assert.equal(runtime.host.err, 'doorpost: Cannot write log "/log": No space left on device\n');
  runtime.files.faults.clear();
  say("three");
  assert.match(runtime.files.contents.get("/log")!, /three\n$/);
  runtime.files.faults.set("/log", "ENOSPC");
  say("four");
  assert.equal(runtime.host.errWrites.length, 2);
});

test("close flushes what waited", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  logs.write({ level: "info", message: "last words" });
  logs.close();
  assert.match(runtime.files.contents.get("/log")!, /last words\n$/);
  assert.equal(runtime.files.open, 0);
});

test("after close nothing is written, and nothing complains", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info"), STDERR], runtime);
  logs.close();
  logs.write({ level: "error", message: "too late" });
  assert.deepEqual([runtime.files.writes.length, runtime.host.err], [0, ""]);
});

test("redirect: the main log moves, and a log opened before stays where it was", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/old", "info")], runtime);
  const own = logs.open([file("/own", "info")]);
  logs.redirect([file("/new", "error")]);
  logs.write({ level: "error", message: "main" });
  own.write({ level: "error", message: "own" });
  assert.equal(logs.enabled("info"), false);
  assert.match(runtime.files.contents.get("/new")!, /main\n$/);
  assert.match(runtime.files.contents.get("/own")!, /own\n$/);
  assert.equal(runtime.files.contents.has("/old"), false);
});

test("a redirection that fails leaves the main log where it was", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/old", "info")], runtime);
  runtime.files.faults.set("/b", "EACCES");
  assert.throws(() => logs.redirect([file("/a", "info"), file("/b", "info")]), FileError);
  logs.write({ level: "error", message: "still here" });
  assert.match(runtime.files.contents.get("/old")!, /still here\n$/);
  assert.equal(runtime.files.open, 1);
});

test("logs to the same file share one descriptor, and so keep their order", () => {
  const runtime = fakeRuntime();
  const logs = openLogs([file("/log", "info")], runtime);
  const own = logs.open([file("/log", "debug")]);
  logs.write({ level: "info", message: "one" });
  own.write({ level: "debug", message: "two" });
  logs.flush();
  assert.equal(runtime.files.open, 1);
  assert.match(runtime.files.contents.get("/log")!, /one\n.*two\n$/);
});
