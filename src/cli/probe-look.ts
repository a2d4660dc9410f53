/** Looking at the targets of a `probe`, a few at once, and who is told how far it has come. */

import { PROBE_AT_ONCE } from "../core/limits.ts";
import { differenceOf, type Report } from "../probe/model.ts";
import { probe } from "../probe/probe.ts";
import { visible } from "./cells.ts";
import type { Context } from "./command.ts";
import type { Results } from "./probe-formats.ts";
import type { ProbeRequest } from "./probe-request.ts";

/** Told of each target by its place in the list. */
export interface Onlooker {
  started?(at: number): void;
  finished?(at: number, report: Report): void;
  /** The backend of --direct, once it was looked at too. */
  compared?(direct: NonNullable<Results["direct"]>): void;
}

/** The reports in the order of the targets. */
export async function look(
  request: ProbeRequest,
  { runtime }: Context,
  onlooker: Onlooker = {},
): Promise<Results> {
  const { targets, direct, options } = request;
  const reports: Report[] = [];
  let next = 0;
  const worker = async () => {
    while (next < targets.length) {
      const at = next++;
      onlooker.started?.(at);
      reports[at] = await probe(runtime, targets[at], options);
      onlooker.finished?.(at, reports[at]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PROBE_AT_ONCE, targets.length) }, worker));
  if (!direct) return { reports, direct: null, load: null };
  // Where to connect, and as whom, was said of the target.
  const report = await probe(runtime, direct, { ...options, connectTo: null, proxyProtocol: null });
  const compared = { report, difference: differenceOf(reports[0], report) };
  onlooker.compared?.(compared);
  return { reports, direct: compared, load: null };
}

const BAR = 20;

/** A bar on one line of standard error that names what is under way; nothing without a terminal. */
export function progressOf(
  names: readonly string[],
  { runtime: { host }, terminal }: Context,
): Onlooker {
  if (names.length < 2 || !host.isTerminal("stderr")) return {};
  const { cyan } = terminal.errColors;
  const running = new Set<number>();
  let done = 0;
  const draw = () => {
    if (done === names.length) return terminal.err("\r\x1b[K");
    const filled = Math.floor(BAR * done / names.length);
    const head = `${"#".repeat(filled)}${".".repeat(BAR - filled)}`;
    const count = `${done}/${names.length}`;
    const doing = visible([...running].map((at) => names[at]).join(" "));
    // The last column stays free: some terminals go on to the next line there.
    const room = Math.max(0, host.columns - BAR - count.length - 6);
    terminal.err(`\r[${cyan(head)}] ${count}  ${doing.slice(0, room)}\x1b[K`);
  };
  return {
    started(at) {
      running.add(at);
      draw();
    },
    finished(at) {
      running.delete(at);
      done++;
      draw();
    },
  };
}
