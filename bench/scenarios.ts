/** What is measured, as a table, and how one row is run for one proxy. */

import { setTimeout as sleep } from "node:timers/promises";
import { holdSessions, type Loaded, runLoad } from "./load.ts";
import { memoryOfTree } from "./machine.ts";
import type { Busy, Figures, Subject } from "./model.ts";
import type { Options } from "./options.ts";
import { type Ports, type Proxy, type Rig, workersOf } from "./rig.ts";

/** What one unit of work is, and so what rate and processor time are divided by. */
export type Unit = "login" | "MB" | "trip";

export interface LoadScenario {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
  readonly port: keyof Ports;
  /** For the client, after the port and the length. */
  readonly args: string;
  /** Also measured with 64 KB buffers in nginx, and with two workers. */
  readonly large?: true;
  readonly two?: true;
  /** One session after the other: its delay is the figure, and no rate. */
  readonly lone?: true;
}

const PLAIN = "--concurrency 32";
/** More at a time, or nginx would be measured waiting for delayed acknowledgements. */
const SECURE = "--concurrency 128";

export const LOADS: readonly LoadScenario[] = [
  row("login-imap", "IMAP logins", "login", "imap", `logins --protocol imap ${PLAIN}`, "two"),
  row("login-pop3", "POP3 logins", "login", "pop3", `logins --protocol pop3 ${PLAIN}`),
  row("login-smtp", "SMTP logins", "login", "smtp", `logins --protocol smtp ${PLAIN}`),
  row("login-imaps", "IMAPS logins", "login", "imaps", `logins --tls implicit ${SECURE}`, "two"),
  row(
    "login-pop3-stls",
    "POP3 logins, STLS",
    "login",
    "pop3",
    `logins --protocol pop3 --tls starttls ${SECURE}`,
  ),
  row(
    "login-smtp-starttls",
    "SMTP logins, STARTTLS",
    "login",
    "smtp",
    `logins --protocol smtp --tls starttls ${SECURE}`,
  ),
  row("lone", "one IMAP login alone", "login", "imap", "logins --concurrency 1", "lone"),
  row(
    "lone-tls",
    "one IMAPS login alone",
    "login",
    "imaps",
    "logins --tls implicit --concurrency 1",
    "lone",
  ),
  row("down", "download", "MB", "imap", "bulk --streams 8", "large", "two"),
  row("up", "upload", "MB", "imap", "bulk --streams 8 --direction up", "large"),
  row("down-tls", "download, TLS", "MB", "imaps", "bulk --streams 8 --tls implicit", "large"),
  row(
    "up-tls",
    "upload, TLS",
    "MB",
    "imaps",
    "bulk --streams 8 --tls implicit --direction up",
    "large",
  ),
  row("trips", "round trips", "trip", "imap", "trips --streams 32", "two"),
  row("trips-tls", "round trips, TLS", "trip", "imaps", "trips --streams 32 --tls implicit", "two"),
];

function row(
  name: string,
  title: string,
  unit: Unit,
  port: keyof Ports,
  args: string,
  ...marks: readonly ("large" | "two" | "lone")[]
): LoadScenario {
  return {
    name,
    title,
    unit,
    port,
    args,
    ...(marks.includes("large") && { large: true as const }),
    ...(marks.includes("two") && { two: true as const }),
    ...(marks.includes("lone") && { lone: true as const }),
  };
}

/** Memory of sessions that stay. */
export const IDLES = [
  { name: "idle", title: "idle session", port: "imap", args: "" },
  { name: "idle-tls", title: "idle session, TLS", port: "imaps", args: "--tls implicit" },
] as const;

/** Names that `--only` can choose from, curves included. */
export const NAMES: readonly string[] = [
  ...LOADS.map(({ name }) => name),
  ...IDLES.map(({ name }) => name),
  "start",
  "calls",
  "sessions",
  "workers",
  "sizes",
];

