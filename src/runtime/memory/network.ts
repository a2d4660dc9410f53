/**
 * The network of the memory runtime: listeners by endpoint, connects that are accepted, refused or left
 * hanging, scripted datagram servers. Any address can be bound and dialled, so that a test can play
 * any client, except those of 203.0.113.0/24 (RFC 5737), which are on no interface.
 */

import { errnoText, NetError } from "../../core/errors.ts";
import {
  type Endpoint,
  formatEndpoint,
  inCidr,
  ip,
  normaliseAddress,
  parseAddress,
  parseCidr,
} from "../../net/address.ts";
import type {
  Connection,
  ConnectOptions,
  Datagram,
  DatagramOptions,
  Listener,
  ListenOptions,
  Receiver,
} from "../../net/ports.ts";
import { MemoryConnection } from "./connection.ts";
import type { MemoryFiles } from "./files.ts";
import { MemorySocket, type Wire } from "./socket.ts";

interface Bound {
  readonly at: Endpoint;
  readonly options: ListenOptions;
  readonly accept: (connection: Connection) => void;
}

/** Answers a datagram, or loses it (null). */
export type DatagramServer = (bytes: Uint8Array, from: Endpoint) => Uint8Array | null;

const NOWHERE = parseCidr("203.0.113.0/24")!;

export class MemoryNetwork {
  readonly #wire: Wire;
  readonly #now: () => number;
  readonly #files: MemoryFiles;
  readonly #bound = new Set<Bound>();
  readonly #hanging = new Set<string>();
  readonly #datagramServers = new Map<string, DatagramServer>();
  #nextPort = 49_152;

  constructor(wire: Wire, now: () => number, files: MemoryFiles) {
    this.#wire = wire;
    this.#now = now;
    this.#files = files;
  }

