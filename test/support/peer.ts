/**
 * One end of a connection that records what happens to it and lets a test wait for it.
 *
 * Every wait is for an event and bounded in time; when it fails it says what was awaited and what had
 * been seen. What the contract of `Connection` forbids at any moment (events after `close`, data after
 * `end`, while paused or before TLS is settled) is noted in `violations` without being asked for.
 */

import { concat, decode, encode } from "../../src/core/bytes.ts";
import type { NetError } from "../../src/core/errors.ts";
import type {
  Connection,
  Receiver,
  StartTlsOptions,
  TlsContext,
  TlsInfo,
} from "../../src/net/ports.ts";

export type PeerEvent = "open" | "data" | "drain" | "end" | "close" | "secured" | "insecure";

interface Waiter {
  readonly what: string;
  ready(): boolean;
  settle(error: Error | null): void;
}

/** Long enough for a busy machine; nothing waits for it unless something is wrong. */
const PATIENCE_MS = 15_000;

export class Peer {
  readonly label: string;
  /** What the connection talks to; `attach` sets it, `connect` wants it. */
  readonly receiver: Receiver;
  /** In order, without repetition of neighbouring `data`. */
  readonly events: PeerEvent[] = [];
  readonly violations: string[] = [];
  /** All bytes ever received, also those that were taken. */
  received = 0;
  /** What `close` carried; undefined before it came. */
  error: NetError | null | undefined = undefined;
  /** Instead of keeping data for `bytes` and `line`: gets each chunk. */
  sink: ((bytes: Uint8Array) => void) | null = null;

