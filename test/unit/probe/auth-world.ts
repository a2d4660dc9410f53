/**
 * A runtime whose network is one function: every connection is answered by what a test says, after no
 * time at all. For the commands that ask auth servers.
 */

import { decode, encode } from "../../../src/core/bytes.ts";
import { NetError } from "../../../src/core/errors.ts";
import { type Endpoint, formatEndpoint, ip } from "../../../src/net/address.ts";
import type { Connection, Receiver } from "../../../src/net/ports.ts";
import { type FakeRuntime, fakeRuntime } from "../observe/fakes.ts";

/** What a server says to what it was sent so far; null: nothing yet, or an error to close with. */
export type Serve = (sent: string, at: string) => string | null | NetError;

export interface AuthWorld extends FakeRuntime {
  /** Every write, with where it went. */
  readonly written: { readonly to: string; readonly text: string }[];
}

/** `greeting` by address: what a backend says by itself. */
export function authWorld(
  serve: Serve,
  files: Readonly<Record<string, string>> = {},
  greeting: (at: string) => string | null = () => null,
): AuthWorld {
  const written: AuthWorld["written"] = [];
  const world: AuthWorld = {
    ...fakeRuntime(files),
    written,
    connect: (to, _, receiver) => new Scripted(to, receiver, serve, greeting, written),
  };
  return world;
}

class Scripted implements Connection {
  readonly local = ip("127.0.0.1", 40000);
  readonly remote: Endpoint;
  readonly tls = null;
  readonly queued = 0;
  receiver: Receiver;
  readonly #serve: Serve;
  readonly #written: AuthWorld["written"];
  #sent = "";
  #closed = false;

  constructor(
    to: Endpoint,
    receiver: Receiver,
    serve: Serve,
    greeting: (at: string) => string | null,
    written: AuthWorld["written"],
  ) {
    this.remote = to;
    this.receiver = receiver;
    this.#serve = serve;
    this.#written = written;
    queueMicrotask(() => {
      const refused = serve("", this.#at);
      if (refused instanceof NetError) return this.#close(refused);
      this.receiver.open?.();
      const hello = greeting(this.#at);
      if (hello !== null) this.receiver.data(encode(hello));
    });
  }

  get #at(): string {
    return formatEndpoint(this.remote);
  }

  write(bytes: Uint8Array): boolean {
    this.#sent += decode(bytes);
    this.#written.push({ to: this.#at, text: decode(bytes) });
    const answer = this.#serve(this.#sent, this.#at);
    if (answer === null || answer instanceof NetError) return true;
    this.#sent = "";
    // After the microtask that opens the connection.
    setTimeout(() => {
      if (this.#closed) return;
      if (answer !== "") this.receiver.data(encode(answer));
      // HTTP/1.0: the connection ends behind the answer. Backends stay.
      if (answer === "" || answer.startsWith("HTTP/")) this.#close(null);
    }, 0);
    return true;
  }

  #close(error: NetError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    if (error === null) this.receiver.end();
    this.receiver.close(error);
  }

  pause(): void {}
  resume(): void {}
  startTls(): Promise<never> {
    return Promise.reject(new Error("not in this world"));
  }
  end(): void {}
  destroy(): void {
    this.#closed = true;
  }
}

/** An HTTP answer with these headers. */
export function answer(headers: Readonly<Record<string, string>>, status = "200 OK"): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.0 ${status}\r\n${lines.join("")}\r\n`;
}

/** The value of a request's header; empty when it is not there. */
export function header(request: string, name: string): string {
  return new RegExp(`^${name}: (.*)\r$`, "mi").exec(request)?.[1] ?? "";
}
