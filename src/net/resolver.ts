/**
 * The `resolver` directive: our own DNS client over the datagram port, because the runtimes' resolvers
 * hide TTLs and take SERVFAIL for NXDOMAIN.
 *
 * Servers are asked in turn until `resolver_timeout`. Each try has a socket and an id of its own, and
 * only an answer from the server that was asked, with that id and that question, is believed. Truncated
 * answers are fetched again by TCP (RFC 7766). Answers are kept for their TTL, or for `valid`.
 */

import { concat, EMPTY } from "../core/bytes.ts";
import { DNS_CACHE, DNS_MESSAGE, DNS_RETRY_MS } from "../core/limits.ts";
import { type Endpoint, formatAddress, formatEndpoint, parseAddress } from "./address.ts";
import {
  encodeQuestion,
  type QueryType,
  type Question,
  readReply,
  type Reply,
} from "./dns-message.ts";
import type { Datagram, Runtime, Timer } from "./ports.ts";

export interface ResolverSettings {
  readonly servers: readonly Endpoint[];
  /** Milliseconds to keep an answer, instead of its TTL; null = its TTL. */
  readonly valid: number | null;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export type Resolved =
  | { readonly is: "found"; readonly values: readonly string[] }
  /** nginx's number and text: `3`, `Host not found`. */
  | { readonly is: "failed"; readonly code: number; readonly text: string };

const TEXTS: Readonly<Record<number, string>> = {
  1: "Format error",
  2: "Server failure",
  3: "Host not found",
  4: "Unimplemented",
  5: "Operation refused",
  110: "Operation timed out",
};

interface Kept {
  readonly values: readonly string[];
  /** Milliseconds of the monotonic clock. */
  readonly until: number;
}

export class Resolver {
  readonly #runtime: Runtime;
  readonly #settings: ResolverSettings;
  readonly #timeout: number;
  readonly #cache: Map<string, Kept> = new Map();
  /** Questions under way, so that a crowd of clients asks once. */
  readonly #asking: Map<string, Promise<Resolved>> = new Map();
  #turn = 0;

  /** `timeout`: milliseconds for one look-up, all tries together. */
  constructor(runtime: Runtime, settings: ResolverSettings, timeout: number) {
    this.#runtime = runtime;
    this.#settings = settings;
    this.#timeout = timeout;
  }

  /** The names of an address (RFC 1035 section 3.5, RFC 3596 section 2.5). */
  names(address: string): Promise<Resolved> {
    return this.#lookUp("PTR", reverseName(address));
  }

  /** The addresses of a name, of the families that are on. */
  async addresses(name: string): Promise<Resolved> {
    const types: QueryType[] = [];
    if (this.#settings.ipv4) types.push("A");
    if (this.#settings.ipv6) types.push("AAAA");
    const results = await Promise.all(types.map((type) => this.#lookUp(type, name)));
    const values = results.flatMap((result) => result.is === "found" ? result.values : []);
    if (values.length > 0) return { is: "found", values };
    // A failure that may pass counts more than a name that is not there.
    return results.find((result) => result.is === "failed" && result.code !== 3) ?? results[0];
  }

  #lookUp(type: QueryType, name: string): Promise<Resolved> {
    const key = `${type} ${name.toLowerCase()}`;
    const kept = this.#cache.get(key);
    if (kept && kept.until > this.#runtime.clock.monotonic()) {
      return Promise.resolve({ is: "found", values: kept.values });
    }
    const asking = this.#asking.get(key) ?? this.#ask(key, type, name).finally(() => {
      this.#asking.delete(key);
    });
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(key: string, type: QueryType, name: string): Promise<Resolved> {
    const { servers } = this.#settings;
    const end = this.#runtime.clock.monotonic() + this.#timeout;
    for (let turn = this.#turn++;; turn++) {
      const left = end - this.#runtime.clock.monotonic();
      if (left <= 0) return failed(110);
      const [high, low] = this.#runtime.random(2);
      const question: Question = { id: (high << 8) | low, type, name };
      const server = servers[turn % servers.length];
      let reply = await this.#byUdp(server, question, Math.min(left, DNS_RETRY_MS));
      if (reply?.is === "truncated") reply = await this.#byTcp(server, question, left);
      if (reply?.is === "answer") return this.#keep(key, reply);
      if (reply?.is === "failure") return failed(reply.code);
    }
  }

  #keep(key: string, { values, ttl }: Extract<Reply, { is: "answer" }>): Resolved {
    const lifetime = this.#settings.valid ?? ttl * 1000;
    if (this.#cache.size >= DNS_CACHE) {
      // The oldest entry makes room.
      this.#cache.delete(this.#cache.keys().next().value!);
    }
    this.#cache.set(key, { values, until: this.#runtime.clock.monotonic() + lifetime });
    return { is: "found", values };
  }

  /** Null: no answer within the time. */
  async #byUdp(server: Endpoint, question: Question, ms: number): Promise<Reply | null> {
    const family = server.is === "ip" && server.address.includes(":") ? 6 : 4;
    let socket: Datagram;
    try {
      socket = await this.#runtime.datagram({ family });
    } catch {
      // No descriptor to be had: as good as no answer, after the same wait.
      return await this.#wait(ms);
    }
    const from = formatEndpoint(server);
    let timer: Timer | null = null;
    try {
      return await new Promise<Reply | null>((resolve) => {
        timer = this.#runtime.clock.after(ms, () => resolve(null));
        socket.receive = (bytes, sender) => {
          if (formatEndpoint(sender) !== from) return;
          const reply = readReply(bytes, question);
          if (reply) resolve(reply);
        };
        socket.send(encodeQuestion(question), server);
      });
    } finally {
      (timer as Timer | null)?.cancel();
      socket.close();
    }
  }

  #wait(ms: number): Promise<null> {
    return new Promise((resolve) => this.#runtime.clock.after(ms, () => resolve(null)));
  }

  #byTcp(server: Endpoint, question: Question, ms: number): Promise<Reply | null> {
    return new Promise((resolve) => {
      let received: Uint8Array = EMPTY;
      const finish = (reply: Reply | null) => {
        timer.cancel();
        connection.destroy();
        resolve(reply);
      };
      const timer = this.#runtime.clock.after(ms, () => finish(null));
      const connection = this.#runtime.connect(server, {}, {
        data(bytes) {
          received = concat([received, bytes]);
          const size = received.length < 2 ? DNS_MESSAGE : (received[0] << 8) | received[1];
          if (received.length >= 2 + size) {
            finish(readReply(received.subarray(2, 2 + size), question));
          } else if (received.length > 2 + DNS_MESSAGE) finish(null);
        },
        drain() {},
        end: () => finish(null),
        close: () => finish(null),
      });
      const asked = encodeQuestion(question);
      connection.write(concat([Uint8Array.of(asked.length >> 8, asked.length & 255), asked]));
    });
  }
}

function failed(code: number): Resolved {
  return { is: "failed", code, text: TEXTS[code] ?? "Unknown error" };
}

/** `4.3.2.1.in-addr.arpa` of 1.2.3.4, nibbles under `ip6.arpa` for IPv6. */
export function reverseName(address: string): string {
  const bytes = parseAddress(address)!;
  if (bytes.length === 4) return `${[...bytes].reverse().join(".")}.in-addr.arpa`;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${nibbles.map((nibble) => nibble.toString(16)).join(".")}.ip6.arpa`;
}

/** Whether two literals are the same address, however they are written. */
export function sameAddress(a: string, b: string): boolean {
  const [x, y] = [parseAddress(a), parseAddress(b)];
  return x !== null && y !== null && formatAddress(x) === formatAddress(y);
}