  #connection: Connection | null = null;
  #unread: Uint8Array[] = [];
  #unreadSize = 0;
  #waiters: Waiter[] = [];
  #paused = false;
  #upgrading = false;
  #counts: Record<PeerEvent, number> = {
    open: 0,
    data: 0,
    drain: 0,
    end: 0,
    close: 0,
    secured: 0,
    insecure: 0,
  };

  constructor(label: string) {
    this.label = label;
    this.receiver = {
      open: () => this.#note("open"),
      data: (bytes) => this.#data(bytes),
      drain: () => this.#drain(),
      end: () => this.#end(),
      close: (error) => this.#close(error),
    };
  }

  /** Takes over a connection: for `accept` callbacks, and for what `connect` returned. */
  attach(connection: Connection): this {
    this.#connection = connection;
    connection.receiver = this.receiver;
    return this;
  }

  /** Knows the connection without becoming its receiver (yet). */
  adopt(connection: Connection): this {
    this.#connection = connection;
    return this;
  }

  get connection(): Connection {
    if (!this.#connection) throw new Error(`${this.label} has no connection`);
    return this.#connection;
  }

  get connected(): boolean {
    return this.#connection !== null;
  }

  // --- what a test does ---

  write(data: Uint8Array | string): boolean {
    return this.connection.write(typeof data === "string" ? encode(data) : data);
  }

  pause(): void {
    this.#paused = true;
    this.connection.pause();
  }

  resume(): void {
    this.#paused = false;
    this.connection.resume();
  }

  end(): void {
    this.connection.end();
  }

  destroy(): void {
    this.connection.destroy();
  }

  startTls(context: TlsContext, options?: StartTlsOptions): Promise<TlsInfo> {
    this.#upgrading = true;
    // `then` on the adapter's own promise: the first moment at which a caller can know.
    return this.connection.startTls(context, options).then((info) => {
      this.#upgrading = false;
      this.#note("secured");
      return info;
    }, (error) => {
      this.#note("insecure");
      throw error;
    });
  }

  // --- what a test waits for ---

  get opened(): Promise<void> {
    return this.until("open", () => this.#counts.open > 0);
  }

  /** The peer's FIN. */
  get ended(): Promise<void> {
    return this.until("end", () => this.#counts.end > 0);
  }

  get closed(): Promise<NetError | null> {
    return this.until("close", () => this.#counts.close > 0).then(() => this.error ?? null);
  }

  /** The next `drain`, counted from now. */
  get drained(): Promise<void> {
    const before = this.#counts.drain;
    return this.until("drain", () => this.#counts.drain > before);
  }

  /** Until `n` bytes were received in all. */
  total(n: number): Promise<void> {
    return this.until(`${n} bytes in all`, () => this.received >= n);
  }

  /** Takes exactly the next `n` bytes. */
  async bytes(n: number): Promise<Uint8Array> {
    await this.until(`${n} bytes`, () => this.#unreadSize >= n);
    return this.#take(n);
  }

  /** Takes exactly the next `n` bytes, as a byte string. */
  async text(n: number): Promise<string> {
    return decode(await this.bytes(n));
  }

  /** Takes up to and with the next LF; gives the line without its line end. */
  async line(): Promise<string> {
    await this.until("a line", () => this.#unread.some((chunk) => chunk.includes(0x0a)));
    const whole = concat(this.#unread);
    return decode(this.#take(whole.indexOf(0x0a) + 1)).replace(/\r?\n$/, "");
  }

  /** All that is left, once FIN has come. */
  async rest(): Promise<Uint8Array> {
    await this.ended;
    return this.#take(this.#unreadSize);
  }

  /** Waits until `ready`, which is asked again after each event. */
  until(what: string, ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        what,
        ready,
        settle: (error) => {
          clearTimeout(timer);
          this.#waiters = this.#waiters.filter((other) => other !== waiter);
          if (error) reject(error);
          else resolve();
        },
      };
      const timer = setTimeout(() => waiter.settle(this.#vain(what, "in vain")), PATIENCE_MS);
      this.#waiters.push(waiter);
      if (this.#counts.close > 0) this.#giveUp();
    });
  }

  /** What was received and not taken. */
  get unread(): Uint8Array {
    return concat(this.#unread);
  }

  count(event: PeerEvent): number {
    return this.#counts[event];
  }

  // --- what happens to it ---

  #data(bytes: Uint8Array): void {
    if (bytes.length === 0) this.violations.push("empty data");
    if (this.#paused) this.violations.push("data while paused");
    if (this.#upgrading) this.violations.push("data before startTls settled");
    if (this.#counts.end > 0) this.violations.push("data after end");
    if (this.#counts.secured > 0 && this.connection.tls === null) {
      this.violations.push("data while tls is not set");
    }
    this.received += bytes.length;
    this.#keep(bytes);
    this.#note("data");
  }

  #keep(bytes: Uint8Array): void {
    if (!this.sink) {
      this.#unread.push(bytes);
      this.#unreadSize += bytes.length;
      return;
    }
    try {
      this.sink(bytes);
    } catch (error) {
      // Thrown into an adapter it might be swallowed.
      this.violations.push(String(error));
    }
  }

  #drain(): void {
    if (this.connection.queued > 0) this.violations.push("drain while something is queued");
    this.#note("drain");
  }

  #end(): void {
    if (this.#counts.end > 0) this.violations.push("end twice");
    this.#note("end");
  }

  #close(error: NetError | null): void {
    if (this.#counts.close > 0) this.violations.push("close twice");
    else this.error = error;
    this.#note("close");
  }

  #note(event: PeerEvent): void {
    const gone = this.#counts.close > 0 && event !== "insecure";
    if (gone && event !== "close") this.violations.push(`${event} after close`);
    this.#counts[event]++;
    if (event !== "data" || this.events.at(-1) !== "data") this.events.push(event);
    for (const waiter of [...this.#waiters]) if (waiter.ready()) waiter.settle(null);
    if (this.#counts.close > 0) this.#giveUp();
  }

  /** After `close` nothing more can come: waiting on would only hide the reason. */
  #giveUp(): void {
    const why = this.error ? `closed with ${this.error.code} (${this.error.message})` : "closed";
    for (const waiter of [...this.#waiters]) waiter.settle(this.#vain(waiter.what, why));
  }

  #vain(what: string, why: string): Error {
    const seen = this.events.slice(-20).join(" ") || "nothing";
    return new Error(
      `${this.label} waited for ${what}: ${why}; saw ${seen}; ${this.received} bytes received`,
    );
  }

  #take(n: number): Uint8Array {
    const whole = concat(this.#unread);
    this.#unread = n < whole.length ? [whole.subarray(n)] : [];
    this.#unreadSize = whole.length - n;
    return whole.subarray(0, n);
  }
}
