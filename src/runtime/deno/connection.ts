/**
 * A `Connection` over layers: the wire, and after `startTls` TLS over it. It is over, in good order,
 * when our FIN has left and the peer's end was told.
 */

import { EMPTY } from "../../core/bytes.ts";
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
import { GONE } from "../tls/handshake.ts";
import { SecureLayer } from "./secure.ts";
import { type Layer, type Sink, type Transport, Wire } from "./wire.ts";

export class DenoConnection implements Connection {
  local: Endpoint;
  readonly remote: Endpoint;
  tls: TlsInfo | null = null;
  readonly #wire: Wire;
  /** The uppermost: the wire, or TLS over it. */
  #layer: Layer;
  #receiver: Receiver | null = null;
  /** What was written while a handshake was under way. */
  #held: Uint8Array[] = [];
  #upgrading = false;
  /** Data and the end reach the receiver: there is one, and no `startTls` is unsettled. */
  #listening = false;
  /** Rejects the promise of `startTls` while that is pending. */
  #abandon: ((error: NetError) => void) | null = null;
  #paused = false;
  /** A write was answered with false, and no drain has followed. */
  #refused = false;
  #ending = false;
  #finSent = false;
  #ended = false;
  #closed = false;
  /** Closed before there was a receiver to be told. */
  #closeHeld = false;
  #error: NetError | null = null;
  readonly #cancel: () => void;

  /** `cancel` gives up dialling, when it is destroyed before it was opened. */
  constructor(local: Endpoint, remote: Endpoint, cancel: () => void = () => {}) {
    this.local = local;
    this.remote = remote;
    this.#cancel = cancel;
    this.#wire = new Wire(this.#sink());
    this.#layer = this.#wire;
  }

  #sink(): Sink {
    return {
      data: (bytes) => this.#receiver?.data(bytes),
      end: () => this.#onEnd(),
      drain: () => this.#onDrain(),
      finished: () => this.#onFinished(),
      failed: (error) => this.failed(error),
    };
  }

  /** Accepted. */
  carriedBy(transport: Transport): void {
    if (this.#closed) transport.close();
    else this.#wire.open(transport);
  }

  /** Dialled, and established. */
  opened(transport: Transport, local: Endpoint): void {
    this.local = local;
    if (!this.#closed) this.#receiver?.open?.();
    this.carriedBy(transport);
  }

  /** It could not be established, or was lost. */
  failed(error: NetError): void {
    this.#close(error);
  }

  get receiver(): Receiver {
    if (!this.#receiver) throw new TypeError("the connection has no receiver yet");
    return this.#receiver;
  }

  set receiver(receiver: Receiver) {
    const first = this.#receiver === null;
    this.#receiver = receiver;
    if (!first) return;
    if (this.#closeHeld) queueMicrotask(() => receiver.close(this.#error));
    else if (!this.#upgrading) this.#listen();
  }

  get queued(): number {
    return this.#held.reduce((size, bytes) => size + bytes.length, this.#layer.queued);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed || this.#ending || bytes.length === 0) return true;
    if (this.#upgrading) this.#held.push(bytes);
    else this.#layer.write(bytes);
    if (this.queued <= HIGH_WATER) return true;
    this.#refused = true;
    return false;
  }

  pause(): void {
    this.#paused = true;
    if (this.#listening) this.#layer.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#listening) this.#layer.resume();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    if (!this.#upgrading) this.#layer.end();
  }

  destroy(): void {
    this.#close(null);
  }

  startTls(
    context: TlsContext,
    { pending = EMPTY, serverName = literal(this.remote) }: StartTlsOptions = {},
  ): Promise<TlsInfo> {
    this.#upgrading = true;
    this.#listening = false;
    this.#layer.pause();
    return new Promise((resolve, reject) => {
      this.#abandon = (error) => {
        this.#abandon = null;
        reject(error);
      };
      if (this.#closed || this.#ended) {
        this.#abandon(this.#error ?? GONE);
        this.#close(GONE);
        return;
      }
      // Plaintext that is still queued leaves first.
      this.#wire.flushed(() => {
        if (this.#closed) return;
        this.#wire.unread(pending);
        const done = (outcome: TlsInfo | NetError) => this.#settle(outcome, resolve);
        this.#layer = new SecureLayer(this.#wire, context, serverName, this.#sink(), done);
      });
    });
  }

  #settle(outcome: TlsInfo | NetError, resolve: (info: TlsInfo) => void): void {
    if (this.#closed) return;
    if (outcome instanceof NetError) {
      this.#abandon?.(outcome);
      // The alert that says why leaves first.
      setImmediate(() => this.#close(outcome));
      return;
    }
    this.tls = outcome;
    this.#abandon = null;
    this.#layer.pause();
    this.#release();
    resolve(outcome);
    // Not before whoever awaits the promise, through however many others, has had a turn.
    setImmediate(() => this.#listen());
  }

  /** The handshake is done: what was written during it leaves. */
  #release(): void {
    const held = this.#held;
    this.#held = [];
    this.#upgrading = false;
    for (const bytes of held) this.#layer.write(bytes);
    if (this.#ending) this.#layer.end();
  }

  #listen(): void {
    if (this.#receiver === null || this.#closed) return;
    this.#listening = true;
    if (!this.#paused) this.#layer.resume();
  }

  #onDrain(): void {
    if (!this.#refused || this.queued > 0) return;
    this.#refused = false;
    this.#receiver?.drain();
  }

  #onEnd(): void {
    this.#ended = true;
    this.#receiver?.end();
    if (this.#finSent) this.#close(null);
  }

  #onFinished(): void {
    this.#finSent = true;
    if (this.#ended) this.#close(null);
  }

  /** The receiver hears of it later, never from within a call of its own. */
  #close(error: NetError | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#held = [];
    this.#cancel();
    this.#layer.destroy();
    this.#abandon?.(error ?? GONE);
    if (this.#receiver) queueMicrotask(() => this.#receiver?.close(error));
    else this.#closeHeld = true;
  }
}

/** A server that was given no name is verified by its address. */
function literal(at: Endpoint): string | undefined {
  return at.is === "ip" ? at.address : undefined;
}
