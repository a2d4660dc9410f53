/**
 * The gate: `npm test`. Every check and every test suite on every runtime, in the order that their
 * needs allow and as many at a time as there are processors. Run by Bun.
 *
 * `--only STEP` (repeatable) runs one step and what it needs; `--fix` lets `format` write. A step's
 * output is shown when it fails. The last line is `N passed, N failed`, with `, N skipped` when there
 * were any; the exit code is not zero when something failed and when nothing ran.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { add, countJunit, type Counts, NONE } from "./support/junit.ts";
import { denoExecutable } from "./support/process.ts";
import { ROOT } from "./support/source.ts";

const MINUTE = 60_000;
/** More than this of a failing step's output hides its beginning and end from the reader. */
const SHOWN_LINES = 400;
/** Assertions repeat whole documents in one line. */
const SHOWN_COLUMNS = 300;
/** Each test of its own; Bun's default of 5 s is short for a busy machine. */
const TEST_MS = 60_000;

interface Step {
  readonly name: string;
  readonly command: readonly string[];
  readonly needs?: readonly string[];
  /** Where the runner writes JUnit XML; absent for a check, which counts as one. */
  readonly junit?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Longest time that it may take, milliseconds. */
  readonly limit: number;
}

interface Result {
  readonly step: Step;
  readonly counts: Counts;
  readonly ms: number;
  readonly output: string;
  /** Null when it went well. */
  readonly trouble: string | null;
}

class UsageError extends Error {}

const BUN = process.execPath;
const DENO = denoExecutable();
const running = new Set<ChildProcess>();

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  process.chdir(ROOT);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abandon(signal));
  mkdirSync("build", { recursive: true });
  const reports = mkdtempSync(join(ROOT, "build", "reports-"));
  try {
    const steps = chosenSteps(args, allSteps(reports, args.includes("--fix")));
    const results = await runAll(steps);
    const total = results.map(({ counts }) => counts).reduce(add, NONE);
    const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
    console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
    return total.failed === 0 && total.passed > 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    return 2;
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

function chosenSteps(args: readonly string[], all: readonly Step[]): readonly Step[] {
  const chosen = new Set<string>();
  const choose = (name: string) => {
    const step = all.find((each) => each.name === name);
    if (step === undefined) {
      throw new UsageError(
        `No step "${name}"; there are ${all.map((each) => each.name).join(", ")}`,
      );
    }
    chosen.add(name);
    step.needs?.forEach(choose);
  };
  for (let at = 0; at < args.length; at++) {
    if (args[at] === "--only") choose(args[++at] ?? "");
    else if (args[at] !== "--fix") throw new UsageError(`Unknown option ${args[at]}`);
  }
  return chosen.size === 0 ? all : all.filter(({ name }) => chosen.has(name));
}

// --- the steps -----------------------------------------------------------------------------------

/** In the order of starting: the long ones first, so that the short ones fill the gaps. */
function allSteps(reports: string, fix: boolean): Step[] {
  const shared = testFiles("test", ["contract", "e2e"]).concat(contractFiles("memory"));
  const checked = ["mod.ts", "build.ts", "src", "test", "bench"].filter(existsSync);
  const check = (name: string, command: string[]): Step => ({ name, command, limit: 3 * MINUTE });
  return [
    check("node-build", [BUN, "build.ts", "--target", "node", "--quiet"]),
    check("build", [BUN, "build.ts", "--quiet"]),
    check("format", [DENO, "fmt", ...(fix ? [] : ["--check"])]),
    check("lint", [DENO, "lint", "--quiet"]),
    check("types", [DENO, "check", "--quiet", ...checked]),
    suite("bun", "bun", shared, reports),
    suite("deno", "deno", shared, reports),
    suite("node", "node", shared, reports),
    ...(["bun", "deno", "node"] as const).map((runtime) =>
      suite(`contract-${runtime}`, runtime, contractFiles(runtime), reports)
    ),
    ...endToEnd(reports),
  ].filter(({ command }) => command.length > 0);
}

/**
 * The proxy as built, and from source on the other runtimes; the tests themselves run on Node. What is
 * said of nginx does not depend on the proxy: once is enough.
 */
function endToEnd(reports: string): Step[] {
  const all = testFiles(join("test", "e2e"), []);
  const ours = all.filter((file) => !file.endsWith("oracle.test.ts"));
  return (["exe", "deno", "node"] as const).map((under) => ({
    ...suite(`e2e-${under}`, "node", under === "exe" ? all : ours, reports),
    needs: ["node-build", ...(under === "exe" ? ["build"] : [])],
    env: { DOORPOST_UNDER_TEST: under },
  }));
}

type RuntimeName = "bun" | "deno" | "node";

function suite(
  name: string,
  runtime: RuntimeName,
  files: readonly string[],
  reports: string,
): Step {
  const junit = join(reports, `${name}.xml`);
  const needs = runtime === "node" ? ["node-build"] : [];
  const command = files.length === 0 ? [] : testCommand(runtime, files, junit);
  return { name, command, needs, junit, limit: 5 * MINUTE };
}

function testCommand(runtime: RuntimeName, files: readonly string[], junit: string): string[] {
  switch (runtime) {
    case "bun": {
      const report = ["--reporter=junit", `--reporter-outfile=${junit}`, "--only-failures"];
      return [BUN, "test", `--timeout=${TEST_MS}`, ...report, ...files.map((file) => `./${file}`)];
    }
    case "deno": {
      const guard = `--preload=${join("test", "support", "deno-guard.ts")}`;
      return [DENO, "test", "-A", "--no-check", guard, `--junit-path=${junit}`, ...files];
    }
    case "node": {
      const report = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
      const machine = ["--test-reporter=junit", `--test-reporter-destination=${junit}`];
      const transpiled = files.map((file) => join("build", "node", file.replace(/\.ts$/, ".js")));
      return ["node", "--enable-source-maps", "--test", ...report, ...machine, ...transpiled];
    }
  }
}

/** The short file that holds one runtime to the contract. */
function contractFiles(runtime: RuntimeName | "memory"): string[] {
  return testFiles(join("test", "contract"), []).filter((file) => file.includes(runtime));
}

function testFiles(folder: string, except: readonly string[]): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      return except.includes(entry.name) ? [] : testFiles(join(folder, entry.name), []);
    }
    return entry.name.endsWith(".test.ts") ? [join(folder, entry.name)] : [];
  }).sort();
}

