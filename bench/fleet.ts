/**
 * From the cost of one login, one MB and one session to the machines that a crowd needs. An
 * extrapolation, not a measurement: its inputs are named here and in docs/performance.md.
 */

import type { Results } from "./model.ts";
import { figure } from "./summary.ts";
import { number, table } from "./words.ts";

/** What is assumed of the crowd and of the machines. */
const ASSUMED = {
  /** Seconds in which all sessions come back after an outage: the hardest that a proxy sees. */
  storm: 300,
  /** MB a second that one session moves on average. */
  traffic: 0.002,
  /** Processors and GiB of one machine. */
  processors: 8,
  memory: 32,
  /** Shares of them that may be used. */
  busy: 0.6,
  full: 0.75,
  /** kB of the kernel for two quiet sockets: not in the proxy's own memory. */
  sockets: 8,
} as const;

const CROWDS = [10_000, 100_000, 1_000_000, 10_000_000];

export interface Costs {
  /** Processor ms for a TLS login and for a MB over TLS. */
  readonly login: number;
  readonly megabyte: number;
  /** kB for an idle TLS session. */
  readonly session: number;
}

export interface Need {
  readonly processors: number;
  readonly gigabytes: number;
  /** With one to spare. */
  readonly machines: number;
}

export function need(sessions: number, { login, megabyte, session }: Costs): Need {
  const seconds = (sessions / ASSUMED.storm * login + sessions * ASSUMED.traffic * megabyte) / 1000;
  const processors = seconds / ASSUMED.busy;
  const gigabytes = sessions * (session + ASSUMED.sockets) / 2 ** 20;
  const byProcessors = processors / ASSUMED.processors;
  const byMemory = gigabytes / (ASSUMED.memory * ASSUMED.full);
  return { processors, gigabytes, machines: Math.ceil(Math.max(byProcessors, byMemory)) + 1 };
}

export function fleet(results: Results): string {
  const costsOf = (subject: "nginx" | "doorpost"): Costs => ({
    login: figure(results, "login-imaps", subject, "cpu"),
    megabyte: figure(results, "down-tls", subject, "cpu"),
    session: figure(results, "idle-tls", subject, "each"),
  });
  const [theirs, ours] = [costsOf("nginx"), costsOf("doorpost")];
  if (!Number.isFinite(ours.login + ours.megabyte + ours.session)) return "Not measured.";
  const rows = CROWDS.map((sessions) => {
    const [a, b] = [need(sessions, theirs), need(sessions, ours)];
    return [
      sessions.toLocaleString("en"),
      number(sessions / ASSUMED.storm),
      ...[a, b].flatMap(({ processors, gigabytes, machines }) =>
        [processors, gigabytes, machines].map(number)
      ),
    ];
  });
  const head = ["sessions", "logins/s", "nginx: processors", "GiB", "machines"];
  return table([...head, "Doorpost: processors", "GiB", "machines"], rows);
}
