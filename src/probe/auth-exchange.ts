/**
 * One question to an auth server and its whole answer, with the times of its stages: what `test-auth`
 * measures and shows. RFC 9112 sections 6 (body length) and 9.3 (persistence).
 *
 * Rules:
 * - Unlike a session, which stops at the blank line, it reads the body too, because a body that
 *   nobody reads is worth a warning. A body without a length is waited for no longer than
 *   `PROBE_BODY_MS`.
 * - Never throws for what the network does: a failure is a result.
 * - Times are milliseconds; the total ends with the last byte that came.
 */

import { BodySkipper, type Framing, Measure } from "../auth/body.ts";
import { HeadReader } from "../auth/head.ts";
import { AuthAddresses, type Target } from "../auth/names.ts";
import type { AuthHttpUrl } from "../config/settings.ts";
import { type ByteString, concat } from "../core/bytes.ts";
import { NetError } from "../core/errors.ts";
import { AUTH_BODY, PROBE_BODY_MS } from "../core/limits.ts";
import type { Connection, Receiver, Runtime, Timer } from "../net/ports.ts";

/** Null: it did not come so far. `connectMs` is 0 on a connection that was open already. */
export interface Timings {
  readonly connectMs: number | null;
  /** From the request to the first byte of the answer. */
  readonly firstByteMs: number | null;
  readonly totalMs: number;
}

export interface Exchange {
  /** As log lines name it: `127.0.0.1:9000`; the name and port when it has no address. */
  readonly peer: string;
  /** Everything that came. */
  readonly bytes: Uint8Array;
  readonly timings: Timings;
  /** Null when a whole head was read, good or bad. */
  readonly failure: Failure | null;
}

export interface Failure {
  /** `answering`: it was reached, and something came or it closed instead of answering. */
  readonly stage: "resolving" | "connecting" | "waiting" | "answering";
  /** `connection refused`. */
  readonly why: string;
}

/** Asks once, on a connection of its own; addresses that refuse give way to the next. */
export async function exchange(
  runtime: Runtime,
  url: AuthHttpUrl,
  request: Uint8Array,
  timeoutMs: number,
): Promise<Exchange> {
  const begun = runtime.clock.monotonic();
  const targets = await locate(runtime, url);
  if ("why" in targets) {
    const totalMs = runtime.clock.monotonic() - begun;
    return {
      peer: targets.name,
      bytes: new Uint8Array(0),
      timings: { connectMs: null, firstByteMs: null, totalMs },
      failure: { stage: "resolving", why: targets.why },
    };
  }
  for (let at = 0;; at++) {
    const line = new AuthLine(runtime, targets[at], timeoutMs);
    const result = await line.ask(request);
    line.close();
    if (result.failure?.stage !== "connecting" || at + 1 === targets.length) return result;
  }
}

interface Unlocated {
  readonly name: string;
  readonly why: string;
}

/** Where the server is, best address first. */
export async function locate(
  runtime: Pick<Runtime, "clock" | "host">,
  url: AuthHttpUrl,
): Promise<readonly Target[] | Unlocated> {
  const addresses = new AuthAddresses(url, runtime);
  try {
    return addresses.known() ?? await addresses.find();
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    return { name: addresses.name, why: error.message };
  }
}

/** A connection to an auth server, for one question after the other. */
export class AuthLine implements Receiver {
  readonly #runtime: Runtime;
  readonly #target: Target;
  readonly #timeoutMs: number;
  readonly #connection: Connection;
  readonly #begun: number;
  #connectedMs: number | null = null;
  #answer: Reading | null = null;
  #gone: NetError | null | false = false;

  constructor(runtime: Runtime, target: Target, timeoutMs: number) {
    this.#runtime = runtime;
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#begun = runtime.clock.monotonic();
    this.#connection = runtime.connect(target.at, {}, this);
  }

  /** Whether another question can be put on it: the last answer was read whole and nobody closed. */
  get reusable(): boolean {
    return this.#gone === false && this.#answer?.over === true && this.#answer.persistent;
  }

  /** The parts of a request are written one by one; usually it is one. Not while another is asked. */
  ask(...parts: readonly Uint8Array[]): Promise<Exchange> {
    const { clock } = this.#runtime;
    const fresh = this.#answer === null;
    const since = fresh ? this.#begun : clock.monotonic();
    return new Promise((resolve) => {
      this.#answer = new Reading(this.#runtime, this.#timeoutMs, (failure) => {
        const { bytes, first, last } = this.#answer!;
        const open = fresh ? this.#connectedMs : 0;
        const stage = fresh && open === null ? "connecting" : bytes.length ? "answering" : null;
        resolve({
          peer: this.#target.peer,
          bytes,
          timings: {
            connectMs: open,
            firstByteMs: first === null ? null : first - since - (open ?? 0),
            totalMs: (last ?? clock.monotonic()) - since,
          },
          failure: failure && { stage: stage ?? failure.stage, why: failure.why },
        });
      });
      if (this.#gone !== false) return this.#answer.lost(this.#gone);
      for (const part of parts) this.#connection.write(part);
    });
  }

  close(): void {
    this.#connection.destroy();
  }

  open(): void {
    this.#connectedMs = this.#runtime.clock.monotonic() - this.#begun;
  }

  drain(): void {}

  data(bytes: Uint8Array): void {
    this.#answer?.take(bytes);
  }

  end(): void {
    this.#lost(null);
    this.#connection.destroy();
  }

  /* `end` has told it already when the peer closed in good order. */
  // deno-lint-ignore no-explicit-any -- (never reached: kept out by the type below)
  close_(): void {}

  #lost(error: NetError | null): void {
    if (this.#gone === false) this.#gone = error;
    this.#answer?.lost(error);
  }
}
