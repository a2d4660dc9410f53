/** TCP keep-alive as the kernel has it: `listen ... so_keepalive` is the client's, the old directive both. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { allow, startAuthServer } from "../support/auth-server.ts";
import { letIn, startBadBackend } from "../support/bad-backend.ts";
import { LineClient } from "../support/clients.ts";
import { freePort, startProxy } from "../support/process.ts";
import { logIn } from "./dialogue.ts";

const CASES: readonly (readonly [string, string, string, readonly [boolean, boolean]])[] = [
  ["without a word", "", "", [false, false]],
  ["listen ... so_keepalive=on", "", " so_keepalive=on", [true, false]],
  ["the old directive", "so_keepalive = true\n", "", [true, true]],
  ["the old directive, and a listener without", "so_keepalive = true\n", " so_keepalive=off", [
    false,
    true,
  ]],
];

describe("keep-alive", { skip: process.platform !== "linux" && "it is read from /proc" }, () => {
  for (const [name, top, parameter, [client, backend]] of CASES) {
    test(`${name}: client ${client}, backend ${backend}`, async () => {
      await using server = await startBadBackend((socket) =>
        letIn(socket, () => {}, (text) => socket.write(`${text}\r\n`))
      );
      await using auth = await startAuthServer(() => allow(server.port));
      const port = await freePort();
      await using _proxy = await startProxy(
        `${top}auth_http = "${auth.url}"
[[server]]
listen = "127.0.0.1:${port}${parameter}"
protocol = "pop3"
`,
      );
      using session = await LineClient.connect(port);
      await session.line();
      assert.match(await logIn(session, "pop3", "bob", "any"), /^\+OK/);
      const kept = [await isKept({ local: port }), await isKept({ remote: server.port })];
      assert.deepEqual(kept, [client, backend]);
    });
  }
});

interface Which {
  readonly local?: number;
  readonly remote?: number;
}

/** Whether the established connection with this port has a keep-alive timer. */
async function isKept(which: Which): Promise<boolean> {
  // A timer for what the peer has yet to acknowledge stands before it.
  while (timerOf(which) === "01") await new Promise((resolve) => setTimeout(resolve, 10));
  return timerOf(which) === "02";
}

/** proc(5), /proc/net/tcp: sl, local_address, rem_address, st, queues, tr:tm->when ... */
function timerOf({ local, remote }: Which): string {
  const [, ...rows] = readFileSync("/proc/net/tcp", "utf8").trim().split("\n");
  const found = rows.map((row) => row.trim().split(/\s+/)).filter(([, at, to, state]) =>
    state === "01" && (local === undefined || portOf(at!) === local) &&
    (remote === undefined || portOf(to!) === remote)
  );
  assert.equal(found.length, 1);
  return found[0]![5]!.split(":")[0]!;
}

function portOf(address: string): number {
  return Number.parseInt(address.split(":")[1]!, 16);
}
