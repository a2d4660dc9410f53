/**
 * Datagrams over `node:dgram`: UDP for DNS and syslog. `node:dgram` has no unix datagram sockets
 * (for /dev/log); an adapter that can make them offers its own.
 */

import { createSocket, type Socket } from "node:dgram";
import { NetError } from "../../core/errors.ts";
import { ip, normaliseAddress } from "../../net/address.ts";
import type { Datagram, DatagramOptions } from "../../net/ports.ts";
import { netError } from "./errno.ts";

/** Rejects with `NetError`: `EADDRNOTAVAIL` for a foreign local address, `ENOTSUP` for unix. */
export function datagram(options: DatagramOptions): Promise<Datagram> {
  if (options.family === "unix") {
    const why = "this runtime has no unix datagram sockets: use udp";
    return Promise.reject(new NetError("ENOTSUP", `Cannot send to a unix socket: ${why}`));
  }
  const socket = createSocket({ type: options.family === 4 ? "udp4" : "udp6" });
  return new Promise((resolve, reject) => {
    const local = options.localAddress ?? (options.family === 4 ? "0.0.0.0" : "::");
    socket.once("error", (error) => {
      socket.close();
      reject(netError(error, `Cannot bind ${local}`));
    });
    socket.bind({ port: 0, address: local }, () => {
      socket.removeAllListeners("error");
      resolve(wrap(socket));
    });
  });
}

function wrap(socket: Socket): Datagram {
  let open = true;
  const port: Datagram = {
    receive: () => {},
    send(bytes, to) {
      if (!open || to.is === "unix") return;
      try {
        socket.send(bytes, to.port, to.address, () => {});
      } catch {
        // Refused before it was sent (port 0, an address of the other family): as good as lost.
      }
    },
    close() {
      if (!open) return;
      open = false;
      socket.close();
    },
  };
  socket.on("error", () => {});
  socket.on("message", (bytes, from) => {
    if (open) port.receive(bytes, ip(normaliseAddress(from.address), from.port));
  });
  return port;
}
