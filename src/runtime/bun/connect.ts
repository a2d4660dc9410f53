/**
 * Connecting. `Bun.connect` cannot be given up while the other host stays silent, so on Linux the socket
 * is made through FFI and handed to Bun while it is still connecting: Bun shows it at once, `terminate`
 * frees it at any time, and the first `drain` says that it is established.
 */

import { isIP } from "node:net";
import { NetError } from "../../core/errors.ts";
import { type Endpoint, formatEndpoint } from "../../net/address.ts";
import type { Connection, ConnectOptions, Receiver } from "../../net/ports.ts";
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
    taken((socket as Native & { readonly fd: number }).fd);
  },
  connectError: (socket, error) => socket.data.gone(error),
};

export function connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection {
  const doing = `Cannot connect to ${formatEndpoint(to)}`;
  const connection = new BunConnection(null, to, null, doing);
  connection.receiver = receiver;
  try {
    dial(connection, to, options, doing);
  } catch (error) {
    connection.gone(error as Error);
  }
  return connection;
}

function dial(
  connection: BunConnection,
  to: Endpoint,
  options: ConnectOptions,
  doing: string,
): void {
  if (to.is === "unix") return open(connection, { unix: to.path }, DIALLED);
  const { localAddress } = options;
  const c = libc();
  const fd = c ? startConnect(c, to, localAddress, doing) : null;
  if (fd !== null) {
    open(connection, { fd }, ADOPTED, options.keepAlive);
    return taken(fd);
  }
  // Names are the resolver's business: Bun would ask the system for them.
  const literal = to.address.split("%")[0];
  if (isIP(literal) === 0) throw new NetError("EINVAL", `${doing}: not an IP address`);
  const { address: hostname, port } = to;
  open(connection, { hostname, port, ...(localAddress && { localAddress }) }, DIALLED);
}

function open(
  data: BunConnection,
  where: object,
  socket: Bun.SocketHandler<BunConnection>,
  keepAlive = false,
): void {
  const options = { ...where, data, socket, allowHalfOpen: true };
  const opening = Bun.connect(options as Bun.TCPSocketConnectOptions<BunConnection>);
  // A failure has been told by `connectError` or `close`.
  opening.then(keepAlive ? startKeepAlive : undefined, ignore);
}

function startKeepAlive(socket: Native): void {
  socket.setKeepAlive(true);
}

function ignore(): void {}
