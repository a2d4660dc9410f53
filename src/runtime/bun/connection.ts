/**
 * A `Connection` over Bun's native sockets: the hot path of the whole product.
 *
 * One small object a connection; handlers are shared, there is no closure and no timer a connection or
 * a chunk. A chunk that Bun delivers is a private copy: it is passed on, written and queued as it is.
 * Bun's `write` keeps nothing, so what it did not take is queued here and flushed on `drain`; and its
 * `end` cuts such data off, so FIN is sent by `shutdown` when the queue is empty.
 *
 * `close` is told from a microtask: Bun calls it inside our own calls too, where nobody expects it.
 * Handlers throw what receivers throw: it surfaces as an uncaught exception.
 */

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
import { netError } from "../host.ts";
import { descriptorOf, localOf, unknownLike } from "./addresses.ts";
import { ABORTED, failure, gone, handshakeFailure } from "./failures.ts";
import { Outbox } from "./outbox.ts";
import { pour } from "./pour.ts";
import { type BunContext, judge } from "./tls.ts";
import { Upgrade } from "./upgrade.ts";

export type Native = Bun.Socket<BunConnection>;

/** Shared by every connection that holds nothing. Never written to. */
const NONE: Uint8Array[] = [];

export class BunConnection implements Connection {
  readonly remote: Endpoint;
  tls: TlsInfo | null = null;
  readonly #dialled: boolean;
  #local: Endpoint | null;
  #receiver: Receiver | null = null;
  /** Null until Bun has made one, and after close. */
  #socket: Native | null;
  #error: NetError | null = null;
  #upgrade: Upgrade | null = null;

  /** Output that Bun did not take, when there is any. */
  #outbox: Outbox | null = null;
  /** Input that could not be delivered when it came. */
  #held = NONE;

  /** Fast path in: data goes straight to the receiver. */
  #flowing = false;
  /** Fast path out: open, not changing to TLS, not ending. */
  #ready = false;
  #open = false;
  #paused = false;
  /** Bun reads nothing for us now. */
  #stopped = false;
  /** The plain socket has been given to TLS: what it says is ciphertext. */
  #ciphered = false;
  /** A handshake is done, and whoever awaited it has not had a turn yet. */
  #settling = false;
  #ending = false;
  /** The peer's FIN: seen, and told. */
  #ended = false;
  #endTold = false;
  #drainOwed = false;
  #destroyed = false;
  #closed = false;
  #closeTold = false;

  /** @param socket an accepted one; null for a connection that is to be made. */
  constructor(socket: Native | null, remote: Endpoint, local: Endpoint | null) {
    this.#socket = socket;
    this.remote = remote;
    this.#local = local;
    this.#dialled = socket === null;
    this.#open = this.#ready = !this.#dialled;
  }

  get local(): Endpoint {
    this.#local ??= localOf(this.#socket, this.remote);
    return this.#local ?? unknownLike(this.remote);
  }

