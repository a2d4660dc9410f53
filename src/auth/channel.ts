/**
 * One connection to an auth server, carrying one exchange at a time: sends a request, reads the head
 * of the answer, and then closes (HTTP/1.0) or reads past the body and waits for the next request.
 *
 * Rule: an exchange hears exactly one of `answered` and `lost`, unless it gave the channel up.
 */

import type { NetError } from "../core/errors.ts";
import { AUTH_IDLE_MS } from "../core/limits.ts";
import type { Connection, ConnectOptions, Receiver, Runtime } from "../net/ports.ts";
import { Deadline, type Wheel } from "../net/wheel.ts";
import { BodySkipper, type Framing } from "./body.ts";
import { HeadReader } from "./head.ts";
import type { Target } from "./names.ts";
import type { Pool } from "./pool.ts";
import type { HttpVersion } from "./request.ts";
import { Answer } from "./response.ts";

/** How far an exchange had come when its connection went away. */
export type Stage = "connecting" | "asked" | "answering";

/** Who waits for the answer. */
export interface Exchange {
  /** The whole request has left. */
  sent(): void;
  /** The head is read, or `fault` says what is wrong with it. */
  answered(answer: Answer, fault: string | null): void;
  /** Closed before the head was complete. A null error is the server's FIN. */
  lost(stage: Stage, error: NetError | null): void;
}

/** What all channels to one server share. */
export interface ChannelHost {
  readonly runtime: Runtime;
  readonly wheel: Wheel;
  readonly pool: Pool<Channel>;
  /** Milliseconds; what a body may take that nobody waits for. */
  readonly timeout: number;
}

const NO_OPTIONS: ConnectOptions = {};

type Phase = Stage | "body" | "idle" | "closed";

export class Channel extends Deadline implements Receiver {
  readonly target: Target;
  readonly #host: ChannelHost;
  #connection: Connection | null = null;
  #phase: Phase = "connecting";
  #exchange: Exchange | null = null;
  #version: HttpVersion = "1.0";
  #fresh = true;
  /** The request, or all but a little of it, is out of our hands once the connection is open. */
  #taken = false;
  #sent = false;
  #answer = new Answer();
  #head = new HeadReader(this.#answer);
  #body: BodySkipper | null = null;
  /** The wheel's tick. */
  #idleSince = 0;

  constructor(host: ChannelHost, target: Target) {
    super();
    this.#host = host;
    this.target = target;
  }

  /** Connects and sends the first request. */
  ask(exchange: Exchange, request: Uint8Array, version: HttpVersion): void {
    this.#exchange = exchange;
    this.#version = version;
    const connection = this.#host.runtime.connect(this.target.at, NO_OPTIONS, this);
    this.#connection = connection;
    if (this.#closed()) return connection.destroy();
    this.#taken = connection.write(request);
    this.#checkSent();
  }

  /** Sends a further request on a connection that is idle. */
  askAgain(exchange: Exchange, request: Uint8Array): void {
    this.#exchange = exchange;
    this.#phase = "asked";
    this.#fresh = false;
    this.#sent = false;
    this.#answer = new Answer();
    this.#head = new HeadReader(this.#answer);
    this.#taken = this.#connection!.write(request);
    this.#checkSent();
  }

  /** Closes at once; the exchange hears nothing. */
  destroy(): void {
    if (this.#closed()) return;
    this.#phase = "closed";
    this.#exchange = null;
    this.#host.wheel.disarm(this);
    this.#host.pool.drop(this);
    this.#connection?.destroy();
  }

  // --- receiver ------------------------------------------------------------------------------

  open(): void {
    if (this.#phase !== "connecting") return;
    this.#phase = "asked";
    this.#checkSent();
  }

  data(bytes: Uint8Array): void {
    switch (this.#phase) {
      case "connecting":
      case "asked":
      case "answering":
        this.#noteSent();
        this.#phase = "answering";
        return this.#read(bytes);
      case "body":
        return this.#skip(bytes, 0);
      case "idle":
        // An answer that nobody asked for would be taken for the answer to the next question.
        return this.destroy();
    }
  }

  drain(): void {
    this.#taken = true;
    this.#checkSent();
  }

  end(): void {
    this.close(null);
  }

  close(error: NetError | null): void {
    const stage = this.#phase;
    const exchange = this.#exchange;
    this.destroy();
    if (exchange !== null) exchange.lost(stage as Stage, error);
  }

  /**
   * The idle connection is old enough, or a body does not end. A connection in use leaves the deadline
   * of its last rest where it is, which costs less than to move it for every request.
   */
  expired(): void {
    if (this.#phase === "asked" || this.#phase === "answering") return;
    const rested = this.#host.wheel.since(this.#idleSince);
    if (this.#phase !== "idle" || rested >= AUTH_IDLE_MS) return this.destroy();
    this.#host.wheel.arm(this, AUTH_IDLE_MS - rested);
  }

  // --- sending -------------------------------------------------------------------------------

  #checkSent(): void {
    if (this.#taken && this.#phase !== "connecting") this.#noteSent();
  }

  #noteSent(): void {
    if (this.#sent || this.#exchange === null) return;
    this.#sent = true;
    this.#exchange.sent();
  }

  // --- reading -------------------------------------------------------------------------------

  #read(bytes: Uint8Array): void {
    const used = this.#head.push(bytes);
    if (!this.#head.done && this.#head.fault === null) return;
    const exchange = this.#exchange!;
    this.#exchange = null;
    const framing = this.#reusable();
    // The exchange first: what it makes of the answer decides whether connections are kept at all.
    exchange.answered(this.#answer, this.#head.fault);
    if (framing === null || this.#closed()) return this.destroy();
    if (framing.is === "length" && framing.length === bytes.length - used) return this.#idle();
    this.#phase = "body";
    this.#body = new BodySkipper(framing);
    this.#host.wheel.arm(this, this.#host.timeout);
    this.#skip(bytes, used);
  }

  /** How to read past the body, if the connection is to be used again. */
  #reusable(): Framing | null {
    if (this.#version === "1.0" || this.#head.fault !== null) return null;
    const framing = this.#answer.framing.result();
    // A server that closes even the first of its HTTP/1.1 connections does not keep any; a later close
    // is a limit on requests, or a restart.
    if (framing === null && this.#fresh) this.#host.pool.fallBack();
    return framing;
  }

  #skip(bytes: Uint8Array, at: number): void {
    const skipped = this.#body!.push(bytes, at);
    if (skipped === "more") return;
    if (skipped === "bad") return this.destroy();
    this.#body = null;
    // What is armed is the deadline of the body.
    this.#host.wheel.disarm(this);
    this.#idle();
  }

  #idle(): void {
    if (!this.#host.pool.keep(this)) return this.destroy();
    this.#phase = "idle";
    this.#idleSince = this.#host.wheel.tick;
    if (this.next === null) this.#host.wheel.arm(this, AUTH_IDLE_MS);
  }

  #closed(): boolean {
    return this.#phase === "closed";
  }
}
