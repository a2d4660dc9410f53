/**
 * `test-auth`: one question to an auth server, as the proxy would put it, its answer, and what the proxy
 * would make of it. Results, warnings included, go to standard output.
 */

import { prepareRequest, showRequest, writeRequest } from "../auth/request.ts";
import type { ServerSettings } from "../config/settings.ts";
import { NO_SECRET } from "../core/secret.ts";
import { type Decision, judge } from "../probe/auth-decision.ts";
import { type AuthPlace, exchange } from "../probe/auth-exchange.ts";
import { type Expectation, meets, type Met, readExpectation } from "../probe/auth-expect.ts";
import { type Load, measure } from "../probe/auth-load.ts";
import { type Asked, attemptOf } from "../probe/auth-question.ts";
import { warningsOf } from "../probe/auth-warnings.ts";
import { hidden, hiding } from "../probe/auth-hiding.ts";
import { type BackendLogin, logIn } from "../probe/backend-login.ts";
import type { Command, Context } from "./command.ts";
import { BROKEN, FAILED, OK, UNREACHABLE, USAGE } from "./exit.ts";
import { Misuse } from "./misuse.ts";
import { complain } from "./terminal.ts";
import { curlLine } from "./test-auth-curl.ts";
import { exchangeJson, loadJson } from "./test-auth-json.ts";
import {
  askedOf,
  digest,
  notOffered,
  passwordFor,
  placeOf,
  settingsFor,
  type Values,
} from "./test-auth-question.ts";
import { showExchange, showLoad, type Shown } from "./test-auth-show.ts";
import { progressOn } from "./test-auth-progress.ts";
import { runSuiteCommand } from "./test-auth-suite.ts";

export const testAuth: Command<"test-auth"> = async (values, operands, context) => {
  try {
    return await run(values, operands, context);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    context.terminal.err(error.report);
    complain(context.terminal, error.message, error.hint);
    return USAGE;
  }
};

async function run(
  values: Values,
  operands: readonly string[],
  context: Context,
): Promise<number> {
  checkCombination(values, operands);
  const expectations = values.expect.map(expectationOf);
  const server = await settingsFor(values, context);
  const { runtime, terminal } = context;
  if (values.curl) {
    const attempt = attemptOf(askedOf(values, server, NO_SECRET, runtime), digest);
    terminal.out(curlLine(server, attempt, values.http ?? "1.0", values.ca));
    return OK;
  }
  const needsPassword = !values.suite || values.user !== undefined;
  const password = needsPassword ? await passwordFor(values, runtime) : NO_SECRET;
  const asked = askedOf(values, server, password, runtime);
  const place = placeOf(values, server, runtime);
  if (values.suite) return await runSuiteCommand(values, operands, server, asked, place, context);
  return values.repeat === undefined
    ? await askOnce(values, server, asked, place, expectations, context)
    : await askOften(values, server, asked, place, expectations, context);
}

function checkCombination(values: Values, operands: readonly string[]): void {
  const excluding = ["suite", "login", "curl"] as const;
  const chosen: string[] = excluding.filter((name) => values[name]);
  if (values.repeat !== undefined && !values.login) chosen.push("repeat");
  if (chosen.length > 1) throw new Misuse(`--${chosen[0]} and --${chosen[1]} exclude each other`);
  if (values.login && values.repeat !== undefined) {
    throw new Misuse("--login and --repeat exclude each other");
  }
  if (values.concurrency !== undefined && values.repeat === undefined) {
    throw new Misuse("--concurrency means something with --repeat only");
  }
  if (operands.length > 0 && !values.suite) {
    throw new Misuse(`Unexpected argument "${operands[0]}"`, "a file of cases belongs to --suite");
  }
  const wanted = [
    ...(values.config === "-" ? ["the configuration"] : []),
    ...(operands[0] === "-" ? ["the cases"] : []),
    ...(values["password-stdin"] ? ["the password"] : []),
  ];
  if (wanted.length > 1) {
    throw new Misuse(`Standard input cannot be both ${wanted[0]} and ${wanted[1]}`);
  }
  if (values.format === "junit" && !values.suite) {
    throw new Misuse("--format junit means something with --suite only");
  }
  for (const name of ["method", "attempt", "http", "raw"] as const) {
    if (!values.suite || values[name] === undefined || values[name] === false) continue;
    throw new Misuse(`--suite chooses by itself: --${name} has no place there`);
  }
  if (values.suite && values.expect.length > 0) {
    throw new Misuse("--suite has expectations of its own", "put yours into a file of cases");
  }
  if (values.user === undefined && !values.suite && values.method !== "none") {
    throw new Misuse("Who asks? --user NAME is missing");
  }
}

