/**
 * `test-auth --login`: goes on to the backend that the auth server named, with the dialling code and the
 * back machine of the proxy itself, and keeps the dialogue. Passwords in it are masked: in our commands by
 * their place, in the backend's replies wherever they are repeated.
 */

import { type ByteString, decode } from "../core/bytes.ts";
import type { ServerSettings } from "../config/settings.ts";
import { SILENT } from "../core/log.ts";
import type { LogEvent } from "../core/log.ts";
import { type Endpoint, ip } from "../net/address.ts";
import type { Connection, Receiver, Runtime, TlsInfo } from "../net/ports.ts";
import { Dial, type Dialler } from "../proxy/dial.ts";
import { newHouse, type Service } from "../proxy/service.ts";
import type { Authenticator, BackLogin } from "../session/machine.ts";
import { prepareProtocol } from "../session/protocols.ts";
import { plainMessage } from "../wire/sasl.ts";
import { type Decision, shown } from "./auth-decision.ts";
import { type Asked, isToken } from "./auth-question.ts";
import { guessBackend } from "./guesses.ts";
import { CLIENT_PORT } from "./options.ts";

export interface BackendLogin {
  readonly is: "ready" | "refused" | "unreachable";
  readonly target: Endpoint;
  readonly transcript: readonly Line[];
  /** Null when it went well. */
  readonly why: string | null;
  readonly totalMs: number;
}

export interface Line {
  readonly from: "proxy" | "backend";
  /** One line, masked, without its end. */
  readonly text: string;
}

/** The tag that a client might use. */
const TAG = "a1";
const MASK = "****";

export function logIn(
  runtime: Runtime,
  settings: ServerSettings,
  asked: Asked,
  decision: Extract<Decision, { is: "allowed" }>,
): Promise<BackendLogin> {
  const login = loginOf(asked, decision);
  return new Promise((resolve) =>
    new Trial(runtime, settings, asked.tls, decision.target, login, resolve)
  );
}

/** As a front machine makes it from a verdict. */
function loginOf(asked: Asked, decision: Extract<Decision, { is: "allowed" }>): BackLogin {
  const { protocol, method, envelope, clientIp } = asked;
  // A token goes where a password would: some backends take it as one.
  const own = method === "plain" || isToken(method) ? asked.password : null;
  return {
    protocol,
    method,
    user: decision.user ?? (method === "none" ? "" : asked.user),
    password: decision.password ?? own,
    tag: TAG,
    peer: { address: ip(clientIp, CLIENT_PORT), host: "[UNAVAILABLE]", proxied: null },
    helo: envelope?.helo ?? "",
    esmtp: true,
    envelope,
  };
}

/** Where a client would have come in, as a PROXY header tells it. */
function listenerOf({ listen }: ServerSettings): Endpoint {
  const at = listen.flatMap((each) => each.at).find((each) => each.is === "ip");
  if (at === undefined || at.is !== "ip") return ip("127.0.0.1", CLIENT_PORT);
  // A wildcard is nobody's address.
  return /^(?:0\.0\.0\.0|::)$/.test(at.address) ? ip("127.0.0.1", at.port) : at;
}

/** Nobody is asked again. */
const NO_AUTHENTICATOR: Authenticator = {
  ask: () => Promise.resolve({ is: "broken", why: "not asked" }),
  close: () => {},
};

class Trial implements Dialler {
  readonly clientLocal: Endpoint;
  readonly clientTls: TlsInfo | null;
  readonly #settings: ServerSettings;
  readonly #target: Endpoint;
  readonly #clock: Runtime["clock"];
  readonly #begun: number;
  readonly #transcript: Line[] = [];
  readonly #mask: Masking;
  readonly #resolve: (login: BackendLogin) => void;
  readonly #dial: Dial;
  #why: string | null = null;
  #connected = false;

  constructor(
    runtime: Runtime,
    settings: ServerSettings,
    clientTls: TlsInfo | null,
    target: Endpoint,
    login: BackLogin,
    resolve: (login: BackendLogin) => void,
  ) {
    this.clientLocal = listenerOf(settings);
    this.clientTls = clientTls;
    this.#settings = settings;
    this.#target = target;
    this.#clock = runtime.clock;
    this.#begun = runtime.clock.monotonic();
    this.#mask = new Masking(login);
    this.#resolve = resolve;
    const tapped = tapping(runtime, {
      opened: () => this.#connected = true,
      sent: (bytes) => this.#keep("proxy", this.#mask.sent(decode(bytes))),
      received: (bytes) => this.#keep("backend", this.#mask.received(decode(bytes))),
    });
    this.#dial = new Dial(serviceOf(tapped, settings), this, target, login);
    const timer = this.#clock.after(settings.timeout, () => this.#expired());
    this.#timer = timer;
  }

  #timer: { cancel(): void };

  ready(): void {
    this.#dial.connection.destroy();
    this.#finish("ready");
  }

  refused(): void {
    this.#finish(this.#connected ? "refused" : "unreachable");
  }

  note({ level, message, errno }: LogEvent): void {
    if (level !== "debug") this.#why = errno === undefined ? message : `${message} ${errno}`;
  }

