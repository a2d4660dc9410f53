/**
 * What a login and a megabyte cost, in counts: system calls, bytes that the garbage collector will have
 * to take away, descriptors. Counts do not depend on how busy a machine is. Each limit stands in a table
 * beside what was measured when it was set; a change that costs more has to raise it openly.
 */

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { skipWithout } from "../support/process.ts";
import {
  anonymousMemory,
  callsIn,
  type CostSite,
  hugePages,
  type Kind,
  KINDS,
  startCostSite,
} from "./cost-site.ts";

/** Only the executable is tuned; what other runtimes do below the adapters is theirs. */
const EXECUTABLE = (process.env["DOORPOST_UNDER_TEST"] ?? "exe") === "exe";
const SKIP_TRACE = EXECUTABLE ? skipWithout("strace") : false;

/**
 * System calls of one session on descriptors: from accept to the last close, the login, one NOOP and the
 * logout between, one session at a time over a kept connection to the auth server.
 */
const CALLS: Readonly<Record<Kind, number>> = { imap: 51, pop3: 57, smtp: 60, imaps: 58 };
/** Calls vary by how many events the kernel has ready at once. */
const CALLS_MARGIN = 1.15;

/** Bytes of one such session. */
const BYTES: Readonly<Record<Kind, number>> = {
  imap: 9_900,
  pop3: 10_400,
  smtp: 12_200,
  imaps: 13_700,
};
/** Memory is taken from the kernel in pages, and by the heap in blocks. */
const BYTES_MARGIN = 1.4;

/** Bytes for each byte relayed: 1 is one copy. */
const COPIES = [
  { kind: "imap", way: "down", copies: 1.0 },
  { kind: "imap", way: "up", copies: 1.0 },
  { kind: "imaps", way: "down", copies: 1.0 },
  { kind: "imaps", way: "up", copies: 1.0 },
] as const;
const COPIES_MARGIN = 1.25;

/** Until every pool is filled. */
const WARM = 50;
const COUNTED = 100;
/** Where the kernel gives memory out by pages of 2 MB, one of them must not matter. */
const COUNTED_HUGE = 800;

describe("cost", { concurrency: false }, () => {
  if (EXECUTABLE) {
    describe("system calls of a session", { skip: SKIP_TRACE }, systemCalls);
    describe("bytes allocated", allocations);
  }
  describe("descriptors", descriptors);
});

// --- system calls ---------------------------------------------------------------------------------

function systemCalls(): void {
  test("within their limits", async (t) => {
    // -D: the traced process is our child, and strace its guest.
    const trace = ["strace", "-D", "-f", "-qq", "-e", "trace=%network,%desc"];
    await using site = await startCostSite({ before: [...trace, "-o", "FOLDER/trace"] });
    for (const kind of KINDS) {
      const calls = await callsOf(site, kind);
      const each = sum(calls) / COUNTED;
      t.diagnostic(`${kind}: ${each.toFixed(1)}, measured before ${CALLS[kind]}`);
      assert.ok(each > 10, `${kind}: strace sees next to nothing`);
      assert.ok(each <= CALLS[kind] * CALLS_MARGIN, `${kind}: ${listed(calls)}`);
    }
  });
}

async function callsOf(site: CostSite, kind: Kind): Promise<Map<string, number>> {
  const file = join(site.folder, "trace");
  await site.sessions(kind, 10);
  const from = statSync(file).size;
  await site.sessions(kind, COUNTED);
  return callsIn(file, from);
}

function sum(calls: ReadonlyMap<string, number>): number {
  return [...calls.values()].reduce((a, b) => a + b, 0);
}

function listed(calls: ReadonlyMap<string, number>): string {
  const sorted = [...calls].sort(([, a], [, b]) => b - a);
  const words = sorted.map(([name, count]) => `${name} ${(count / COUNTED).toFixed(2)}`);
  return `${(sum(calls) / COUNTED).toFixed(1)} calls a session: ${words.join(", ")}`;
}

// --- allocation -----------------------------------------------------------------------------------

/**
 * Without its garbage collector the process only grows, by just what was allocated; without compiled
 * code, which takes memory when it likes, by the same in every run.
 */
const NO_COLLECTION = { BUN_JSC_useGC: "0", BUN_JSC_useJIT: "0" };

function allocations(): void {
  test("for a session", async (t) => {
    const count = hugePages() ? COUNTED_HUGE : COUNTED;
    await using site = await startCostSite({ env: NO_COLLECTION });
    for (const kind of KINDS) await site.sessions(kind, WARM);
    for (const kind of KINDS) {
      const before = anonymousMemory(site.pid);
      await site.sessions(kind, count);
      const each = (anonymousMemory(site.pid) - before) / count;
      const said = `${kind}: ${Math.round(each)} bytes, measured before ${BYTES[kind]}`;
      t.diagnostic(said);
      assert.ok(each > 500, `${said}: the collector is not off`);
      assert.ok(each <= BYTES[kind] * BYTES_MARGIN, said);
    }
  });

  test("for a relayed byte", async (t) => {
    await using site = await startCostSite({ env: NO_COLLECTION });
    for (const { kind, way, copies } of COPIES) {
      using client = await site.session(kind);
      await relay[way](client, MEGABYTE);
      const before = anonymousMemory(site.pid);
      await relay[way](client, RELAYED);
      const each = (anonymousMemory(site.pid) - before) / RELAYED;
      const said = `${kind}, ${way}: ${each.toFixed(2)}, measured before ${copies}`;
      t.diagnostic(said);
      assert.ok(each <= copies * COPIES_MARGIN, said);
    }
  });
}

const MEGABYTE = 2 ** 20;
const RELAYED = 32 * MEGABYTE;

type Client = Awaited<ReturnType<CostSite["session"]>>;

const relay = {
  async down(client: Client, size: number): Promise<void> {
    for (let left = size; left > 0; left -= MEGABYTE) {
      client.send(`d FETCH ${MEGABYTE}`);
      await client.bytes(MEGABYTE);
      assert.equal(await client.line(), "d OK");
    }
  },
  async up(client: Client, size: number): Promise<void> {
    for (let left = size; left > 0; left -= MEGABYTE) {
      assert.match(await client.ask(`u APPEND INBOX {${MEGABYTE}}`), /^\+/);
      client.sendRaw("x".repeat(MEGABYTE));
      client.sendRaw("\r\n");
      await client.line();
    }
  },
};

// --- descriptors ----------------------------------------------------------------------------------

const SESSIONS = 50;

function descriptors(): void {
  for (const kind of KINDS) {
    test(`${kind}: two for a session, and none when it is over`, async () => {
      await using site = await startCostSite();
      await site.sessions(kind, 3);
      const before = await site.atRest();
      const clients: Client[] = [];
      for (let at = 0; at < SESSIONS; at++) clients.push(await site.session(kind));
      assert.equal(await site.atRest(), before + 2 * SESSIONS);
      for (const client of clients) client[Symbol.dispose]();
      assert.equal(await site.atRest(), before);
    });
  }
}
