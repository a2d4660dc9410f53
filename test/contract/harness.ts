/**
 * What the contract's tests stand on: listeners, connections and TLS pairs of the runtime under test,
 * all of them closed at the end of their test, and every `Peer` asked for broken promises.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../src/core/bytes.ts";
import { NetError } from "../../src/core/errors.ts";
import { type Endpoint, ip } from "../../src/net/address.ts";
import type {
  Connection,
  ConnectOptions,
  Listener,
  ListenOptions,
  Runtime,
  StartTlsOptions,
  TlsClientSettings,
  TlsContext,
  TlsInfo,
  TlsLibrary,
  TlsServerSettings,
} from "../../src/net/ports.ts";
import { testAuthority } from "../support/ca.ts";
import { Peer } from "../support/peer.ts";

export interface ContractOptions {
  /** Tests that make no sense for the runtime: name and reason. An unknown name is an error. */
  readonly without?: Readonly<Record<string, string>>;
  /** argv that runs `exhaustion.ts` under the runtime. */
  readonly exhaustion?: () => Promise<readonly string[]>;
  /** A folder for sockets and files; must exist. */
  readonly folder: string;
  /** The most that the system and the adapter together may hold of one stalled direction. */
  readonly window?: number;
  /** The runtime's TLS library with nothing refused beforehand; absent: abilities are not tried. */
  readonly unguarded?: TlsLibrary;
}

/** What each group of tests is given. */
export class Given {
  readonly runtime: Runtime;
  readonly options: ContractOptions;
  readonly window: number;
  readonly #names = new Set<string>();

  constructor(runtime: Runtime, options: ContractOptions) {
    this.runtime = runtime;
    this.options = options;
    // Linux loopback: wmem up to 4 MiB, rmem usually up to 6 MiB, and an adapter's own reading.
    this.window = options.window ?? 16 * 1024 * 1024;
  }

  test(name: string, run: (bench: Bench) => Promise<void>): void {
    this.#names.add(name);
    const reason = this.options.without?.[name];
    // Above every wait in it, which says more when it ends in vain.
    const options = reason === undefined ? { timeout: 60_000 } : { skip: reason };
    test(name, options, async () => {
      const bench = new Bench(this.runtime, this.options.folder);
      try {
        await run(bench);
      } finally {
        await bench.close();
      }
      bench.verify();
    });
  }

  /** After all groups: a reason for a test that is not there would hide a renamed one. */
  finish(): void {
    test("`without` names tests that exist", () => {
      const excused = Object.keys(this.options.without ?? {});
      assert.deepEqual(excused.filter((name) => !this.#names.has(name)), []);
    });
  }
}

/** A listener whose accepted connections can be awaited, in order. */
export interface Listening {
  readonly at: Endpoint;
  readonly listener: Listener;
  accepted(): Promise<Peer>;
}

let sockets = 0;

export class Bench {
  readonly runtime: Runtime;
  readonly folder: string;
  readonly #peers: Peer[] = [];
  readonly #listeners: Listener[] = [];

  constructor(runtime: Runtime, folder: string) {
    this.runtime = runtime;
    this.folder = folder;
  }

  async listen(at = ip("127.0.0.1", 0), options: ListenOptions = {}): Promise<Listening> {
    const queue = new Arrivals<Peer>("a connection");
    const listener = await this.runtime.listen(at, options, (connection) => {
      queue.push(this.peer("server").attach(connection));
    });
    this.#listeners.push(listener);
    return { at: listener.at, listener, accepted: () => queue.next() };
  }

  /** For tests that set the receiver themselves. */
  async listenRaw(
    accept: (connection: Connection) => void,
    at = ip("127.0.0.1", 0),
  ): Promise<Endpoint> {
    return (await this.listenWith(at, {}, accept)).at;
  }

  async listenWith(
    at: Endpoint,
    options: ListenOptions,
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    const listener = await this.runtime.listen(at, options, accept);
    this.#listeners.push(listener);
    return listener;
  }

  connect(to: Endpoint, options: ConnectOptions = {}): Peer {
    const peer = this.peer("client");
    return peer.adopt(this.runtime.connect(to, options, peer.receiver));
  }

  /** Both ends of one connection, established. */
  async pair(at?: Endpoint): Promise<{ client: Peer; server: Peer }> {
    const listening = await this.listen(at);
    return await this.join(listening);
  }

  async join(
    listening: Listening,
    options?: ConnectOptions,
  ): Promise<{ client: Peer; server: Peer }> {
    const client = this.connect(listening.at, options);
    const server = await listening.accepted();
    await client.opened;
    return { client, server };
  }

  /** Both ends of one connection with TLS from byte zero; the certificate is the test authority's. */
  async tlsPair(options: TlsPairOptions = {}): Promise<TlsPair> {
    const { client, server } = await this.pair();
    const { client: clientTls, server: serverTls } = await this.secure(client, server, options);
    return { client, server, clientTls, serverTls };
  }

  async secure(
    client: Peer,
    server: Peer,
    options: TlsPairOptions = {},
  ): Promise<{ client: TlsInfo; server: TlsInfo }> {
    const context = await contexts(this, options);
    const [serverInfo, clientInfo] = await Promise.all([
      server.startTls(context.server),
      client.startTls(context.client, { serverName: "localhost", ...options.start }),
    ]);
    return { client: clientInfo, server: serverInfo };
  }

  /** A unix socket path that nobody uses yet. */
  socketPath(): string {
    return `${this.folder}/s${++sockets}.sock`;
  }

  /** A peer that is asked for violations at the end. */
  peer(label: string): Peer {
    const peer = new Peer(`${label} ${this.#peers.length}`);
    this.#peers.push(peer);
    return peer;
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) {
      if (peer.connected && peer.count("close") === 0) peer.destroy();
    }
    await Promise.all(this.#listeners.map((listener) => listener.close()));
  }

  verify(): void {
    const broken = this.#peers.flatMap((peer) =>
      peer.violations.map((violation) => `${peer.label}: ${violation}`)
    );
    assert.deepEqual([...new Set(broken)], []);
  }
}

export interface TlsPairOptions {
  readonly server?: Partial<TlsServerSettings>;
  readonly client?: Partial<TlsClientSettings>;
  readonly start?: StartTlsOptions;
}

export interface TlsPair {
  readonly client: Peer;
  readonly server: Peer;
  readonly clientTls: TlsInfo;
  readonly serverTls: TlsInfo;
}

/** A certificate of the test authority for `localhost`, TLS 1.2 and 1.3, and what `more` says. */
export async function serverSettings(
  more: Partial<TlsServerSettings> = {},
): Promise<TlsServerSettings> {
  const certificates = more.certificates ?? [await (await testAuthority()).issue()];
  return { protocols: ["TLSv1.2", "TLSv1.3"], ...more, certificates };
}

/** Trusts the test authority alone, verifies, and what `more` says. */
export async function clientSettings(
  more: Partial<TlsClientSettings> = {},
): Promise<TlsClientSettings> {
  return { verify: true, ca: [(await testAuthority()).certificate], ...more };
}

/** Contexts of both sides from the default settings and `options`. */
export async function contexts(
  bench: Bench,
  options: TlsPairOptions = {},
): Promise<{ server: TlsContext; client: TlsContext }> {
  return {
    server: bench.runtime.tls.server(await serverSettings(options.server)),
    client: bench.runtime.tls.client(await clientSettings(options.client)),
  };
}

/** Things that arrive one by one and are awaited one by one. */
export class Arrivals<T> {
  readonly #what: string;
  readonly #here: T[] = [];
  readonly #waiting: ((thing: T) => void)[] = [];

