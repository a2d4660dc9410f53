/**
 * The benchmark: `npm run bench`. Measures Doorpost and nginx side by side with a load generator that is
 * compiled here, and writes tables and plots. `--help` shows the options; `docs/performance.md` says
 * what is measured, and how. Run by Bun.
 *
 * Every run is bounded, all on loopback, and nothing that was started stays behind.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { ROOT } from "../test/support/source.ts";
import { type CurvesOutcome, runSessions, runSizes, runWorkers, workersFor } from "./curves.ts";
import { canTrace, runCalls } from "./calls.ts";
import { blocks, DISTURBED, fill, tables } from "./document.ts";
import { describeMachine } from "./machine.ts";
import { BenchError, type Measurement, type Results, type Subject } from "./model.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { plots } from "./plots.ts";
import { BUILD, prepare, type Programs } from "./programs.ts";
import { type Proxy, type Rig, startRig } from "./rig.ts";
import {
  idleCount,
  IDLES,
  LOADS,
  type LoadScenario,
  NAMES,
  runIdle,
  runScenario,
  runStart,
  secured,
  subjectsOf,
  warmUp,
} from "./scenarios.ts";

const DOCUMENT = join(ROOT, "docs", "performance.md");
const PLOTS = join(ROOT, "docs", "performance");
const LATEST = join(ROOT, "bench", "results", "latest.json");
/** The first start of an executable reads it from the disk: an odd number, and the median. */
const STARTS = 5;

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  try {
    if (words.includes("--help")) console.log(USAGE);
    else await bench(readOptions(words));
    return 0;
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    console.error(`bench: ${error.message}`);
    return 1;
  }
}

async function bench(options: Options): Promise<void> {
  const unknown = options.only.find((name) => chosen([name]).length === 0);
  if (unknown !== undefined) {
    throw new BenchError(`No scenario "${unknown}"; there are ${NAMES.join(", ")}`);
  }
  if (options.from !== null) return publish(JSON.parse(readFileSync(options.from, "utf8")));
  const results = await measure(options);
  const whole = !options.quick && options.only.length === 0 && results.versions["nginx"];
  if (!whole) return show(results);
  write(LATEST, results);
  // As it is kept: with the digits that it has there, so that --from makes the same page of it.
  publish(JSON.parse(readFileSync(LATEST, "utf8")));
}

function chosen(only: readonly string[]): readonly string[] {
  return only.length === 0
    ? NAMES
    : NAMES.filter((name) => only.some((word) => name === word || name.startsWith(`${word}-`)));
}

// --- measuring ------------------------------------------------------------------------------------

/** What a run gathers as it goes. */
interface Run {
  readonly rig: Rig;
  readonly options: Options;
  readonly withNginx: boolean;
  readonly names: readonly string[];
  readonly workers: number;
  readonly measurements: Measurement[];
  failed: number;
}

async function measure(options: Options): Promise<Results> {
  const programs = prepare(options, console.error);
  const machine = describeMachine();
  const rig = await startRig(programs);
  const run: Run = {
    rig,
    options,
    withNginx: programs.nginx !== null,
    names: chosen(options.only),
    workers: workersFor(options.sessions, machine.openFiles),
    measurements: [],
    failed: 0,
  };
  try {
    await measureLoads(run);
    await measureIdle(run);
    await measureStart(run);
    await measureCalls(run);
    await measureCurves(run);
  } finally {
    await rig.stop();
  }
  warn(run);
  return describe(run, programs, machine);
}

function warn({ failed, measurements }: Run): void {
  if (failed > 0) console.error(`${failed} sessions failed`);
  const disturbed = measurements.filter(({ busy }) => busy && busy.others > DISTURBED).length;
  if (disturbed === 0) return;
  console.error(
    `Other programs used more than ${DISTURBED} % of a processor in ${disturbed} runs: ` +
      "trust no figure of these; measure again on a quiet machine",
  );
}

function describe(run: Run, { versions }: Programs, machine: Results["machine"]): Results {
  return {
    taken: new Date().toISOString().slice(0, 10),
    machine,
    versions,
    rounds: run.options.rounds,
    seconds: run.options.seconds,
    idleSessions: idleCount(run.options),
    mostSessions: run.options.sessions,
    sessionWorkers: run.workers,
    failed: run.failed,
    measurements: run.measurements,
  };
}