function expectationOf(text: string): Expectation {
  const read = readExpectation(text);
  if ("problem" in read) throw new Misuse(`Cannot expect "${text}": ${read.problem}`);
  return read;
}

// --- once ----------------------------------------------------------------------------------------

async function askOnce(
  values: Values,
  server: ServerSettings,
  asked: Asked,
  place: AuthPlace,
  expectations: readonly Expectation[],
  { runtime, terminal }: Context,
): Promise<number> {
  const version = values.http ?? "1.0";
  const prepared = prepareRequest(server);
  const attempt = attemptOf(asked, digest);
  const bytes = writeRequest(prepared, attempt, version);
  const judged = judge(
    await exchange(place, bytes),
    attempt,
  );
  const { decision, answer, exchange: { timings, tls } } = judged;
  const hide = hiding(attempt, asked.password.reveal());
  const unwise = answer === null
    ? []
    : warningsOf({ answer, attempt, timings, tls }, server.auth_http);
  const login = values.login && decision.is === "allowed"
    ? await logIn(runtime, server, asked, decision)
    : null;
  const shown: Shown = {
    server,
    asked,
    attempt,
    request: showRequest(prepared, attempt, version),
    judged: hidden(judged, hide),
    warnings: [
      ...(values.url === undefined ? notOffered(server, values.method) : []),
      ...unwise.map(({ rule, message }) => ({ rule, message: hide(message) })),
    ],
    expectations: expectations.map((each) => {
      const met = meets(each, decision, asked.user, timings.totalMs);
      return { ...met, found: hide(met.found) };
    }),
    login,
  };
  const status = exitOf(decision, shown.expectations, login);
  const text = values.format === "json"
    ? exchangeJson(shown, status)
    : showExchange(shown, values.raw, terminal);
  terminal.out(text);
  return status;
}

function exitOf(decision: Decision, met: readonly Met[], login: BackendLogin | null): number {
  if (decision.is === "unreachable") return UNREACHABLE;
  if (decision.is === "broken") return BROKEN;
  if (login?.is === "unreachable") return UNREACHABLE;
  if (login?.is === "refused" || met.some((each) => !each.met)) return FAILED;
  return decision.is === "allowed" || judgesDecision(met) ? OK : FAILED;
}

/** `--expect within=1s` alone does not make a refusal a success. */
function judgesDecision(met: readonly Met[]): boolean {
  return met.some(({ expect }) => !expect.startsWith("within="));
}

// --- often ---------------------------------------------------------------------------------------

async function askOften(
  values: Values,
  server: ServerSettings,
  asked: Asked,
  place: AuthPlace,
  expectations: readonly Expectation[],
  { runtime, terminal }: Context,
): Promise<number> {
  const prepared = prepareRequest(server);
  const attempt = attemptOf(asked, digest);
  const bytes = writeRequest(prepared, attempt, values.http ?? "1.0");
  const hide = hiding(attempt, asked.password.reveal());
  const requests = values.repeat!;
  const missed = new Map<string, Met>();
  const progress = progressOn(runtime.host.isTerminal("stderr"), requests, terminal.err);
  const load = await measure({
    requests,
    concurrency: values.concurrency ?? 1,
    clock: runtime.clock,
    ask: async () => {
      const judged = judge(await exchange(place, bytes), attempt);
      for (const each of expectations) {
        const met = meets(each, judged.decision, asked.user, judged.exchange.timings.totalMs);
        if (!met.met) missed.set(each.text, { ...met, found: hide(met.found) });
      }
      return judged;
    },
    progress,
  });
  const met = expectations.map(({ text }) =>
    missed.get(text) ?? { expect: text, met: true, found: "every time" }
  );
  const status = loadStatus(load, met);
  const json = values.format === "json";
  terminal.out(json ? loadJson(load, met, server, status) : showLoad(load, met, server, terminal));
  return status;
}

function loadStatus({ decisions, requests }: Load, met: readonly Met[]): number {
  if (decisions.unreachable > 0) return UNREACHABLE;
  if (decisions.broken > 0) return BROKEN;
  if (met.some((each) => !each.met)) return FAILED;
  return decisions.allowed === requests || judgesDecision(met) ? OK : FAILED;
}
