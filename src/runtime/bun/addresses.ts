/** What Bun's sockets say of themselves, in our words. */

import { type Endpoint, ip, normaliseAddress, unix } from "../../net/address.ts";

type Socket = Pick<Bun.Socket<unknown>, "localAddress" | "localPort">;

/** Our end of a connection to `remote`; null while it is not bound, and when it is closed. */
export function localOf(socket: Socket | null, remote: Endpoint): Endpoint | null {
  if (socket?.localAddress) return ip(normaliseAddress(socket.localAddress), socket.localPort);
  return remote.is === "unix" ? unix("") : null;
}

/** Stands for an end that cannot be told. */
export function unknownLike(remote: Endpoint): Endpoint {
  return ip(remote.is === "ip" && remote.address.includes(":") ? "::" : "0.0.0.0", 0);
}

/** Missing from the published types. */
export function descriptorOf(socket: object): number {
  return (socket as { readonly fd: number }).fd;
}
