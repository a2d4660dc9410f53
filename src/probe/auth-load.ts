/** `test-auth --repeat`: the same question many times, a few at once, and how long the answers took. */

import type { Clock } from "../net/ports.ts";
import type { Judged } from "./auth-decision.ts";
import type { Decision } from "./auth-decision.ts";

export interface Load {
  readonly requests: number;
  readonly concurrency: number;
  readonly seconds: number;
  readonly decisions: Readonly<Record<Decision["is"], number>>;
  /** Of answered requests, milliseconds; null when none was answered. */
  readonly latency: Latency | null;
}

export interface Latency {
  readonly least: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly most: number;
}

export interface LoadOptions {
  readonly requests: number;
  readonly concurrency: number;
  readonly clock: Clock;
  ask(number: number): Promise<Judged>;
  /** After each answer. */
  progress(done: number): void;
}

export async function measure(
  { requests, concurrency, clock, ask, progress }: LoadOptions,
): Promise<Load> {
  const decisions = { allowed: 0, denied: 0, wait: 0, broken: 0, unreachable: 0 };
  const times: number[] = [];
  const begun = clock.monotonic();
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < requests) {
      const { decision, exchange } = await ask(next++);
      decisions[decision.is]++;
      if (decision.is !== "unreachable") times.push(exchange.timings.totalMs);
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests) }, worker));
  const seconds = (clock.monotonic() - begun) / 1000;
  return { requests, concurrency, seconds, decisions, latency: latencyOf(times) };
}

export function latencyOf(times: readonly number[]): Latency | null {
  if (times.length === 0) return null;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return {
    least: sorted[0],
    p50: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    most: sorted.at(-1)!,
  };
}
