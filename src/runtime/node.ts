/**
 * Node: `node:net` and `node:tls`. It runs from a transpiled build; the least tuned of the runtimes,
 * and the one whose TLS is plain OpenSSL, with all of its settings.
 */

import * as childProcesses from "node:child_process";
import { connect as dial, createServer, isIP, type ListenOptions as NetListen } from "node:net";
import { type Server, Socket, type SocketConnectOpts } from "node:net";
import process from "node:process";
import { NetError } from "../core/errors.ts";
import { BACKLOG } from "../core/limits.ts";
import { type Endpoint, formatEndpoint, ip, normaliseAddress, unix } from "../net/address.ts";
import type {
  Connection,
  ConnectOptions,
  Feature,
  Listener,
  ListenOptions,
  Receiver,
  Runtime,
} from "../net/ports.ts";
import { clock, datagram, extend, family, files, host, netError, random } from "./host.ts";
import { openToAll } from "./host/unix-socket.ts";
import { bind } from "./node/bind.ts";
import { localOf, NodeConnection, remoteOf } from "./node/connection.ts";
import { makeSessionStore } from "./node/session-store.ts";
import { TLS_LACKS } from "./tls/lacks.ts";
import { makeTlsLibrary } from "./tls/library.ts";

const LACKS: Partial<Record<Feature, string>> = {
  ...TLS_LACKS.node,
  "listen-buffers": "Node cannot set the socket buffers of a listener",
  "listen-keepalive": "Node sets the idle time of TCP keep-alive only, not interval and count",
  "set-open-files": "Node cannot set the limit of open files: raise it before the start, " +
    "by ulimit -n or LimitNOFILE=",
  "unix-datagrams": "Node has no unix datagram sockets: use udp",
};

/** Node's sockets and files. */
export const runtime: Runtime = {
  name: "node",
  versions: { runtime: process.versions.node, tls: `OpenSSL ${process.versions.openssl}` },
  supports: (feature) => LACKS[feature] ?? true,
  listen,
  bind,
  connect,
  datagram,
  tls: makeTlsLibrary({ resumed: "verdict", sessionStore: makeSessionStore }),
  clock,
  random,
  files,
  host: extend(host, family(() => childProcesses)),
};

function listen(
  at: Endpoint,
  options: ListenOptions,
  accept: (connection: Connection) => void,
): Promise<Listener> {
  const { keepAlive } = options;
  const server = createServer({
    allowHalfOpen: true,
    noDelay: true,
    ...(keepAlive && { keepAlive: true, keepAliveInitialDelay: 1000 * (keepAlive.idle ?? 0) }),
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(netError(error, `Cannot bind ${formatEndpoint(at)}`)));
    server.listen(bindOptions(at, options), () => {
      server.removeAllListeners("error");
      // Out of descriptors: libuv has refused the connection, and goes on accepting.
      server.on("error", () => {});
      if (at.is === "unix" && options.descriptor === undefined) openToAll(at.path);
      const bound = boundAddress(server, at);
      server.on("connection", (socket) => arrive(socket, bound, accept));
      resolve(listener(server, bound));
    });
  });
}

function bindOptions(at: Endpoint, options: ListenOptions): NetListen & { fd?: number } {
  const { backlog = BACKLOG, ipv6Only = true, descriptor } = options;
  if (descriptor !== undefined) return { fd: descriptor, backlog };
  if (at.is === "unix") return { path: at.path, backlog };
  const { address: host, port } = at;
  return { host, port, backlog, ipv6Only, exclusive: true };
}

function boundAddress(server: Server, asked: Endpoint): Endpoint {
  const address = server.address();
  if (typeof address === "string") return unix(address);
  return address ? ip(normaliseAddress(address.address), address.port) : asked;
}

function arrive(socket: Socket, bound: Endpoint, accept: (connection: Connection) => void): void {
  if (bound.is === "unix") {
    accept(new NodeConnection(socket, bound, unix("")));
    return;
  }
  // Gone before it was accepted: it has no address any more, and nobody to talk to.
  if (socket.remoteAddress === undefined) socket.destroy();
  else accept(new NodeConnection(socket, localOf(socket), remoteOf(socket)));
}

function listener(server: Server, at: Endpoint): Listener {
  const { _handle: handle } = server as { _handle?: { readonly fd?: number } };
  return {
    at,
    ...(handle?.fd !== undefined && handle.fd >= 0 && { descriptor: handle.fd }),
    close() {
      // Its callback waits for every connection; the listening socket itself is closed at once.
      server.close(() => {});
      return Promise.resolve();
    },
  };
}

function connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection {
  const { localAddress, keepAlive } = options;
  const doing = `Cannot connect to ${formatEndpoint(to)}`;
  const socket = dialled(to, { localAddress, keepAlive, noDelay: true }, doing);
  const connection = new NodeConnection(socket, localBefore(to, localAddress), to, doing);
  connection.receiver = receiver;
  socket.once("connect", () => connection.opened());
  return connection;
}

function dialled(
  to: Endpoint,
  options: { localAddress?: string; keepAlive?: boolean; noDelay: boolean },
  doing: string,
): Socket {
  try {
    if (to.is === "unix") return dial({ path: to.path, allowHalfOpen: true });
    // Names are the resolver's business: node:net would ask the system for them.
    if (isIP(to.address) === 0) throw new NetError("EINVAL", `${doing}: not an IP address`);
    const target = { ...options, host: to.address, port: to.port, allowHalfOpen: true };
    return dial(target as SocketConnectOpts & typeof target);
  } catch (error) {
    return new Socket().destroy(netError(error, doing));
  }
}

function localBefore(to: Endpoint, localAddress: string | undefined): Endpoint {
  if (to.is === "unix") return unix("");
  return ip(localAddress ?? (to.address.includes(":") ? "::" : "0.0.0.0"), 0);
}
