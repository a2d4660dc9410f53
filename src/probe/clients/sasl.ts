/**
 * The client's side of SASL: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256, CRAM-MD5 (RFC 2195), EXTERNAL (RFC 4422),
 * OAUTHBEARER (RFC 7628) and XOAUTH2, where the password is the bearer token. Pure.
 */

import { type ByteString, encode, hexOf } from "../../core/bytes.ts";
import { PROBE_CHALLENGES } from "../../core/limits.ts";
import { decodeBase64, encodeBase64 } from "../../wire/sasl.ts";
import { hmacMd5 } from "../md5.ts";
import { Scram } from "./scram.ts";
import { type Command, type Login, type LoginScript, MASK, type Method } from "./client.ts";

interface Sasl {
  /** The first message, null when the server speaks first. */
  readonly initial: ByteString | null;
  /** The answer to a challenge, both decoded; null breaks it off. */
  answer(challenge: ByteString, index: number): ByteString | null;
  /** Whether the server has shown that it knows the password; absent where no mechanism asks it to. */
  readonly proved?: boolean;
}

function saslOf(method: Method, login: Login, nonce: ByteString): Sasl {
  const { user, password } = login;
  const secret = password.reveal();
  switch (method) {
    case "login":
      return { initial: null, answer: (_, index) => index === 0 ? user : secret };
    case "scram-sha-256":
      return new Scram(login, nonce);
    case "cram-md5":
      return {
        initial: null,
        answer: (challenge) => `${user} ${hexOf(hmacMd5(encode(secret), encode(challenge)))}`,
      };
    case "external":
      return { initial: user, answer: () => "" };
    case "xoauth2":
      // A challenge is the server's reason for refusing; the answer to it is empty.
      return { initial: `user=${user}\x01auth=Bearer ${secret}\x01\x01`, answer: () => "" };
    case "oauthbearer": {
      const name = user.replace(/[=,]/g, (char) => char === "=" ? "=3D" : "=2C");
      return { initial: `n,a=${name},\x01auth=Bearer ${secret}\x01\x01`, answer: () => "\x01" };
    }
    default:
      return { initial: `\0${user}\0${secret}`, answer: () => `\0${user}\0${secret}` };
  }
}

export interface SaslWords {
  /** `AUTH PLAIN`, to which an initial response is appended. */
  begin(mechanism: string, initial: string | null): Command;
  /** A line of the exchange. */
  line(text: ByteString, begun: Command): Command;
  /** Whether an initial response may stand in the command. */
  readonly initialResponse: boolean;
  /** See `Offer`. */
  readonly nonce: ByteString;
}

export function* saslScript(method: Method, login: Login, words: SaslWords): LoginScript {
  const sasl = saslOf(method, login, words.nonce);
  const first = sasl.initial === null ? null : encodeBase64(sasl.initial);
  const name = method.toUpperCase();
  const begun = words.begin(name, words.initialResponse && first !== null ? first || "=" : null);
  let reply = yield begun;
  let said = words.initialResponse && first !== null;
  for (let index = 0; reply.is === "more" && index < PROBE_CHALLENGES;) {
    if (!said && first !== null) {
      said = true;
      reply = yield words.line(first, begun);
      continue;
    }
    const challenge = decodeBase64(reply.text.trim());
    const answer = challenge === null ? null : sasl.answer(challenge, index++);
    if (answer === null) {
      yield words.line("*", begun);
      return "the server's part of the exchange is not right";
    }
    reply = yield words.line(encodeBase64(answer), begun);
  }
  // An impostor would not ask at all, and let everybody in.
  if (reply.is === "ok" && sasl.proved === false) {
    return "the server did not prove that it knows the password";
  }
}

/** `AUTHENTICATE PLAIN ****`. */
export function masked(words: string, initial: string | null): string {
  return initial === null ? words : `${words} ${MASK}`;
}
