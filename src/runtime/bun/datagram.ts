/**
 * Datagrams under Bun: UDP is `node:dgram`'s. Unix datagram sockets (for /dev/log), which Bun does not
 * have, are made through FFI. They only send, and never wait: what finds no room is lost.
 */

import type { Endpoint } from "../../net/address.ts";
import type { Datagram, DatagramOptions } from "../../net/ports.ts";
import { datagram as overNode, netError } from "../host.ts";
import { closeDescriptor, type Libc, libc, sendDatagram, unixDatagramSocket } from "./libc.ts";

/** Rejects with `NetError`: `ENOTSUP` for unix where there is no FFI to Linux's libc. */
export function datagram(options: DatagramOptions): Promise<Datagram> {
  const c = options.family === "unix" ? libc() : null;
  if (!c) return overNode(options);
  try {
    return Promise.resolve(new UnixDatagram(c));
  } catch (error) {
    return Promise.reject(netError(error, "Cannot make a unix datagram socket"));
  }
}

class UnixDatagram implements Datagram {
  receive = (): void => {};
  readonly #libc: Libc;
  #descriptor: number;

  constructor(c: Libc) {
    this.#libc = c;
    this.#descriptor = unixDatagramSocket(c);
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (this.#descriptor >= 0) sendDatagram(this.#libc, this.#descriptor, bytes, to);
  }

  close(): void {
    if (this.#descriptor < 0) return;
    closeDescriptor(this.#libc, this.#descriptor);
    this.#descriptor = -1;
  }
}
