/**
 * Some auth servers repeat the password in their answer. What is shown of an exchange has passed here: the
 * password and what stands for it are masked wherever the server put them. Pure.
 */

import { type ByteString, decode, encode } from "../core/bytes.ts";
import { encodeBase64 } from "../wire/sasl.ts";
import type { Attempt } from "../session/machine.ts";
import type { Decision, Judged } from "./auth-decision.ts";

export type Hide = (text: ByteString) => ByteString;

const MASK = "****";

/** A shorter word would be found within ordinary ones, and masking those would give it away. */
const LEAST = 4;

/** Hides the password of an attempt, its usual encodings, and the digest made of it. */
export function hiding({ password: sent }: Attempt, typed: ByteString): Hide {
  const words = [...new Set([typed, sent.reveal()].flatMap(spellings))]
    .filter((word) => word.length >= LEAST)
    .sort((a, b) => b.length - a.length);
  return (text) => words.reduce((hidden, word) => hidden.replaceAll(word, MASK), text);
}

function spellings(word: ByteString): ByteString[] {
  const base64 = encodeBase64(word);
  return [
    word,
    // As it was sent, and as most libraries would.
    // deno-lint-ignore no-control-regex
    word.replace(/[\x00-\x20%]/g, percent),
    word.replace(/[^A-Za-z0-9_.~-]/g, percent),
    base64,
    base64.replace(/=+$/, ""),
  ];
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
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
        challenge: decision.challenge === null ? null : hide(decision.challenge),
      };
    case "wait":
      return decision;
    default:
      return { ...decision, why: hide(decision.why) };
  }
}
