/** How cost grows: with sessions that stay, with workers, with the size of a message. */

import { setTimeout as sleep } from "node:timers/promises";
import { holdSessions, runLoad } from "./load.ts";
import { memoryOfTree } from "./machine.ts";
import type { Figures, Measurement, Subject } from "./model.ts";
import type { Options } from "./options.ts";
import { figuresOf } from "./scenarios.ts";
import type { Proxy, Rig } from "./rig.ts";

export interface CurvesOutcome {
  readonly measurements: readonly Measurement[];
  readonly failed: number;
}

const SETTLE_MS = 1_000;
const SETTLE_QUICK_MS = 300;

// --- sessions -------------------------------------------------------------------------------------

/** A session takes two descriptors, workers do not share evenly, and each keeps some for itself. */
const SHARE = 2.3;
const OWN = 1024;

/** So many that the sessions fit under the hard limit of open files. */
export function workersFor(sessions: number, openFiles: number): number {
  return Math.max(1, Math.ceil(sessions * SHARE / Math.max(1, openFiles - OWN)));
}

/** 0, 1, 10, 100 ... and the most. */
export function sessionSteps(most: number): number[] {
  const steps = [0];
  for (let count = 1; count < most; count *= 10) steps.push(count);
  return [...steps, most];
}

/** Idle TLS sessions, and beside them logins, few at a time: their delay is the figure. */
export async function runSessions(
  rig: Rig,
  subject: Subject,
  { sessions, seconds, quick }: Options,
  workers: number,
): Promise<CurvesOutcome> {
  const proxy = await rig.start(subject, { workers });
  const measurements: Measurement[] = [];
  let failed = 0;
  const args = ["--port", String(proxy.ports.imaps), "--tls", "implicit"];
  const held = holdSessions(rig, [...args, "--concurrency", "64"]);
  try {
    await loginsBeside(rig, proxy, seconds);
    for (const count of sessionSteps(sessions)) {
      failed += count - await held.open(count);
      await sleep(quick ? SETTLE_QUICK_MS : SETTLE_MS);
      const memory = memoryOfTree(proxy.pid) * 1024 / 1e6;
      const beside = await loginsBeside(rig, proxy, seconds);
      failed += beside.failed + count - await held.ping();
      const figures = { memory, ...beside.figures };
      measurements.push({ scenario: "sessions", at: count, subject, figures });
    }
  } finally {
    await held.close();
    await proxy.stop();
  }
  return { measurements, failed };
}

/** Plain and TLS, four at a time. */
async function loginsBeside(
  rig: Rig,
  proxy: Proxy,
  seconds: number,
): Promise<{ figures: Figures; failed: number }> {
  const common = ["logins", "--concurrency", "4", "--seconds", String(seconds)];
  const plain = await runLoad(rig, proxy, [...common, "--port", String(proxy.ports.imap)]);
  const secure = await runLoad(rig, proxy, [
    ...common,
    ...["--port", String(proxy.ports.imaps), "--tls", "implicit"],
  ]);
  return {
    figures: { p50: plain.p50, p99: plain.p99, tlsP50: secure.p50, tlsP99: secure.p99 },
    failed: plain.failed + secure.failed,
  };
}

// --- workers --------------------------------------------------------------------------------------

export const WORKERS = [1, 2, 4] as const;

/** Plain and TLS logins, as fast as they go. */
export async function runWorkers(
  rig: Rig,
  subject: Subject,
  { seconds, quick }: Options,
): Promise<CurvesOutcome> {
  const measurements: Measurement[] = [];
  const warm = quick ? 0.3 : 1;
  let failed = 0;
  for (const workers of quick ? WORKERS.slice(0, 2) : WORKERS) {
    const proxy = await rig.start(subject, { workers });
    try {
      const rates: Record<string, number> = {};
      for (const [name, tls, port, at] of KINDS) {
        const args = ["logins", "--port", String(proxy.ports[port]), "--tls", tls];
        const load = [...args, "--concurrency", String(at)];
        await runLoad(rig, proxy, [...load, "--seconds", String(warm * workers)]);
        const loaded = await runLoad(rig, proxy, [...load, "--seconds", String(seconds)]);
        failed += loaded.failed;
        rates[name] = loaded.done / loaded.seconds;
        rates[`${name}Cpu`] = 1000 * loaded.proxyCpu / loaded.done;
      }
      measurements.push({ scenario: "workers", at: workers, subject, figures: rates });
    } finally {
      await proxy.stop();
    }
  }
  return { measurements, failed };
}

const KINDS = [
  ["plain", "none", "imap", 64],
  ["tls", "implicit", "imaps", 128],
] as const;

// --- sizes ----------------------------------------------------------------------------------------

/** Bytes. A message of the last size is sent once, whatever the time. */
export function sizeSteps(quick: boolean): readonly number[] {
  const all = [2 ** 10, 2 ** 15, 2 ** 20, 2 ** 25, 2 ** 30];
  return quick ? all.slice(0, -1) : all;
}

/** One session that fetches messages of one size, plain and TLS. */
export async function runSizes(
  rig: Rig,
  proxy: Proxy,
  subject: Subject,
  { quick }: Options,
): Promise<CurvesOutcome> {
  const measurements: Measurement[] = [];
  const one = async (size: number): Promise<Figures> => {
    const figures: Record<string, number> = {};
    for (const [name, tls, port] of KINDS) {
      const loaded = await runLoad(rig, proxy, [
        ...["bulk", "--streams", "1", "--size", String(size), "--seconds", "0.5"],
        ...["--port", String(proxy.ports[port]), "--tls", tls],
      ]);
      const { rate, cpu } = figuresOf("MB", loaded);
      figures[name] = rate!;
      figures[`${name}Cpu`] = cpu!;
    }
    return figures;
  };
  const sizes = sizeSteps(quick);
  for (let times = 0; times < (quick ? 1 : 2); times++) await one(sizes[0]!);
  for (const size of sizes) {
    measurements.push({ scenario: "sizes", at: size, subject, figures: await one(size) });
  }
  return { measurements, failed: 0 };
}
