/**
 * `test-auth --format json`: schema in docs/test-auth.schema.json; `version` grows when a field changes
 * meaning. Byte strings are shown as UTF-8. Nothing secret is in it. Pure.
 */

import type { ServerSettings } from "../config/settings.ts";
import { type ByteString, toDisplay } from "../core/bytes.ts";
import { formatEndpoint } from "../net/address.ts";
import { type Decision, type Judged, sentence, shown } from "../probe/auth-decision.ts";
import { wasSent } from "../probe/auth-exchange.ts";
import type { Met } from "../probe/auth-expect.ts";
import type { Load } from "../probe/auth-load.ts";
import type { BackendLogin } from "../probe/backend-login.ts";
import type { CaseResult } from "../probe/auth-suite.ts";
import type { Warning } from "../probe/auth-warnings.ts";
import { headerValue, type Shown, unreadLines, urlOf } from "./test-auth-show.ts";

export const JSON_VERSION = 1;

export function exchangeJson(all: Shown, exit: number): string {
  const { server, attempt, judged, request, warnings, expectations, login } = all;
  return text({
    version: JSON_VERSION,
    kind: "exchange",
    url: urlOf(server),
    peer: judged.exchange.peer,
    protocol: attempt.protocol,
    method: attempt.method,
    user: toDisplay(attempt.user),
    tls: judged.exchange.tls,
    request: request.map(toDisplay),
    sent: wasSent(judged.exchange),
    response: response(judged),
    timings: judged.exchange.timings,
    decision: {
      ...decision(judged.decision),
      words: sentence(judged.decision, attempt),
    },
    warnings,
    expectations,
    login: login && backend(login),
    exit,
  });
}

function response({ answer, exchange }: Judged): object | null {
  return answer && {
    status: answer.statusLine,
    headers: answer.headers.map(([name, value]) => ({ name, value: headerValue(name, value) })),
    bodyBytes: answer.bodySize,
    complete: answer.complete,
    unread: answer.complete
      ? []
      : unreadLines(exchange.bytes, answer.headers.length + (answer.statusLine === null ? 0 : 1)),
  };
}

function decision(made: Decision): object {
  switch (made.is) {
    case "allowed":
      return {
        is: made.is,
        server: formatEndpoint(made.target),
        user: made.user === null ? null : toDisplay(made.user),
        replacesPassword: made.password !== null,
      };
    case "denied": {
      const { is, text, code, waitMs, challenge } = made;
      const optional = (words: ByteString | null) => words === null ? null : shown(words);
      return {
        is,
        text: shown(text),
        code: optional(code),
        waitMs,
        challenge: optional(challenge),
      };
    }
    default:
      return made;
  }
}

function backend({ is, target, transcript, why, totalMs }: BackendLogin): object {
  return { is, server: formatEndpoint(target), why, totalMs, transcript };
}

export function loadJson(
  load: Load,
  expectations: readonly Met[],
  server: ServerSettings,
  exit: number,
): string {
  const { requests, concurrency, seconds, decisions, latency } = load;
  return text({
    version: JSON_VERSION,
    kind: "load",
    url: urlOf(server),
    requests,
    concurrency,
    seconds,
    decisions,
    latencyMs: latency,
    expectations,
    exit,
  });
}

export function suiteJson(
  results: readonly CaseResult[],
  warnings: readonly Warning[],
  server: ServerSettings,
  exit: number,
): string {
  const count = (is: CaseResult["is"]) => results.filter((each) => each.is === is).length;
  return text({
    version: JSON_VERSION,
    kind: "suite",
    url: urlOf(server),
    passed: count("pass"),
    failed: count("fail"),
    skipped: count("skip"),
    cases: results,
    warnings,
    exit,
  });
}

function text(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
