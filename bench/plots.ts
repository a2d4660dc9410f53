/** The plots of docs/performance.md, by the names of their files. */

import type { Results, Subject } from "./model.ts";
import { barChart, lineChart, type Series } from "./plot.ts";
import { IDLES, LOADS } from "./scenarios.ts";
import { figure, ratio } from "./summary.ts";
import { bytes } from "./words.ts";

export function plots(results: Results): Readonly<Record<string, string>> {
  return {
    costs: costs(results),
    memory: lineChart({
      title: "Memory with idle TLS sessions",
      x: "sessions",
      y: "MB, all processes (logarithmic)",
      series: curves(results, "sessions", "memory"),
      name: String,
      log: true,
    }),
    beside: lineChart({
      title: "TLS logins beside idle TLS sessions",
      x: "idle sessions",
      y: "99th percentile of the delay, ms; four at a time (logarithmic)",
      series: curves(results, "sessions", "tlsP99"),
      name: String,
      log: true,
    }),
    workers: lineChart({
      title: `Plain IMAP logins on ${results.machine.processors} processors, load included`,
      x: "worker processes",
      y: "logins a second",
      series: curves(results, "workers", "plain"),
      name: String,
    }),
    sizes: lineChart({
      title: "Download by message size, one session",
      x: "size of a message",
      y: "MB a second (logarithmic)",
      series: curves(results, "sizes", "plain"),
      name: bytes,
      log: true,
    }),
  };
}

function costs(results: Results): string {
  const cpu = LOADS.filter(({ lone }) => !lone).map(({ name, title }) =>
    [title, ratio(results, name, "cpu")] as const
  );
  const memory = IDLES.map(({ name, title }) => [title, ratio(results, name, "each")] as const);
  return barChart({
    title: "Cost of Doorpost, nginx = 1",
    subtitle:
      "Processor time for one login, MB or round trip; memory for an idle session. Less is better.",
    bars: [...cpu, ...memory].filter(([, value]) => Number.isFinite(value)),
  });
}

const NAMED: readonly (readonly [Subject, string])[] = [["doorpost", "Doorpost"], [
  "nginx",
  "nginx",
]];

function curves(
  results: Results,
  scenario: string,
  name: string,
): readonly Series[] {
  return NAMED.map(([subject, title]) => {
    const steps = results.measurements.filter((each) =>
      each.scenario === scenario && each.subject === subject
    );
    const points = steps.map(({ at }) =>
      [at!, Math.max(figure(results, scenario, subject, name, at), 0)] as const
    );
    return { name: title, points };
  }).filter(({ points }) => points.length > 0);
}
