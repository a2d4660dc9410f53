/** The handlers of plain sockets, one set for all. They are synchronous: what they throw surfaces. */

import type { BunConnection } from "./connection.ts";

/**
 * For sockets that change to TLS before they are read: Bun would show all ciphertext besides, in copies.
 * One that was refused in `open` has no connection.
 */
export const VEILED: Bun.SocketHandler<BunConnection> = {
  binaryType: "uint8array",
  drain: (socket) => socket.data.writable(),
  end: (socket) => socket.data?.finishedPlain(),
  close: (socket, error) => socket.data?.gone(error),
  error: (socket, error) => {
    if (!socket.data) throw error;
    socket.data.broken(error);
  },
};

/**
 * After a change to TLS the plain socket goes on reporting: the connection knows, and hears only its
 * close.
 */
export const PLAIN: Bun.SocketHandler<BunConnection> = {
  ...VEILED,
  data: (socket, bytes) => socket.data.arrivedPlain(bytes as Uint8Array),
};
