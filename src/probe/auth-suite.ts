/** Runs the cases of `test-auth --suite`: a few at once, each within its time, all within a minute. */

import { prepareRequest, writeRequest } from "../auth/request.ts";
import type { ServerSettings } from "../config/settings.ts";
import { concat } from "../core/bytes.ts";
import { SUITE_ASK_MS, SUITE_MS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import type { Runtime } from "../net/ports.ts";
import type { Attempt } from "../session/machine.ts";
import type { Case } from "./auth-cases.ts";
import { type Decision, judge, type Judged, sentence } from "./auth-decision.ts";
import { AuthLine, type Exchange, exchange, locate } from "./auth-exchange.ts";
import { hidden, hiding } from "./auth-hiding.ts";
import { type Asked, attemptOf, type Digest } from "./auth-question.ts";
import { type Warning, warningsOf } from "./auth-warnings.ts";

export interface CaseResult {
  readonly group: string;
  readonly name: string;
  readonly demand: Case["demand"];
  /** `skip`: there was no time left. */
  readonly is: "pass" | "fail" | "skip";
  readonly decision: Decision["is"] | null;
  /** The decision in words; of a failure what is wrong. */
  readonly words: string;
  /** Null when it was not asked. */
  readonly ms: number | null;
}

export interface SuiteResult {
  readonly results: readonly CaseResult[];
  /** Of all answers, each rule once. */
  readonly warnings: readonly Warning[];
}

export interface SuiteOptions {
  readonly runtime: Runtime;
  readonly server: ServerSettings;
  /** What the cases do not say. */
  readonly asked: Asked;
  readonly digest: Digest;
  /** After each case. */
  progress(done: number): void;
}

const AT_ONCE = 4;
const CROWD = 8;

export async function runSuite(
  cases: readonly Case[],
  options: SuiteOptions,
): Promise<SuiteResult> {
  const { clock } = options.runtime;
  const end = clock.monotonic() + SUITE_MS;
  const results: CaseResult[] = [];
  const warnings = new Map<string, Warning>();
  let next = 0;
  let done = 0;
  const worker = async () => {
    while (next < cases.length) {
      const at = next++;
      const each = cases[at];
      if (clock.monotonic() > end) results[at] = skipped(each);
      else {
        const judged = await ask(each, options);
        results[at] = resultOf(each, judged);
        gather(warnings, judged, options.server);
      }
      options.progress(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return { results, warnings: [...warnings.values()] };
}

function skipped({ group, name, demand }: Case): CaseResult {
  return { group, name, demand, is: "skip", decision: null, words: "no time left", ms: null };
}

// --- asking --------------------------------------------------------------------------------------

interface Answered {
  readonly attempt: Attempt;
  /** More than one in the manners that ask more than once. */
  readonly judged: readonly Judged[];
}

async function ask(each: Case, options: SuiteOptions): Promise<Answered> {
  const { runtime, server } = options;
  const attempt = attemptFor(each, options);
  const request = writeRequest(prepareRequest(server), attempt, each.http);
  const timeout = Math.min(server.auth_http_timeout, SUITE_ASK_MS);
  const once = () => exchange(runtime, server.auth_http, request, timeout);
  const exchanges = await exchangesOf(each, once, () => inTurn(each, request, timeout, options));
  const hide = hiding(attempt, each.password);
  return { attempt, judged: exchanges.map((made) => hidden(judge(made, attempt), hide)) };
}

async function exchangesOf(
  { manner }: Case,
  once: () => Promise<Exchange>,
  inTurn: () => Promise<readonly Exchange[]>,
): Promise<readonly Exchange[]> {
  if (manner === "once") return [await once()];
  if (manner === "crowd") return await Promise.all(Array.from({ length: CROWD }, once));
  return await inTurn();
}

/** On one connection that is seen from outside: asked twice, or in pieces. */
async function inTurn(
  { manner }: Case,
  request: Uint8Array,
  timeoutMs: number,
  { runtime, server }: SuiteOptions,
): Promise<readonly Exchange[]> {
  const targets = await locate(runtime, server.auth_http);
  if ("why" in targets) return [await exchange(runtime, server.auth_http, request, timeoutMs)];
  const line = new AuthLine(runtime, targets[0], timeoutMs);
  const first = await line.ask(...(manner === "pieces" ? pieces(request) : [request]));
  // Closing behind an answer is every server's right; one that stays must answer again.
  const again = manner === "kept" && line.reusable ? [await line.ask(request)] : [];
  line.hangUp();
  return [first, ...again.filter((each) => !wasClosed(each))];
}

/** Closed while the second question was on its way: nobody read it. */
function wasClosed({ bytes, failure }: Exchange): boolean {
  return bytes.length === 0 && failure !== null && failure.stage === "answering";
}

function pieces(request: Uint8Array): Uint8Array[] {
  const size = Math.ceil(request.length / 16);
  const parts = Array.from({ length: 16 }, (_, i) => request.subarray(i * size, (i + 1) * size));
  return parts.filter((part) => part.length > 0).map((part) => concat([part]));
}

function attemptFor(each: Case, { asked, digest }: SuiteOptions): Attempt {
  const [helo, from, to] = each.envelope ?? ["", "", ""];
  return attemptOf({
    ...asked,
    protocol: each.protocol,
    method: each.method,
    user: each.user,
    password: new Secret(each.password),
    attempt: each.attempt,
    clientIp: each.clientIp ?? asked.clientIp,
    envelope: each.envelope && { helo, from, to },
  }, digest);
}

// --- judging -------------------------------------------------------------------------------------

function resultOf(each: Case, { attempt, judged }: Answered): CaseResult {
  const faults = judged.map((one) => faultOf(each, one));
  const at = Math.max(0, faults.findIndex((fault) => fault !== null));
  const { decision, exchange: { timings } } = judged[at];
  const { group, name, demand } = each;
  return {
    group,
    name,
    demand,
    is: faults[at] === null ? "pass" : "fail",
    decision: decision.is,
    words: faults[at] ?? sentence(decision, attempt),
    ms: timings.totalMs,
  };
}

/** What is wrong with an answer; null when nothing is. */
function faultOf(
  { demand, injected, method, protocol }: Case,
  { decision, answer }: Judged,
): string | null {
  if (decision.is === "unreachable") return decision.why;
  if (decision.is === "broken") return `breaks the protocol: ${decision.why}`;
  const names = answer?.headers.map(([name]) => name.toLowerCase()) ?? [];
  if (injected !== null && names.includes(injected.toLowerCase())) {
    return "a line end in the login made a header of its own in the answer";
  }
  if (demand === "answered" || decision.is === demand) return null;
  if (decision.is === "allowed") {
    return method === "external" ? "let in without a certificate" : "let in with a wrong login";
  }
  return `${decision.is} where ${demand} was expected (${protocol})`;
}

function gather(
  warnings: Map<string, Warning>,
  { attempt, judged }: Answered,
  server: ServerSettings,
): void {
  for (const { answer, exchange: { timings } } of judged) {
    if (answer === null) continue;
    for (const each of warningsOf({ answer, attempt, timings }, server.auth_http)) {
      if (!warnings.has(each.rule)) warnings.set(each.rule, each);
    }
  }
}
