/**
 * `probe`: looks at mail servers as a client does. Results go to standard output in the format that was
 * asked for, progress to standard error, and there only on a terminal.
 */

import { type Host, TlsSettingError } from "../net/ports.ts";
import { type LoadReport, measureLoad } from "../probe/load.ts";
import { worst } from "../probe/model.ts";
import { visible } from "./cells.ts";
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
import { look, progressOf } from "./probe-look.ts";
import { type ProbeRequest, probeRequest, type Values } from "./probe-request.ts";
import { watch, type Watching } from "./probe-watch.ts";
import { complain } from "./terminal.ts";
import { progressOn } from "./test-auth-progress.ts";

/** Nagios' UNKNOWN: the plugin itself could not work. */
const UNKNOWN = 3;

export const probe: Command<"probe"> = async (values, operands, context) => {
  try {
    const request = await probeRequest(values, operands, context.runtime);
    if (values.count !== undefined) return await runLoad(values, request, context);
    if (values.watch !== undefined) {
      return await watch(request, watched(values, request, context), context);
    }
    const names = request.targets.map(({ url }) => url);
    const results = await look(request, context, progressOf(names, context));
    return show(results, values, request, context);
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

// --- showing -------------------------------------------------------------------------------------

function show(results: Results, values: Values, request: ProbeRequest, context: Context): number {
  const { terminal } = context;
  const reports = [...results.reports, ...(results.direct ? [results.direct.report] : [])];
  switch (values.format ?? "human") {
    case "json":
      terminal.out(probeJson(results, values.verbose, timeOf(values, context)));
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

/** Of a round, where there are several; null where there is one. */
function timeOf({ watch }: Values, { runtime }: Context): string | null {
  return watch === undefined ? null : new Date(runtime.clock.now()).toISOString();
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
  return `${text}\n${humanReport(direct.report, look)}${differenceText(direct, look)}`;
}

// --- again and again -----------------------------------------------------------------------------

function watched(values: Values, request: ProbeRequest, context: Context): Watching {
  return {
    seconds: values.watch! / 1000,
    human: (values.format ?? "human") === "human",
    look: () => lookOf(values, context),
    show: (results) => show(results, values, request, context),
    statusOf: ({ reports }) => STATUS[worst(reports)],
  };
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
    progress: progressOn(runtime.host.isTerminal("stderr"), count, terminal.err),
    stopped: interruption(runtime.host),
  });
  if (format === "json") terminal.out(probeJson({ reports: [], direct: null, load }, false, null));
  else terminal.out(loadText(load, request.options.login !== null, context));
  if (load.good === load.count && load.count > 0) return OK;
  return load.good === 0 && load.failures.unreachable ? UNREACHABLE : FAILED;
}

/** What was measured until the first interruption is shown; the second ends it at once. */
function interruption(host: Host): () => boolean {
  let interrupted = false;
  host.onSignal("SIGINT", () => {
    if (interrupted) host.exit(FAILED);
    interrupted = true;
  });
  return () => interrupted;
}

function loadText(load: LoadReport, logins: boolean, { terminal }: Context): string {
  const colors = terminal.outColors;
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
  return `${colors.bold(visible(load.target))}\n${lines.join("")}`;
}
