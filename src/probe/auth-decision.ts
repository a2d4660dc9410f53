/**
 * What an exchange with an auth server comes to, as data and in words. Pure.
 */

import { type Inspected, inspectResponse } from "../auth/response.ts";
import { type ByteString, printable, toDisplay } from "../core/bytes.ts";
import type { Secret } from "../core/secret.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Attempt, Verdict } from "../session/machine.ts";
import { decodeBase64 } from "../wire/sasl.ts";
import type { Exchange } from "./auth-exchange.ts";
import { isToken } from "./auth-question.ts";

export type Decision =
  | {
    readonly is: "allowed";
    readonly target: Endpoint;
    /** Null: as the client gave it. */
    readonly user: ByteString | null;
    readonly password: Secret | null;
  }
  | {
    readonly is: "denied";
    readonly text: ByteString;
    readonly code: ByteString | null;
    /** Null: the connection closes. */
    readonly waitMs: number | null;
    /** `Auth-Error-SASL`, decoded: what a client is told first. Null: nothing. */
    readonly challenge: ByteString | null;
  }
  | { readonly is: "wait"; readonly waitMs: number }
  /** It answered, and the answer breaks the protocol. */
  | { readonly is: "broken"; readonly why: string }
  | { readonly is: "unreachable"; readonly why: string };

export interface Judged {
  readonly exchange: Exchange;
  /** Null when nothing came. */
  readonly answer: Inspected | null;
  readonly decision: Decision;
}

export function judge(exchange: Exchange, attempt: Attempt): Judged {
  const { bytes } = exchange;
  const answer = bytes.length === 0 ? null : inspectResponse(bytes, attempt);
  return { exchange, answer, decision: decisionOf(exchange, answer, attempt) };
}

function decisionOf(
  { failure, bytes }: Exchange,
  answer: Inspected | null,
  attempt: Attempt,
): Decision {
  if (failure !== null && failure.stage !== "answering") {
    return { is: "unreachable", why: failure.why };
  }
  if (answer === null) return { is: "broken", why: failure?.why ?? "no answer" };
  if (isTlsAlert(bytes)) return { is: "broken", why: "a TLS alert: it is to be asked by https://" };
  if (answer.fault !== null) return { is: "broken", why: inWords(answer.fault) };
  if (answer.verdict !== null) return fromVerdict(answer.verdict, challengeOf(answer, attempt));
  return { is: "broken", why: `${failure?.why ?? "it stopped"} before the end of its answer` };
}

/** RFC 8446 section 5.1: the record type alert, and a version that has begun with 3 ever since. */
function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
}

function challengeOf({ headers }: Inspected, { method }: Attempt): ByteString | null {
  if (!isToken(method)) return null;
  const sent = headers.filter(([name]) => name.toLowerCase() === "auth-error-sasl").at(-1);
  return sent === undefined ? null : decodeBase64(sent[1]);
}

function fromVerdict(verdict: Verdict, challenge: ByteString | null): Decision {
  switch (verdict.is) {
    case "allow": {
      const { target, user = null, password = null } = verdict;
      return { is: "allowed", target, user, password };
    }
    case "deny": {
      const { text, code, waitMs } = verdict;
      return { is: "denied", text, code, waitMs, challenge };
    }
    case "retry":
      return { is: "wait", waitMs: verdict.waitMs };
    case "broken":
      return { is: "broken", why: inWords(verdict.why) };
  }
}

/** Log sentences have the server as their subject: `sent invalid header` is `invalid header` here. */
function inWords(why: string): string {
  return why.replace(/^did not send /, "no ").replace(/^sent (?:a )?/, "").replace(/:"/, ': "');
}

/** `ALLOWED`, and what follows it. */
export function headline({ is }: Decision): string {
  return is.toUpperCase();
}

/** `john -> 198.51.100.1:143 as newname`. `user` is who asked. */
export function sentence(decision: Decision, { user, protocol, method }: Attempt): string {
  switch (decision.is) {
    case "allowed": {
      const as = decision.user === null || decision.user === user
        ? ""
        : ` as ${name(decision.user)}`;
      const other = decision.password === null ? "" : ", with another password";
      return `${method === "none" ? "nobody" : name(user)} -> ${
        formatEndpoint(decision.target)
      }${as}${other}`;
    }
    case "denied": {
      const code = decision.code === null
        ? ""
        : protocol === "smtp"
        ? `${printable(decision.code)} `
        : `[${printable(decision.code)}] `;
      const after = decision.waitMs === null
        ? "the connection closes"
        : `the client may retry after ${seconds(decision.waitMs)}`;
      const first = decision.challenge === null
        ? ""
        : `; before that it is told ${shown(decision.challenge)}`;
      return `${code}${shown(decision.text)}; ${after}${first}`;
    }
    case "wait":
      return `undecided; the same is asked again after ${seconds(decision.waitMs)}`;
    default:
      return decision.why;
  }
}

function name(user: ByteString): string {
  return user === "" ? '""' : shown(user);
}

/** Peer bytes for display: UTF-8 where they are it. */
export function shown(text: ByteString): string {
  return printable(toDisplay(text));
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}
