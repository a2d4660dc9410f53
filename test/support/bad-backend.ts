/**
 * A TCP server that misbehaves on purpose: a backend that greets with an error, never, or with too much.
 */

import { type AddressInfo, createServer, type Socket } from "node:net";

export interface BadBackend {
  readonly port: number;
  /** Connections accepted so far. */
  readonly accepted: number;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startBadBackend(behave: (socket: Socket) => void): Promise<BadBackend> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.resume();
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
