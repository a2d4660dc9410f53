/**
 * `probe`: looks at mail servers as a client does. Results go to standard output in the format that was
 * asked for, progress to standard error, and there only on a terminal.
 */

import { PROBE_AT_ONCE } from "../core/limits.ts";
import { TlsSettingError } from "../net/ports.ts";
import { type LoadReport, measureLoad } from "../probe/load.ts";
import { differenceOf, type Report, worst } from "../probe/model.ts";
import { probe as probeOne } from "../probe/probe.ts";
import type { Target } from "../probe/target.ts";
import type { Command, Context } from "./command.ts";
import { FAILED, OK, UNREACHABLE, USAGE } from "./exit.ts";
import { Misuse } from "./misuse.ts";
import { nagios, probeJson, prometheus, type Results } from "./probe-formats.ts";
import {
  differenceText,
  humanReport,
  type Look,
  milliseconds,
  summaryTable,
} from "./probe-human.ts";
import { type ProbeRequest, probeRequest, type Values } from "./probe-request.ts";
import { complain } from "./terminal.ts";

/** Nagios' UNKNOWN: the plugin itself could not work. */
const UNKNOWN = 3;

export const probe: Command<"probe"> = async (values, operands, context) => {
  try {
    const request = await probeRequest(values, operands, context.runtime);
    if (values.count !== undefined) return await runLoad(values, request, context);
    if (values.watch !== undefined) return await watch(values, request, context);
    return show(await look(request, context), values, request, context);
  } catch (error) {
    const misuse = misuseOf(error);
    complain(context.terminal, misuse.message, misuse.hint);
    return values.format === "nagios" ? UNKNOWN : USAGE;
  }
};

function misuseOf(error: unknown): Misuse {
  if (error instanceof Misuse) return error;
  if (!(error instanceof TlsSettingError)) throw error;
  return new Misuse(`Cannot use the TLS setting "${error.setting}": ${error.message}`);
}

// --- looking -------------------------------------------------------------------------------------

async function look(request: ProbeRequest, context: Context): Promise<Results> {
  const { targets, direct, options } = request;
  const { runtime } = context;
  const reports = await all(targets, request, context);
  if (!direct) return { reports, direct: null, load: null };
  const report = await probeOne(runtime, direct, { ...options, connectTo: null });
  const difference = differenceOf(reports[0], report);
  return { reports, direct: { report, difference }, load: null };
}

/** A few at once; the reports in the order of the targets. */
async function all(
  targets: readonly Target[],
  { options }: ProbeRequest,
  context: Context,
): Promise<Report[]> {
  const reports: Report[] = [];
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < targets.length) {
      const at = next++;
      reports[at] = await probeOne(context.runtime, targets[at], options);
      progress(++done, targets.length, context);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PROBE_AT_ONCE, targets.length) }, worker));
  return reports;
}

function progress(done: number, total: number, { runtime, terminal }: Context): void {
  if (total < 2 || !runtime.host.isTerminal("stderr")) return;
  terminal.err(done < total ? `\r${done}/${total}` : "\r\x1b[K");
}

// --- showing -------------------------------------------------------------------------------------

function show(results: Results, values: Values, request: ProbeRequest, context: Context): number {
  const { terminal } = context;
  const reports = [...results.reports, ...(results.direct ? [results.direct.report] : [])];
  switch (values.format ?? "human") {
    case "json":
      terminal.out(probeJson(results, values.verbose));
      break;
    case "prometheus":
      terminal.out(prometheus(reports));
      break;
    case "nagios": {
      const { state, text } = nagios(reports, request.warn, request.crit);
      terminal.out(text);
      return state;
    }
    case "human":
      terminal.out(humanText(results, lookOf(values, context)));
  }
  return STATUS[worst(reports)];
}

const STATUS = { fine: OK, findings: FAILED, unreachable: UNREACHABLE } as const;

function lookOf({ verbose }: Values, { terminal }: Context): Look {
  return { verbose, colors: terminal.outColors, columns: terminal.columns };
}

/** One in full; of many a table, and in full with -v alone. */
function humanText({ reports, direct }: Results, look: Look): string {
  if (reports.length > 1) {
    const full = look.verbose ? reports.map((report) => `${humanReport(report, look)}\n`) : [];
    return `${full.join("")}${summaryTable(reports, look)}`;
  }
  const text = humanReport(reports[0], look);
  if (!direct) return text;
  const { report, difference } = direct;
  const against = differenceText(reports[0], report, difference, look);
  return `${text}\n${humanReport(report, look)}${against}`;
}

// --- again and again -----------------------------------------------------------------------------

async function watch(values: Values, request: ProbeRequest, context: Context): Promise<number> {
  const { runtime, terminal } = context;
  const live = runtime.host.isTerminal("stdout") && (values.format ?? "human") === "human";
  let interrupt = () => {};
  const interrupted = new Promise<"interrupted">((resolve) => {
    interrupt = () => resolve("interrupted");
  });
  runtime.host.onSignal("SIGINT", interrupt);
  runtime.host.onSignal("SIGTERM", interrupt);
  for (let status = OK;;) {
    const results = await Promise.race([look(request, context), interrupted]);
    if (results === "interrupted") return status;
    if (live) terminal.out("\x1b[H\x1b[2J");
    status = show(results, values, request, context);
    const pause = new Promise<"due">((resolve) =>
      runtime.clock.after(values.watch! * 1000, () => resolve("due"))
    );
    if (await Promise.race([pause, interrupted]) === "interrupted") return status;
  }
}

async function runLoad(values: Values, request: ProbeRequest, context: Context): Promise<number> {
  const { runtime, terminal } = context;
  const format = values.format ?? "human";
  if (format !== "human" && format !== "json") {
    throw new Misuse(`--count has no --format ${format}`, "human or json");
  }
  const count = values.count!;
  const load = await measureLoad(runtime, request.targets[0], request.options, {
    count,
    concurrency: values.concurrency ?? 1,
    progress: (done) => progress(done, count, context),
  });
  if (format === "json") terminal.out(probeJson({ reports: [], direct: null, load }, false));
  else terminal.out(loadText(load, request.options.login !== null, context));
  if (load.good === load.count) return OK;
  return load.good === 0 && load.failures.unreachable ? UNREACHABLE : FAILED;
}

function loadText(load: LoadReport, logins: boolean, { terminal }: Context): string {
  const { colors } = { colors: terminal.outColors };
  const { latency } = load;
  const what = logins ? "logins" : "sessions";
  const rows: [string, string][] = [
    [what, `${load.good} of ${load.count} good, ${load.concurrency} at once`],
    ["rate", `${load.perSecond.toFixed(1)} ${what} a second, ${load.seconds.toFixed(2)} s in all`],
    ...(latency
      ? Object.entries(latency).map(([name, ms]): [string, string] => [name, milliseconds(ms)])
      : []),
    ...Object.entries(load.failures).map(([id, n]): [string, string] => ["failed", `${n} ${id}`]),
  ];
  const lines = rows.map(([term, text]) => `${colors.cyan(term.padEnd(14))}${text}\n`);
  return `${colors.bold(load.target)}\n${lines.join("")}`;
}
