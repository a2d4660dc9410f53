/** A runtime without a network: the test plays the auth server on every connection, and turns the clock. */

import { NetError } from "../../../src/core/errors.ts";
import { decode, encode } from "../../../src/core/bytes.ts";
import type { LogEvent } from "../../../src/core/log.ts";
import { type Endpoint, formatEndpoint, ip } from "../../../src/net/address.ts";
import type { Clock, Connection, Receiver, Runtime, Timer } from "../../../src/net/ports.ts";
import { Wheel } from "../../../src/net/wheel.ts";
import { HttpAuthenticator, type HttpAuthSettings } from "../../../src/auth/http.ts";
import type { KeepAlive } from "../../../src/auth/pool.ts";
import type { Attempt, AuthLog, Verdict } from "../../../src/session/machine.ts";
import { attempt, settings } from "./attempts.ts";

class FakeClock implements Clock {
  #at = 0;
  #timers: { at: number; run: () => void }[] = [];

  now = () => this.#at;
  monotonic = () => this.#at;

  after(ms: number, run: () => void): Timer {
    const timer = { at: this.#at + ms, run };
    this.#timers.push(timer);
    return { cancel: () => this.#timers = this.#timers.filter((other) => other !== timer) };
  }

  advance(ms: number): void {
    const until = this.#at + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.splice(this.#timers.indexOf(due), 1);
      this.#at = due.at;
      due.run();
    }
    this.#at = until;
  }
}

/** The server's end of a connection. */
export class ServerEnd {
  readonly to: string;
  readonly receiver: Receiver;
  /** All that was asked, from the first byte. */
  received = "";
  destroyed = false;
  /** Set to make the client's bytes stay in its queue. */
  stuck = false;

  constructor(to: Endpoint, receiver: Receiver) {
    this.to = formatEndpoint(to);
    this.receiver = receiver;
  }

  accept(): this {
    this.receiver.open!();
    return this;
  }

  /** The requests, by their first lines. */
  get asked(): string[] {
    return this.received.split("\r\n\r\n").slice(0, -1).map((request) => request.split("\r\n")[0]);
  }

  say(text: string): this {
    if (!this.destroyed) this.receiver.data(encode(text));
    return this;
  }

  end(): void {
    if (!this.destroyed) this.receiver.end();
  }

  fail(code: string): void {
    if (!this.destroyed) this.receiver.close(new NetError(code, code));
  }

  /** What the client holds. */
  connection(): Connection {
    const client: Pick<Connection, "write" | "destroy"> = {
      write: (bytes) => {
        this.received += decode(bytes);
        return !this.stuck;
      },
      destroy: () => this.destroyed = true,
    };
    return client as Connection;
  }
}

export interface World {
  /** All connections, oldest first. */
  readonly servers: ServerEnd[];
  readonly events: LogEvent[];
  readonly auth: HttpAuthenticator;
  readonly wheel: Wheel;
  /** Runs on every new connection, before the client gets it. */
  arrange: (server: ServerEnd) => void;
  /** Replaced to change what names resolve to. */
  lookup: (name: string) => Promise<readonly string[]>;
  ask(change?: Partial<Attempt>): Promise<Verdict>;
  advance(ms: number): void;
  /** The newest connection. */
  last(): ServerEnd;
  /** Level and whole text of each event. */
  log(): string[];
}

export function world(
  config: Partial<HttpAuthSettings> = {},
  keepalive: KeepAlive = "auto",
  debug = false,
): World {
  const clock = new FakeClock();
  const servers: ServerEnd[] = [];
  const events: LogEvent[] = [];
  const wheel = new Wheel(clock, 50);
  const runtime: Pick<Runtime, "clock" | "connect" | "host"> = {
    clock,
    connect: (to, _options, receiver) => {
      const server = new ServerEnd(to, receiver);
      servers.push(server);
      it.arrange(server);
      return server.connection();
    },
    host: { lookup: (name: string) => it.lookup(name) } as Runtime["host"],
  };
  const log: AuthLog = { note: (event) => events.push(event), debug };
  const it: World = {
    servers,
    events,
    wheel,
    auth: new HttpAuthenticator({
      runtime: runtime as Runtime,
      wheel,
      settings: settings({ auth_http_keepalive: keepalive, ...config }),
    }),
    arrange: () => {},
    lookup: () => Promise.reject(new NetError("ENOTFOUND", "host not found")),
    ask: (change) => it.auth.ask(attempt(change), log),
    advance: (ms) => clock.advance(ms),
    last: () => servers[servers.length - 1],
    log: () =>
      events.map(({ level, message, errno, doing }) =>
        `${level}: ${message}${errno ? ` ${errno}` : ""}${doing ? ` while ${doing}` : ""}`
      ),
  };
  return it;
}

export const VERDICT = "Auth-Status: OK\r\nAuth-Server: 10.0.0.5\r\nAuth-Port: 143\r\n";
export const ALLOW: Verdict = { is: "allow", target: ip("10.0.0.5", 143) };

/** Answers by their HTTP version; the one of 1.1 leaves the connection open. */
export const ANSWER_10 = `HTTP/1.0 200 OK\r\n${VERDICT}\r\n`;
export const ANSWER_11 = `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${VERDICT}\r\n`;
/** All that an HTTP/1.1 server may answer to an HTTP/1.0 request (nginx as auth server). */
export const ANSWER_11_CLOSE = `HTTP/1.1 200 OK\r\nConnection: close\r\n${VERDICT}\r\n`;

/** Lets promise callbacks run (name lookups). */
export async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** Whether the promise has not settled yet. */
export async function pending(promise: Promise<Verdict>): Promise<boolean> {
  await settle();
  return await Promise.race([promise, Promise.resolve("pending")]) === "pending";
}