  get receiver(): Receiver {
    if (!this.#receiver) throw new TypeError("the connection has no receiver yet");
    return this.#receiver;
  }

  set receiver(receiver: Receiver) {
    this.#receiver = receiver;
    if (!this.#flowing) this.#go();
  }

  get queued(): number {
    return (this.#outbox?.size ?? 0) + (this.#upgrade?.written?.size ?? 0);
  }

  // --- out ---

  write(bytes: Uint8Array): boolean {
    if (!this.#ready || this.#outbox) return this.#writeLater(bytes);
    const taken = this.#socket!.write(bytes);
    if (taken === bytes.length) return true;
    // Below zero it is gone, and `close` is on its way.
    return taken < 0 || this.#enqueue(this.#outbox = new Outbox(), bytes, taken);
  }

  #writeLater(bytes: Uint8Array): boolean {
    if (this.#ending || this.#destroyed || this.#closed || bytes.length === 0) return true;
    if (this.#upgrade) return this.#enqueue(this.#upgrade.written ??= new Outbox(), bytes, 0);
    return this.#enqueue(this.#outbox ??= new Outbox(), bytes, 0);
  }

  #enqueue(outbox: Outbox, bytes: Uint8Array, taken: number): boolean {
    this.#drainOwed = true;
    outbox.add(bytes, taken);
    return this.queued <= HIGH_WATER;
  }

  end(): void {
    if (this.#ending || this.#destroyed || this.#closed) return;
    this.#ending = true;
    this.#ready = false;
    if (this.#open && !this.#upgrade && !this.#outbox) this.#socket!.shutdown();
  }

  /**
   * A stalled peer is reset: what the kernel holds for it would stay for minutes otherwise. An idle one
   * gets an orderly FIN (after close_notify), so that the last bytes written are not lost.
   */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#ready = this.#flowing = false;
    this.#held = NONE;
    const orderly = this.queued === 0 && this.#open && !this.#upgrade;
    this.#outbox = null;
    if (this.#closed) return queueMicrotask(() => this.#tellClose());
    orderly ? this.#socket?.close() : this.#socket?.terminate();
    this.gone();
  }

  /** Bun takes bytes again; on a connection being made this is the news that it is. */
  writable(): void {
    if (!this.#open) this.opened();
    else if (this.#outbox && this.#flush()) this.#emptied();
  }

  /** True when nothing is left, and nothing was lost. */
  #flush(): boolean {
    if (!this.#outbox) return true;
    if (!this.#outbox.flush(this.#socket!) || this.#closed) return false;
    this.#outbox = null;
    return true;
  }

  #emptied(): void {
    if (this.#upgrade) return this.#beginTls(this.#upgrade);
    if (this.#ending) this.#socket!.shutdown();
    if (this.#drainOwed && !this.#settling) this.#tellDrain();
  }

  #tellDrain(): void {
    this.#drainOwed = false;
    this.#receiver?.drain();
  }

  pour(to: Connection): boolean {
    const other = to instanceof BunConnection ? to.#bare : null;
    const rest = this.#bare && other && pour(descriptorOf(this.#bare), descriptorOf(other));
    return rest === null || to.write(rest);
  }

  /** The socket, when nothing stands between our caller and it. */
  get #bare(): Native | null {
    return this.#ready && !this.#outbox && !this.#ciphered ? this.#socket : null;
  }

  // --- in ---

  arrived(bytes: Uint8Array): void {
    this.#flowing ? this.#receiver!.data(bytes) : this.#hold(bytes);
  }

  /** From the plain socket, which goes on showing ciphertext after the change to TLS. */
  arrivedPlain(bytes: Uint8Array): void {
    if (!this.#ciphered) this.arrived(bytes);
  }

  #hold(bytes: Uint8Array): void {
    if (this.#destroyed || this.#closed) return;
    if (!this.#open) {
      this.opened();
      return this.arrived(bytes);
    }
    if (this.#upgrade) return void this.#upgrade.arrived.push(bytes);
    if (this.#held === NONE) this.#held = [];
    this.#held.push(bytes);
    // Nobody wants it now: the kernel and then the peer shall hold the rest.
    if (!this.#settling) this.#stop();
  }

  pause(): void {
    this.#paused = true;
    this.#flowing = false;
    if (this.#open && !this.#upgrade && !this.#settling) this.#stop();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#flowing) this.#go();
  }

  #stop(): void {
    if (this.#stopped || this.#closed || this.#destroyed) return;
    this.#stopped = true;
    this.#socket!.pause();
  }

  #unstop(): void {
    if (!this.#stopped || this.#closed) return;
    this.#stopped = false;
    this.#socket!.resume();
  }

  #mayDeliver(): boolean {
    const may = this.#open && !this.#paused && !this.#settling && !this.#destroyed;
    return may && this.#receiver !== null && !this.#upgrade;
  }

  /** Lets data flow; what is held is delivered first, and not inside the caller's own call. */
  #go(): void {
    if (this.#held !== NONE || this.#ended || this.#closed) queueMicrotask(() => this.#release());
    else if (this.#mayDeliver()) this.#flow();
  }

  #flow(): void {
    this.#flowing = true;
    this.#unstop();
  }

  #release(): void {
    while (this.#held.length > 0 && this.#mayDeliver()) this.#receiver!.data(this.#held.shift()!);
    if (this.#held.length === 0) this.#held = NONE;
    if (this.#closed) return this.#tellClose();
    if (this.#held !== NONE || !this.#mayDeliver()) return;
    this.#flow();
    if (this.#ended) this.#tellEnd();
  }

  finished(): void {
    if (this.#ended || this.#destroyed) return;
    if (!this.#open) this.opened();
    this.#ended = true;
    if (this.#flowing) this.#tellEnd();
  }

  finishedPlain(): void {
    if (!this.#ciphered) this.finished();
  }

  #tellEnd(): void {
    if (this.#endTold) return;
    this.#endTold = true;
    this.#receiver!.end();
  }

  // --- beginning and end ---

  /** Bun has made the socket of a connection that is being established. */
  attach(socket: Native): void {
    if (this.#destroyed) return void socket.terminate();
    this.#socket = socket;
  }

  opened(): void {
    if (this.#open || this.#destroyed || this.#closed) return;
    this.#open = true;
    this.#ready = !this.#ending && !this.#upgrade;
    this.#flowing = this.#mayDeliver();
    if (this.#paused) this.#stop();
    this.#receiver?.open?.();
    const gone = this.#closed || this.#destroyed || this.#ciphered;
    if (!gone && this.#flush()) this.#emptied();
  }

  /** The socket reported an error; `close` comes after it. */
  broken(error: Error): void {
    // Bun sends exceptions of our own here as well: those are bugs, and must surface.
    if (typeof (error as { errno?: unknown }).errno !== "number") throw error;
    this.#error ??= failure(error, this.#open, this.remote);
  }

  /** The socket is closed. Plain and TLS socket both say so; the one that knows why is heard. */
  gone(error?: Error): void {
    // When both sides have ended, a reset is only the other's way to leave.
    const over = this.#destroyed || (this.#ended && this.#ending && !this.#outbox);
    const reason = error ?? (this.#open ? undefined : ABORTED);
    if (reason && !over) this.#error ??= failure(reason, this.#open, this.remote);
    if (this.#closed) return;
    this.#closed = true;
    this.#ready = this.#flowing = false;
    this.#outbox = null;
    queueMicrotask(() => this.#tellClose());
  }

  #tellClose(): void {
    this.#socket = null;
    this.#upgrade?.reject(this.#error ?? gone());
    this.#upgrade = null;
    const receiver = this.#receiver;
    if (this.#closeTold || !receiver) return;
    const orderly = this.#open && !this.#error && !this.#destroyed;
    // Data first, when the order was good; `resume` or `destroy` brings us back.
    if (orderly && this.#held !== NONE) return;
    this.#closeTold = true;
    this.#held = NONE;
    if (orderly) this.#tellEnd();
    receiver.close(this.#error);
  }

  // --- TLS ---

  startTls(context: TlsContext, options: StartTlsOptions = {}): Promise<TlsInfo> {
    if (this.#ciphered || this.#upgrade) throw new TypeError("TLS has been started already");
    if (this.#closed || this.#destroyed) return Promise.reject(this.#error ?? gone());
    return new Promise((resolve, reject) => {
      const upgrade = new Upgrade(context as BunContext, options, this.remote, resolve, reject);
      upgrade.arrived.push(...this.#held);
      this.#held = NONE;
      this.#upgrade = upgrade;
      this.#ready = this.#flowing = false;
      if (this.#open && !this.#outbox) this.#beginTls(upgrade);
      // Until the plaintext has left, the peer's ClientHello may wait in the kernel.
      else if (this.#open) this.#stop();
    });
  }

  #beginTls(upgrade: Upgrade): void {
    if (this.#ended) return this.#failTls(gone());
    this.#unstop();
    this.#ciphered = true;
    try {
      this.#socket = upgrade.begin(this.#socket!, this, this.#dialled);
    } catch (error) {
      this.#failTls(netError(error, "Cannot start TLS"));
    }
  }

  /** @param success false when the handshake failed, and when the server's name does not fit. */
  handshaken(socket: Native, success: boolean, error: Error | null): void {
    const upgrade = this.#upgrade;
    if (!upgrade || this.#closed || this.#destroyed) return;
    this.#socket = socket;
    const failure = handshakeFailure(success, error);
    if (failure) return this.#failTls(failure);
    const outcome = judge(socket, upgrade.context, upgrade.serverName, error);
    if (outcome instanceof NetError) {
      this.#failTls(outcome);
      // At once: who is not trusted shall not even see our certificate.
      return this.#abandon();
    }
    this.tls = outcome;
    this.#upgrade = null;
    this.#settling = true;
    this.#ready = !this.#ending;
    this.#outbox = upgrade.written;
    upgrade.resolve(outcome);
    // Not before whoever awaits the promise, through however many others, has had a turn.
    setImmediate(() => this.#settled());
    if (this.#flush()) this.#emptied();
  }

  #failTls(error: NetError): void {
    this.#error ??= error;
    this.#upgrade?.reject(error);
    this.#upgrade = null;
    // After a failed handshake Bun sends the alert and closes by itself; a reset would overtake it.
    setImmediate(() => this.#abandon());
  }

  #settled(): void {
    this.#settling = false;
    if (this.#closed || this.#destroyed) return;
    if (this.#paused) this.#stop();
    if (this.#drainOwed && !this.#outbox) this.#tellDrain();
    if (!this.#flowing) this.#release();
  }

  #abandon(): void {
    if (this.#closed || this.#destroyed) return;
    this.#socket?.terminate();
    this.gone();
  }
}
