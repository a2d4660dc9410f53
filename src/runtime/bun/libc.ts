/**
 * The few system calls that Bun's sockets lack, through FFI: the backlog, buffers and keep-alive of a
 * listener, the address of an inherited descriptor, and a connect that can be given up
 * (`Bun.connect` to a host that never answers keeps its descriptor until the kernel gives up).
 *
 * Linux only, glibc or musl: the constants and structures are Linux's. Elsewhere `libc()` is null, and
 * the features are reported as missing.
 */

import { dlopen, type Pointer, read } from "bun:ffi";
import { constants } from "node:os";
import process from "node:process";
import { NetError } from "../../core/errors.ts";
import { type Endpoint, formatAddress, ip, parseAddress, unix } from "../../net/address.ts";
import type { ListenOptions } from "../../net/ports.ts";
import { netError } from "../host.ts";

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "buffer", "u32"], returns: "i32" },
  connect: { args: ["i32", "buffer", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "buffer", "u32"], returns: "i32" },
  getsockname: { args: ["i32", "buffer", "buffer"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

let loaded: Libc | null | undefined;

/** Loaded at the first need: commands that open no socket start without it. */
export function libc(): Libc | null {
  return loaded === undefined ? loaded = load() : loaded;
}

function load(): Libc | null {
  if (process.platform !== "linux") return null;
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  for (const name of ["libc.so.6", `libc.musl-${machine}.so.1`]) {
    try {
      return dlopen(name, SYMBOLS).symbols;
    } catch {
      // The other C library, then.
    }
  }
  return null;
}

const ERRNO_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
);

/** To be called at once after the call that failed. */
function failure(c: Libc, doing: string): NetError {
  const number = read.i32(c.__errno_location() as Pointer, 0);
  const code = ERRNO_NAMES.get(number) ?? "EIO";
  return netError(Object.assign(new Error(code), { code }), doing);
}

// --- connecting -----------------------------------------------------------------------------------

const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const IPPROTO_IP = 0;
/** Leaves the choice of a local port to `connect`, when the whole four-tuple counts (as nginx). */
const IP_BIND_ADDRESS_NO_PORT = 24;

/**
 * A descriptor on its way to `to`. The caller owns it. Throws a `NetError`, and gives null when the
 * address is none that can be written as a `sockaddr` (with a zone, say).
 */
export function startConnect(
  c: Libc,
  to: Endpoint & { is: "ip" },
  localAddress: string | undefined,
  doing: string,
): number | null {
  const address = parseAddress(to.address);
  const local = localAddress === undefined ? undefined : parseAddress(localAddress);
  if (!address || local === null) return null;
  const family = address.length === 4 ? AF_INET : AF_INET6;
  const fd = c.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw failure(c, doing);
  if (local) {
    setOption(c, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (c.bind(fd, sockaddr(local, 0), sockaddrLength(local)) < 0) throw abandon(c, fd, doing);
  }
  if (c.connect(fd, sockaddr(address, to.port), sockaddrLength(address)) < 0) {
    const error = failure(c, doing);
    if (error.code !== "EINPROGRESS") {
      c.close(fd);
      throw error;
    }
  }
  return fd;
}

function abandon(c: Libc, fd: number, doing: string): NetError {
  const error = failure(c, doing);
  c.close(fd);
  return error;
}

// --- listening ------------------------------------------------------------------------------------

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const IPPROTO_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;

/** Applies what Bun leaves out. Accepted sockets inherit the options of their listener. */
export function tuneListener(c: Libc, fd: number, options: ListenOptions): void {
  const { backlog, receiveBuffer, sendBuffer, keepAlive } = options;
  if (receiveBuffer !== undefined) setOption(c, fd, SOL_SOCKET, SO_RCVBUF, receiveBuffer);
  if (sendBuffer !== undefined) setOption(c, fd, SOL_SOCKET, SO_SNDBUF, sendBuffer);
  if (keepAlive) {
    const { idle, interval, count } = keepAlive;
    setOption(c, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (idle !== undefined) setOption(c, fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
    if (interval !== undefined) setOption(c, fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
    if (count !== undefined) setOption(c, fd, IPPROTO_TCP, TCP_KEEPCNT, count);
  }
  // Listening again on a listening socket changes its backlog and nothing else.
  if (backlog !== undefined) c.listen(fd, backlog);
}

function setOption(c: Libc, fd: number, level: number, option: number, value: number): void {
  c.setsockopt(fd, level, option, new Int32Array([value]), 4);
}

/** Where a descriptor is bound; null when that cannot be told. */
export function boundAddress(c: Libc, fd: number): Endpoint | null {
  const bytes = new Uint8Array(128);
  const length = new Uint32Array([bytes.length]);
  if (c.getsockname(fd, bytes, length) < 0) return null;
  const view = new DataView(bytes.buffer);
  const family = view.getUint16(0, true);
  if (family === AF_INET) return ip(formatAddress(bytes.subarray(4, 8)), view.getUint16(2));
  if (family === AF_INET6) return ip(formatAddress(bytes.subarray(8, 24)), view.getUint16(2));
  if (family !== AF_UNIX) return null;
  const path = bytes.subarray(2, Math.max(2, length[0]));
  const end = path.indexOf(0);
  return unix(new TextDecoder().decode(end < 0 ? path : path.subarray(0, end)));
}

// --- addresses ------------------------------------------------------------------------------------

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** Reused: the kernel has copied it when the call returns. */
const scratch = new Uint8Array(28);
const scratchView = new DataView(scratch.buffer);

/** `struct sockaddr_in` or `sockaddr_in6`. */
function sockaddr(address: Uint8Array, port: number): Uint8Array {
  const four = address.length === 4;
  scratch.fill(0);
  scratchView.setUint16(0, four ? AF_INET : AF_INET6, true);
  scratchView.setUint16(2, port);
  scratch.set(address, four ? 4 : 8);
  return scratch;
}

function sockaddrLength(address: Uint8Array): number {
  return address.length === 4 ? 16 : 28;
}
