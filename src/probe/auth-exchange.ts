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
import { type FieldName, HeadReader } from "../auth/head.ts";
import type { AuthAddresses, Target } from "../auth/names.ts";
import { type ByteString, concat, EMPTY } from "../core/bytes.ts";
import { NetError } from "../core/errors.ts";
import { AUTH_BODY, PROBE_BODY_MS } from "../core/limits.ts";
import type { Clock, Connection, Receiver, Runtime, Timer } from "../net/ports.ts";
import { distrust, handshakeFailure, type Secure, type Secured, securedBy } from "./auth-tls.ts";

/** An auth server, and how to ask it. */
export interface AuthPlace {
  readonly runtime: Runtime;
  /** A name is looked up once for many questions. */
  readonly addresses: AuthAddresses;
  /** Milliseconds until the head of the answer must be there, whatever it takes to find the server. */
  readonly timeoutMs: number;
  /** Null: no TLS. */
  readonly secure: Secure | null;
}

/** Null: it did not come so far. `connectMs` is 0 on a connection that was open already. */
export interface Timings {
  readonly connectMs: number | null;
  /** The handshake, on top of that; null without TLS too. */
  readonly tlsMs: number | null;
  /** From the request to the first byte of the answer. */
  readonly firstByteMs: number | null;
  readonly totalMs: number;
}

export interface Exchange {
  /** As log lines name it: `127.0.0.1:9000`; the name and port when it has no address. */
  readonly peer: string;
  /** Null: no TLS, or it did not come to it. */
  readonly tls: Secured | null;
  /** Everything that came. */
  readonly bytes: Uint8Array;
  readonly timings: Timings;
  /** Null when a whole head was read, good or bad. */
  readonly failure: Failure | null;
}

/** Whether the question left: it does not when nobody is reached, or nobody who can be trusted. */
export function wasSent({ failure }: Exchange): boolean {
  return failure === null || failure.stage === "waiting" || failure.stage === "answering";
}

export interface Failure {
  /** `answering`: it was reached, and something came or it closed instead of answering. */
  readonly stage: "resolving" | "connecting" | "securing" | "waiting" | "answering";
  /** `connection refused`. */
  readonly why: string;
}

