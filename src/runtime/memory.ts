/**
 * A runtime without a kernel, for tests: sockets, clock, files and process in memory, always the same
 * from run to run. It keeps the whole contract of `net/ports.ts` (test/contract/memory.test.ts), so
 * what a test sees over it is what a real runtime would show.
 *
 *     const memory = createMemoryRuntime({ chunking: ONE_BYTE });
 *     ...
 *     await memory.settle();      // until nothing moves any more
 *     await memory.advance(1000); // a second later
 */

import type { Endpoint } from "../net/address.ts";
import type {
  Connection,
  ConnectOptions,
  Datagram,
  DatagramOptions,
  Feature,
  Listener,
  ListenOptions,
  Receiver,
  Runtime,
  TlsLibrary,
} from "../net/ports.ts";
import { MemoryClock } from "./memory/clock.ts";
import { MemoryFiles } from "./memory/files.ts";
import { type HostOptions, MemoryHost } from "./memory/host.ts";
import { MemoryNetwork } from "./memory/network.ts";
import { Scheduler } from "./memory/schedule.ts";
import type { Chunking } from "./memory/socket.ts";
import { NO_CIPHERS, NO_RESUMPTION, tls } from "./memory/tls.ts";

export { type DatagramServer } from "./memory/network.ts";
export { Exit } from "./memory/host.ts";
export type { Chunking, HostOptions };

export interface MemoryOptions extends HostOptions {
  /** How received bytes are cut; default `WHOLE`. */
  readonly chunking?: Chunking;
  /** Bytes in flight in one direction before the writer is held up; default 64 KiB. */
  readonly window?: number;
  /** Milliseconds since 1970 at the start; default 2026-01-01. */
  readonly now?: number;
  /** Path to text. */
  readonly files?: Readonly<Record<string, string>>;
  /** Features to lack besides those that are lacking anyway, with the reason. */
  readonly lacks?: Partial<Record<Feature, string>>;
}

/** All that has arrived at once. */
export const WHOLE: Chunking = (available) => available;

/** Every byte on its own: the split that finds the most bugs. */
export const ONE_BYTE: Chunking = () => 1;

const LACKS: Partial<Record<Feature, string>> = {
  "tls-ciphers": NO_CIPHERS,
  "tls-ciphersuites": NO_CIPHERS,
  "tls-prefer-server-ciphers": NO_CIPHERS,
  "tls-curves": NO_CIPHERS,
  "tls-dhparam": NO_CIPHERS,
  "tls-crl": NO_CIPHERS,
  "tls-protocols-old": NO_CIPHERS,
  "tls-prioritize-chacha": NO_CIPHERS,
  "tls-session-cache": NO_RESUMPTION,
  "tls-ticket-keys": NO_RESUMPTION,
  "set-open-files": "The memory runtime has no descriptors",
  "spawn": "The memory runtime has no processes",
};

export class MemoryRuntime implements Runtime {
  readonly name = "memory";
  readonly versions = { runtime: "0", tls: "none" };
  readonly tls: TlsLibrary = tls;
  readonly clock: MemoryClock;
  readonly files: MemoryFiles;
  readonly host: MemoryHost;
  readonly network: MemoryNetwork;
  /** May be changed between steps of a test. */
  chunking: Chunking;
  readonly #scheduler = new Scheduler();
  readonly #lacks: Partial<Record<Feature, string>>;
  #randomState = 1;

  constructor(options: MemoryOptions = {}) {
    this.clock = new MemoryClock(options.now);
    this.files = new MemoryFiles(options.files);
    this.host = new MemoryHost(options);
    this.chunking = options.chunking ?? WHOLE;
    this.#lacks = { ...LACKS, ...options.lacks };
    const wire = {
      scheduler: this.#scheduler,
      chunking: (available: number) => this.chunking(available),
      window: options.window ?? 64 * 1024,
    };
    this.network = new MemoryNetwork(wire, () => this.clock.now(), this.files);
  }

  /** Until nothing is left to do but what waits for the clock. */
  settle(): Promise<void> {
    return this.#scheduler.settle();
  }

  /** Moves the clock on; what each timer sets off is settled before the next one fires. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.monotonic() + ms;
    await this.settle();
    while (this.clock.step(until)) await this.settle();
  }

  supports(feature: Feature): true | string {
    return this.#lacks[feature] ?? true;
  }

  listen(
    at: Endpoint,
    options: ListenOptions,
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    return this.network.listen(at, options, accept);
  }

  connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection {
    return this.network.connect(to, options, receiver);
  }

  datagram(options: DatagramOptions): Promise<Datagram> {
    return this.network.datagram(options);
  }

  /** Predictable, so that salts and identifiers are the same in every run. */
  random = (size: number): Uint8Array => {
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      this.#randomState = (Math.imul(this.#randomState, 1_103_515_245) + 12_345) & 0x7fffffff;
      bytes[i] = this.#randomState >> 16;
    }
    return bytes;
  };
}

export function createMemoryRuntime(options: MemoryOptions = {}): MemoryRuntime {
  return new MemoryRuntime(options);
}
