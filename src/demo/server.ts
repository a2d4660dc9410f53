/**
 * The part that all demo backends share: a loopback listener, and one pump a connection that feeds a
 * conversation and stops feeding it while the client does not read.
 *
 * A conversation works in small steps, and the pump looks at the output after each: so a client that
 * asks for much and reads nothing costs one step's output, not the whole answer.
 */

import { type ByteString, encode } from "../core/bytes.ts";
import { DEMO_CONNECTIONS, LINGER_MS } from "../core/limits.ts";
import { type Log, SILENT } from "../core/log.ts";
import { type Endpoint, ip } from "../net/address.ts";
import type { Clock, Connection, Listener, Receiver, Runtime } from "../net/ports.ts";
import { Deadline, Wheel } from "../net/wheel.ts";
import { Input } from "./input.ts";

/** One peer's dialogue. The peer's faults are answered, never thrown. */
export interface Conversation {
  /** The first words of the server. */
  greet(): void;
  /** Does one small piece of work; false when it needs more bytes for the next. */
  step(input: Input): boolean;
  /** Milliseconds of silence after which the connection is closed. */
  readonly patience: number;
  /** The connection is gone. */
  close(): void;
}

/** What a conversation can do to its connection. */
export interface Outlet {
  send(output: ByteString | Uint8Array): void;
  /** Closes the connection once everything sent has left; nothing more is read. */
  finish(): void;
  /** Asks for a step although no bytes came. */
  wake(): void;
}

export type Converse = (outlet: Outlet, client: Endpoint) => Conversation;

export interface Backend {
  readonly at: Endpoint & { readonly is: "ip" };
  stop(): Promise<void>;
}

/** Listens on a port of 127.0.0.1 that the kernel chooses. Rejects with a `NetError`. */
export async function serve(
  runtime: Runtime,
  converse: Converse,
  log: Log = SILENT,
): Promise<Backend> {
  const pumps = new Set<Pump>();
  const wheel = new Wheel(runtime.clock, WHEEL_TICK_MS);
  const listener: Listener = await runtime.listen(ip("127.0.0.1", 0), {}, (connection) => {
    if (pumps.size >= DEMO_CONNECTIONS) return refuse(connection);
    const pump = new Pump(connection, converse, wheel, runtime.clock, log);
    pumps.add(pump);
    pump.onClose = () => pumps.delete(pump);
    pump.start();
  });
  if (listener.at.is !== "ip") throw new TypeError("A demo backend listens on TCP");
  return {
    at: listener.at,
    stop: async () => {
      await listener.close();
      for (const pump of [...pumps]) pump.destroy();
    },
  };
}

/** Silence is measured in minutes: a coarse wheel is enough. */
const WHEEL_TICK_MS = 1000;

function refuse(connection: Connection): void {
  connection.receiver = { data() {}, drain() {}, end() {}, close() {} };
  connection.destroy();
}

class Pump extends Deadline implements Receiver, Outlet {
  onClose: () => void = () => {};
  readonly #connection: Connection;
  readonly #conversation: Conversation;
  readonly #input = new Input();
  readonly #wheel: Wheel;
  readonly #clock: Clock;
  readonly #log: Log;
  /** The client does not read: nothing is done for it until it does. */
  #blocked = false;
  /** The client has sent its last byte. */
  #ended = false;
  #closing = false;
  #waking = false;

  constructor(connection: Connection, converse: Converse, wheel: Wheel, clock: Clock, log: Log) {
    super();
    this.#connection = connection;
    this.#wheel = wheel;
    this.#clock = clock;
    this.#log = log;
    this.#conversation = converse(this, connection.remote);
  }

  start(): void {
    this.#connection.receiver = this;
    this.#conversation.greet();
    this.#rearm();
  }

  // --- Receiver ---

  data(bytes: Uint8Array): void {
    if (this.#closing) return;
    this.#rearm();
    this.#input.add(bytes);
    this.#pump();
  }

  drain(): void {
    if (!this.#blocked) return;
    this.#blocked = false;
    this.#rearm();
    this.#pump();
    if (!this.#blocked) this.#connection.resume();
  }

  end(): void {
    this.#ended = true;
    this.#pump();
  }

  close(): void {
    this.#closing = true;
    this.#wheel.disarm(this);
    this.#input.clear();
    this.#conversation.close();
    this.onClose();
  }

  // --- Outlet ---

  send(output: ByteString | Uint8Array): void {
    if (this.#closing) return;
    const bytes = typeof output === "string" ? encode(output) : output;
    if (bytes.length > 0 && !this.#connection.write(bytes)) this.#block();
  }

  finish(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#wheel.arm(this, LINGER_MS);
    this.#connection.resume();
    this.#connection.end();
  }

  wake(): void {
    if (this.#waking || this.#closing) return;
    this.#waking = true;
    // Later, so that a command that changes much wakes an idle client once, and never from within.
    this.#clock.after(0, () => {
      this.#waking = false;
      this.#pump();
    });
  }

  expired(): void {
    this.destroy();
  }

  destroy(): void {
    this.#closing = true;
    this.#wheel.disarm(this);
    this.#connection.destroy();
  }

  #pump(): void {
    try {
      while (!this.#blocked && !this.#closing && this.#conversation.step(this.#input));
    } catch (error) {
      // A fault of ours costs this connection, not the sandbox.
      this.#log.write({ level: "alert", message: `demo backend failed: ${String(error)}` });
      return this.destroy();
    }
    if (this.#ended && !this.#blocked) this.finish();
  }

  #block(): void {
    if (this.#blocked) return;
    this.#blocked = true;
    this.#connection.pause();
  }

  #rearm(): void {
    this.#wheel.arm(this, this.#conversation.patience);
  }
}
