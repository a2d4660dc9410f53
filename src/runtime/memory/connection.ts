/**
 * A `Connection` over a memory socket, plain or with pretended TLS: holding, pausing and the upgrade,
 * by the contract of `net/ports.ts`.
 */

import { concat, EMPTY, encode } from "../../core/bytes.ts";
import { NetError } from "../../core/errors.ts";
import { HIGH_WATER } from "../../core/limits.ts";
import type { Endpoint } from "../../net/address.ts";
import type {
  Connection,
  Receiver,
  StartTlsOptions,
  TlsContext,
  TlsInfo,
} from "../../net/ports.ts";
import { ALERT, DATA, RecordReader, seal } from "./records.ts";
import type { Scheduler } from "./schedule.ts";
import type { MemorySocket, SocketOwner } from "./socket.ts";
import { type Handshake, handshake } from "./tls.ts";

const CLOSE_NOTIFY = encode("close_notify");

interface Upgrade {
  readonly handshake: Handshake;
  settle(outcome: TlsInfo | NetError): void;
}

export class MemoryConnection implements Connection, SocketOwner {
  local: Endpoint;
  readonly remote: Endpoint;
  tls: TlsInfo | null = null;
  readonly #scheduler: Scheduler;
  readonly #socket: MemorySocket;
  readonly #now: () => number;
  #receiver: Receiver | null = null;
  #reader: RecordReader | null = null;
  #upgrade: Upgrade | null = null;
  /** Between the end of the handshake and the first delivery: whoever awaits it comes first. */
  #settling = false;
  /** Received, not delivered yet. */
  #inbox: Uint8Array[] = [];
  /** Written during the handshake. */
  #held: Uint8Array[] = [];
  #paused = false;
  #refused = false;
  #ending = false;
  #endHere = false;
  #endTold = false;
  #destroyed = false;
  #closeTold = false;
  /** What `close` will carry or has carried. */
  #gone: { readonly error: NetError | null } | null = null;

  constructor(
    socket: MemorySocket,
    scheduler: Scheduler,
    now: () => number,
    local: Endpoint,
    remote: Endpoint,
  ) {
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.#now = now;
    this.local = local;
    this.remote = remote;
    socket.owner = this;
  }

