/** Medians over the rounds, ratios between proxies, and how they stand to the targets. */

import type { Busy, Measurement, Results, Subject } from "./model.ts";

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs of one scenario by one proxy. */
export function runsOf(
  { measurements }: Results,
  scenario: string,
  subject: Subject,
  at?: number,
): readonly Measurement[] {
  return measurements.filter((each) =>
    each.scenario === scenario && each.subject === subject && each.at === at
  );
}

/** Median of one figure; NaN where it was not measured. */
export function figure(
  results: Results,
  scenario: string,
  subject: Subject,
  name: string,
  at?: number,
): number {
  const runs = runsOf(results, scenario, subject, at);
  return median(runs.map(({ figures }) => figures[name] ?? NaN).filter((value) => value === value));
}

/** Ours by theirs, within one run of the benchmark. */
export function ratio(
  results: Results,
  scenario: string,
  name: string,
  ours: Subject = "doorpost",
  theirs: Subject = "nginx",
): number {
  return figure(results, scenario, ours, name) / figure(results, scenario, theirs, name);
}

export function busy(results: Results, scenario: string, subject: Subject): Busy | null {
  const all = runsOf(results, scenario, subject).flatMap((run) => run.busy ?? []);
  if (all.length === 0) return null;
  return {
    proxy: median(all.map(({ proxy }) => proxy)),
    client: median(all.map(({ client }) => client)),
    servers: median(all.map(({ servers }) => servers)),
    others: median(all.map(({ others }) => others)),
  };
}

/** Largest less smallest, per cent of the median. */
export function spread(results: Results, scenario: string, subject: Subject, name: string): number {
  const values = runsOf(results, scenario, subject).map(({ figures }) => figures[name] ?? NaN)
    .filter((value) => value === value);
  return 100 * (Math.max(...values) - Math.min(...values)) / median(values);
}

// --- targets --------------------------------------------------------------------------------------

export interface Target {
  readonly scenario: string;
  readonly figure: string;
  readonly ours: Subject;
  readonly theirs: Subject;
  /** `most` for costs and delays, `least` for rates; of the ratio to nginx. */
  readonly least?: number;
  readonly most?: number;
}

const PLAIN = ["login-imap", "login-pop3", "login-smtp"];
const SECURE = ["login-imaps", "login-pop3-stls", "login-smtp-starttls"];

export const TARGETS: readonly Target[] = [
  ...PLAIN.flatMap((name) => [
    least(name, "rate", 1.0),
    most(name, "cpu", 1.0),
    most(name, "p99", 1.0),
  ]),
  ...SECURE.flatMap((name) => [least(name, "rate", 1.2), most(name, "cpu", 0.7)]),
  most("lone-tls", "p50", 0.1),
  ...["down", "up"].flatMap((name) => [
    least(name, "rate", 2.0),
    most(name, "cpu", 0.65),
    { ...least(name, "rate", 0.9), theirs: "nginx-64k" } as const,
    { ...most(name, "cpu", 1.2), theirs: "nginx-64k" } as const,
  ]),
  ...["down-tls", "up-tls"].flatMap((name) => [least(name, "rate", 1.2), most(name, "cpu", 0.8)]),
  ...["trips", "trips-tls"].flatMap((name) => [least(name, "rate", 1.0), most(name, "cpu", 1.0)]),
  ...["idle", "idle-tls"].flatMap((name) => [most(name, "each", 0.6), most(name, "second", 0.5)]),
  // Two workers against two: ten per cent are granted.
  two(least("login-imap", "rate", 0.9)),
  two(most("login-imap", "cpu", 1.1)),
  two(least("login-imaps", "rate", 1.08)),
  two(most("login-imaps", "cpu", 0.77)),
  two(least("down", "rate", 1.8)),
  two(most("down", "cpu", 0.72)),
  two(least("trips", "rate", 0.9)),
  two(most("trips", "cpu", 1.1)),
  two(least("trips-tls", "rate", 0.9)),
  two(most("trips-tls", "cpu", 1.1)),
];

function least(scenario: string, figure: string, least: number): Target {
  return { scenario, figure, ours: "doorpost", theirs: "nginx", least };
}

function most(scenario: string, figure: string, most: number): Target {
  return { scenario, figure, ours: "doorpost", theirs: "nginx", most };
}

function two(target: Target): Target {
  return { ...target, ours: "doorpost-2w", theirs: "nginx-2w" };
}

export interface Judged {
  readonly target: Target;
  readonly ratio: number;
  readonly met: boolean;
}

/** Those that were measured. A ratio is judged as it is shown, to two places. */
export function judge(results: Results): readonly Judged[] {
  return TARGETS.flatMap((target) => {
    const exact = ratio(results, target.scenario, target.figure, target.ours, target.theirs);
    if (!Number.isFinite(exact)) return [];
    const shown = Math.round(exact * 100) / 100;
    const met = shown >= (target.least ?? 0) && shown <= (target.most ?? Infinity);
    return [{ target, ratio: exact, met }];
  });
}
