/**
 * `probe --watch`: looks again and again. On a terminal there is one live view that is drawn over, with
 * what each target did in the rounds before; elsewhere each look at a target is one line. Other formats
 * give their whole output each round, JSON as one line.
 */

import type { Report } from "../probe/model.ts";
import type { Context } from "./command.ts";
import { OK } from "./exit.ts";
import { visible } from "./cells.ts";
import type { Results } from "./probe-formats.ts";
import {
  differenceText,
  findingLines,
  humanReport,
  type Look,
  milliseconds,
} from "./probe-human.ts";
import { look, type Onlooker } from "./probe-look.ts";
import type { ProbeRequest } from "./probe-request.ts";

/** How the rounds of `probe --watch` are shown. */
export interface Watching {
  readonly seconds: number;
  readonly human: boolean;
  readonly look: () => Look;
  /** Writes a round out, in a format for machines, and gives its status. */
  show(results: Results): number;
  /** The status of a round that was shown otherwise. */
  statusOf(results: Results): number;
}

/** Resolves with the status of the last round, when it is interrupted. */
export async function watch(
  request: ProbeRequest,
  watching: Watching,
  context: Context,
): Promise<number> {
  const { runtime, terminal } = context;
  const { host, clock } = runtime;
  const interrupted = interruption(context);
  const names = request.targets.map(({ url }) => url);
  const view = !watching.human
    ? null
    : host.isTerminal("stdout")
    ? new LiveView(names, watching, context)
    : lines(context);
  for (let status = OK;;) {
    const results = await Promise.race([look(request, context, view ?? {}), interrupted]);
    if (results === "interrupted") return status;
    status = view ? watching.statusOf(results) : watching.show(results);
    const pause = new Promise<"due">((resolve) =>
      clock.after(watching.seconds * 1000, () => resolve("due"))
    );
    if (await Promise.race([pause, interrupted]) === "due") continue;
    if (view instanceof LiveView) terminal.out("\n");
    return status;
  }
}

function interruption({ runtime }: Context): Promise<"interrupted"> {
  return new Promise((resolve) => {
    runtime.host.onSignal("SIGINT", () => resolve("interrupted"));
    runtime.host.onSignal("SIGTERM", () => resolve("interrupted"));
  });
}

// --- lines ---------------------------------------------------------------------------------------

/** `2026-11-21T10:51:20Z fine 12.3 ms imaps://mail.example.com TLSv1.3 89 d`, findings behind. */
function lines({ runtime, terminal }: Context): Onlooker {
  const line = (report: Report) => {
    const at = new Date(runtime.clock.now()).toISOString().replace(/\.\d+/, "");
    terminal.out(`${at}  ${lineOf(report)}\n`);
  };
  return { finished: (_, report) => line(report), compared: ({ report }) => line(report) };
}

function lineOf({ outcome, totalMs, target, tls, findings }: Report): string {
  const ids = findings.filter(({ severity }) => severity !== "info").map(({ id }) => id);
  return [
    outcome.padEnd(11),
    milliseconds(totalMs).padStart(8),
    visible(target),
    ...(tls ? [tls.protocol] : []),
    ...(tls?.certificate ? [`${tls.certificate.daysLeft} d`] : []),
    ...new Set(ids),
  ].join("  ");
}

// --- the live view -------------------------------------------------------------------------------

/** Rounds and changes that are shown, and times that the mean is made of. */
const MARKS = 20;
const CHANGES = 5;
const TIMES = 1000;

/** One target over the rounds. */
export interface History {
  readonly target: string;
  readonly running: boolean;
  readonly last: Report | null;
  /** Outcomes, the newest last. */
  readonly outcomes: readonly Report["outcome"][];
  /** Milliseconds of the sessions that reached somebody. */
  readonly times: readonly number[];
}

export interface Change {
  readonly at: number;
  readonly text: string;
}

class LiveView implements Onlooker {
  readonly #watching: Watching;
  readonly #context: Context;
  readonly #histories: History[];
  readonly #changes: Change[] = [];
  #direct: Results["direct"] = null;
  #round = 0;
  #drawn = false;