/** Asks once, on a connection of its own; addresses that refuse give way to the next. */
export async function exchange(place: AuthPlace, request: Uint8Array): Promise<Exchange> {
  const { clock } = place.runtime;
  const begun = clock.monotonic();
  const targets = await locate(place);
  if ("why" in targets) {
    const totalMs = clock.monotonic() - begun;
    return {
      peer: targets.name,
      tls: null,
      bytes: EMPTY,
      timings: { connectMs: null, tlsMs: null, firstByteMs: null, totalMs },
      failure: { stage: "resolving", why: targets.why },
    };
  }
  for (let at = 0;; at++) {
    const timeoutMs = Math.max(1, place.timeoutMs - (clock.monotonic() - begun));
    const line = new AuthLine({ ...place, timeoutMs }, targets[at]);
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
  { runtime: { clock }, addresses, timeoutMs }: AuthPlace,
): Promise<readonly Target[] | Unlocated> {
  const known = addresses.known();
  if (known !== null) return known;
  const { name } = addresses;
  return await new Promise((resolve, reject) => {
    const late = { name, why: `Cannot resolve ${name.replace(/:\d+$/, "")}: ${TIMED_OUT}` };
    const timer = clock.after(timeoutMs, () => resolve(late));
    addresses.find().then(resolve, (error: unknown) => {
      if (error instanceof NetError) resolve({ name, why: error.message });
      else reject(error);
    }).finally(() => timer.cancel());
  });
}

/** A connection to an auth server, for one question after the other. */
export class AuthLine implements Receiver {
  readonly #place: AuthPlace;
  readonly #target: Target;
  readonly #connection: Connection;
  readonly #begun: number;
  #connectedMs: number | null = null;
  #securedMs: number | null = null;
  #tls: Secured | null = null;
  /** Why TLS did not come about. */
  #insecure: string | null = null;
  /** What waits for TLS. */
  #waiting: Uint8Array[] = [];
  #answer: Answering | null = null;
  /** False: it is open. Else what ended it. */
  #gone: NetError | null | false = false;

  constructor(place: AuthPlace, target: Target) {
    const { runtime } = place;
    this.#place = place;
    this.#target = target;
    this.#begun = runtime.clock.monotonic();
    this.#connection = runtime.connect(target.at, {}, this);
  }

  /** Whether another question can be put on it: the last answer was read whole and nobody closed. */
  get reusable(): boolean {
    return this.#gone === false && this.#insecure === null && this.#answer !== null &&
      this.#answer.ended;
  }

  /** One question at a time. Its parts are written one by one; usually it is one. */
  async ask(...parts: readonly Uint8Array[]): Promise<Exchange> {
    const { runtime: { clock }, timeoutMs } = this.#place;
    const fresh = this.#answer === null;
    const since = fresh ? this.#begun : clock.monotonic();
    const answer = new Answering(clock, timeoutMs);
    this.#answer = answer;
    if (this.#insecure !== null) answer.refused(this.#insecure);
    else if (this.#gone !== false) answer.lost(this.#gone);
    else if (this.#place.secure !== null && this.#tls === null) this.#waiting = [...parts];
    else this.#write(parts);
    const settled = await answer.settled;
    const connectMs = fresh ? this.#connectedMs : 0;
    const tlsMs = fresh ? this.#securedMs : this.#tls && 0;
    const { first, last, bytes } = answer;
    return {
      peer: this.#target.peer,
      tls: this.#tls,
      bytes,
      timings: {
        connectMs,
        tlsMs,
        firstByteMs: first === null ? null : first - since - (connectMs ?? 0) - (tlsMs ?? 0),
        totalMs: (last ?? clock.monotonic()) - since,
      },
      failure: settled === null ? null : this.#failure(settled, bytes),
    };
  }

  #write(parts: readonly Uint8Array[]): void {
    for (const part of parts) this.#connection.write(part);
  }

  /** A server that was reached and closes without a word has answered, badly; one that hangs has not. */
  #failure(why: string, bytes: Uint8Array): Failure {
    if (this.#connectedMs === null) return { stage: "connecting", why };
    if (this.#place.secure !== null && (this.#tls === null || this.#insecure !== null)) {
      return { stage: "securing", why: why === TIMED_OUT ? `${why} to the TLS handshake` : why };
    }
    return { stage: bytes.length === 0 && why === TIMED_OUT ? "waiting" : "answering", why };
  }

  hangUp(): void {
    this.#connection.destroy();
  }

  // --- TLS -----------------------------------------------------------------------------------

  async #secure({ context, host }: Secure): Promise<void> {
    const { clock } = this.#place.runtime;
    const since = clock.monotonic();
    try {
      const info = await this.#connection.startTls(context, { serverName: host });
      this.#securedMs = clock.monotonic() - since;
      this.#tls = securedBy(info, clock.now());
      this.#insecure = distrust(info, host, clock.now());
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      this.#insecure = handshakeFailure(error.message);
    }
    if (this.#insecure === null) this.#write(this.#waiting);
    else this.#answer?.refused(this.#insecure);
    this.#waiting = [];
  }

  // --- receiver ------------------------------------------------------------------------------

  open(): void {
    this.#connectedMs = this.#place.runtime.clock.monotonic() - this.#begun;
    const { secure } = this.#place;
    if (secure !== null) void this.#secure(secure);
  }

  drain(): void {}

  /** What comes before the certificate was found good is nobody's answer. */
  data(bytes: Uint8Array): void {
    const trusted = this.#place.secure === null || (this.#tls !== null && this.#insecure === null);
    if (trusted) this.#answer?.take(bytes);
  }

  end(): void {
    this.close(null);
  }

  close(error: NetError | null): void {
    if (this.#gone === false) this.#gone = error;
    // A handshake that fails says more about it.
    const shaking = this.#place.secure !== null && this.#connectedMs !== null && this.#tls === null;
    if (!shaking) this.#answer?.lost(error);
  }
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
  readonly #clock: Clock;
  readonly #head: HeadReader;
  readonly #framing = new Measure();
  readonly #parts: Uint8Array[] = [];
  #settle: (why: string | null) => void = () => {};
  #timer: Timer;
  #over = false;
  #size = 0;
  #length: number | null = null;
  #body: BodySkipper | null = null;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.settled = new Promise((resolve) => this.#settle = resolve);
    this.#timer = this.#clock.after(timeoutMs, () => this.#finish(TIMED_OUT));
    this.#head = new HeadReader({
      status: (line) => this.#framing.status(line),
      field: (name, value) => this.#field(name, value),
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

  /** It was not even asked. */
  refused(why: string): void {
    this.#finish(why);
  }

  lost(error: NetError | null): void {
    this.#finish(this.#head.done ? null : error?.message ?? "it closed the connection");
  }

  #field(name: FieldName, value: ByteString): void {
    this.#framing.header(name, value);
    if (name === "content-length" && /^\d{1,9}$/.test(value)) this.#length = Number(value);
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
