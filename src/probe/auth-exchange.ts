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

import { BodySkipper, Measure } from "../auth/body.ts";
import { HeadReader } from "../auth/head.ts";
import { AuthAddresses, type Target } from "../auth/names.ts";
import type { AuthHttpUrl } from "../config/settings.ts";
import { type ByteString, concat, EMPTY } from "../core/bytes.ts";
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
      bytes: EMPTY,
      timings: { connectMs: null, firstByteMs: null, totalMs },
      failure: { stage: "resolving", why: targets.why },
    };
  }
  for (let at = 0;; at++) {
    const line = new AuthLine(runtime, targets[at], timeoutMs);
    const result = await line.ask(request);
    line.hangUp();
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
  #answer: Answering | null = null;
  /** False: it is open. Else what ended it. */
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
    return this.#gone === false && this.#answer !== null && this.#answer.ended;
  }

  /** One question at a time. Its parts are written one by one; usually it is one. */
  async ask(...parts: readonly Uint8Array[]): Promise<Exchange> {
    const { clock } = this.#runtime;
    const fresh = this.#answer === null;
    const since = fresh ? this.#begun : clock.monotonic();
    const answer = new Answering(this.#runtime, this.#timeoutMs);
    this.#answer = answer;
    if (this.#gone !== false) answer.lost(this.#gone);
    else for (const part of parts) this.#connection.write(part);
    const why = await answer.settled;
    const connectMs = fresh ? this.#connectedMs : 0;
    const { first, last, bytes } = answer;
    return {
      peer: this.#target.peer,
      bytes,
      timings: {
        connectMs,
        firstByteMs: first === null ? null : first - since - (connectMs ?? 0),
        totalMs: (last ?? clock.monotonic()) - since,
      },
      failure: why === null ? null : { stage: stageOf(connectMs, why, bytes), why },
    };
  }

  hangUp(): void {
    this.#connection.destroy();
  }

  // --- receiver ------------------------------------------------------------------------------

  open(): void {
    this.#connectedMs = this.#runtime.clock.monotonic() - this.#begun;
  }

  drain(): void {}

  data(bytes: Uint8Array): void {
    this.#answer?.take(bytes);
  }

  end(): void {
    this.close(null);
  }

  close(error: NetError | null): void {
    if (this.#gone === false) this.#gone = error;
    this.#answer?.lost(error);
  }
}

/** A server that was reached and closes without a word has answered, badly; one that hangs has not. */
function stageOf(connectMs: number | null, why: string, bytes: Uint8Array): Failure["stage"] {
  if (connectMs === null) return "connecting";
  return bytes.length === 0 && why === TIMED_OUT ? "waiting" : "answering";
}

const TIMED_OUT = "no answer in time";

/** What came so far in answer to one question. */
class Answering {
  /** Null: a whole head was read. Else why there is none. */
  readonly settled: Promise<string | null>;
  /** When the first and the last byte came. */
  first: number | null = null;
  last: number | null = null;
  /** The body ended where its length said: the connection stays in step. */
  ended = false;
  readonly #clock: Runtime["clock"];
  readonly #head: HeadReader;
  readonly #framing = new Measure();
  readonly #parts: Uint8Array[] = [];
  #settle: (why: string | null) => void = () => {};
  #timer: Timer;
  #over = false;
  #size = 0;
  #length: number | null = null;
  #body: BodySkipper | null = null;

  constructor(runtime: Runtime, timeoutMs: number) {
    this.#clock = runtime.clock;
    this.settled = new Promise((resolve) => this.#settle = resolve);
    this.#timer = this.#clock.after(timeoutMs, () => this.#finish(TIMED_OUT));
    this.#head = new HeadReader({
      status: (line) => this.#framing.status(line),
      header: (name, value) => this.#header(name, value),
    });
  }

  get bytes(): Uint8Array {
    return this.#parts.length === 0 ? EMPTY : concat(this.#parts);
  }

  take(bytes: Uint8Array): void {
    if (this.#over) return;
    this.last = this.#clock.monotonic();
    this.first ??= this.last;
    this.#parts.push(bytes);
    this.#size += bytes.length;
    if (this.#head.done) return this.#skip(bytes, 0);
    const used = this.#head.push(bytes);
    if (this.#head.fault !== null) return this.#finish(null);
    if (this.#head.done) this.#beginBody(bytes, used);
  }

  lost(error: NetError | null): void {
    this.#finish(this.#head.done ? null : error?.message ?? "it closed the connection");
  }

  #header(name: ByteString, value: ByteString): void {
    this.#framing.header(name, value);
    if (/^content-length$/i.test(name) && /^\d{1,9}$/.test(value)) this.#length = Number(value);
  }

  #beginBody(bytes: Uint8Array, used: number): void {
    this.#timer.cancel();
    this.#timer = this.#clock.after(PROBE_BODY_MS, () => this.#finish(null));
    const framing = this.#framing.result();
    if (framing !== null) this.#body = new BodySkipper(framing);
    // An answer by HTTP/1.0 has a length too, although the connection ends behind it.
    else if (this.#length !== null) this.#length += this.#size - (bytes.length - used);
    this.#skip(bytes, used);
  }

  #skip(bytes: Uint8Array, at: number): void {
    if (this.#body !== null) {
      const skipped = this.#body.push(bytes, at);
      if (skipped === "more") return;
      this.ended = skipped === "end";
      return this.#finish(null);
    }
    if (this.#size >= (this.#length ?? AUTH_BODY)) this.#finish(null);
  }

  #finish(why: string | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#timer.cancel();
    this.#settle(why);
  }
}
