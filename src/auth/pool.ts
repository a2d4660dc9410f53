/**
 * What is remembered of an auth server between requests: whether it keeps connections, and those that
 * it kept (`auth_http_keepalive auto|off|N`).
 *
 * The first request is nginx's own, by HTTP/1.0. An answer that says `HTTP/1.1` shows what the server
 * can do, even with `Connection: close`, which is all that it may answer to HTTP/1.0: from then on it
 * is asked by HTTP/1.1. One bad answer, time-out or connection that is not kept, and it is HTTP/1.0
 * again for `AUTH_HTTP10_MS`.
 */

import { AUTH_HTTP10_MS, AUTH_IDLE } from "../core/limits.ts";
import type { ServerSettings } from "../config/settings.ts";
import type { Clock } from "../net/ports.ts";

/** `auto` keeps at most `AUTH_IDLE` idle connections, a number at most so many. */
export type KeepAlive = ServerSettings["auth_http_keepalive"];

/** A connection that waits for its next request. */
export interface Idle {
  destroy(): void;
}

export class Pool<Connection extends Idle> {
  readonly #clock: Clock;
  #most: number;
  #http11 = false;
  /** Not before this is HTTP/1.1 tried again. */
  #again = -Infinity;
  /** The last one is the freshest, and goes first: a burst's surplus grows old and is closed. */
  readonly #idle: Connection[] = [];

  constructor(keepalive: KeepAlive, clock: Clock) {
    this.#clock = clock;
    this.#most = keepalive === "auto" ? AUTH_IDLE : keepalive === "off" ? 0 : keepalive;
  }

  /** Whether to ask by HTTP/1.1. */
  get http11(): boolean {
    return this.#http11;
  }

  get size(): number {
    return this.#idle.length;
  }

  /** A good answer came whose status line says HTTP/1.1. */
  speaksHttp11(): void {
    if (this.#most > 0 && !this.#http11) this.#http11 = this.#clock.monotonic() >= this.#again;
  }

  /** HTTP/1.1 did not work out. */
  fallBack(): void {
    this.#http11 = false;
    this.#again = this.#clock.monotonic() + AUTH_HTTP10_MS;
    this.#clear();
  }

  take(): Connection | undefined {
    return this.#idle.pop();
  }

  /** False when there is no place for it. */
  keep(connection: Connection): boolean {
    if (!this.#http11 || this.#idle.length >= this.#most) return false;
    this.#idle.push(connection);
    return true;
  }

  /** It is closing. */
  drop(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes what is idle and keeps nothing more. */
  close(): void {
    this.#most = 0;
    this.#http11 = false;
    this.#clear();
  }

  #clear(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}
