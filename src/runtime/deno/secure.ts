/**
 * TLS over a wire: a `TLSSocket` on top of a `Ciphertext`. What the socket has decrypted while its
 * reader pauses is kept here, at most a few records: `Ciphertext` stops feeding it meanwhile.
 */

import process from "node:process";
import type { TLSSocket } from "node:tls";
import { NetError } from "../../core/errors.ts";
import type { TlsContext, TlsInfo } from "../../net/ports.ts";
import { socketError, startHandshake } from "../tls/handshake.ts";
import type { Choice } from "../tls/library.ts";
import { Ciphertext } from "./ciphertext.ts";
import { acceptsKey } from "./hello.ts";
import type { Layer, Sink, Wire } from "./wire.ts";

export class SecureLayer implements Layer {
  readonly #wire: Wire;
  readonly #ciphertext: Ciphertext;
  readonly #socket: TLSSocket;
  readonly #sink: Sink;
  #flowing = false;
  /** Decrypted and not delivered. */
  #inbox: Uint8Array[] = [];
  #ended = false;
  #endTold = false;
  #over = false;

  /** Starts the handshake on a wire that is paused; `done` is called once. */
  constructor(
    wire: Wire,
    context: TlsContext,
    serverName: string | undefined,
    sink: Sink,
    done: (outcome: TlsInfo | NetError) => void,
  ) {
    this.#wire = wire;
    this.#sink = sink;
    this.#ciphertext = new Ciphertext(wire, {
      lost: (error) => this.#fail(error),
      sent: () => this.#tell(() => sink.finished()),
    });
    this.#socket = startHandshake(
      this.#ciphertext,
      context,
      serverName,
      (outcome) => {
        this.#ciphertext.forgetHello();
        done(outcome);
      },
      (choices) => firstFit(choices, this.#ciphertext.hello),
    );
    this.#listen(this.#socket);
    // The socket starts in a later tick, which it has put on the queue before this one.
    process.nextTick(() => this.#ciphertext.release());
  }

  #listen(socket: TLSSocket): void {
    socket.on("data", (bytes: Uint8Array) => {
      this.#inbox.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
      this.#deliver();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#deliver();
    });
    socket.on("drain", () => this.#tell(() => this.#sink.drain()));
    socket.on("finish", () => this.#sendFin());
    socket.on("error", (error) => this.#fail(socketError(error)));
    socket.on("_tlsError", (error: Error) => this.#fail(socketError(error)));
    socket.on("close", () => {
      if (!this.#ended || !socket.writableFinished) this.#fail(LOST);
    });
  }

  get queued(): number {
    return this.#over ? 0 : this.#socket.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (!this.#over) this.#socket.write(bytes);
  }

  end(): void {
    if (!this.#over) this.#socket.end();
  }

  pause(): void {
    this.#flowing = false;
    this.#ciphertext.hold();
  }

  resume(): void {
    if (this.#flowing || this.#over) return;
    this.#flowing = true;
    this.#ciphertext.release();
    if (this.#inbox.length > 0 || this.#ended) queueMicrotask(() => this.#deliver());
  }

  destroy(): void {
    this.#over = true;
    this.#inbox = [];
    this.#socket.destroy();
    this.#wire.destroy();
  }

  #deliver(): void {
    while (this.#flowing && !this.#over && this.#inbox.length > 0) {
      this.#sink.data(this.#inbox.shift()!);
    }
    if (!this.#flowing || this.#over || !this.#ended || this.#endTold) return;
    this.#endTold = true;
    this.#sink.end();
  }

  /** close_notify is on its way through the ciphertext's own queue: FIN must not overtake it. */
  #sendFin(): void {
    setImmediate(() => {
      this.#wire.flushed(() => this.#wire.end());
    });
  }

  #tell(what: () => void): void {
    if (!this.#over) what();
  }

  #fail(error: NetError): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink.failed(error);
  }
}

const LOST = new NetError("ECONNRESET", "connection reset by peer");

/** Of several certificates the first whose key the client knows how to use. */
function firstFit(choices: readonly Choice[], hello: Uint8Array): Choice {
  return choices.find(({ certificates: [one] }) => acceptsKey(hello, one.keyType)) ?? choices[0];
}