  constructor(what: string) {
    this.#what = what;
  }

  push(thing: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(thing);
    else this.#here.push(thing);
  }

  next(): Promise<T> {
    const here = this.#here.shift();
    if (here !== undefined) return Promise.resolve(here);
    return within(new Promise<T>((resolve) => this.#waiting.push(resolve)), this.#what);
  }
}

/** The promise, or a failure that names what was awaited. */
export function within<T>(promise: Promise<T>, what: string, ms = 15_000): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The promise must fail with a `NetError` that has something to say. */
export async function rejected(promise: Promise<TlsInfo>): Promise<NetError> {
  let error: unknown = null;
  try {
    await within(promise, "the handshake to fail");
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof NetError, `expected a NetError, got ${error}`);
  assert.ok(error.code.length > 0 && error.message.length > 0);
  return error;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Waits until nothing changes any more: the one thing that no event announces. Used to show that
 * something does not happen.
 */
export async function quiet(state: () => unknown, forMs = 150): Promise<void> {
  const deadline = Date.now() + 15_000;
  let last = JSON.stringify(state());
  let since = Date.now();
  while (Date.now() - since < forMs) {
    if (Date.now() > deadline) throw new Error(`did not come to rest: ${last}`);
    await pause(10);
    const now = JSON.stringify(state());
    if (now !== last) since = Date.now();
    last = now;
  }
}

// --- recognisable data --------------------------------------------------------------------------

/** A prime, so that no chunk size divides it: bytes out of place never look right. */
const PERIOD = 65_521;

const tile: Uint8Array = (() => {
  const bytes = new Uint8Array(2 * PERIOD);
  let state = 1;
  for (let i = 0; i < PERIOD; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[i] = bytes[i + PERIOD] = state >> 16;
  }
  return bytes;
})();

/** `size` bytes of one endless sequence, from position `at`. */
export function pattern(size: number, at = 0): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let done = 0; done < size;) {
    const from = (at + done) % PERIOD;
    const part = tile.subarray(from, from + Math.min(PERIOD, size - done));
    parts.push(part);
    done += part.length;
  }
  return parts.length === 0 ? new Uint8Array(0) : Uint8Array.from(concat(parts));
}

/** A sink that holds what comes against the sequence and keeps nothing. */
export function expectPattern(start = 0): (bytes: Uint8Array) => void {
  let at = start;
  return (bytes) => {
    for (let done = 0; done < bytes.length;) {
      const from = (at + done) % PERIOD;
      const size = Math.min(PERIOD, bytes.length - done);
      for (let i = 0; i < size; i++) {
        if (bytes[done + i] !== tile[from + i]) {
          throw new Error(`byte ${at + done + i} of the stream is not what was sent`);
        }
      }
      done += size;
    }
    at += bytes.length;
  };
}

/** Writes `size` bytes of the sequence, each chunk after the drain of the one before. */
export async function send(peer: Peer, size: number, chunk = 64 * 1024, at = 0): Promise<void> {
  for (let sent = 0; sent < size; sent += chunk) {
    const part = pattern(Math.min(chunk, size - sent), at + sent);
    if (!peer.write(part)) await peer.drained;
  }
}
