/**
 * A thousand idle TLS sessions beside which others log in: none is lost, and a login takes no longer
 * than without them. `npm run bench` does the same with ten thousand.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import type { LineClient } from "../support/clients.ts";
import { type CostSite, type Kind, startCostSite } from "./cost-site.ts";

/** Fewer where TLS is costly: what is asked is whether they are kept, not how fast. */
const EXECUTABLE = (process.env["DOORPOST_UNDER_TEST"] ?? "exe") === "exe";
const IDLE = EXECUTABLE ? 1000 : 200;
/** Opened at a time. */
const WIDE = 25;

const LOGINS = 100;
/** Medians, not outliers: other tests run on the same machine. */
const SLOWER = 3;

describe("idle sessions", () => {
  test(`${IDLE} over TLS: logins beside them, and none is lost`, async (t) => {
    await using site = await startCostSite();
    await delays(site, "imap");
    const alone = median(await delays(site, "imap"));
    const before = await site.atRest();
    const idle = await openAll(site, IDLE);
    assert.equal(await site.atRest(), before + 2 * IDLE);
    const beside = median(await delays(site, "imap"));
    t.diagnostic(`median of a login: ${alone.toFixed(2)} ms, beside them ${beside.toFixed(2)} ms`);
    await Promise.all(idle.map(async (client, at) => {
      assert.equal(await client.ask(`n${at} NOOP`), `n${at} OK`);
    }));
    assert.ok(beside < SLOWER * alone, `${beside} ms against ${alone} ms`);
    for (const client of idle) client[Symbol.dispose]();
    assert.equal(await site.atRest(), before);
  });
});

async function openAll(site: CostSite, count: number): Promise<LineClient[]> {
  const all: LineClient[] = [];
  while (all.length < count) {
    const some = Array.from({ length: WIDE }, () => site.session("imaps"));
    all.push(...await Promise.all(some));
  }
  return all;
}

/** Of logins one after the other, ms each. */
async function delays(site: CostSite, kind: Kind): Promise<number[]> {
  const all: number[] = [];
  for (let done = 0; done < LOGINS; done++) {
    const began = performance.now();
    const client = await site.session(kind);
    all.push(performance.now() - began);
    client[Symbol.dispose]();
  }
  return all;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
