/** The handlers of plain sockets, one set for all. They are synchronous: what they throw surfaces. */

import type { BunConnection } from "./connection.ts";

/**
 * A socket that was refused in `open` has no connection. After a change to TLS the plain socket goes on
 * reporting: the connection knows, and hears only its close.
 */
export const PLAIN: Bun.SocketHandler<BunConnection> = {
  binaryType: "uint8array",
  data: (socket, bytes) => socket.data.arrivedPlain(bytes as Uint8Array),
  drain: (socket) => socket.data.writable(),
  end: (socket) => socket.data?.finishedPlain(),
  close: (socket, error) => socket.data?.gone(error),
  error: (socket, error) => {
    if (!socket.data) throw error;
    socket.data.broken(error);
  },
};
