/**
 * Where `Deno.connect` and `Deno.listen` cannot do it (a local address, an inherited descriptor), a
 * `net.Socket` in the shape of a `Deno.Conn`. And how to dial, either way.
 */

import { connect, isIP, type Socket } from "node:net";
import { NetError } from "../../core/errors.ts";
import { type Endpoint, formatEndpoint, ip, normaliseAddress, unix } from "../../net/address.ts";
import type { ConnectOptions } from "../../net/ports.ts";
import type { Transport } from "./wire.ts";

export interface Dialled {
  readonly transport: Transport;
  readonly local: Endpoint;
}

/** Rejects with whatever Deno throws; aborting frees the descriptor at once. */
export async function dial(
  to: Endpoint,
  options: ConnectOptions,
  signal: AbortSignal,
): Promise<Dialled> {
  if (to.is === "unix") {
    const conn = await Deno.connect({ transport: "unix", path: to.path });
    return { transport: conn, local: unix("") };
  }
  const doing = `Cannot connect to ${formatEndpoint(to)}`;
  // Names are the resolver's business.
  if (isIP(to.address) === 0) throw new NetError("EINVAL", `${doing}: not an IP address`);
  if (options.localAddress !== undefined) return await dialFrom(to, options, signal, doing);
  const conn = await Deno.connect({ hostname: to.address, port: to.port, signal });
  tune(conn, options.keepAlive ?? false);
  return { transport: conn, local: endpointOf(conn.localAddr) };
}

export function tune(conn: Deno.TcpConn, keepAlive: boolean): void {
  try {
    conn.setNoDelay(true);
    if (keepAlive) conn.setKeepAlive(true);
  } catch {
    // Some systems refuse options on a connection that the peer has reset; reading will tell.
  }
}

/** `Deno.connect` has no local address. */
function dialFrom(
  to: { readonly address: string; readonly port: number },
  { localAddress, keepAlive }: ConnectOptions,
  signal: AbortSignal,
  doing: string,
): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const target = { host: to.address, port: to.port, localAddress, allowHalfOpen: true };
    const socket = connect({ ...target, noDelay: true, keepAlive });
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      // Deno says EINVAL of every address that cannot be bound.
      reject(
        error.syscall === "bind"
          ? new NetError("EADDRNOTAVAIL", `${doing}: cannot assign requested address`)
          : error,
      );
    });
    socket.once("connect", () => {
      const local = ip(normaliseAddress(socket.localAddress ?? ""), socket.localPort ?? 0);
      resolve({ transport: new NodeTransport(socket), local });
    });
  });
}

export function endpointOf(address: Deno.Addr): Endpoint {
  if (address.transport === "tcp" || address.transport === "udp") {
    return ip(normaliseAddress(address.hostname), address.port);
  }
  return unix("path" in address ? address.path ?? "" : "");
}

export class NodeTransport implements Transport {
  readonly #socket: Socket;
  #rest: Uint8Array | null = null;
  #error: Error | null = null;
  /** Who waits for the socket to become readable, to end or to close. */
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", (error) => this.#error ??= error);
    for (const event of ["readable", "end", "close"]) socket.on(event, () => this.#wake());
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk: Uint8Array | null = this.#rest ?? this.#socket.read();
      if (chunk) return this.#copy(chunk, into);
      if (this.#error) throw this.#error;
      if (this.#socket.readableEnded || this.#socket.destroyed) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  #copy(chunk: Uint8Array, into: Uint8Array): number {
    const size = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, size));
    this.#rest = size < chunk.length ? chunk.subarray(size) : null;
    return size;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    this.#socket.destroy();
  }
}
