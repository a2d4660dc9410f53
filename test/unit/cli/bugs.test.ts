/** What nobody caught: a sentence and a status, a stack trace only for those who ask. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { FileError, NetError } from "../../../src/core/errors.ts";
import { Exited, FakeHost } from "../observe/fakes.ts";

const REPORT = "This is a fault in Doorpost. DOORPOST_DEBUG=1 shows where; please report it.\n";

const FATAL: readonly [string, unknown, number, string][] = [
  [
    "a file",
    new FileError("EACCES", "/etc/x"),
    1,
    'doorpost: error: "/etc/x": Permission denied\n',
  ],
  [
    "the network",
    new NetError("EADDRINUSE", "Cannot bind 0.0.0.0:143: address in use"),
    1,
    "doorpost: error: Cannot bind 0.0.0.0:143: address in use\n",
  ],
  [
    "a bug",
    new TypeError("x is not a function"),
    70,
    `doorpost: internal error: x is not a function\n${REPORT}`,
  ],
  ["something that is no error", "oops", 70, `doorpost: internal error: oops\n${REPORT}`],
];

for (const [name, error, status, text] of FATAL) {
  test(`fatal: ${name}`, () => {
    const host = new FakeHost();
    assert.throws(() => new BugTrap(host).fatal(error), Exited);
    assert.deepEqual([host.exitCode, host.err], [status, text]);
  });
}

test("DOORPOST_DEBUG=1 shows the stack", () => {
  const host = new FakeHost();
  host.variables.set("DOORPOST_DEBUG", "1");
  assert.throws(() => new BugTrap(host).fatal(new TypeError("x")), Exited);
  assert.match(host.err, /bugs\.test\.[tj]s:\d+/);
});

test("a stray fault ends a command, but not a proxy that serves", () => {
  const host = new FakeHost();
  const bugs = new BugTrap(host);
  const taken: string[] = [];
  bugs.divert((text) => taken.push(text));
  bugs.caught(new TypeError("one session's fault"));
  assert.deepEqual([taken, host.exitCode], [["one session's fault"], null]);
  bugs.divert(null);
  assert.throws(() => bugs.caught(new TypeError("x")), Exited);
  assert.equal(host.exitCode, 70);
});