  constructor(names: readonly string[], watching: Watching, context: Context) {
    this.#watching = watching;
    this.#context = context;
    this.#histories = names.map((target) => {
      return { target, running: false, last: null, outcomes: [], times: [] };
    });
  }

  started(at: number): void {
    if (at === 0) this.#round++;
    this.#histories[at] = { ...this.#histories[at], running: true };
    this.#draw();
  }

  finished(at: number, report: Report): void {
    const before = this.#histories[at];
    this.#histories[at] = after(before, report);
    const text = changeText(before, report);
    if (text) this.#changes.push({ at: this.#context.runtime.clock.now(), text });
    if (this.#changes.length > CHANGES) this.#changes.shift();
    this.#draw();
  }

  compared(direct: NonNullable<Results["direct"]>): void {
    this.#direct = direct;
    this.#draw();
  }

  /** Each line is written over, so that nothing flickers. */
  #draw(): void {
    const { runtime: { host, clock }, terminal } = this.#context;
    const text = liveText({
      round: this.#round,
      seconds: this.#watching.seconds,
      now: clock.now(),
      histories: this.#histories,
      changes: this.#changes,
      direct: this.#direct,
    }, { ...this.#watching.look(), columns: host.columns });
    const all = text.replace(/\n$/, "").split("\n");
    const shown = fitting(all, (host.rows ?? Infinity) - 1);
    const begin = this.#drawn ? "\x1b[H" : "\x1b[H\x1b[2J";
    this.#drawn = true;
    terminal.out(`${begin}${shown.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
  }
}

function after({ target, outcomes, times }: History, report: Report): History {
  const { outcome, totalMs } = report;
  return {
    target,
    running: false,
    last: report,
    outcomes: [...outcomes, outcome].slice(-MARKS),
    times: outcome === "unreachable" ? times : [...times, totalMs].slice(-TIMES),
  };
}

function changeText({ last }: History, report: Report): string | null {
  const gist = (of: Report) =>
    [
      of.outcome,
      ...new Set(of.findings.filter(({ severity }) => severity !== "info").map(({ id }) => id)),
    ].filter((word, at, all) => all.indexOf(word) === at).join(" ");
  if (!last || gist(last) === gist(report)) return null;
  return `${report.target}: ${gist(last)} -> ${gist(report)}`;
}

function fitting(all: readonly string[], rows: number): readonly string[] {
  if (all.length <= rows) return all;
  const room = Math.max(1, rows - 1);
  return [...all.slice(0, room), `(${all.length - room} lines more: the window is too low)`];
}

/** All that the screen shows; `seconds` lie between two rounds. */
export interface LiveState {
  readonly round: number;
  readonly seconds: number;
  readonly now: number;
  readonly histories: readonly History[];
  readonly changes: readonly Change[];
  readonly direct: Results["direct"];
}

/** The whole screen. Of one target all that is known, of several what is wrong with them. */
export function liveText(state: LiveState, look: Look): string {
  const { histories, round, seconds, now } = state;
  const { colors } = look;
  const every = seconds === 1 ? "every second" : `every ${seconds} s`;
  const head = `${colors.bold("doorpost probe")}  ${every}, round ${round}, ${timeOf(now)} UTC`;
  const [only] = histories;
  const below = histories.length === 1
    ? only.last ? humanReport(only.last, look) : ""
    : histories.map((history) => findingsOf(history, look)).join("");
  return [
    `${head}\n`,
    table(histories, look),
    changesText(state.changes, look),
    below === "" ? "" : `\n${below}`,
    state.direct ? differenceText(state.direct, look) : "",
  ].join("");
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

const HEADS = ["now", "mean", "most"] as const;
const NUMBER = 8;
/** The names have what is left of the line, and the rounds what they leave, at least so many. */
const LEAST_MARKS = 10;

function table(histories: readonly History[], look: Look): string {
  const { colors, columns } = look;
  const fixed = 2 + HEADS.length * (NUMBER + 1) + 2;
  const longest = Math.max("target".length, ...histories.map(({ target }) => target.length));
  const width = Math.max("target".length, Math.min(longest, columns - fixed - LEAST_MARKS - 1));
  const marks = Math.max(0, Math.min(MARKS, columns - fixed - width - 1));
  const heads = HEADS.map((word) => ` ${word.padStart(NUMBER)}`).join("");
  const head = `  ${"target".padEnd(width)}${heads}  ${"rounds".slice(0, marks)}`;
  return `${colors.bold(head.trimEnd())}\n` +
    histories.map((history) => row(history, width, marks, look)).join("");
}

function row(history: History, width: number, marks: number, look: Look): string {
  const { target, last, times, outcomes, running } = history;
  const most = Math.max(...times);
  const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
  const now = last && last.outcome !== "unreachable" ? last.totalMs : NaN;
  const numbers = [now, mean, most].map((ms) =>
    ` ${(Number.isFinite(ms) ? milliseconds(ms) : "-").padStart(NUMBER)}`
  );
  const name = visible(target);
  const shown = name.length > width ? `${name.slice(0, width - 3)}...` : name.padEnd(width);
  const past = outcomes.slice(marks > 0 ? -marks : outcomes.length);
  const line = `${running ? ">" : markOf(last?.outcome, look)} ${shown}${numbers.join("")}  ` +
    past.map((outcome) => markOf(outcome, look)).join("");
  return `${line.trimEnd()}\n`;
}

function markOf(outcome: Report["outcome"] | undefined, { colors }: Look): string {
  switch (outcome) {
    case "fine":
      return colors.green("+");
    case "findings":
      return colors.yellow("!");
    case "unreachable":
      return colors.red("x");
    default:
      return " ";
  }
}

function changesText(changes: readonly Change[], { colors, columns }: Look): string {
  if (changes.length === 0) return "";
  const all = changes.toReversed().map(({ at, text }) => {
    const line = `${timeOf(at)}  ${visible(text)}`;
    return `${line.length > columns ? `${line.slice(0, columns - 3)}...` : line}\n`;
  });
  return `\n${colors.bold("Changes")}\n${all.join("")}`;
}

function findingsOf({ last }: History, look: Look): string {
  const bad = last?.findings.filter(({ severity }) => severity !== "info") ?? [];
  if (!last || bad.length === 0) return "";
  return `${look.colors.bold(visible(last.target))}\n` +
    bad.map((finding) => findingLines(finding, look)).join("");
}
