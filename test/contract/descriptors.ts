/**
 * The contract when descriptors run out (EMFILE): neither crash nor spin, and recovery as soon as some
 * are free. The server is a process of its own under `ulimit -n`; see exhaustion.ts.
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { ip } from "../../src/net/address.ts";
import type { Peer } from "../support/peer.ts";
import { type Bench, type Given, pause, within } from "./harness.ts";

/** Above what a runtime needs for itself, below the crowd. */
const LIMIT = 128;
const CROWD = 160;

export function descriptors(given: Given): void {
  given.test("descriptors run out: no crash, no spinning, recovery", async (bench) => {
    const argv = await given.options.exhaustion?.();
    if (!argv) return;
    const child = spawn("sh", ["-c", `ulimit -n ${LIMIT}; exec "$@"`, "sh", ...argv], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await exhaust(bench, child);
    } finally {
      child.kill("SIGKILL");
    }
  });
}

async function exhaust(bench: Bench, child: ChildProcess): Promise<void> {
  const at = ip("127.0.0.1", await portOf(child));
  const control = bench.connect(at);
  assert.equal(await ask(control, "echo"), "echo");
  assert.equal(await ask(control, "dial"), "open");

  const crowd = Array.from({ length: CROWD }, () => bench.connect(at));
  await Promise.all(crowd.map((peer) => peer.opened));
  const accepted = await settled(control);
  assert.ok(accepted < CROWD, `the limit was never reached: ${accepted} accepted`);

  const before = Number(await ask(control, "cpu"));
  await pause(500);
  const spent = Number(await ask(control, "cpu")) - before;
  assert.ok(spent < 250, `${spent} ms of CPU in 500 ms of having nothing to do`);
  const dialled = await ask(control, "dial");
  assert.ok(dialled === "open" || /^[A-Z]\w+$/.test(dialled), dialled);

  for (const peer of crowd.slice(10)) peer.destroy();
  // Those who waited in the backlog are served, and so are new ones.
  assert.equal(await ask(crowd[0], "patience"), "patience");
  const late = bench.connect(at);
  assert.equal(await ask(late, "recovered"), "recovered");
  assert.equal(await ask(control, "dial"), "open");
  assert.equal(child.exitCode, null);
}

/** The number of open connections once it has stopped growing. */
async function settled(control: Peer): Promise<number> {
  for (let last = -1;;) {
    const now = Number(await ask(control, "count"));
    if (now === last) return now;
    last = now;
    await pause(250);
  }
}

async function ask(peer: Peer, line: string): Promise<string> {
  peer.write(`${line}\n`);
  return await peer.line();
}

function portOf(child: ChildProcess): Promise<number> {
  return within(
    new Promise<number>((resolve, reject) => {
      let text = "";
      child.stdout?.on("data", (chunk: Uint8Array) => {
        text += new TextDecoder().decode(chunk);
        const port = /^ready (\d+)\n/m.exec(text)?.[1];
        if (port) resolve(Number(port));
      });
      child.once("exit", (code, signal) => reject(new Error(`exited: ${code ?? signal}; ${text}`)));
    }),
    "the server to be ready",
    30_000,
  );
}
