/**
 * Sockets for workers, bound through FFI: nothing in this process ever accepts on them. Each worker
 * gets one of its own for an address (SO_REUSEPORT), because workers that share one do not share alike:
 * Bun accepts all that wait, so who wakes first takes them all. Since this process keeps every one of
 * them open, no connection is lost when a worker ends, which is what SO_REUSEPORT is known for.
 */

import { rmSync } from "node:fs";
import { NetError } from "../../core/errors.ts";
import { type Endpoint, formatEndpoint } from "../../net/address.ts";
import type { BoundSocket, ListenOptions } from "../../net/ports.ts";
import { netError } from "../host.ts";
import { openToAll } from "../host/unix-socket.ts";
import { WITHOUT_LIBC } from "./features.ts";
import { bindOnly, bindShared, boundAddress, closeDescriptor, type Libc, libc } from "./libc.ts";

export function bind(
  at: Endpoint,
  options: ListenOptions,
  beside?: BoundSocket,
): BoundSocket | null {
  const c = libc();
  if (!c) throw new NetError("ENOTSUP", WITHOUT_LIBC.spawn);
  try {
    if (!beside) return bound(c, at, bindShared(c, at, options));
    // Unix sockets know no SO_REUSEPORT: theirs is shared.
    if (beside.at.is === "unix") return null;
    // It listens when its worker does: until then the system must give it nothing.
    return bound(c, beside.at, bindOnly(c, beside.at, { ...options, reusePort: true }));
  } catch (error) {
    throw netError(error, `Cannot bind ${formatEndpoint(at)}`);
  }
}

export function release(descriptor: number): void {
  const c = libc();
  if (c) closeDescriptor(c, descriptor);
}

function bound(c: Libc, at: Endpoint, descriptor: number): BoundSocket {
  if (at.is === "unix") openToAll(at.path);
  let open = true;
  return {
    at: at.is === "ip" && at.port === 0 ? boundAddress(c, descriptor) ?? at : at,
    descriptor,
    close() {
      if (!open) return;
      open = false;
      closeDescriptor(c, descriptor);
      if (at.is === "unix") rmSync(at.path, { force: true });
    },
  };
}
