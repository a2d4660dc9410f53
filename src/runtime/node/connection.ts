/**
 * A `Connection` over a `net.Socket`, and over the `TLSSocket` that takes its place after `startTls`.
 * Node's streams keep most of the contract by themselves: they queue, hold data until somebody
 * listens, and close once. Here is the rest: held ends, the change to TLS, our kinds of error.
 */

import type { Socket } from "node:net";
import { EMPTY } from "../../core/bytes.ts";
import { NetError } from "../../core/errors.ts";
import { HIGH_WATER } from "../../core/limits.ts";
import { type Endpoint, ip, normaliseAddress } from "../../net/address.ts";
import type {
  Connection,
  Receiver,
  StartTlsOptions,
  TlsContext,
  TlsInfo,
} from "../../net/ports.ts";
import { GONE, socketError, startHandshake } from "../tls/handshake.ts";

export class NodeConnection implements Connection {
  tls: TlsInfo | null = null;
  readonly remote: Endpoint;
  #local: Endpoint;
  /** The plain socket, later the TLS one. */
  #socket: Socket;
  #receiver: Receiver | null = null;
  /** What was written while a handshake was under way. */
  #held: Uint8Array[] = [];
  #upgrading = false;
  /** Data and the end reach the receiver: there is one, and no `startTls` is unsettled. */
  #listening = false;
  /** Rejects the promise of `startTls` while that is pending. */
  #abandon: ((error: NetError) => void) | null = null;
  #paused = false;
  #ending = false;
  /** The peer's FIN came when nobody could be told. */
  #endHeld = false;
  #destroyed = false;
  #closed = false;
  /** It closed before there was a receiver. */
  #closeHeld = false;
  #error: NetError | null = null;
  /** The start of the sentence when the connection cannot be made. */
  #doing: string | undefined;

  constructor(socket: Socket, local: Endpoint, remote: Endpoint, doing?: string) {
    this.#socket = socket;
    this.#local = local;
    this.remote = remote;
    this.#doing = doing;
    this.#adopt(socket);
  }

  get local(): Endpoint {
    return this.#local;
  }

