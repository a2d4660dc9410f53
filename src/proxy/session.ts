/**
 * The driver: one client connection from its greeting to the relay. It performs what the front machine
 * says, and keeps the rule that makes pipelining, Auth-Wait and amplification safe: the machine is
 * given at most the client buffer's worth of bytes at a time, none while output is blocked or while it
 * waits for something else; reading goes on up to that cap, so that the client's leaving is seen.
 */

import { concat, EMPTY } from "../core/bytes.ts";
import type { NetError } from "../core/errors.ts";
import type { LogContext, LogEvent } from "../core/log.ts";
import { addressOf, type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Connection, Receiver, TlsInfo } from "../net/ports.ts";
import { Deadline } from "../net/wheel.ts";
import type { Attempt, AuthLog, Front, FrontAction, FrontInput, Peer } from "../session/machine.ts";
import type { BackLogin, Verdict } from "../session/machine.ts";
import { Dial, type Dialler } from "./dial.ts";
import { Farewell } from "./farewell.ts";
import { type Guest, NO_SEAT } from "./guests.ts";
import { Relay } from "./relay.ts";
import { enter, leave, replace, type Service } from "./service.ts";
import { describeTls, handshakeFailure } from "./tls.ts";

/** What admission found out about a connection. */
export interface Admitted {
  readonly connection: Connection;
  readonly peer: Peer;
  /** The configured listen address, for log lines. */
  readonly server: string;
  /** Number of the connection, for log lines. */
  readonly number: number;
  /** Bytes read ahead (behind a PROXY header). */
  readonly pending: Uint8Array;
  /** `R.T`: decimal random and Unix seconds; empty when no challenge will be made. */
  readonly salt: string;
}

export class Session extends Deadline implements Receiver, Guest, Dialler, AuthLog {
  seat: number = NO_SEAT;
  readonly #service: Service;
  readonly #admitted: Admitted;
  readonly #client: Connection;
  readonly #front: Front;
  /** Client bytes that the machine cannot take yet. */
  #held: Uint8Array = EMPTY;
  #blocked = false;
  #eof = false;
  #over = false;
  #securing = false;
  #feeding = false;
  #dial: Dial | null = null;
  #rest: Uint8Array = EMPTY;

  /** Takes the place of the guest `before`, if there is one. */
  constructor(service: Service, admitted: Admitted, before: Guest | null) {
    super();
    this.#service = service;
    this.#admitted = admitted;
    this.#client = admitted.connection;
    this.#front = service.protocol.front();
    if (before) replace(service.house, before, this);
    else enter(service.house, this);
    this.#client.receiver = this;
  }

  start(): void {
    const { peer, salt, pending } = this.#admitted;
    this.#push({ is: "open", peer, tls: this.#client.tls, salt });
    if (pending.length > 0) this.data(pending);
    else this.#client.resume();
  }

