/**
 * Some auth servers repeat the password in their answer. What is shown of an exchange has passed here: the
 * password and what stands for it are masked wherever the server put them. Pure.
 */

import { type ByteString, decode, encode } from "../core/bytes.ts";
import type { Attempt } from "../session/machine.ts";
import type { Decision, Judged } from "./auth-decision.ts";

export type Hide = (text: ByteString) => ByteString;

const MASK = "****";

/** A shorter word would be found within ordinary ones, and masking those would give it away. */
const LEAST = 4;

/** Hides the password of an attempt, its escaped form, and the digest made of it. */
export function hiding({ password: sent }: Attempt, typed: ByteString): Hide {
  const words = [typed, sent.reveal()].flatMap((word) => [word, encodeURIComponent(word)])
    .filter((word) => word.length >= LEAST);
  return (text) => words.reduce((hidden, word) => hidden.replaceAll(word, MASK), text);
}

/** The same exchange, fit to be shown; its verdict is not for use any more. */
export function hidden({ exchange, answer, decision }: Judged, hide: Hide): Judged {
  return {
    exchange: { ...exchange, bytes: encode(hide(decode(exchange.bytes))) },
    answer: answer && {
      ...answer,
      statusLine: answer.statusLine === null ? null : hide(answer.statusLine),
      headers: answer.headers.map(([name, value]) => [name, hide(value)] as const),
    },
    decision: hiddenDecision(decision, hide),
  };
}

function hiddenDecision(decision: Decision, hide: Hide): Decision {
  switch (decision.is) {
    case "allowed":
      return { ...decision, user: decision.user === null ? null : hide(decision.user) };
    case "denied":
      return {
        ...decision,
        text: hide(decision.text),
        code: decision.code === null ? null : hide(decision.code),
      };
    case "wait":
      return decision;
    default:
      return { ...decision, why: hide(decision.why) };
  }
}
