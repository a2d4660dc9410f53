/** Runs the cases of `test-auth --suite`: a few at once, each within its time, all within a minute. */

import { prepareRequest, writeRequest } from "../auth/request.ts";
import type { ServerSettings } from "../config/settings.ts";
import { concat } from "../core/bytes.ts";
import { SUITE_ASK_MS, SUITE_AT_ONCE, SUITE_MS, SUITE_WAIT_MS } from "../core/limits.ts";
import { Secret } from "../core/secret.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Clock } from "../net/ports.ts";
import type { Attempt } from "../session/machine.ts";
import { type Case, GUESS } from "./auth-cases.ts";
import { type Decision, judge, type Judged, sentence } from "./auth-decision.ts";
import { AuthLine, type AuthPlace, type Exchange, exchange, locate } from "./auth-exchange.ts";
import { hidden, hiding } from "./auth-hiding.ts";
import { type Asked, attemptOf, type Digest } from "./auth-question.ts";
import { type Warning, warningsOf } from "./auth-warnings.ts";

export interface CaseResult {
  readonly group: string;
  readonly name: string;
  readonly demand: Case["demand"];
  /** `skip`: it was not asked, `words` say why. */
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
  readonly place: AuthPlace;
  readonly server: ServerSettings;
  /** What the cases do not say. */
  readonly asked: Asked;
  readonly digest: Digest;
  /** After each case. */
  progress(done: number): void;
}

/** nginx's `timeout`: a client that is held for longer has gone. */
const WAIT_MOST_MS = 60_000;
/** The same question, so many times at the same time. */
const CROWD = 8;

export async function runSuite(
  cases: readonly Case[],
  options: SuiteOptions,
): Promise<SuiteResult> {
  const { clock } = options.place.runtime;
  const end = clock.monotonic() + SUITE_MS;
  const results: CaseResult[] = [];
  const warnings = new Map<string, Warning>();
  let next = 0;
  let done = 0;
  let reached = false;
  const worker = async () => {
    while (next < cases.length) {
      const at = next++;
      const each = cases[at];
      const leftMs = end - clock.monotonic();
      if (leftMs <= 0) results[at] = skipped(each, "no time left");
      else if (!reached && done >= SUITE_AT_ONCE) results[at] = skipped(each, "nobody was reached");
      else {
        const answered = await ask(each, options, leftMs);
        reached ||= answered.judged.some(({ decision }) => decision.is !== "unreachable");
        results[at] = resultOf(each, answered);
        gather(warnings, answered, options.server);
      }
      options.progress(++done);
    }
  };
  await Promise.all(Array.from({ length: SUITE_AT_ONCE }, worker));
  return { results, warnings: [...warnings.values()] };
}

function skipped({ group, name, demand }: Case, words: string): CaseResult {
  return { group, name, demand, is: "skip", decision: null, words, ms: null };
}

// --- asking --------------------------------------------------------------------------------------

interface Answered {
  readonly attempt: Attempt;
  /** More than one in the manners that ask more than once. */
  readonly judged: readonly Judged[];
}

async function ask(each: Case, options: SuiteOptions, leftMs: number): Promise<Answered> {
  const attempt = attemptFor(each, options);
  const request = writeRequest(prepareRequest(settingsFor(each, options)), attempt, each.http);
  const timeoutMs = Math.min(options.place.timeoutMs, SUITE_ASK_MS, leftMs);
  const place = { ...options.place, timeoutMs };
  const hide = hiding(attempt, each.password);
  const once = async () => hidden(judge(await exchange(place, request), attempt), hide);
  switch (each.manner) {
    case "once":
    case "closing":
      return { attempt, judged: [await once()] };
    case "crowd":
      return { attempt, judged: await Promise.all(Array.from({ length: CROWD }, once)) };
    case "after a mistake":
      await ask({ ...each, manner: "once", password: GUESS }, options, leftMs);
      return { attempt, judged: [await once()] };
    case "to the end":
      return { attempt, judged: [await decided(once, place.runtime.clock, leftMs)] };
    default: {
      const exchanges = await inTurn(each, request, place);
      return { attempt, judged: exchanges.map((made) => hidden(judge(made, attempt), hide)) };
    }
  }
}

function settingsFor({ manner }: Case, { server }: SuiteOptions): ServerSettings {
  if (manner !== "closing") return server;
  return { ...server, auth_http_header: [...server.auth_http_header, ["Connection", "close"]] };
}

/** As the proxy does it: after WAIT the same is asked again, here for as long as there is patience. */
async function decided(
  once: () => Promise<Judged>,
  clock: Clock,
  leftMs: number,
): Promise<Judged> {
  const end = clock.monotonic() + Math.min(leftMs, SUITE_WAIT_MS);
  for (;;) {
    const judged = await once();
    const { decision } = judged;
    if (decision.is !== "wait" || clock.monotonic() + decision.waitMs > end) return judged;
    await new Promise<void>((resolve) => clock.after(decision.waitMs, resolve));
  }
}

/** On one connection that is seen from outside: asked twice, or in pieces. */
async function inTurn(
  { manner }: Case,
  request: Uint8Array,
  place: AuthPlace,
): Promise<readonly Exchange[]> {
  const targets = await locate(place);
  if ("why" in targets) return [await exchange(place, request)];
  const line = new AuthLine(place, targets[0]);
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
  { demand, injected, method, protocol, server, user, password }: Case,
  { decision, answer }: Judged,
): string | null {
  if (decision.is === "unreachable") return decision.why;
  if (decision.is === "broken") return `breaks the protocol: ${decision.why}`;
  const names = answer?.headers.map(([name]) => name.toLowerCase()) ?? [];
  if (injected !== null && names.includes(injected.toLowerCase())) {
    return "a line end in the login made a header of its own in the answer";
  }
  if (decision.is === "denied" && (decision.waitMs ?? 0) > WAIT_MOST_MS) {
    return `Auth-Wait of ${decision.waitMs! / 1000} s outlasts the client's connection`;
  }
  if (server !== null && decision.is === "allowed") {
    const named = formatEndpoint(decision.target);
    if (named !== server) return `sent to ${named} where ${server} was expected`;
  }
  if (demand === "answered" || decision.is === demand) return null;
  if (decision.is === "allowed") {
    return method === "external" ? "let in without a certificate" : "let in with a wrong login";
  }
  // deno-lint-ignore no-control-regex
  const escaped = /[\x00-\x20%]/.test(user + password);
  const perhaps = escaped && decision.is === "denied"
    ? "; perhaps %HH is not undone in Auth-User and Auth-Pass"
    : "";
  return `${decision.is} where ${demand} was expected (${protocol})${perhaps}`;
}

function gather(
  warnings: Map<string, Warning>,
  { attempt, judged }: Answered,
  server: ServerSettings,
): void {
  for (const { answer, exchange: { timings, tls } } of judged) {
    if (answer === null) continue;
    for (const each of warningsOf({ answer, attempt, timings, tls }, server.auth_http)) {
      if (!warnings.has(each.rule)) warnings.set(each.rule, each);
    }
  }
}
