/**
 * Connecting. `Bun.connect` cannot be given up while the other host stays silent, so on Linux the socket
 * is made through FFI and handed to Bun while it is still connecting: Bun shows it at once, `terminate`
 * frees it at any time, and the first `drain` says that it is established.
 */

import { isIP } from "node:net";
import { NetError } from "../../core/errors.ts";
import type { Endpoint } from "../../net/address.ts";
import type { Connection, ConnectOptions, Receiver } from "../../net/ports.ts";
import { descriptorOf } from "./addresses.ts";
import { BunConnection, type Native } from "./connection.ts";
import { taken } from "./descriptors.ts";
import { PLAIN } from "./handlers.ts";
import { libc, startConnect } from "./libc.ts";

/** A socket of ours, still connecting when Bun opens it. */
const ADOPTED: Bun.SocketHandler<BunConnection> = {
  ...PLAIN,
  open: (socket) => socket.data.attach(socket),
};

/** A socket of Bun's, established when it opens it. */
const DIALLED: Bun.SocketHandler<BunConnection> = {
  ...PLAIN,
  open: (socket) => {
    socket.data.attach(socket);
    socket.data.opened();
    taken(descriptorOf(socket));
  },
  connectError: (socket, error) => socket.data.gone(error),
};

export function connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection {
  const connection = new BunConnection(null, to, null);
  connection.receiver = receiver;
  try {
    dial(connection, to, options);
  } catch (error) {
    connection.gone(error as Error);
  }
  return connection;
}

function dial(data: BunConnection, to: Endpoint, options: ConnectOptions): void {
  if (to.is === "unix") return open({ unix: to.path, data, socket: DIALLED, allowHalfOpen: true });
  const { localAddress, keepAlive } = options;
  const c = libc();
  const fd = c ? startConnect(c, to, localAddress) : null;
  if (fd !== null) {
    open({ fd, data, socket: ADOPTED, allowHalfOpen: true }, keepAlive);
    return taken(fd);
  }
  const { address: hostname, port } = to;
  // Names are the resolver's business: Bun would ask the system for them.
  if (isIP(hostname.split("%")[0]) === 0) throw new NetError("EINVAL", "not an IP address");
  const where = { hostname, port, ...(localAddress && { localAddress }) };
  open({ ...where, data, socket: DIALLED, allowHalfOpen: true }, keepAlive);
}

interface Opening {
  unix?: string;
  fd?: number;
  hostname?: string;
  port?: number;
  data: BunConnection;
  socket: Bun.SocketHandler<BunConnection>;
  allowHalfOpen: boolean;
}

function open(options: Opening, keepAlive = false): void {
  const opening = Bun.connect(options as Bun.TCPSocketConnectOptions<BunConnection>);
  // A failure has been told by `connectError` or `close`.
  opening.then(keepAlive ? startKeepAlive : undefined, ignore);
}

function startKeepAlive(socket: Native): void {
  socket.setKeepAlive(true);
}

function ignore(): void {}