  /** Where somebody listens now, in the order of binding. */
  get listening(): readonly Endpoint[] {
    return [...this.#bound].map(({ at }) => at);
  }

  /** From now on a connect there neither opens nor fails (a host that drops packets). */
  hang(at: Endpoint): void {
    this.#hanging.add(formatEndpoint(at));
  }

  /** A UDP or unix datagram server. */
  answer(at: Endpoint, server: DatagramServer): void {
    this.#datagramServers.set(formatEndpoint(at), server);
  }

  // --- listen ---

  listen(
    at: Endpoint,
    options: ListenOptions,
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    try {
      return Promise.resolve(this.#bind(at, options, accept));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #bind(
    wanted: Endpoint,
    options: ListenOptions,
    accept: (connection: Connection) => void,
  ): Listener {
    const fault = this.#bindFault(wanted, options);
    if (fault) throw failure(fault, `Cannot bind ${formatEndpoint(wanted)}`);
    const at = wanted.is === "ip" && wanted.port === 0 ? ip(wanted.address, this.#port()) : wanted;
    const bound: Bound = { at, options, accept };
    this.#bound.add(bound);
    if (at.is === "unix") this.#files.bind(at.path);
    return { at, close: () => Promise.resolve(this.#unbind(bound)) };
  }

  #bindFault(at: Endpoint, options: ListenOptions): string | null {
    if (at.is === "ip" && !parseAddress(at.address)) return "EINVAL";
    if (inCidr(at, NOWHERE)) return "EADDRNOTAVAIL";
    const taken = at.is === "unix"
      ? this.#files.exists(at.path)
      : at.port !== 0 && [...this.#bound].some((other) => overlap(other, at, options));
    return taken ? "EADDRINUSE" : null;
  }

  #unbind(bound: Bound): void {
    if (!this.#bound.delete(bound)) return;
    if (bound.at.is === "unix") this.#files.remove(bound.at.path);
  }

  #port(): number {
    return this.#nextPort++;
  }

  // --- connect ---

  connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection {
    const { scheduler } = this.#wire;
    const socket = new MemorySocket(this.#wire);
    const unbound = to.is === "unix" ? to : ip(wildcardOf(to.address), 0);
    const client = new MemoryConnection(socket, scheduler, this.#now, unbound, normalised(to));
    client.receiver = receiver;
    if (this.#hanging.has(formatEndpoint(to))) return client;
    scheduler.post(() => {
      if (socket.gone) return;
      const fault = this.#connectFault(to, options);
      const bound = fault === null ? this.#listenerAt(to) : undefined;
      if (bound) this.#join(client, socket, bound, options);
      else {
        const code = fault ?? "ECONNREFUSED";
        socket.fail(failure(code, `Cannot connect to ${formatEndpoint(to)}`));
      }
    });
    return client;
  }

  #connectFault(to: Endpoint, { localAddress }: ConnectOptions): string | null {
    if (to.is === "unix") return this.#files.exists(to.path) ? null : "ENOENT";
    if (!parseAddress(to.address)) return "EINVAL";
    if (inCidr(to, NOWHERE)) return "ENETUNREACH";
    if (localAddress !== undefined && inCidr(ip(localAddress, 0), NOWHERE)) return "EADDRNOTAVAIL";
    return null;
  }

  #listenerAt(to: Endpoint): Bound | undefined {
    const all = [...this.#bound];
    return all.find(({ at }) => formatEndpoint(at) === formatEndpoint(to)) ??
      all.find(({ at, options }) => takes(at, options, to));
  }

  #join(
    client: MemoryConnection,
    socket: MemorySocket,
    { accept }: Bound,
    { localAddress }: ConnectOptions,
  ): void {
    const { scheduler } = this.#wire;
    const to = client.remote;
    const local = to.is === "unix"
      ? { is: "unix", path: "" } as const
      : ip(localAddress ?? loopbackOf(to.address), this.#port());
    const far = new MemorySocket(this.#wire);
    const server = new MemoryConnection(far, scheduler, this.#now, to, normalised(local));
    MemorySocket.join(socket, far);
    client.opened(normalised(local));
    scheduler.post(() => accept(server));
  }

  // --- datagrams ---

  datagram({ family, localAddress }: DatagramOptions): Promise<Datagram> {
    const own: Endpoint = family === "unix"
      ? { is: "unix", path: "" }
      : ip(localAddress ?? (family === 4 ? "127.0.0.1" : "::1"), this.#port());
    let open = true;
    const socket: Datagram = {
      receive: () => {},
      send: (bytes, to) => {
        const sent = bytes.slice();
        this.#wire.scheduler.post(() => {
          const server = this.#datagramServers.get(formatEndpoint(to));
          const reply = open && server ? server(sent, own) : null;
          if (reply) this.#wire.scheduler.post(() => void (open && socket.receive(reply, to)));
        });
      },
      close: () => void (open = false),
    };
    return Promise.resolve(socket);
  }
}

function failure(code: string, doing: string): NetError {
  const text = code === "EADDRINUSE" ? "address in use" : errnoText(code).toLowerCase();
  return new NetError(code, `${doing}: ${text}`);
}

function normalised(at: Endpoint): Endpoint {
  return at.is === "unix" ? at : ip(normaliseAddress(at.address), at.port);
}

function isV6(address: string): boolean {
  return address.includes(":");
}

function wildcardOf(address: string): string {
  return isV6(address) ? "::" : "0.0.0.0";
}

function loopbackOf(address: string): string {
  return isV6(address) ? "::1" : "127.0.0.1";
}

/** Whether a listener on a wildcard address takes what is dialled. */
function takes(at: Endpoint, options: ListenOptions, to: Endpoint): boolean {
  if (at.is === "unix" || to.is === "unix" || at.port !== to.port) return false;
  if (isV6(to.address)) return at.address === "::";
  return at.address === "0.0.0.0" || (at.address === "::" && options.ipv6Only === false);
}

/** Whether both cannot be bound at once. */
function overlap(bound: Bound, at: Endpoint, options: ListenOptions): boolean {
  return formatEndpoint(bound.at) === formatEndpoint(at) || takes(bound.at, bound.options, at) ||
    takes(at, options, bound.at);
}