  /** For a connection of `connect`: it is established. */
  opened(local: Endpoint): void {
    this.local = local;
    if (!this.#destroyed) this.#receiver?.open?.();
  }

  get receiver(): Receiver {
    if (!this.#receiver) throw new TypeError("the connection has no receiver yet");
    return this.#receiver;
  }

  set receiver(receiver: Receiver) {
    this.#receiver = receiver;
    this.#scheduler.post(() => this.#flow());
    this.#scheduler.post(() => this.#gone && this.#close());
  }

  get queued(): number {
    return this.#held.reduce((size, bytes) => size + bytes.length, this.#socket.queued);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#destroyed || this.#ending || bytes.length === 0) return true;
    if (this.#upgrade) this.#held.push(bytes);
    else this.#send(bytes);
    const more = this.queued <= HIGH_WATER;
    this.#refused ||= !more;
    return more;
  }

  #send(bytes: Uint8Array): void {
    this.#socket.write(this.tls ? seal(DATA, bytes) : bytes);
  }

  pause(): void {
    this.#paused = true;
    this.#listen();
  }

  resume(): void {
    this.#paused = false;
    this.#listen();
    this.#scheduler.post(() => this.#flow());
  }

  end(): void {
    if (this.#destroyed || this.#ending) return;
    this.#ending = true;
    if (!this.#upgrade) this.#sendEnd();
  }

  #sendEnd(): void {
    if (this.tls) this.#socket.write(seal(ALERT, CLOSE_NOTIFY));
    this.#socket.end();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#inbox = [];
    this.#held = [];
    this.#upgrade?.settle(GONE);
    this.#socket.destroy();
  }

  // --- TLS ---

  startTls(context: TlsContext, options: StartTlsOptions = {}): Promise<TlsInfo> {
    if (this.#destroyed || this.#gone) return Promise.reject(GONE);
    const { pending = EMPTY, serverName } = options;
    const early = concat([pending, ...this.#inbox]);
    this.#inbox = [];
    const secured = new Promise<TlsInfo>((resolve, reject) => {
      const settle = (outcome: TlsInfo | NetError) => {
        this.#upgrade = null;
        if (outcome instanceof NetError) reject(outcome);
        else resolve(outcome);
      };
      this.#upgrade = { handshake: handshake(context, serverName, this.#now), settle };
    });
    this.#reader = new RecordReader();
    this.#begin(early);
    return secured;
  }

  #begin(early: Uint8Array): void {
    const first = this.#upgrade?.handshake.start();
    if (first) this.#socket.write(first);
    if (early.length > 0) this.#read(early);
    this.#listen();
    if (this.#endHere) this.#fail(GONE);
  }

  /** Records: to the handshake while there is one, to the inbox afterwards. */
  #read(bytes: Uint8Array): void {
    const reader = this.#reader!;
    reader.push(bytes);
    try {
      for (let record = reader.next(); record; record = reader.next()) {
        if (this.#upgrade) {
          const info = this.#upgrade.handshake.record(record, (out) => this.#socket.write(out));
          if (info) this.#secured(info);
        } else if (record.type === DATA) this.#inbox.push(record.body);
        else if (record.type === ALERT) this.#endHere = true;
      }
    } catch (error) {
      this.#fail(error instanceof NetError ? error : new NetError("EPROTO", String(error)));
    }
  }

  #secured(info: TlsInfo): void {
    this.tls = info;
    this.#settling = true;
    this.#upgrade?.settle(info);
    for (const bytes of this.#held) this.#send(bytes);
    this.#held = [];
    if (this.#ending) this.#sendEnd();
    this.#scheduler.later(() => {
      this.#settling = false;
      this.drained();
      this.#listen();
      this.#flow();
    });
  }

  /** A broken handshake, or broken records after it: what is owed is sent, nothing more is read. */
  #fail(error: NetError): void {
    if (this.#destroyed) return;
    this.#upgrade?.settle(error);
    this.#gone = { error };
    this.destroy();
  }

  // --- SocketOwner ---

  bytes(bytes: Uint8Array): void {
    if (this.#reader) this.#read(bytes);
    else this.#inbox.push(bytes);
    this.#flow();
    this.#listen();
  }

  drained(): void {
    if (!this.#refused || this.#destroyed || this.queued > 0) return;
    this.#refused = false;
    this.#receiver?.drain();
  }

  fin(): void {
    this.#endHere = true;
    if (this.#upgrade) this.#fail(GONE);
    else this.#flow();
  }

  gone(error: NetError | null): void {
    this.#upgrade?.settle(error ?? GONE);
    this.#destroyed = true;
    this.#gone ??= { error };
    this.#close();
  }

  #close(): void {
    if (!this.#receiver || this.#closeTold) return;
    this.#closeTold = true;
    this.#receiver.close(this.#gone?.error ?? null);
  }

  // --- delivery ---

  get #flowing(): boolean {
    return this.#receiver !== null && !this.#paused && !this.#destroyed && !this.#upgrade &&
      !this.#settling;
  }

  /** Lets the socket deliver while there is somebody who takes it. */
  #listen(): void {
    this.#socket.reading = !this.#destroyed &&
      (this.#upgrade !== null || (this.#flowing && this.#inbox.length === 0));
  }

  #flow(): void {
    while (this.#flowing && this.#inbox.length > 0) this.#receiver!.data(this.#inbox.shift()!);
    if (!this.#flowing || this.#inbox.length > 0) return;
    this.#listen();
    if (!this.#endHere || this.#endTold) return;
    this.#endTold = true;
    this.#receiver!.end();
  }
}

/** The peer left, or we did, before the handshake was over. */
const GONE = new NetError("ECONNRESET", "peer closed connection in TLS handshake");
