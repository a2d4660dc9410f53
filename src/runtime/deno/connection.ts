/**
 * A `Connection` over a `Wire`; after `startTls` a `TLSSocket` stands between the two, over a
 * `Ciphertext`. The wire decides when the connection is over, in both cases: when our FIN has left and
 * the peer's end was told, or when it failed.
 */

import process from "node:process";
import type { SecureContext, TLSSocket } from "node:tls";
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
import { GONE, socketError, startHandshake } from "../tls/handshake.ts";
import type { ServerContext } from "../tls/library.ts";
import { Ciphertext } from "./ciphertext.ts";
import { acceptsKey } from "./hello.ts";
import { type Transport, Wire } from "./wire.ts";

export class DenoConnection implements Connection {
  local: Endpoint;
  readonly remote: Endpoint;
  tls: TlsInfo | null = null;
  readonly #wire: Wire;
  #secure: TLSSocket | null = null;
  #ciphertext: Ciphertext | null = null;
  #receiver: Receiver | null = null;
  /** What was written while a handshake was under way. */
  #held: Uint8Array[] = [];
  /** Decrypted, and not delivered: the receiver had paused, or `startTls` had not settled. */
  #inbox: Uint8Array[] = [];
  #upgrading = false;
  /** Data and the end reach the receiver: there is one, and no `startTls` is unsettled. */
  #listening = false;
  /** Rejects the promise of `startTls` while that is pending. */
  #abandon: ((error: NetError) => void) | null = null;
  #paused = false;
  #refused = false;
  #ending = false;
  #finSent = false;
  /** The peer's end was seen, and told. */
  #peerEnded = false;
  #endTold = false;
  #closed = false;
  #closeHeld = false;
  #error: NetError | null = null;
  /** Gives up dialling. */
  readonly #cancel: () => void;

  constructor(local: Endpoint, remote: Endpoint, cancel: () => void = () => {}) {
    this.local = local;
    this.remote = remote;
    this.#cancel = cancel;
    this.#wire = new Wire({
      data: (bytes) => this.#receiver?.data(bytes),
      end: () => this.#ended(),
      drain: () => this.#drained(),
      finished: () => this.#finished(),
      failed: (error) => this.#finish(error),
    });
  }

  /** It is established (or was accepted). */
  opened(transport: Transport, local: Endpoint): void {
    if (this.#closed) {
      transport.close();
      return;
    }
    this.local = local;
    this.#wire.open(transport);
    this.#receiver?.open?.();
  }

  /** It could not be established. */
  failed(error: NetError): void {
    this.#finish(error);
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

  // --- reading ---

  pause(): void {
    this.#paused = true;
    if (this.#listening) (this.#ciphertext?.hold ?? this.#wire.pause).call(this.#ciphertext);
  }
}
