/**
 * The `resolver` directive: our own DNS client over the datagram port, because the runtimes' resolvers
 * hide TTLs and take SERVFAIL for NXDOMAIN.
 *
 * Servers are asked in turn until `resolver_timeout`: the next one when no answer comes, or when the
 * failure may be this server's own. Each try has a socket and an id of its own, and only an answer from
 * the server that was asked, with that id and that question, is believed (RFC 5452). Truncated answers
 * are fetched again by TCP (RFC 7766). Answers are kept for their TTL, or for `valid`.
 */

import { concat, EMPTY } from "../core/bytes.ts";
import { DNS_ASKING, DNS_CACHE, DNS_MESSAGE, DNS_RETRY_MS } from "../core/limits.ts";
import {
  type Endpoint,
  formatAddress,
  formatEndpoint,
  ip,
  normaliseAddress,
  parseAddress,
} from "./address.ts";
import {
  encodeQuestion,
  isDomainName,
  type QueryType,
  type Question,
  readReply,
  type Reply,
} from "./dns-message.ts";
import type { Datagram, Receiver, Runtime, Timer } from "./ports.ts";

export interface ResolverSettings {
  readonly servers: readonly Endpoint[];
  /** Milliseconds to keep an answer, instead of its TTL; null = its TTL. */
  readonly valid: number | null;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export type Resolved =
  /** Names are one or more; addresses can be none when their family is off. */
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

const FORMAT_ERROR = 1;
const SERVER_FAILURE = 2;
const NOT_FOUND = 3;
const TIMED_OUT = 110;

export class Resolver {
  readonly #runtime: Runtime;
  readonly #servers: readonly Endpoint[];
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
    // As the senders of datagrams are shown, so that both can be compared.
    this.#servers = settings.servers.map((at) =>
      at.is === "ip" ? ip(normaliseAddress(at.address), at.port) : at
    );
    this.#timeout = timeout;
  }

  /** The names of an address literal (RFC 1035 section 3.5, RFC 3596 section 2.5). Never rejects. */
  names(address: string): Promise<Resolved> {
    return this.#lookUp("PTR", reverseName(address));
  }

  /**
   * The addresses of a name: of the families that are on, and of `family` alone where only those
   * matter, so that nobody waits for a server that does not answer about the other. Never rejects.
   */
  async addresses(name: string, family?: 4 | 6): Promise<Resolved> {
    const { ipv4, ipv6 } = this.#settings;
    const types: QueryType[] = [];
    if (ipv4 && family !== 6) types.push("A");
    if (ipv6 && family !== 4) types.push("AAAA");
    if (types.length === 0) return { is: "found", values: [] };
    const results = await Promise.all(types.map((type) => this.#lookUp(type, name)));
    const values = results.flatMap((result) => result.is === "found" ? result.values : []);
    if (values.length > 0) return { is: "found", values };
    // A failure that may pass counts more than a name that is not there.
    return results.find((result) => result.is === "failed" && result.code !== NOT_FOUND) ??
      results[0];
  }

  #lookUp(type: QueryType, name: string): Promise<Resolved> {
    if (!isDomainName(name)) return Promise.resolve(failed(FORMAT_ERROR));
    const key = `${type} ${name.toLowerCase()}`;
    const kept = this.#cache.get(key);
    if (kept && kept.until > this.#runtime.clock.monotonic()) {
      return Promise.resolve({ is: "found", values: kept.values });
    }
    const underWay = this.#asking.get(key);
    if (underWay) return underWay;
    if (this.#asking.size >= DNS_ASKING) return Promise.resolve(failed(SERVER_FAILURE));
    const asking = this.#ask(key, type, name).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(key: string, type: QueryType, name: string): Promise<Resolved> {
    const { clock } = this.#runtime;
    const end = clock.monotonic() + this.#timeout;
    let failures = 0;
    for (let turn = this.#turn++;; turn++) {
      const left = end - clock.monotonic();
      if (left <= 0) return failed(TIMED_OUT);
      const server = this.#servers[turn % this.#servers.length];
      if (!server) return failed(SERVER_FAILURE);
      const reply = await this.#try(server, type, name, Math.min(left, DNS_RETRY_MS));
      if (reply?.is === "answer") return this.#keep(key, reply);
      if (reply === null) continue;
      // "No such name" is everybody's answer; SERVFAIL or REFUSED may be this server's alone.
      const final = reply.code === NOT_FOUND || ++failures >= this.#servers.length;
      if (final) return failed(reply.code);
    }
  }

  #keep(key: string, { values, ttl }: Answer): Resolved {
    const lifetime = this.#settings.valid ?? ttl * 1000;
    this.#cache.delete(key);
    // The oldest entry makes room.
    if (this.#cache.size >= DNS_CACHE) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(key, { values, until: this.#runtime.clock.monotonic() + lifetime });
    return { is: "found", values };
  }

  /** Asks one server, by TCP if UDP is too small for the answer. Null: no answer within the time. */
  async #try(server: Endpoint, type: QueryType, name: string, ms: number): Promise<Final | null> {
    const { clock, random } = this.#runtime;
    const [high, low] = random(2);
    const question: Question = { id: (high << 8) | low, type, name };
    const start = clock.monotonic();
    const reply = await this.#byUdp(server, question, ms);
    if (reply?.is !== "truncated") return reply;
    return await this.#byTcp(server, question, ms - (clock.monotonic() - start));
  }

  async #byUdp(server: Endpoint, question: Question, ms: number): Promise<Reply | null> {
    const family = server.is === "ip" && server.address.includes(":") ? 6 : 4;
    let socket: Datagram;
    try {
      socket = await this.#runtime.datagram({ family });
    } catch {
      // No descriptor, or no such family on this host: another server may be reached.
      return UNREACHABLE;
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

  async #byTcp(server: Endpoint, question: Question, ms: number): Promise<Final | null> {
    const stream = new DnsStream(question);
    const timer = this.#runtime.clock.after(ms, () => stream.finish(null));
    const connection = this.#runtime.connect(server, {}, stream);
    connection.write(stream.request);
    try {
      return await stream.reply;
    } finally {
      timer.cancel();
      connection.destroy();
    }
  }
}

