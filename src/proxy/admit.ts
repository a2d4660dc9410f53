/**
 * Admission: everything between accept and the greeting, in order: PROXY header, real address, TLS,
 * reverse name. One deadline (`timeout`) lies over all of it.
 */

import { concat, EMPTY } from "../core/bytes.ts";
import type { NetError } from "../core/errors.ts";
import type { Doing, LogEvent } from "../core/log.ts";
import { addressOf, type Endpoint, formatEndpoint, inCidr } from "../net/address.ts";
import type { Connection, Receiver, Runtime } from "../net/ports.ts";
import { parseProxyHeader, type ProxyAddresses } from "../net/proxy-header.ts";
import { Deadline } from "../net/wheel.ts";
import { type Guest, NO_SEAT } from "./guests.ts";
import { reverseNameOf, UNAVAILABLE } from "./reverse-name.ts";
import { enter, leave, type Service } from "./service.ts";
import { type Admitted, Session } from "./session.ts";
import { describeTls, handshakeFailure } from "./tls.ts";

/** What the listener that accepted a connection asks of it. */
export interface Door {
  readonly service: Service;
  /** The address that is listened on, for log lines: `0.0.0.0:143`, whichever the client came to. */
  readonly text: string;
  /** TLS from the first byte. */
  readonly ssl: boolean;
  readonly proxyProtocol: boolean;
}

export function admit(connection: Connection, door: Door): void {
  const { service } = door;
  const number = ++service.house.counter.connections;
  if (service.log.enabled("info")) noteArrival(connection, door, number);
  if (door.ssl || door.proxyProtocol || wantsName(service)) {
    new Admission(connection, door, number).start();
  } else {
    const peer = { address: connection.remote, host: UNAVAILABLE, proxied: null };
    greet(service, { connection, peer, server: door.text, number, pending: EMPTY }, null);
  }
}

function noteArrival({ remote }: Connection, { service, text }: Door, number: number): void {
  const message = `*${number} client ${formatEndpoint(remote)} connected to ${text}`;
  service.log.write({ level: "info", message });
}

function wantsName({ protocol, resolver }: Service): boolean {
  return protocol.wantsHostName && resolver !== null;
}

/** The session begins; `before` is the guest whose place it takes, if there is one. */
function greet(service: Service, admitted: Omit<Admitted, "salt">, before: Guest | null): void {
  const salt = service.protocol.salted ? newSalt(service.house.runtime) : "";
  new Session(service, { ...admitted, salt }, before).start();
}

/** `R.T`: random and the time in seconds. */
function newSalt({ clock, random }: Runtime): string {
  const [a, b, c, d] = random(4);
  const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return `${number}.${Math.floor(clock.now() / 1000)}`;
}

class Admission extends Deadline implements Receiver, Guest {
  seat: number = NO_SEAT;
  readonly #connection: Connection;
  readonly #door: Door;
  readonly #service: Service;
  readonly #number: number;
  #address: Endpoint;
  #proxied: ProxyAddresses | null = null;
  #pending: Uint8Array = EMPTY;
  #doing: Doing = "sending client greeting line";
  #securing = false;
  #over = false;

  constructor(connection: Connection, door: Door, number: number) {
    super();
    this.#connection = connection;
    this.#door = door;
    this.#service = door.service;
    this.#address = connection.remote;
    this.#number = number;
    enter(this.#service.house, this);
  }

  start(): void {
    this.#connection.receiver = this;
    this.#service.house.wheel.arm(this, this.#service.settings.timeout);
    if (this.#door.proxyProtocol) this.#doing = "reading PROXY protocol";
    else this.#secure();
  }

  // --- PROXY header --------------------------------------------------------------------------

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#pending = this.#pending.length === 0 ? bytes : concat([this.#pending, bytes]);
    if (this.#doing === "reading PROXY protocol") this.#header();
    else if (this.#pending.length >= this.#service.protocol.clientBuffer) this.#connection.pause();
  }

  #header(): void {
    const header = parseProxyHeader(this.#pending);
    if (header.is === "more") return;
    if (header.is === "broken") {
      this.#note({ level: "error", message: header.why, doing: this.#doing });
      return this.evict();
    }
    this.#pending = this.#pending.subarray(header.size);
    this.#proxied = header.addresses;
    this.#debug(() => `PROXY header: ${describeProxied(header.addresses)}`);
    const trusted = this.#service.settings.set_real_ip_from;
    if (header.addresses && trusted.some((range) => inCidr(this.#connection.remote, range))) {
      this.#address = header.addresses.source;
    }
    this.#doing = "SSL handshaking";
    this.#secure();
  }

  // --- TLS -----------------------------------------------------------------------------------

  #secure(): void {
    if (!this.#door.ssl) return this.#lookUp();
    this.#doing = "SSL handshaking";
    this.#securing = true;
    const pending = this.#pending;
    this.#pending = EMPTY;
    this.#connection.startTls(this.#service.tls!, { pending }).then(
      (tls) => {
        this.#debug(() => describeTls(tls));
        this.#securing = false;
        if (!this.#over) this.#lookUp();
      },
      (error: NetError) => {
        if (this.#over) return;
        this.#note({ level: "info", ...handshakeFailure(error), doing: "SSL handshaking" });
        this.evict();
      },
    );
  }

  // --- reverse name --------------------------------------------------------------------------

  #lookUp(): void {
    if (!wantsName(this.#service)) return this.#greet();
    this.#doing = "in resolving client address";
    reverseNameOf(this.#address, this.#service.resolver!, (event) => this.#note(event)).then(
      (name) => {
        this.#debug(() => `the client's name is ${name}`);
        if (!this.#over) this.#greet(name);
      },
    );
  }

  // --- the end -------------------------------------------------------------------------------

  #greet(host: string = UNAVAILABLE): void {
    this.#over = true;
    this.#service.house.wheel.disarm(this);
    const admitted = {
      connection: this.#connection,
      peer: { address: this.#address, host, proxied: this.#proxied },
      server: this.#door.text,
      number: this.#number,
      pending: this.#pending,
    };
    greet(this.#service, admitted, this);
  }

  drain(): void {}

  /** A client that leaves before it was greeted wants nothing. */
  end(): void {
    if (!this.#securing) this.evict();
  }

  close(): void {
    // A handshake that failed says so through its promise.
    if (!this.#securing) this.#leave();
  }

  override expired(): void {
    // As in nginx, a handshake that takes too long leaves no line.
    if (!this.#securing) {
      const errno = "(110: Connection timed out)";
      this.#note({ level: "info", message: "client timed out", errno, doing: this.#doing });
    }
    this.evict();
  }

  retire(): void {
    this.evict();
  }

  evict(): void {
    this.#leave();
    this.#connection.destroy();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#service.house.wheel.disarm(this);
    leave(this.#service.house, this);
  }

  #debug(message: () => string): void {
    if (this.#service.log.enabled("debug")) this.#note({ level: "debug", message: message() });
  }

  #note(event: LogEvent): void {
    const { log } = this.#service;
    if (!log.enabled(event.level)) return;
    log.write(event, {
      connection: this.#number,
      client: addressOf(this.#address),
      starttls: false,
      server: this.#door.text,
      login: "",
      upstream: "",
    });
  }
}

function describeProxied(addresses: ProxyAddresses | null): string {
  if (addresses === null) return "no addresses";
  return `${formatEndpoint(addresses.source)} to ${formatEndpoint(addresses.destination)}`;
}
