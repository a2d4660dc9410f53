/**
 * Backends of our own making: such that misbehave on purpose, and one that lets everybody in and leaves
 * the session to the test.
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

/** Lets a client in by POP3, then hands each of its lines to the test. */
export function letIn(socket: Socket, joined: () => void, line: (text: string) => void): void {
  let unread = "";
  socket.write("+OK\r\n");
  socket.on("data", (bytes) => {
    unread += bytes.toString("latin1");
    const lines = unread.split("\r\n");
    unread = lines.pop()!;
    for (const text of lines) {
      const login = /^(?:USER|PASS) /.exec(text);
      if (login === null) line(text);
      else socket.write("+OK\r\n");
      if (login?.[0] === "PASS ") joined();
    }
  });
}
