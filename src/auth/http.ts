/**
 * The authenticator that speaks nginx's `auth_http` protocol. Directives: `auth_http`,
 * `auth_http_timeout`, `auth_http_header`, `auth_http_pass_client_cert`, and `auth_http_keepalive`.
 *
 * Rules:
 * - `auth_http_timeout` counts twice, as in nginx: once until the request has left (looking the name
 *   up included), once for the whole answer.
 * - An ask is one request, but for three cases in which no verdict was had: an address refuses and
 *   there is another; a kept connection closes before a byte of the answer; an answer by HTTP/1.1
 *   is bad and the question is put again in nginx's own words. The last two happen at most once each,
 *   and are safe: the request is an idempotent GET (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).
 * - Log sentences are nginx's where it has one. No credential is ever in them.
 */

import { printable } from "../core/bytes.ts";
import { NetError } from "../core/errors.ts";
import { AUTH_STALL_MS, LOG_QUOTE } from "../core/limits.ts";
import type { Level } from "../core/log.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";
import { Deadline, type Wheel } from "../net/wheel.ts";
import type { Attempt, Authenticator, AuthLog, Verdict } from "../session/machine.ts";
import type { ServerSettings } from "../config/settings.ts";
import { Channel, type ChannelHost, type Exchange, type Stage } from "./channel.ts";
import { AuthAddresses, type Target } from "./names.ts";
import { Pool } from "./pool.ts";
import { type HttpVersion, type PreparedRequest, prepareRequest } from "./request.ts";
import { showRequest, writeRequest } from "./request.ts";
import type { Answer } from "./response.ts";

export type HttpAuthSettings = Pick<
  ServerSettings,
  | "auth_http"
  | "auth_http_header"
  | "auth_http_keepalive"
  | "auth_http_timeout"
  | "auth_http_pass_client_cert"
  | "ssl_verify_client"
>;

export interface HttpAuthOptions {
  readonly runtime: Runtime;
  readonly wheel: Wheel;
  readonly settings: HttpAuthSettings;
}

/** What the asks of one server block share. */
interface AuthServer extends ChannelHost {
  readonly request: PreparedRequest;
  readonly addresses: AuthAddresses;
}

export class HttpAuthenticator implements Authenticator {
  readonly #server: AuthServer;

