/** The tables of docs/performance.md, each between its markers, made from one result. */

import { fleet } from "./fleet.ts";
import { BenchError, type Results, type Subject } from "./model.ts";
import { IDLES, LOADS, type LoadScenario } from "./scenarios.ts";
import { busy, figure, judge, type Judged, ratio, runsOf, spread } from "./summary.ts";
import { bytes, number, ratioWords, table } from "./words.ts";

/** Tables by the names of their markers. */
export type Blocks = Readonly<Record<string, string>>;

export function blocks(results: Results): Blocks {
  return {
    machine: machine(results),
    loads: loads(results),
    delays: delays(results),
    large: large(results),
    two: two(results),
    memory: memory(results),
    targets: targets(results),
    limits: limits(results),
    calls: calls(results),
    sessions: sessions(results),
    workers: workers(results),
    sizes: sizes(results),
    fleet: fleet(results),
  };
}

/** All tables that have a row, for a run that changes no document. */
export function tables(results: Results): string {
  const filled = Object.values(blocks(results)).filter((block) =>
    /^\|(?!---)[^]*\n.*\n\|/.test(block)
  );
  return filled.join("\n\n");
}

/** Puts each block between `<!-- bench:NAME -->` and `<!-- /bench -->`; all must be there. */
export function fill(text: string, named: Blocks): string {
  for (const [name, block] of Object.entries(named)) {
    const [open, close] = [`<!-- bench:${name} -->`, "<!-- /bench -->"];
    const from = text.indexOf(open);
    const to = text.indexOf(close, from);
    if (from < 0 || to < 0) throw new BenchError(`docs/performance.md has no ${open} ... ${close}`);
    text = `${text.slice(0, from + open.length)}\n${block}\n${text.slice(to)}`;
  }
  return text;
}

// --- what was measured ----------------------------------------------------------------------------

function machine({ machine, versions, taken, rounds, seconds, failed }: Results): string {
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `- Taken on ${taken}: ${programs.join(", ")}.`,
    `- ${machine.processors} processors (${machine.processor}, virtual), ${machine.memory} GiB, ` +
    `Linux ${machine.kernel}, at most ${machine.openFiles} open files in a process.`,
    `- ${rounds} rounds of ${seconds} s; medians. Sessions that failed: ${failed}.`,
  ].join("\n");
}

const COST: Readonly<Record<LoadScenario["unit"], string>> = {
  login: "ms",
  MB: "ms",
  trip: "µs",
};

function measured(results: Results, subject: Subject = "doorpost"): readonly LoadScenario[] {
  return LOADS.filter(({ name }) => runsOf(results, name, subject).length > 0);
}

function loads(results: Results): string {
  const head = [
    "",
    "a second: nginx",
    "Doorpost",
    "ratio",
    "CPU for one: nginx",
    "Doorpost",
    "ratio",
  ];
  const rows = measured(results).filter(({ lone }) => !lone).map(({ name, title, unit }) => [
    unit === "MB" ? `${title}, MB` : title,
    ...compared(results, name, "rate"),
    ...compared(results, name, "cpu", COST[unit]),
    limit(results, name),
    `${Math.round(spread(results, name, "doorpost", "cpu"))} %`,
  ]);
  return table([...head, "limited by", "spread"], rows);
}

/** Theirs, ours and the ratio. */
function compared(
  results: Results,
  scenario: string,
  name: string,
  unit = "",
  ours: Subject = "doorpost",
  theirs: Subject = "nginx",
): string[] {
  const shown = (subject: Subject) =>
    `${number(figure(results, scenario, subject, name))}${unit && ` ${unit}`}`;
  return [shown(theirs), shown(ours), ratioWords(ratio(results, scenario, name, ours, theirs))];
}

/** Per cent of a processor that other programs may use before a run counts as disturbed. */
export const DISTURBED = 15;

