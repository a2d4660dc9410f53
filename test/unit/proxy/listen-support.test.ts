/** What `listen` asks for and a runtime lacks is said, parameter by parameter. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { listenFindings } from "../../../src/proxy/listen-support.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { serverOf } from "../../support/settings.ts";

const LACKING = createMemoryRuntime({
  lacks: {
    "listen-backlog": "no backlog",
    "listen-buffers": "no buffers",
    "listen-keepalive": "no times",
  },
});

const CASES: readonly (readonly [parameters: string, said: readonly string[]])[] = [
  ["", []],
  ["bind", []],
  ["backlog=100", ['backlog of "127.0.0.1:143" has no effect: no backlog']],
  ["rcvbuf=8k", ['rcvbuf and sndbuf of "127.0.0.1:143" has no effect: no buffers']],
  ["so_keepalive=on", []],
  ["so_keepalive=30m::10", ['so_keepalive of "127.0.0.1:143" has no effect: no times']],
  ["multipath", ['multipath of "127.0.0.1:143" has no effect: Doorpost speaks plain TCP']],
];

for (const [parameters, said] of CASES) {
  test(`listen 127.0.0.1:143 ${parameters}`, () => {
    const own = serverOf("", `127.0.0.1:143 ${parameters}`.trim());
    assert.deepEqual(listenFindings(own, LACKING).map(({ message }) => message), said);
    const able = listenFindings(own, createMemoryRuntime()).map(({ message }) => message);
    assert.deepEqual(able, parameters === "multipath" ? said : []);
  });
}
