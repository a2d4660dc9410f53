/** Listening with `Bun.listen`: always plain, half-open allowed, on a descriptor of ours where possible. */

import { rmSync } from "node:fs";
import { type Endpoint, formatEndpoint, ip, normaliseAddress, unix } from "../../net/address.ts";
import type { Connection, Listener, ListenOptions } from "../../net/ports.ts";
import { netError } from "../host.ts";
import { openToAll } from "../host/unix-socket.ts";
import { descriptorOf } from "./addresses.ts";
import { BunConnection, type Native } from "./connection.ts";
import { type Acceptor, dismiss, enrol, taken } from "./descriptors.ts";
import { PLAIN, VEILED } from "./handlers.ts";
import {
  bindListener,
  boundAddress,
  closeDescriptor,
  duplicate,
  duplicateOf,
  type Libc,
  libc,
  tuneListener,
} from "./libc.ts";

type NativeListener = Bun.TCPSocketListener<BunConnection> & { readonly fd: number };
type Accept = (connection: Connection) => void;

export function listen(at: Endpoint, options: ListenOptions, accept: Accept): Promise<Listener> {
  try {
    const c = libc();
    const listener = c
      ? adopt(c, at, options, accept)
      : new BunListener(at, options, accept, open(at, options));
    if (at.is === "unix" && options.descriptor === undefined) openToAll(at.path);
    enrol(listener);
    return Promise.resolve(listener);
  } catch (error) {
    return Promise.reject(netError(error, `Cannot bind ${formatEndpoint(at)}`));
  }
}

type Open = (socket: Bun.SocketHandler<BunConnection>) => NativeListener;

/** Binds, unless a descriptor was given. */
function adopt(
  c: Libc,
  at: Endpoint,
  options: ListenOptions,
  accept: Accept,
): BunListener {
  const fd = descriptorFor(c, at, options);
  const bound = (at.is === "ip" || options.descriptor !== undefined) && boundAddress(c, fd);
  const listener = new BunListener(
    bound || at,
    options,
    accept,
    (socket) => bunListen({ fd }, socket),
  );
  tuneListener(c, fd, options);
  return listener;
}

function descriptorFor(c: Libc, at: Endpoint, options: ListenOptions): number {
  const { descriptor, keepDescriptor = false } = options;
  if (descriptor === undefined) return bindListener(c, at, options);
  return keepDescriptor ? duplicateOf(c, descriptor) : descriptor;
}

/** Without FFI: what Bun offers by itself. */
function open(at: Endpoint, options: ListenOptions): Open {
  const { descriptor, ipv6Only = true, reusePort = false } = options;
  if (descriptor !== undefined) return (socket) => bunListen({ fd: descriptor }, socket);
  if (at.is === "unix") return (socket) => bunListen({ unix: at.path }, socket);
  const { address: hostname, port } = at;
  const six = hostname.includes(":") && ipv6Only;
  return (socket) => bunListen({ hostname, port, reusePort, ipv6Only: six }, socket);
}

/** Half-open unix sockets, descriptors and `fd` are missing from the published types. */
function bunListen(where: object, socket: Bun.SocketHandler<BunConnection>): NativeListener {
  const options = { ...where, socket, allowHalfOpen: true };
  return Bun.listen(options as Bun.TCPSocketListenOptions<BunConnection>) as NativeListener;
}

export class BunListener implements Listener, Acceptor {
  readonly at: Endpoint;
  readonly #options: ListenOptions;
  #handlers: Bun.SocketHandler<BunConnection>;
  /** Null while put aside, and after close. */
  #native: NativeListener | null;
  /** The listening socket while it is put aside. */
  #aside = -1;

  constructor(at: Endpoint, options: ListenOptions, accept: Accept, open: Open) {
    this.#options = options;
    this.#handlers = {
      ...(options.secure ? VEILED : PLAIN),
      open: (socket) => arrive(socket, this.at, accept),
    };
    this.#native = open(this.#handlers);
    const { port } = this.#native;
    this.at = at.is === "ip" && at.port === 0 ? ip(normaliseAddress(at.address), port) : at;
  }

  get descriptor(): number | undefined {
    return this.#native?.fd ?? (this.#aside < 0 ? undefined : this.#aside);
  }

  /** What is TLS already does not listen to what it is now shown. */
  relax(): void {
    this.#handlers = { ...PLAIN, ...this.#handlers };
    this.#native?.reload({ socket: this.#handlers });
  }

  close(): Promise<void> {
    dismiss(this);
    if (this.descriptor === undefined) return Promise.resolve();
    this.#native?.stop();
    this.#native = null;
    const c = libc();
    if (this.#aside >= 0 && c) closeDescriptor(c, this.#aside);
    this.#aside = -1;
    const { at } = this;
    if (at.is === "unix" && this.#options.descriptor === undefined) {
      rmSync(at.path, { force: true });
    }
    return Promise.resolve();
  }

  suspend(c: Libc): void {
    if (!this.#native) return;
    const fd = duplicate(c, this.#native.fd);
    // None left: it goes on trying, which costs, but nobody is turned away.
    if (fd < 0) return;
    this.#aside = fd;
    this.#native.stop();
    this.#native = null;
  }

  resume(c: Libc): void {
    const fd = this.#aside;
    if (fd < 0) return;
    this.#aside = -1;
    this.#native = bunListen({ fd }, this.#handlers);
    tuneListener(c, fd, this.#options);
  }
}

function arrive(socket: Native, bound: Endpoint, accept: Accept): void {
  // Bun's own limit of idle time, 120 s, which only costs.
  socket.timeout(0);
  if (bound.is === "unix") {
    accept(socket.data = new BunConnection(socket, unix(""), bound));
  } else {
    const { remoteAddress } = socket;
    // Gone before it was accepted: it has no address any more, and nobody to talk to.
    if (!remoteAddress) return socket.terminate();
    const remote = ip(normaliseAddress(remoteAddress), socket.remotePort);
    // On a wildcard address it is looked up when somebody asks.
    const local = bound.address === "0.0.0.0" || bound.address === "::" ? null : bound;
    accept(socket.data = new BunConnection(socket, remote, local));
  }
  taken(descriptorOf(socket));
}