  // --- the client ----------------------------------------------------------------------------

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#held = this.#held.length === 0 ? bytes : concat([this.#held, bytes]);
    this.#feed();
  }

  drain(): void {
    this.#blocked = false;
    this.#feed();
  }

  end(): void {
    this.#eof = true;
    this.#feed();
  }

  close(error: NetError | null): void {
    // A handshake that failed says so through its promise.
    if (this.#over || this.#securing) return;
    if (error) {
      const doing = this.#front.phase === "verdict" ? "in http auth state" : "in auth state";
      this.note({ level: "info", message: "recv() failed", errno: error.errno, doing });
    }
    this.#leave();
    this.#dial?.abandon();
  }

  /** Gives the machine what it can take now. */
  #feed(): void {
    if (this.#feeding) return;
    this.#feeding = true;
    const cap = this.#service.protocol.clientBuffer;
    while (!this.#over && !this.#blocked && this.#front.hungry) {
      if (this.#held.length > 0) {
        const bytes = this.#held;
        this.#held = bytes.length > cap ? bytes.subarray(cap) : EMPTY;
        this.#push({ is: "bytes", bytes: bytes.length > cap ? bytes.subarray(0, cap) : bytes });
      } else if (this.#eof) {
        this.#push({ is: "eof" });
      } else break;
    }
    this.#feeding = false;
    if (this.#over) return;
    if (this.#held.length >= cap) this.#client.pause();
    else this.#client.resume();
  }

  // --- the machine ---------------------------------------------------------------------------

  #push(input: FrontInput): void {
    const { phase } = this.#front;
    const actions = this.#front.push(input);
    if (this.#front.phase !== phase) this.#debug(`session phase: ${this.#front.phase}`);
    for (const action of actions) {
      if (this.#over) return;
      this.#perform(action);
    }
  }

  #perform(action: FrontAction): void {
    switch (action.do) {
      case "send":
        if (!this.#client.write(action.bytes)) this.#blocked = true;
        return;
      case "note":
        return this.note(action.event);
      case "timer":
        return action.ms === null
          ? this.#service.house.wheel.disarm(this)
          : this.#service.house.wheel.arm(this, action.ms);
      case "secure":
        return this.#secure();
      case "authenticate":
        return this.#authenticate(action.attempt);
      case "dial":
        return this.#connect(action.target, action.login);
      case "relay":
        return this.#join(action.early);
      case "close":
        return this.#finish();
    }
  }

  override expired(): void {
    if (this.#dial) {
      const errno = "(110: Connection timed out)";
      const { doing } = this.#dial;
      this.note({ level: "info", message: "upstream timed out", errno, doing });
      this.#dial.abandon();
      return this.refused(null);
    }
    this.#push({ is: "timeout" });
    this.#feed();
  }

  #secure(): void {
    // Whatever was read in clear is void (CVE-2011-0411).
    this.#held = EMPTY;
    this.#securing = true;
    this.#client.resume();
    this.#client.startTls(this.#service.tls!).then(
      (tls) => {
        this.#securing = false;
        if (this.#over) return;
        this.#blocked = false;
        this.#debug(describeTls(tls));
        this.#push({ is: "secured", tls });
        this.#feed();
      },
      (error: NetError) => {
        if (this.#over) return;
        this.note({ level: "info", ...handshakeFailure(error), doing: "in starttls state" });
        this.#leave();
        this.#client.destroy();
      },
    );
  }

  #authenticate(attempt: Attempt): void {
    this.#service.authenticator.ask(attempt, this).then((verdict) => {
      if (this.#over) return this.#tooLate(verdict);
      this.#push({ is: "verdict", verdict });
      this.#feed();
    });
  }

  /** The client did not wait. That its login failed is logged all the same: guessers leave early. */
  #tooLate(verdict: Verdict): void {
    for (const action of this.#front.push({ is: "verdict", verdict })) {
      if (action.do === "note") this.note(action.event);
    }
  }

  #connect(target: Endpoint, login: BackLogin): void {
    const { capacity } = this.#service.house;
    if (capacity.full) {
      const complaint = capacity.complaint();
      if (complaint) this.note({ ...complaint, doing: "connecting to upstream" });
      return this.refused(null);
    }
    this.#dial = new Dial(this.#service, this, target, login);
  }

  // --- the backend ---------------------------------------------------------------------------

  ready(reply: Uint8Array | null, rest: Uint8Array): void {
    this.#rest = rest;
    this.#push({ is: "ready", reply });
  }

  refused(reply: Uint8Array | null): void {
    this.#push({ is: "refused", reply });
    this.#dial = null;
  }

  get clientLocal(): Endpoint {
    return this.#client.local;
  }

  get clientTls(): TlsInfo | null {
    return this.#client.tls;
  }

  #join(early: Uint8Array): void {
    this.#noteLogin();
    const client = { connection: this.#client, said: [early, this.#held], eof: this.#eof };
    const backend = { connection: this.#dial!.connection, said: [this.#rest], eof: false };
    new Relay(this.#service, this.#context(), client, backend);
    this.#leave();
  }

  // --- the end -------------------------------------------------------------------------------

  #finish(): void {
    this.#dial?.abandon();
    // In the middle of a handshake there is nothing that could be flushed.
    if (this.#securing) this.#client.destroy();
    else new Farewell(this.#service, this.#client);
    this.#leave();
  }

  #leave(): void {
    this.#over = true;
    this.#service.house.wheel.disarm(this);
    leave(this.#service.house, this);
  }

  /** Before login there is nothing to lose but the client's patience. */
  retire(): void {
    if (this.#front.hungry) this.#push({ is: "shutdown" });
  }

  evict(): void {
    if (this.#over) return;
    this.#leave();
    this.#dial?.abandon();
    this.#client.destroy();
  }

  // --- the log -------------------------------------------------------------------------------

  /** The one line by which the client's connection and the backend's find together. */
  #noteLogin(): void {
    const { log } = this.#service;
    if (!log.enabled("info")) return;
    const { connection } = this.#dial!;
    const client = [this.#admitted.peer.address, this.#client.local];
    const backend = [connection.local, connection.remote];
    const link = [client, backend].map((ends) => `[${ends.map(formatEndpoint).join("-")}]`);
    const context = { ...this.#context(), link: link.join(" <=> ") };
    log.write({ level: "info", message: "client logged in" }, context);
  }

  note(event: LogEvent): void {
    const { log } = this.#service;
    if (log.enabled(event.level)) log.write(event, this.#context());
  }

  get debug(): boolean {
    return this.#service.log.enabled("debug");
  }

  #debug(message: string): void {
    if (this.debug) this.note({ level: "debug", message });
  }

  #context(): LogContext {
    const { number, peer, server } = this.#admitted;
    return {
      connection: number,
      client: addressOf(peer.address),
      starttls: this.#front.starttls,
      server,
      login: this.#front.login,
      upstream: this.#dial ? formatEndpoint(this.#dial.target) : "",
    };
  }
}