  /** Throws for an `https` URL: the credentials would go out in clear. */
  constructor({ runtime, wheel, settings }: HttpAuthOptions) {
    if (settings.auth_http.tls) {
      throw new Error(
        `Cannot ask "${settings.auth_http.text}": auth_http over TLS is not available`,
      );
    }
    const request = prepareRequest(settings);
    this.#server = {
      runtime,
      wheel,
      request,
      timeout: settings.auth_http_timeout,
      addresses: new AuthAddresses(settings.auth_http, runtime),
      pool: new Pool<Channel>(
        request.mayPersist ? settings.auth_http_keepalive : "off",
        runtime.clock,
      ),
    };
  }

  ask(attempt: Attempt, log: AuthLog): Promise<Verdict> {
    return new Promise((resolve) => new Ask(this.#server, attempt, log, resolve).start());
  }

  close(): void {
    this.#server.pool.close();
  }

  /** Connections waiting for their next request, for metrics and tests. */
  get idle(): number {
    return this.#server.pool.size;
  }
}

/** One question, from `ask` to its verdict. As a deadline it is the time-out of the current stage. */
class Ask extends Deadline implements Exchange {
  readonly #server: AuthServer;
  readonly #attempt: Attempt;
  readonly #log: AuthLog;
  readonly #resolve: (verdict: Verdict) => void;
  #channel: Channel | null = null;
  #version: HttpVersion = "1.0";
  #targets: readonly Target[] = [];
  #next = 0;
  #reused = false;
  /** What is left of the time-out when the first `AUTH_STALL_MS` of waiting are over; 0: nothing more. */
  #afterStall = 0;
  #over = false;

  constructor(
    server: AuthServer,
    attempt: Attempt,
    log: AuthLog,
    resolve: (verdict: Verdict) => void,
  ) {
    super();
    this.#server = server;
    this.#attempt = attempt;
    this.#log = log;
    this.#resolve = resolve;
  }

  start(): void {
    this.#version = this.#server.pool.http11 ? "1.1" : "1.0";
    const idle = this.#version === "1.1" ? this.#server.pool.take() : undefined;
    if (idle === undefined) {
      this.#arm();
      return this.#locate();
    }
    this.#reused = true;
    this.#channel = idle;
    this.#debugRequest(idle.target);
    idle.askAgain(this, this.#request());
    // Nearly always it has been sent already, and armed by that.
    if (this.next === null && !this.#over) this.#arm();
  }

  // --- connecting ----------------------------------------------------------------------------

  #locate(): void {
    const known = this.#server.addresses.known();
    if (known !== null) return this.#connectTo(known);
    this.#server.addresses.find().then(
      (targets) => this.#connectTo(targets),
      (error: unknown) => this.#unresolved(error),
    );
  }

  #connectTo(targets: readonly Target[]): void {
    if (this.#over) return;
    this.#targets = targets;
    this.#next = 0;
    this.#connect();
  }

  #connect(): void {
    const target = this.#targets[this.#next++];
    const channel = new Channel(this.#server, target);
    this.#channel = channel;
    this.#debugRequest(target);
    channel.ask(this, this.#request(), this.#version);
  }

  #unresolved(error: unknown): void {
    if (this.#over) return;
    const why = error instanceof NetError ? error.errno : `(${printable(String(error))})`;
    this.#fail(
      "error",
      `auth http server ${this.#server.addresses.name} could not be resolved`,
      why,
    );
  }

  #request(): Uint8Array {
    return writeRequest(this.#server.request, this.#attempt, this.#version);
  }

  // --- exchange ------------------------------------------------------------------------------

  /** The answer has its own time. */
  sent(): void {
    const { timeout, wheel } = this.#server;
    if (this.#version === "1.0" || this.#reused || timeout <= AUTH_STALL_MS) return this.#arm();
    this.#afterStall = timeout - AUTH_STALL_MS;
    wheel.arm(this, AUTH_STALL_MS);
  }

  answered(answer: Answer, fault: string | null): void {
    const bad = fault ?? answer.violation;
    if (bad !== null) return this.#badAnswer(bad);
    if (answer.framing.http11) this.#server.pool.speaksHttp11();
    const verdict = answer.verdict(this.#attempt);
    if (verdict.is === "broken") return this.#fail("error", this.#sentence(verdict.why));
    if (this.#log.debug) this.#note("debug", this.#sentence(`decided: ${show(verdict)}`));
    this.#finish(verdict);
  }

  lost(stage: Stage, error: NetError | null): void {
    if (stage !== "answering" && this.#reused) return this.#afresh();
    if (stage === "connecting") return this.#refused(error);
    // nginx says nothing about a server that closes early.
    if (error === null) {
      return this.#badAnswer("closed the connection before the end of its answer");
    }
    if (this.#version === "1.1") return this.#badAnswer(`failed: ${error.errno}`);
    this.#fail("error", "recv() failed", error.errno);
  }

  override expired(): void {
    if (this.#version === "1.1") this.#server.pool.fallBack();
    if (this.#afterStall > 0) return this.#stalled();
    const target = this.#channel?.target;
    this.#channel?.destroy();
    if (target !== undefined) this.#server.addresses.failed(target);
    this.#fail("error", this.#sentence("timed out"), "(110: Connection timed out)");
  }

  /**
   * A server with one thread does not look at a new connection while it waits on one that idles here.
   * Those have just been closed; and a server that is merely slow gains nothing by keeping them.
   */
  #stalled(): void {
    this.#server.wheel.arm(this, this.#afterStall);
    this.#afterStall = 0;
  }

  // --- asking once more ----------------------------------------------------------------------

  /** The server closed a kept connection while the request was on its way: nobody read it. */
  #afresh(): void {
    this.#reused = false;
    if (this.#log.debug) this.#note("debug", this.#sentence("closed a kept connection"));
    this.#arm();
    this.#locate();
  }

  /** An answer to HTTP/1.1 may be bad because of HTTP/1.1; one to HTTP/1.0 is bad. */
  #badAnswer(what: string): void {
    const message = this.#sentence(what);
    if (this.#version === "1.0") return this.#fail("error", message);
    this.#note("warn", `${message}, asking again by HTTP/1.0`);
    this.#server.pool.fallBack();
    this.#version = "1.0";
    this.#reused = false;
    this.#arm();
    this.#locate();
  }

  #refused(error: NetError | null): void {
    const target = this.#channel!.target;
    this.#server.addresses.failed(target);
    const failure = error ?? new NetError("ECONNRESET", "closed");
    if (this.#next < this.#targets.length) {
      this.#note("warn", `connect() to ${target.peer} failed`, failure.errno);
      return this.#connect();
    }
    // nginx sees an asynchronous refusal when it reads, all others in connect() itself.
    const later = target.at.is === "ip" && LATER.has(failure.code);
    const level = LATER.has(failure.code) ? "error" : "crit";
    this.#fail(
      level,
      later ? "recv() failed" : `connect() to ${target.peer} failed`,
      failure.errno,
    );
  }

  // --- the end -------------------------------------------------------------------------------

  #fail(level: Level, message: string, errno?: string): void {
    this.#note(level, message, errno);
    this.#finish({ is: "broken", why: message });
  }

  #finish(verdict: Verdict): void {
    this.#over = true;
    this.#server.wheel.disarm(this);
    this.#channel = null;
    this.#resolve(verdict);
  }

  #arm(): void {
    this.#afterStall = 0;
    this.#server.wheel.arm(this, this.#server.timeout);
  }

  #sentence(what: string): string {
    const peer = this.#channel?.target.peer ?? this.#server.addresses.name;
    return `auth http server ${peer} ${what}`;
  }

  #note(level: Level, message: string, errno?: string): void {
    this.#log.note({
      level,
      message,
      ...(errno !== undefined && { errno }),
      doing: "in http auth state",
    });
  }

  #debugRequest(target: Target): void {
    if (!this.#log.debug) return;
    const lines = showRequest(this.#server.request, this.#attempt, this.#version);
    this.#note("debug", `auth http server ${target.peer} asked: ${lines.join("; ")}`);
  }
}

/** Refusals that come after `connect()` has returned; nginx also counts them as less than critical. */
const LATER: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ETIMEDOUT",
]);

/** A verdict for a debug line. */
function show(verdict: Verdict): string {
  switch (verdict.is) {
    case "allow":
      return `allow, ${formatEndpoint(verdict.target)}`;
    case "deny":
      return `deny, "${printable(verdict.text, LOG_QUOTE)}"`;
    case "retry":
      return `ask again in ${verdict.waitMs} ms`;
    case "broken":
      return verdict.why;
  }
}
