/**
 * A backend connection from connect to login: performs what the back machine says, and tells the
 * session how it ended.
 */

import type { NetError } from "../core/errors.ts";
import { EMPTY } from "../core/bytes.ts";
import type { Doing, LogEvent } from "../core/log.ts";
import { type Endpoint, formatEndpoint } from "../net/address.ts";
import type { Connection, Receiver, TlsInfo } from "../net/ports.ts";
import { encodeProxyHeader } from "../net/proxy-encode.ts";
import type { Back, BackAction, BackInput, BackLogin } from "../session/machine.ts";
import type { Service } from "./service.ts";

/** Failures of connect() before a packet has left. */
const AT_ONCE: ReadonlySet<string> = new Set([
  "ENETUNREACH",
  "ENETDOWN",
  "EACCES",
  "EADDRNOTAVAIL",
  "EMFILE",
  "ENFILE",
]);

/** The session's side of a dial. Exactly one of the first two is called, once. */
export interface Dialler {
  /** `rest`: backend bytes beyond the login. */
  ready(reply: Uint8Array | null, rest: Uint8Array): void;
  refused(reply: Uint8Array | null): void;
  note(event: LogEvent): void;
  /** Our end of the client's connection and its TLS, as the PROXY header shall show them. */
  readonly clientLocal: Endpoint;
  readonly clientTls: TlsInfo | null;
}

export class Dial implements Receiver {
  readonly target: Endpoint;
  readonly connection: Connection;
  readonly #service: Service;
  readonly #dialler: Dialler;
  readonly #login: BackLogin;
  readonly #back: Back;
  /** A PROXY header was sent. */
  #introduced = false;
  #done = false;
  #counted = true;

  constructor(service: Service, dialler: Dialler, target: Endpoint, login: BackLogin) {
    this.#service = service;
    this.#dialler = dialler;
    this.#login = login;
    this.#back = service.protocol.back(login);
    this.target = target;
    service.house.capacity.inUse++;
    const { so_keepalive: keepAlive } = service.settings;
    this.connection = service.house.runtime.connect(target, { keepAlive }, this);
  }

  get doing(): Doing {
    const { doing } = this.#back;
    return this.#introduced && doing === "connecting to upstream"
      ? "sending PROXY protocol header to upstream"
      : doing;
  }

  open(): void {
    const { proxy_protocol } = this.#service.settings;
    if (proxy_protocol !== "off") {
      this.#introduced = true;
      const { address } = this.#login.peer;
      const { clientLocal, clientTls } = this.#dialler;
      this.connection.write(encodeProxyHeader(proxy_protocol, address, clientLocal, clientTls));
    }
    this.#push({ is: "open" });
  }

  data(bytes: Uint8Array): void {
    if (!this.#done) this.#push({ is: "bytes", bytes });
  }

  /** A login is far smaller than a queue: nothing waits for this. */
  drain(): void {}

  end(): void {
    if (!this.#done) this.#push({ is: "eof" });
  }

  close(error: NetError | null): void {
    if (this.#done) return;
    if (!error) return this.end();
    // nginx learns of a refusal, as of a reset, when it reads; of what connect() itself says, at once.
    const at = AT_ONCE.has(error.code) ? this.doing : "reading response from upstream";
    const message = AT_ONCE.has(error.code)
      ? `connect() to ${formatEndpoint(this.target)} failed`
      : "recv() failed";
    this.#dialler.note({ level: "error", message, errno: error.errno, doing: at });
    this.#finish(null);
  }

  /** Gives up: the client has left, or the time is over. */
  abandon(): void {
    this.#done = true;
    this.#release();
    this.connection.destroy();
  }

  #push(input: BackInput): void {
    const { phase } = this.#back;
    const actions = this.#back.push(input);
    if (this.#back.phase !== phase && this.#service.log.enabled("debug")) {
      this.#dialler.note({ level: "debug", message: `upstream phase: ${this.#back.phase}` });
    }
    this.#perform(actions);
  }

  #perform(actions: readonly BackAction[]): void {
    for (const action of actions) {
      switch (action.do) {
        case "send":
          this.connection.write(action.bytes);
          break;
        case "note":
          this.#dialler.note(action.event);
          break;
        case "ready":
          this.#done = true;
          this.#release();
          this.#dialler.ready(action.reply, action.rest);
          break;
        case "refused":
          this.#finish(action.reply);
          break;
      }
    }
  }

  /** The relay counts both of its sides itself; a connection that is given up counts no more. */
  #release(): void {
    if (this.#counted) this.#service.house.capacity.inUse--;
    this.#counted = false;
  }

  #finish(reply: Uint8Array | null): void {
    this.#done = true;
    this.#release();
    this.connection.destroy();
    this.#dialler.refused(reply === null ? null : reply.length > 0 ? reply : EMPTY);
  }
}