  /** For a connection of `connect`: it is established. */
  opened(): void {
    this.#doing = undefined;
    if (this.#destroyed) return;
    if (this.#local.is === "ip") this.#local = localOf(this.#socket);
    this.#receiver?.open?.();
  }

  get receiver(): Receiver {
    if (!this.#receiver) throw new TypeError("the connection has no receiver yet");
    return this.#receiver;
  }

  set receiver(receiver: Receiver) {
    const first = this.#receiver === null;
    this.#receiver = receiver;
    if (first && !this.#upgrading) this.#listen();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#destroyed || this.#ending || bytes.length === 0) return true;
    if (!this.#upgrading) return this.#socket.write(bytes);
    this.#held.push(bytes);
    return this.queued <= HIGH_WATER;
  }

  get queued(): number {
    if (this.#destroyed) return 0;
    return this.#held.reduce((size, bytes) => size + bytes.length, this.#socket.writableLength);
  }

  pause(): void {
    this.#paused = true;
    if (this.#listening) this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#listening) this.#socket.resume();
  }

  end(): void {
    if (this.#ending || this.#destroyed) return;
    this.#ending = true;
    if (!this.#upgrading) this.#socket.end();
  }

  destroy(): void {
    this.#destroyed = true;
    this.#held = [];
    this.#socket.destroy();
  }

  startTls(context: TlsContext, options: StartTlsOptions = {}): Promise<TlsInfo> {
    const plain = this.#socket;
    this.#upgrading = true;
    this.#listening = false;
    plain.off("data", this.#onData);
    plain.pause();
    return new Promise((resolve, reject) => {
      this.#abandon = (error) => {
        this.#abandon = null;
        reject(error);
      };
      const begin = () => this.#handshake(plain, context, options, resolve);
      // Plaintext that is still queued leaves first. An empty write is done when all before it are;
      // when it fails, the connection's close tells why.
      if (plain.writableLength === 0 && !plain.connecting) begin();
      else plain.write(EMPTY, (error) => void (error ?? begin()));
    });
  }

  #handshake(
    plain: Socket,
    context: TlsContext,
    { pending = EMPTY, serverName = literal(this.remote) }: StartTlsOptions,
    resolve: (info: TlsInfo) => void,
  ): void {
    if (this.#closed || this.#destroyed || plain.readableEnded) {
      this.#abandon?.(this.#error ?? GONE);
      this.#break(GONE);
      return;
    }
    // The TLS socket takes what the plain one has buffered before it reads on its own.
    if (pending.length > 0) plain.unshift(pending);
    const secure = startHandshake(plain, context, serverName, (outcome) => {
      if (outcome instanceof NetError) {
        this.#abandon?.(outcome);
        this.#break(outcome);
        return;
      }
      this.tls = outcome;
      this.#abandon = null;
      this.#release();
      resolve(outcome);
      // Not before whoever awaits the promise, through however many others, has had a turn.
      setImmediate(() => this.#listen());
    });
    this.#socket = secure;
    this.#adopt(secure);
  }

  /** The handshake is done: what was written during it leaves. */
  #release(): void {
    const held = this.#held;
    this.#held = [];
    this.#upgrading = false;
    if (this.#destroyed) return;
    for (const bytes of held) this.#socket.write(bytes);
    // Who was refused waits for a drain, also when the system took all of it at once.
    const told = held.length === 0 || this.#socket.writableNeedDrain;
    if (!told) this.#socket.write(EMPTY, () => this.#onDrain(this.#socket));
    if (this.#ending) this.#socket.end();
  }

  #adopt(socket: Socket): void {
    socket.on("error", (error) => this.#note(socketError(error, this.#doing)));
    // After a handshake node:tls tells a server of TLS errors by this event alone.
    socket.on("_tlsError", (error: Error) => this.#break(socketError(error)));
    socket.on("drain", () => this.#onDrain(socket));
    socket.on("end", () => this.#onEnd(socket));
    socket.on("close", () => this.#onClose(socket));
  }

  /** Delivers from now on, also what was held. */
  #listen(): void {
    if (this.#receiver === null) return;
    this.#listening = true;
    if (this.#closeHeld || this.#endHeld) queueMicrotask(() => this.#deliverHeld());
    if (this.#paused) this.#socket.pause();
    this.#socket.on("data", this.#onData);
  }

  #deliverHeld(): void {
    if (this.#closeHeld) this.#receiver?.close(this.#error);
    else if (!this.#destroyed) this.#receiver?.end();
    this.#closeHeld = false;
    this.#endHeld = false;
  }

  #onData = (chunk: Uint8Array): void => {
    if (this.#destroyed) return;
    // Not a Buffer outside the runtime: `slice` would mean something else.
    this.#receiver?.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
  };

  #onDrain(socket: Socket): void {
    if (socket === this.#socket && this.queued === 0 && !this.#destroyed) this.#receiver?.drain();
  }

  #onEnd(socket: Socket): void {
    if (this.#destroyed) return;
    // The plain socket ended under the handshake: the TLS one would wait for ever.
    if (socket !== this.#socket) this.#socket.destroy();
    else if (this.#listening) this.#receiver?.end();
    else this.#endHeld = true;
  }

  #onClose(socket: Socket): void {
    if (socket !== this.#socket || this.#closed) return;
    this.#closed = true;
    this.#destroyed = true;
    this.#held = [];
    this.#abandon?.(this.#error ?? GONE);
    if (this.#receiver) this.#receiver.close(this.#error);
    else this.#closeHeld = true;
  }

  /** The first error is the cause, later ones its consequences. After `destroy` there are none. */
  #note(error: NetError): void {
    if (!this.#destroyed) this.#error ??= error;
  }

  #break(error: NetError): void {
    this.#note(error);
    this.destroy();
  }
}

/** A server that was given no name is verified by its address. */
function literal(at: Endpoint): string | undefined {
  return at.is === "ip" ? at.address : undefined;
}

export function localOf(socket: Socket): Endpoint {
  return ip(normaliseAddress(socket.localAddress ?? ""), socket.localPort ?? 0);
}

export function remoteOf(socket: Socket): Endpoint {
  return ip(normaliseAddress(socket.remoteAddress ?? ""), socket.remotePort ?? 0);
}
