/** Listening with `Bun.listen`: always plain, half-open allowed; FFI sets what Bun has no option for. */

import { type Endpoint, formatEndpoint, ip, normaliseAddress, unix } from "../../net/address.ts";
import type { Connection, Listener, ListenOptions } from "../../net/ports.ts";
import { netError } from "../host.ts";
import { BunConnection, type Native } from "./connection.ts";
import { PLAIN } from "./handlers.ts";
import { boundAddress, libc, tuneListener } from "./libc.ts";

type NativeListener = Bun.SocketListener<BunConnection> & { readonly fd?: number };

export function listen(
  at: Endpoint,
  options: ListenOptions,
  accept: (connection: Connection) => void,
): Promise<Listener> {
  try {
    return Promise.resolve(new BunListener(at, options, accept));
  } catch (error) {
    return Promise.reject(netError(error, `Cannot bind ${formatEndpoint(at)}`));
  }
}

class BunListener implements Listener {
  readonly at: Endpoint;
  readonly descriptor?: number;
  #native: NativeListener | null;

  constructor(at: Endpoint, options: ListenOptions, accept: (connection: Connection) => void) {
    let bound = at;
    const native = bind(at, options, {
      ...PLAIN,
      open: (socket) => arrive(socket, bound, accept),
    });
    this.#native = native;
    const fd = native.fd;
    const c = libc();
    if (fd !== undefined && fd >= 0) {
      this.descriptor = fd;
      if (c) tuneListener(c, fd, options);
    }
    this.at = bound = whereBound(native, at, options);
  }

  close(): Promise<void> {
    this.#native?.stop();
    this.#native = null;
    return Promise.resolve();
  }
}

function bind(
  at: Endpoint,
  options: ListenOptions,
  socket: Bun.SocketHandler<BunConnection>,
): NativeListener {
  const { descriptor, ipv6Only = true, reusePort = false } = options;
  const common = { socket, allowHalfOpen: true };
  if (descriptor !== undefined) {
    return listenAt({ ...common, fd: descriptor });
  }
  if (at.is === "unix") return listenAt({ ...common, unix: at.path });
  const { address: hostname, port } = at;
  return listenAt({
    ...common,
    hostname,
    port,
    reusePort,
    ipv6Only: hostname.includes(":") && ipv6Only,
  });
}

/** Half-open unix sockets and descriptors are missing from the published types. */
function listenAt(options: object): NativeListener {
  return Bun.listen(options as Bun.TCPSocketListenOptions<BunConnection>) as NativeListener;
}

function whereBound(native: NativeListener, at: Endpoint, options: ListenOptions): Endpoint {
  if (options.descriptor !== undefined) {
    const c = libc();
    return (c && boundAddress(c, options.descriptor)) ?? at;
  }
  if (at.is === "unix") return at;
  const { port } = native as unknown as { readonly port: number };
  return ip(normaliseAddress(at.address), port);
}

function arrive(
  socket: Native,
  bound: Endpoint,
  accept: (connection: Connection) => void,
): void {
  // Bun's own limit of idle time, 120 s, which only costs.
  socket.timeout(0);
  if (bound.is === "unix") {
    accept(socket.data = new BunConnection(socket, unix(""), bound));
    return;
  }
  const { remoteAddress } = socket;
  if (!remoteAddress) {
    // Gone before it was accepted: it has no address any more, and nobody to talk to.
    socket.terminate();
    return;
  }
  const remote = ip(normaliseAddress(remoteAddress), socket.remotePort);
  accept(socket.data = new BunConnection(socket, remote, null));
}