/** All proxies stay up, and take turns; who is first changes from round to round. */
async function measureLoads(run: Run): Promise<void> {
  const scenarios = LOADS.filter(({ name }) => run.names.includes(name));
  const proxies = new Map<Subject, Proxy>();
  for (const scenario of scenarios) {
    const subjects = subjectsOf(scenario, run.withNginx);
    progress(scenario.name);
    for (const subject of subjects) {
      if (!proxies.has(subject)) proxies.set(subject, await run.rig.start(subject));
      await warmUp(run.rig, proxies.get(subject)!, scenario, subject, run.options.quick);
    }
    for (let round = 0; round < run.options.rounds; round++) {
      for (const subject of rotated(subjects, round)) {
        await measureLoad(run, proxies.get(subject)!, subject, scenario);
      }
    }
    if (!secured(scenario)) await measureLoad(run, run.rig.direct, "direct", scenario);
  }
  await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
}

async function measureLoad(
  run: Run,
  proxy: Proxy,
  subject: Subject,
  scenario: LoadScenario,
): Promise<void> {
  const { figures, busy, failed } = await runScenario(
    run.rig,
    proxy,
    scenario,
    run.options.seconds,
  );
  run.failed += failed;
  run.measurements.push({ scenario: scenario.name, subject, figures, busy });
}

async function measureIdle(run: Run): Promise<void> {
  for (const idle of IDLES.filter(({ name }) => run.names.includes(name))) {
    progress(idle.name);
    for (let round = 0; round < Math.min(3, run.options.rounds); round++) {
      for (const subject of rotated(pair(run), round)) {
        const { figures, failed } = await runIdle(run.rig, subject, idle, idleCount(run.options));
        run.failed += failed;
        run.measurements.push({ scenario: idle.name, subject, figures });
      }
    }
  }
}

async function measureStart(run: Run): Promise<void> {
  if (!run.names.includes("start")) return;
  progress("start");
  for (let times = 0; times < STARTS; times++) {
    for (const subject of pair(run)) {
      const figures = await runStart(run.rig, subject);
      run.measurements.push({ scenario: "start", subject, figures });
    }
  }
}

async function measureCalls(run: Run): Promise<void> {
  if (!run.names.includes("calls")) return;
  if (!canTrace()) {
    return void console.error("No strace: system calls are not counted. apt-get install strace");
  }
  progress("calls");
  for (const subject of pair(run)) {
    run.measurements.push({
      scenario: "calls",
      subject,
      figures: await runCalls(run.rig, subject, run.options),
    });
  }
}

async function measureCurves(run: Run): Promise<void> {
  const { rig, options } = run;
  const add = ({ measurements, failed }: CurvesOutcome) => {
    run.measurements.push(...measurements);
    run.failed += failed;
  };
  const each = async (name: string, measured: (subject: Subject) => Promise<CurvesOutcome>) => {
    if (!run.names.includes(name)) return;
    progress(name);
    for (const subject of pair(run)) add(await measured(subject));
  };
  await each("sessions", (subject) => runSessions(rig, subject, options, run.workers));
  await each("workers", (subject) => runWorkers(rig, subject, options));
  await each("sizes", async (subject) => {
    const proxy = await rig.start(subject);
    try {
      return await runSizes(rig, proxy, subject, options);
    } finally {
      await proxy.stop();
    }
  });
}

function pair({ withNginx }: Run): readonly Subject[] {
  return withNginx ? ["nginx", "doorpost"] : ["doorpost"];
}

function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

function progress(name: string): void {
  console.error(`${(process.uptime()).toFixed(0).padStart(4)} s  ${name}`);
}

// --- what is written ------------------------------------------------------------------------------

function publish(results: Results): void {
  const text = fill(readFileSync(DOCUMENT, "utf8"), blocks(results));
  writeFileSync(DOCUMENT, text);
  mkdirSync(PLOTS, { recursive: true });
  for (const [name, svg] of Object.entries(plots(results))) {
    writeFileSync(join(PLOTS, `${name}.svg`), svg);
  }
  console.log("docs/performance.md and docs/performance/*.svg are written");
}

function show(results: Results): void {
  const file = join(BUILD, "result.json");
  write(file, results);
  console.log(tables(results));
  console.log(`\n${file}`);
}

function write(file: string, results: Results): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, shorten, 1)}\n`);
}

/** Five digits are more than any figure here is worth. */
function shorten(_name: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value)
    ? Number(value.toPrecision(5))
    : value;
}
