/**
 * Sockets for workers under Node: bound, and never listened on here, for to listen is to accept there.
 * Workers share the one socket of an address; Node cannot spread over several.
 */

import { rmSync } from "node:fs";
import * as net from "node:net";
import { getSystemErrorName } from "node:util";
import type { NetError } from "../../core/errors.ts";
import { type Endpoint, formatEndpoint, ip, normaliseAddress } from "../../net/address.ts";
import type { BoundSocket, ListenOptions } from "../../net/ports.ts";
import { netError } from "../host.ts";
import { openToAll } from "../host/unix-socket.ts";

/** A socket of Node's own, or the number of what went wrong. */
interface Handle {
  readonly fd: number;
  getsockname?(out: { address?: string; port?: number }): number;
  close(): void;
}

/**
 * What Node's cluster module binds with; exported, stable for a decade and undocumented. Public ways
 * accept at once, and a master that accepts loses what it does not serve.
 */
const { _createServerHandle: createHandle } = net as unknown as {
  _createServerHandle(
    address: string,
    port: number,
    family: 4 | 6 | -1,
    fd?: number,
    flags?: number,
  ): Handle | number;
};

/** libuv's UV_TCP_IPV6ONLY. */
const IPV6_ONLY = 1;

export function bind(
  at: Endpoint,
  options: ListenOptions,
  beside?: BoundSocket,
): BoundSocket | null {
  if (beside) return null;
  const handle = handleFor(at, options);
  if (typeof handle === "number") throw failure(handle, at);
  const bound = addressOf(handle, at);
  if (typeof bound === "number") {
    handle.close();
    throw failure(bound, at);
  }
  if (at.is === "unix") openToAll(at.path);
  let open = true;
  return {
    at: bound,
    descriptor: handle.fd,
    close() {
      if (!open) return;
      open = false;
      handle.close();
      if (at.is === "unix") rmSync(at.path, { force: true });
    },
  };
}

function failure(errno: number, at: Endpoint): NetError {
  const code = getSystemErrorName(errno);
  return netError(Object.assign(new Error(code), { code }), `Cannot bind ${formatEndpoint(at)}`);
}

function handleFor(at: Endpoint, { ipv6Only = true }: ListenOptions): Handle | number {
  if (at.is === "unix") return createHandle(at.path, -1, -1);
  const six = at.address.includes(":");
  return createHandle(at.address, at.port, six ? 6 : 4, undefined, six && ipv6Only ? IPV6_ONLY : 0);
}

/** libuv keeps "address in use" to itself until somebody listens, or asks for the address. */
function addressOf(handle: Handle, at: Endpoint): Endpoint | number {
  if (at.is === "unix") return at;
  const out: { address?: string; port?: number } = {};
  const errno = handle.getsockname?.(out) ?? 0;
  return errno < 0 ? errno : ip(normaliseAddress(out.address ?? at.address), out.port ?? at.port);
}