/** Whether it needs TLS, which the fake servers have not. */
export function secured({ args }: LoadScenario): boolean {
  return args.includes("--tls");
}

/** The proxies that a scenario is run for. */
export function subjectsOf(scenario: LoadScenario, withNginx: boolean): readonly Subject[] {
  const all: Subject[] = ["nginx", "doorpost"];
  if (scenario.large) all.push("nginx-64k");
  if (scenario.two) all.push("nginx-2w", "doorpost-2w");
  return withNginx ? all : all.filter((subject) => subject.startsWith("doorpost"));
}

export interface Ran {
  readonly figures: Figures;
  readonly busy: Busy;
  readonly failed: number;
}

/** Doorpost's code is compiled while it runs, most of it within so many seconds of work. */
const WARM_SECONDS = 2;
const WARM_QUICK_SECONDS = 0.3;

/** Unmeasured. A quick look is shorter. */
export async function warmUp(
  rig: Rig,
  proxy: Proxy,
  scenario: LoadScenario,
  subject: Subject,
  quick: boolean,
): Promise<void> {
  // Each worker compiles for itself, and shares the load.
  const seconds = (quick ? WARM_QUICK_SECONDS : WARM_SECONDS) * workersOf(subject);
  await runLoad(rig, proxy, clientArgs(scenario, proxy, seconds));
}

export async function runScenario(
  rig: Rig,
  proxy: Proxy,
  scenario: LoadScenario,
  seconds: number,
): Promise<Ran> {
  const loaded = await runLoad(rig, proxy, clientArgs(scenario, proxy, seconds));
  return {
    figures: figuresOf(scenario.unit, loaded),
    busy: loaded.busy,
    failed: loaded.failed,
  };
}

function clientArgs({ args, port }: LoadScenario, proxy: Proxy, seconds: number): string[] {
  return [...args.split(" "), "--port", String(proxy.ports[port]), "--seconds", String(seconds)];
}

/** Rate a second; processor time in ms (µs for a trip) for one unit; p50, p99 in ms. */
export function figuresOf(
  unit: Unit,
  { done, bytes, seconds, proxyCpu, p50, p99 }: Loaded,
): Figures {
  const work = unit === "MB" ? bytes / 1e6 : done;
  const scale = unit === "trip" ? 1e6 : 1e3;
  return { rate: work / seconds, cpu: scale * proxyCpu / work, p50, p99 };
}

// --- memory ---------------------------------------------------------------------------------------

/** Time for a proxy to give back what the logins took. */
const SETTLE_MS = 1_500;

/** kB for one session, all and second half; MB without any. The proxy is new, and ended after it. */
export async function runIdle(
  rig: Rig,
  subject: Subject,
  idle: typeof IDLES[number],
  count: number,
): Promise<{ figures: Figures; failed: number }> {
  const proxy = await rig.start(subject);
  const port = String(proxy.ports[idle.port]);
  const held = holdSessions(rig, ["--port", port, ...idle.args.split(" ").filter(Boolean)]);
  try {
    const none = memoryOfTree(proxy.pid);
    await held.open(count / 2);
    await sleep(SETTLE_MS);
    const half = memoryOfTree(proxy.pid);
    await held.open(count);
    await sleep(SETTLE_MS);
    const all = memoryOfTree(proxy.pid);
    const alive = await held.ping();
    const figures = {
      each: (all - none) / count,
      second: (all - half) / (count / 2),
      base: none * 1024 / 1e6,
    };
    return { figures, failed: count - alive };
  } finally {
    await held.close();
    await proxy.stop();
  }
}

/** From the start of the process to its first greeting, ms. */
export async function runStart(rig: Rig, subject: Subject): Promise<Figures> {
  const proxy = await rig.start(subject);
  await proxy.stop();
  return { ms: proxy.startMs };
}

/** Sessions of the memory scenarios: even, and no more than the curve has. */
export function idleCount({ sessions }: Options): number {
  return 2 * Math.floor(Math.min(2000, sessions) / 2);
}