type Answer = Extract<Reply, { is: "answer" }>;
/** A reply that needs no other way of asking. */
type Final = Exclude<Reply, { is: "truncated" }>;

const UNREACHABLE: Final = { is: "failure", code: SERVER_FAILURE };

/** One question over one connection (RFC 1035 section 4.2.2: each message behind its length). */
class DnsStream implements Receiver {
  readonly request: Uint8Array;
  readonly reply: Promise<Final | null>;
  readonly #question: Question;
  #resolve!: (reply: Final | null) => void;
  #received: Uint8Array = EMPTY;

  constructor(question: Question) {
    const asked = encodeQuestion(question);
    this.request = concat([Uint8Array.of(asked.length >> 8, asked.length), asked]);
    this.reply = new Promise((resolve) => this.#resolve = resolve);
    this.#question = question;
  }

  data(bytes: Uint8Array): void {
    this.#received = concat([this.#received, bytes]);
    const [high, low] = this.#received;
    if (low === undefined) return;
    const size = (high << 8) | low;
    if (size > DNS_MESSAGE) return this.finish(UNREACHABLE);
    if (this.#received.length < 2 + size) return;
    const reply = readReply(this.#received.subarray(2, 2 + size), this.#question);
    this.finish(reply && reply.is !== "truncated" ? reply : UNREACHABLE);
  }

  drain(): void {}

  end(): void {
    this.finish(UNREACHABLE);
  }

  close(): void {
    this.finish(UNREACHABLE);
  }

  /** The first word counts. */
  finish(reply: Final | null): void {
    this.#resolve(reply);
  }
}

function failed(code: number): Resolved {
  return { is: "failed", code, text: TEXTS[code] ?? "Unknown error" };
}

/** `4.3.2.1.in-addr.arpa` of 1.2.3.4, nibbles under `ip6.arpa` for IPv6; empty when it is no address. */
export function reverseName(address: string): string {
  const bytes = parseAddress(address);
  if (!bytes) return "";
  if (bytes.length === 4) return `${[...bytes].reverse().join(".")}.in-addr.arpa`;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${nibbles.map((nibble) => nibble.toString(16)).join(".")}.ip6.arpa`;
}

/** Whether two literals are the same address, however they are written. */
export function sameAddress(a: string, b: string): boolean {
  const [x, y] = [parseAddress(a), parseAddress(b)];
  return x !== null && y !== null && formatAddress(x) === formatAddress(y);
}
