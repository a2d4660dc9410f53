/**
 * A transcript's stage without I/O: a front and a back machine, the pure halves of the auth client, and
 * a driver in miniature that keeps the same rule as `proxy/session.ts`.
 */

import { type PreparedRequest, prepareRequest, writeRequest } from "../../src/auth/request.ts";
import { inspectResponse } from "../../src/auth/response.ts";
import { type ByteString, concat, decode, EMPTY, encode } from "../../src/core/bytes.ts";
import type { LogContext, LogEvent } from "../../src/core/log.ts";
import { formatEndpoint, ip } from "../../src/net/address.ts";
import type { TlsInfo } from "../../src/net/ports.ts";
import type { Attempt, Back, BackAction, Front } from "../../src/session/machine.ts";
import type { FrontAction, FrontInput } from "../../src/session/machine.ts";
import { formatLine } from "../../src/observe/line.ts";
import { prepareProtocol, type Protocol } from "../../src/session/protocols.ts";
import { serverOf } from "./settings.ts";
import type { Stage } from "./player.ts";
import type { Transcript } from "./transcript.ts";

export const PLAIN_TLS: TlsInfo = {
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  alpn: null,
  sni: null,
  verify: { ok: true, code: "0", text: "ok" },
  peer: null,
  resumed: false,
};

export class MachineStage implements Stage {
  readonly host = "127.0.0.1";
  readonly tls = PLAIN_TLS;
  readonly ports = { backend: 10143, auth: 9, listen: 1, client: 40000 };
  readonly #protocol: Protocol;
  readonly #front: Front;
  readonly #prepared: PreparedRequest;
  #back: Back | null = null;
  #attempt: Attempt | null = null;
  #held: Uint8Array = EMPTY;
  #toClient = "";
  #toBackend = "";
  #log = "";
  #upstream = "";
  #timer: number | null = null;
  #relaying = false;
  #closed = false;
  #ended = { client: false, backend: false };

