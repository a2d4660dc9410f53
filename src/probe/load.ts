/** `probe --count`: whole sessions, a few at once, and how long they took. */

import type { Runtime } from "../net/ports.ts";
import { type Latency, latencyOf } from "./auth-load.ts";
import type { ProbeOptions } from "./options.ts";
import type { Finding } from "./model.ts";
import { Session } from "./session.ts";
import type { Target } from "./target.ts";

export interface LoadReport {
  readonly target: string;
  /** Sessions that came to their end: fewer than were asked for when it was interrupted. */
  readonly count: number;
  readonly concurrency: number;
  readonly seconds: number;
  /** Sessions that went well, logins among them when a user was given. */
  readonly good: number;
  readonly perSecond: number;
  /** Milliseconds of good sessions; null when there was none. */
  readonly latency: Latency | null;
  /** Failures by their finding. */
  readonly failures: Readonly<Record<string, number>>;
}

export async function measureLoad(
  runtime: Runtime,
  target: Target,
  options: ProbeOptions,
  { count: asked, concurrency, progress, stopped = () => false }: {
    readonly count: number;
    readonly concurrency: number;
    progress(done: number): void;
    /** Asked before each session; those under way come to their end. */
    stopped?(): boolean;
  },
): Promise<LoadReport> {
  const { clock } = runtime;
  const times: number[] = [];
  const failures: Record<string, number> = {};
  const began = clock.monotonic();
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next++ < asked && !stopped()) {
      const start = clock.monotonic();
      const session = new Session(runtime, target, options);
      await session.run();
      const fault = session.findings.find(breaks);
      if (fault) failures[fault.id] = (failures[fault.id] ?? 0) + 1;
      else times.push(clock.monotonic() - start);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, asked) }, worker));
  const seconds = (clock.monotonic() - began) / 1000;
  const good = times.length;
  return {
    target: target.url,
    count: done,
    concurrency,
    seconds,
    good,
    perSecond: seconds > 0 ? good / seconds : 0,
    latency: latencyOf(times),
    failures,
  };
}

/** A bad certificate is no slower than a good one. */
function breaks({ id, severity }: Finding): boolean {
  return severity === "error" && !id.startsWith("certificate-");
}