// --- running them ---------------------------------------------------------------------------------

async function runAll(steps: readonly Step[]): Promise<Result[]> {
  const waiting = [...steps];
  const results: Result[] = [];
  const width = Math.max(20, ...steps.map(({ name }) => name.length + 2));
  const lane = async (): Promise<void> => {
    for (
      let step = nextStep(waiting, results, steps);
      step;
      step = nextStep(waiting, results, steps)
    ) {
      if (step === "later") {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const result = refused(step, results) ?? await runStep(step);
      results.push(result);
      report(result, width);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, lane));
  return results;
}

/** The first step whose needs are met; `later` when all that wait depend on one that still runs. */
function nextStep(
  waiting: Step[],
  results: readonly Result[],
  steps: readonly Step[],
): Step | "later" | null {
  const names = steps.map(({ name }) => name);
  const done = results.map(({ step }) => step.name);
  const at = waiting.findIndex(({ needs = [] }) =>
    needs.every((need) => done.includes(need) || !names.includes(need))
  );
  if (at >= 0) return waiting.splice(at, 1)[0]!;
  return waiting.length > 0 ? "later" : null;
}

/** What was not built is not tested in the state of an earlier build. */
function refused(step: Step, results: readonly Result[]): Result | null {
  const bad = results.find((each) => each.trouble && step.needs?.includes(each.step.name));
  const trouble = `not run: ${bad?.step.name} failed`;
  return bad ? { step, counts: { ...NONE, failed: 1 }, ms: 0, output: "", trouble } : null;
}

async function runStep(step: Step): Promise<Result> {
  const began = performance.now();
  const { code, output, late } = await execute(step);
  const ms = performance.now() - began;
  const trouble = late
    ? `took longer than ${step.limit / 1000} s`
    : code === 0
    ? null
    : `ended with exit code ${code}`;
  if (step.junit === undefined) {
    const counts = { ...NONE, [trouble === null ? "passed" : "failed"]: 1 };
    return { step, counts, ms, output, trouble };
  }
  return judgeSuite(step, { ms, output, trouble });
}

/** A suite has failed also when it ran no test, or printed an exception that no test caught. */
function judgeSuite(step: Step, run: Pick<Result, "ms" | "output" | "trouble">): Result {
  const counts = existsSync(step.junit!) ? countJunit(readFileSync(step.junit!, "utf8")) : NONE;
  // Deno prints such a line and still exits with 0.
  const uncaught = /^\S+:\d+: Uncaught .*$/m.exec(run.output)?.[0];
  const trouble = counts.failed > 0 ? `${counts.failed} tests failed` : run.trouble ?? uncaught ??
    (counts.passed + counts.skipped === 0 ? "ran no test" : null);
  const failed = trouble === null ? 0 : Math.max(1, counts.failed);
  return { ...run, step, counts: { ...counts, failed }, trouble };
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly late: boolean;
}

function execute(step: Step): Promise<Ended> {
  return new Promise((resolve) => {
    const [command, ...args] = step.command;
    const env = { ...process.env, NO_COLOR: "1", ...step.env };
    // A process group of its own, so that a step that is ended takes along what it started.
    const child = spawn(command!, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    let late = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => output += text);
    }
    const timer = setTimeout(() => {
      late = true;
      endGroup(child, "SIGTERM");
      setTimeout(() => endGroup(child, "SIGKILL"), 5_000).unref();
    }, step.limit);
    child.on("error", (error) => output += error.message);
    child.on("close", (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, output, late });
    });
  });
}

function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function abandon(signal: "SIGINT" | "SIGTERM"): void {
  for (const child of running) endGroup(child, "SIGTERM");
  process.exit(signal === "SIGINT" ? 130 : 143);
}

function report({ step, counts, ms, output, trouble }: Result, width: number): void {
  const seconds = `${(ms / 1000).toFixed(1)} s`.padStart(8);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  const tests = step.junit === undefined ? "" : `  ${counts.passed} passed${skipped}`;
  const verdict = trouble === null ? "ok  " : "FAIL";
  console.log(
    `${verdict}  ${step.name.padEnd(width)}${seconds}${tests}${trouble ? `  ${trouble}` : ""}`,
  );
  if (trouble === null) return;
  const lines = essence(output).trimEnd().split("\n");
  const cut = lines.length - SHOWN_LINES;
  if (cut > 0) lines.splice(SHOWN_LINES / 2, cut, `... ${cut} lines left out ...`);
  console.log(lines.map((line) => `    ${line.slice(0, SHOWN_COLUMNS)}`).join("\n"));
}

/** Without the list of what passed, which is all that Deno and Node say for a long while. */
function essence(output: string): string {
  const errors = output.search(/^ ERRORS $/m);
  if (errors >= 0) return output.slice(errors);
  return output.split("\n").filter((line) => !/^\s*[✔▶﹣ℹ]/u.test(line)).join("\n");
}