  constructor(transcript: Transcript) {
    const settings = serverOf(transcript.settings.replaceAll("$AUTH", `${this.ports.auth}`));
    this.#protocol = prepareProtocol(settings.protocol, settings);
    this.#prepared = prepareRequest(settings);
    this.#front = this.#protocol.front();
    const address = ip(this.host, this.ports.client);
    this.#push({
      is: "open",
      peer: { address, host: "[UNAVAILABLE]", proxied: null },
      tls: null,
      salt: "4711.1790000000",
    });
  }

  // --- the driver ----------------------------------------------------------------------------

  #push(input: FrontInput): void {
    for (const action of this.#front.push(input)) this.#perform(action);
    this.#feed();
  }

  #feed(): void {
    while (this.#front.hungry && !this.#closed) {
      if (this.#held.length > 0) {
        const bytes = this.#held.subarray(0, this.#protocol.clientBuffer);
        this.#held = this.#held.subarray(bytes.length);
        for (const action of this.#front.push({ is: "bytes", bytes })) this.#perform(action);
      } else if (this.#ended.client) {
        for (const action of this.#front.push({ is: "eof" })) this.#perform(action);
      } else return;
    }
  }

  #perform(action: FrontAction): void {
    if (this.#closed) throw new Error(`${action.do} follows close`);
    switch (action.do) {
      case "send":
        this.#toClient += decode(action.bytes);
        return;
      case "secure":
        this.#held = EMPTY;
        return;
      case "authenticate":
        this.#attempt = action.attempt;
        return;
      case "dial":
        this.#back = this.#protocol.back(action.login);
        this.#upstream = formatEndpoint(action.target);
        return this.#pushBack(this.#back.push({ is: "open" }));
      case "relay":
        this.#note({ level: "info", message: "client logged in" });
        this.#relaying = true;
        this.#toBackend += decode(action.early) + decode(this.#held);
        this.#held = EMPTY;
        return;
      case "timer":
        this.#timer = action.ms;
        return;
      case "note":
        return this.#note(action.event);
      case "close":
        this.#closed = true;
        return;
    }
  }

  #pushBack(actions: readonly BackAction[]): void {
    for (const action of actions) {
      if (action.do === "send") this.#toBackend += decode(action.bytes);
      else if (action.do === "note") this.#note(action.event);
      else if (action.do === "refused") this.#push({ is: "refused", reply: action.reply });
      else if (action.do === "ready") {
        this.#push({ is: "ready", reply: action.reply });
        this.#toClient += decode(action.rest);
      }
    }
  }

  #note(event: LogEvent): void {
    const context: LogContext = {
      connection: 1,
      client: this.host,
      starttls: this.#front.starttls,
      server: `${this.host}:${this.ports.listen}`,
      login: this.#front.login,
      upstream: this.#upstream,
    };
    this.#log += formatLine(event, context, "2026/01/01 00:00:00", 1) + "\n";
  }

  // --- the stage -----------------------------------------------------------------------------

  send(bytes: Uint8Array): Promise<void> {
    if (this.#relaying) this.#toBackend += decode(bytes);
    else {
      this.#held = concat([this.#held, bytes]);
      this.#feed();
    }
    return Promise.resolve();
  }

  receive(size: number): Promise<ByteString> {
    const taken = this.#toClient.slice(0, size);
    this.#toClient = this.#toClient.slice(size);
    return Promise.resolve(taken);
  }

  sendEof(): Promise<void> {
    this.#ended.client = true;
    if (this.#relaying) this.#noteDone();
    else this.#feed();
    return Promise.resolve();
  }

  receiveEof(): Promise<void> {
    if (this.#closed || this.#ended.backend) return Promise.resolve();
    return Promise.reject(new Error("the client is still connected"));
  }

  receiveEnd(): Promise<void> {
    return this.receiveEof();
  }

  secure(): Promise<void> {
    this.#push({ is: "secured", tls: PLAIN_TLS });
    return Promise.resolve();
  }

  request(): Promise<ByteString> {
    if (!this.#attempt) return Promise.reject(new Error("no auth request"));
    return Promise.resolve(decode(writeRequest(this.#prepared, this.#attempt, "1.0")));
  }

  respond(raw: ByteString): Promise<void> {
    const attempt = this.#attempt!;
    this.#attempt = null;
    const { fault, verdict } = inspectResponse(encode(raw), attempt);
    const why = fault ?? (verdict?.is === "broken" ? verdict.why : null);
    const message = `auth http server ${this.host}:${this.ports.auth} ${why}`;
    if (why !== null) this.#note({ level: "error", message, doing: "in http auth state" });
    this.#push({ is: "verdict", verdict: verdict ?? { is: "broken", why: why ?? "" } });
    return Promise.resolve();
  }

  dropRequest(): Promise<void> {
    return Promise.reject(new Error("needs sockets"));
  }

  backendSend(bytes: Uint8Array): Promise<void> {
    if (this.#relaying) this.#toClient += decode(bytes);
    else this.#pushBack(this.#back!.push({ is: "bytes", bytes }));
    return Promise.resolve();
  }

  backendReceive(size: number): Promise<ByteString> {
    const taken = this.#toBackend.slice(0, size);
    this.#toBackend = this.#toBackend.slice(size);
    return Promise.resolve(taken);
  }

  backendSendEof(): Promise<void> {
    if (!this.#relaying) this.#pushBack(this.#back!.push({ is: "eof" }));
    this.#ended.backend = true;
    this.#noteDone();
    return Promise.resolve();
  }

  backendReceiveEof(): Promise<void> {
    if (this.#ended.client) return Promise.resolve();
    return Promise.reject(new Error("the backend is still connected"));
  }

  refuseBackend(): Promise<void> {
    return Promise.reject(new Error("needs sockets"));
  }

  refuseAuth(): Promise<void> {
    return Promise.reject(new Error("needs sockets"));
  }

  #noteDone(): void {
    if (!this.#ended.client || !this.#ended.backend) return;
    this.#note({ level: "info", message: "proxied session done" });
  }

  pass(ms: number): Promise<void> {
    if (this.#timer !== null) {
      this.#timer -= ms;
      if (this.#timer <= 0) {
        this.#timer = null;
        this.#push({ is: "timeout" });
      }
    }
    return Promise.resolve();
  }

  log(): Promise<string> {
    return Promise.resolve(this.#log);
  }

  leftover(): Promise<ByteString> {
    return Promise.resolve(this.#toClient + this.#toBackend);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
