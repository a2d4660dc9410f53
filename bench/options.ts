/** The command line of `npm run bench`. */

import { BenchError } from "./model.ts";

export interface Options {
  readonly quick: boolean;
  /** Names of scenarios or their beginnings; empty for all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Length of one measured run. */
  readonly seconds: number;
  /** Most idle sessions. */
  readonly sessions: number;
  readonly nginx: string | null;
  readonly nginxModule: string | null;
  /** An executable to measure instead of the one that is built. */
  readonly doorpost: string | null;
  /** Draws tables and plots from this result, without measuring. */
  readonly from: string | null;
}

export const USAGE = `usage: npm run bench -- [OPTION]...
  --quick             two minutes, coarse; changes no document
  --only NAME[,NAME]  these scenarios (or those that begin so); changes no document
  --rounds N          runs of each scenario, of which the median counts (3)
  --seconds S         length of one run (1.5)
  --sessions N        most idle sessions (10000)
  --nginx PATH        another nginx; "none" measures Doorpost alone
  --nginx-module PATH its mail module, where that is a file of its own
  --doorpost PATH     another executable of Doorpost
  --from FILE         tables and plots from a result, without measuring
A full run writes bench/results/latest.json, docs/performance.md and docs/performance/*.svg;
the others write build/bench/result.json and show their table.`;

const VALUES = [
  "--only",
  "--rounds",
  "--seconds",
  "--sessions",
  "--nginx",
  "--nginx-module",
  "--doorpost",
  "--from",
];

/** Throws a BenchError that says what is wrong with the words. */
export function readOptions(words: readonly string[]): Options {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at++) {
    const [name, inline] = split(words[at]!);
    if (name === "--quick") given.set(name, "");
    else if (VALUES.includes(name)) given.set(name, inline ?? words[++at] ?? "");
    else throw new BenchError(`Unknown option ${name}\n${USAGE}`);
  }
  const quick = given.has("--quick");
  const text = (name: string) => given.get(name) || null;
  const number = (name: string, usual: number, least: number, most: number) => {
    const value = given.has(name) ? Number(given.get(name)) : usual;
    if (value >= least && value <= most) return value;
    throw new BenchError(`${name} takes a number from ${least} to ${most}`);
  };
  return {
    quick,
    only: text("--only")?.split(",") ?? [],
    rounds: Math.trunc(number("--rounds", quick ? 1 : 3, 1, 25)),
    seconds: number("--seconds", quick ? 0.5 : 1.5, 0.2, 60),
    sessions: Math.trunc(number("--sessions", quick ? 1000 : 10_000, 100, 50_000)),
    nginx: text("--nginx"),
    nginxModule: text("--nginx-module"),
    doorpost: text("--doorpost"),
    from: text("--from"),
  };
}

function split(word: string): [string, string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}
