/**
 * The credentials that a client submits, one submission after the other: each is an attempt with a
 * number, may be asked about again while the auth server says WAIT, and is forgotten when it is
 * decided.
 */

import { AUTH_RETRIES } from "../core/limits.ts";
import { NO_SECRET, type Secret } from "../core/secret.ts";
import type { Allow, Attempt, BackLogin } from "./machine.ts";

/** What the client submitted; `salt` is that of the connection, whatever the method. */
export type Claim = Omit<Attempt, "attempt">;

export class Submissions {
  #count = 0;
  #retries = 0;
  #current: Attempt | null = null;

  /** The submission that is not decided yet. */
  get current(): Attempt | null {
    return this.#current;
  }

  add(claim: Claim): void {
    const { protocol, method, user, password, salt, peer, envelope, tls } = claim;
    this.#retries = 0;
    this.#current = {
      protocol,
      method,
      user,
      password: method === "external" || method === "none" ? NO_SECRET : password,
      salt: method === "apop" || method === "cram-md5" ? salt : null,
      attempt: ++this.#count,
      peer,
      envelope,
      tls,
    };
  }

  /** Whether it may be asked about once more. */
  retry(): boolean {
    return ++this.#retries <= AUTH_RETRIES;
  }

  forget(): void {
    this.#current = null;
  }
}

/** How to log in at the backend after `verdict`; `extra` is what the protocol adds. */
export function backLogin(
  attempt: Attempt,
  verdict: Allow,
  extra: Pick<BackLogin, "tag" | "helo" | "esmtp" | "envelope">,
): BackLogin {
  const { protocol, method, peer } = attempt;
  const { tag, helo, esmtp, envelope } = extra;
  return {
    protocol,
    method,
    user: verdict.user ?? attempt.user,
    password: verdict.password ?? knownPassword(attempt),
    tag,
    peer,
    helo,
    esmtp,
    envelope,
  };
}

/** The password that the client itself gave, if its method gives one that works at a backend. */
function knownPassword(attempt: Attempt): Secret | null {
  return attempt.method === "plain" ? attempt.password : null;
}