/** Who was at the end of its strength while Doorpost was measured. */
function limit(results: Results, scenario: string): string {
  const load = busy(results, scenario, "doorpost");
  if (load === null) return "–";
  if (load.proxy >= 88) return "proxy";
  if (load.client >= 88) return "generator";
  if (load.servers >= 88) return "fake servers";
  const all = load.proxy + load.client + load.servers;
  if (all >= 88 * results.machine.processors) return "processors";
  return load.others > DISTURBED ? "other programs" : "waiting";
}

function delays(results: Results): string {
  const head = ["ms", "p50: nginx", "Doorpost", "ratio", "p99: nginx", "Doorpost", "ratio"];
  const rows = measured(results).filter(({ unit }) => unit !== "MB").map(({ name, title }) => [
    title,
    ...compared(results, name, "p50"),
    ...compared(results, name, "p99"),
  ]);
  if (runsOf(results, "start", "doorpost").length > 0) {
    const start = compared(results, "start", "ms");
    rows.push(["start of the executable to its first greeting", ...start, "–", "–", "–"]);
  }
  return table(head, rows);
}

function large(results: Results): string {
  const head = ["", "MB/s: nginx, 64 KB", "Doorpost", "ratio", "CPU for a MB: nginx, 64 KB"];
  const rows = measured(results, "nginx-64k").map(({ name, title }) => [
    title,
    ...compared(results, name, "rate", "", "doorpost", "nginx-64k"),
    ...compared(results, name, "cpu", "ms", "doorpost", "nginx-64k"),
  ]);
  return table([...head, "Doorpost", "ratio"], rows);
}

function two(results: Results): string {
  const head = ["two workers each", "a second: nginx", "Doorpost", "ratio", "CPU for one: nginx"];
  const rows = measured(results, "doorpost-2w").map(({ name, title, unit }) => [
    title,
    ...compared(results, name, "rate", "", "doorpost-2w", "nginx-2w"),
    ...compared(results, name, "cpu", COST[unit], "doorpost-2w", "nginx-2w"),
  ]);
  return table([...head, "Doorpost", "ratio"], rows);
}

function memory(results: Results): string {
  const head = ["", "nginx", "Doorpost", "ratio"];
  const rows = IDLES.filter(({ name }) => runsOf(results, name, "doorpost").length > 0).flatMap(
    ({ name, title }) => [
      [`kB for an ${title}`, ...compared(results, name, "each")],
      ["the same, second half of the sessions", ...compared(results, name, "second")],
      ["MB without any session", ...compared(results, name, "base")],
    ],
  );
  return table(head, rows);
}

// --- targets and limits ---------------------------------------------------------------------------

const FIGURES: Readonly<Record<string, string>> = {
  rate: "rate",
  cpu: "CPU for one",
  p50: "median delay",
  p99: "p99 of the delay",
  each: "memory of one",
  second: "memory of one, second half",
};

function targets(results: Results): string {
  const judged = [...judge(results)].sort((a, b) => Number(a.met) - Number(b.met));
  const rows = judged.map((
    each,
  ) => [titleOf(each), wanted(each), ratioWords(each.ratio), verdict(each)]);
  return table(["figure", "target", "measured", ""], [...rows, ...absolute(results)]);
}

function titleOf({ target: { scenario, figure, ours, theirs } }: Judged): string {
  const named = [...LOADS, ...IDLES].find(({ name }) => name === scenario)!.title;
  const against = ours === "doorpost-2w"
    ? ", two workers"
    : theirs === "nginx-64k"
    ? ", against 64 KB buffers"
    : "";
  return `${named}: ${FIGURES[figure]}${against}`;
}

function wanted({ target: { least, most } }: Judged): string {
  return least === undefined ? `≤ ${most}` : `≥ ${least}`;
}

function verdict({ met }: Judged): string {
  return met ? "met" : "**missed**";
}