  #expired(): void {
    const { doing } = this.#dial;
    const silent = this.#connected && doing === "connecting to upstream";
    this.#why = silent ? "no greeting in time" : `timed out while ${doing}`;
    this.#dial.abandon();
    this.#finish(this.#connected ? "refused" : "unreachable");
  }

  #keep(from: Line["from"], text: ByteString): void {
    for (const line of text.replace(/\r?\n$/, "").split(/\r?\n/)) {
      this.#transcript.push({ from, text: shown(line) });
    }
  }

  #reason(is: BackendLogin["is"]): string {
    const why = this.#mask.received(this.#why ?? "the login was refused");
    if (is === "unreachable") return why;
    const greeting = this.#transcript.find(({ from }) => from === "backend")?.text ?? null;
    const { protocol, proxy_protocol } = this.#settings;
    const guess = guessBackend(greeting, protocol, proxy_protocol !== "off");
    return guess === null ? why : `${why}; ${guess}`;
  }

  #finish(is: BackendLogin["is"]): void {
    this.#timer?.cancel();
    this.#resolve({
      is,
      target: this.#target,
      transcript: this.#transcript,
      why: is === "ready" ? null : this.#reason(is),
      totalMs: this.#clock.monotonic() - this.#begun,
    });
  }
}

function serviceOf(runtime: Runtime, settings: ServerSettings): Service {
  return {
    settings,
    protocol: prepareProtocol(settings.protocol, settings),
    authenticator: NO_AUTHENTICATOR,
    tls: null,
    resolver: null,
    log: SILENT,
    house: newHouse(runtime),
  };
}

// --- masking -------------------------------------------------------------------------------------

/** Hides the password of one login in its dialogue. */
class Masking {
  readonly #password: string;
  readonly #plain: string;

  constructor({ user, password }: BackLogin) {
    this.#password = password?.reveal() ?? "";
    this.#plain = this.#password === "" ? "" : plainMessage(user, this.#password);
  }

  /** One write of ours. The password stands at its end, wherever the protocol puts it. */
  sent(text: ByteString): ByteString {
    if (/^PASS /.test(text)) return `PASS ${MASK}`;
    if (/^AUTH PLAIN /.test(text)) return `AUTH PLAIN ${MASK}`;
    const login = /^(\S+ LOGIN "[^"]*") "[^"]*"\r\n$/.exec(text);
    if (login !== null) return `${login[1]} "${MASK}"`;
    if (this.#password !== "" && text === `${this.#password}\r\n`) return MASK;
    // How long a password is, is part of it.
    return text.replace(
      /^(.*) \{\d+\}\r\n$/s,
      (whole, before: string) => / LOGIN$/.test(before) ? whole : `${before} {${MASK}}`,
    );
  }

  /** What the backend says: some repeat a bad command. */
  received(text: ByteString): ByteString {
    if (this.#password === "") return text;
    return text.replaceAll(this.#plain, MASK).replaceAll(this.#password, MASK);
  }
}

// --- listening in --------------------------------------------------------------------------------

interface Tap {
  opened(): void;
  sent(bytes: Uint8Array): void;
  received(bytes: Uint8Array): void;
}

/** The same runtime, whose connections can be listened in on. */
function tapping(runtime: Runtime, tap: Tap): Runtime {
  return {
    name: runtime.name,
    versions: runtime.versions,
    supports: (feature) => runtime.supports(feature),
    listen: (at, options, accept) => runtime.listen(at, options, accept),
    connect: (to, options, receiver) =>
      new Tapped(runtime.connect(to, options, new TappedReceiver(receiver, tap)), tap),
    datagram: (options) => runtime.datagram(options),
    tls: runtime.tls,
    clock: runtime.clock,
    random: runtime.random,
    files: runtime.files,
    host: runtime.host,
  };
}

class TappedReceiver implements Receiver {
  readonly inner: Receiver;
  readonly #tap: Tap;

  constructor(inner: Receiver, tap: Tap) {
    this.inner = inner;
    this.#tap = tap;
  }

  open(): void {
    this.#tap.opened();
    this.inner.open?.();
  }

  data(bytes: Uint8Array): void {
    this.#tap.received(bytes);
    this.inner.data(bytes);
  }

  drain(): void {
    this.inner.drain();
  }

  end(): void {
    this.inner.end();
  }

  close(error: Parameters<Receiver["close"]>[0]): void {
    this.inner.close(error);
  }
}

class Tapped implements Connection {
  readonly #inner: Connection;
  readonly #tap: Tap;

  constructor(inner: Connection, tap: Tap) {
    this.#inner = inner;
    this.#tap = tap;
  }

  get local(): Endpoint {
    return this.#inner.local;
  }

  get remote(): Endpoint {
    return this.#inner.remote;
  }

  get tls(): TlsInfo | null {
    return this.#inner.tls;
  }

  get queued(): number {
    return this.#inner.queued;
  }

  get receiver(): Receiver {
    const { receiver } = this.#inner;
    return receiver instanceof TappedReceiver ? receiver.inner : receiver;
  }

  set receiver(receiver: Receiver) {
    this.#inner.receiver = new TappedReceiver(receiver, this.#tap);
  }

  write(bytes: Uint8Array): boolean {
    this.#tap.sent(bytes);
    return this.#inner.write(bytes);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  startTls(...args: Parameters<Connection["startTls"]>): Promise<TlsInfo> {
    return this.#inner.startTls(...args);
  }

  end(): void {
    this.#inner.end();
  }

  destroy(): void {
    this.#inner.destroy();
  }
}