/** The two targets that are not ratios to nginx. */
function absolute(results: Results): string[][] {
  const start = figure(results, "start", "doorpost", "ms");
  const most = results.mostSessions;
  const growth = (name: string) =>
    figure(results, "sessions", "doorpost", name, most) /
    figure(results, "sessions", "doorpost", name, 0);
  const rows: string[][] = [];
  if (start > 0) {
    rows.push(["start to first accept", "< 100 ms", `${number(start)} ms`, met(start < 100)]);
  }
  for (const [name, title] of [["p99", "plain logins"], ["tlsP99", "TLS logins"]] as const) {
    const grown = growth(name);
    if (!(grown > 0)) continue;
    rows.push([
      `${title} beside ${most} idle TLS sessions: p99 against none`,
      "< 3",
      ratioWords(grown),
      met(grown < 3 && results.failed === 0),
    ]);
  }
  return rows;
}

function met(holds: boolean): string {
  return holds ? "met" : "**missed**";
}

function limits(results: Results): string {
  const head = [
    "per cent of one processor",
    "load alone, a second",
    "nginx: proxy",
    "client",
    "servers",
    "others",
    "Doorpost: proxy",
    "client",
    "servers",
    "others",
  ];
  const rows = measured(results).map(({ name, title }) => {
    const alone = number(figure(results, name, "direct", "rate"));
    const cells = (["nginx", "doorpost"] as const).flatMap((subject) => {
      const load = busy(results, name, subject);
      const parts = [load?.proxy, load?.client, load?.servers, load?.others];
      return parts.map((part) => number(part ?? NaN));
    });
    return [title, alone, ...cells];
  });
  return table(head, rows);
}

function calls(results: Results): string {
  const head = ["system calls of one session", "nginx", "Doorpost", "ratio"];
  if (runsOf(results, "calls", "doorpost").length === 0) return "Not measured.";
  const kinds = [["imap", "IMAP"], ["pop3", "POP3"], ["smtp", "SMTP"], ["imaps", "IMAPS"]] as const;
  return table(head, kinds.map(([name, title]) => [title, ...compared(results, "calls", name)]));
}

// --- curves ---------------------------------------------------------------------------------------

function steps(results: Results, scenario: string): number[] {
  const ats = results.measurements.filter((each) => each.scenario === scenario).map(({ at }) =>
    at!
  );
  return [...new Set(ats)].sort((a, b) => a - b);
}

function pair(results: Results, scenario: string, name: string, at: number): string[] {
  return (["nginx", "doorpost"] as const).map((subject) =>
    number(figure(results, scenario, subject, name, at))
  );
}

function sessions(results: Results): string {
  const head = ["idle sessions", "MB: nginx", "Doorpost", "plain p99 ms: nginx", "Doorpost"];
  const rows = steps(results, "sessions").map((at) => [
    String(at),
    ...["memory", "p99", "tlsP99"].flatMap((name) => pair(results, "sessions", name, at)),
  ]);
  return table([...head, "TLS p99 ms: nginx", "Doorpost"], rows);
}

function workers(results: Results): string {
  const head = ["workers", "plain a second: nginx", "Doorpost", "CPU ms: nginx", "Doorpost"];
  const names = ["plain", "plainCpu", "tls", "tlsCpu"];
  const rows = steps(results, "workers").map((at) => [
    String(at),
    ...names.flatMap((name) => pair(results, "workers", name, at)),
  ]);
  const tls = ["TLS a second: nginx", "Doorpost", "CPU ms: nginx", "Doorpost"];
  return table([...head, ...tls], rows);
}

function sizes(results: Results): string {
  const head = ["size", "plain MB/s: nginx", "Doorpost", "CPU ms a MB: nginx", "Doorpost"];
  const names = ["plain", "plainCpu", "tls", "tlsCpu"];
  const rows = steps(results, "sizes").map((at) => [
    bytes(at),
    ...names.flatMap((name) => pair(results, "sizes", name, at)),
  ]);
  return table([...head, "TLS MB/s: nginx", "Doorpost", "CPU ms a MB: nginx", "Doorpost"], rows);
}
