/**
 * Sockets made through FFI, where Bun's own ways fall short. A connect to a host that never answers
 * can be given up (`Bun.connect` keeps its descriptor until the kernel gives up); a listener has its
 * backlog, buffers and keep-alive, and can be put aside when descriptors run out.
 * Bun adopts the descriptors and does all the rest.
 *
 * Linux only, glibc or musl: the constants and structures are Linux's. Elsewhere `libc()` is null.
 */

import { dlopen, type Pointer, read } from "bun:ffi";
import { constants } from "node:os";
import process from "node:process";
import { BACKLOG, UNIX_PATH } from "../../core/limits.ts";
import {
  type Endpoint,
  formatAddress,
  ip,
  normaliseAddress,
  parseAddress,
  unix,
} from "../../net/address.ts";
import type { ListenOptions } from "../../net/ports.ts";

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "buffer", "u32"], returns: "i32" },
  connect: { args: ["i32", "buffer", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "buffer", "u32"], returns: "i32" },
  sendto: { args: ["i32", "buffer", "u64", "i32", "buffer", "u32"], returns: "i64" },
  splice: { args: ["i32", "ptr", "i32", "ptr", "u64", "u32"], returns: "i64" },
  pipe2: { args: ["buffer", "i32"], returns: "i32" },
  read: { args: ["i32", "buffer", "u64"], returns: "i64" },
  getrlimit: { args: ["i32", "buffer"], returns: "i32" },
  setrlimit: { args: ["i32", "buffer"], returns: "i32" },
  getsockname: { args: ["i32", "buffer", "buffer"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

export type Libc = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];

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
function errnoOf(c: Libc): number {
  return read.i32(c.__errno_location() as Pointer, 0);
}

/** As the runtime's own system errors are: `netError` makes ours of it. */
function systemError(errno: number): Error {
  const code = ERRNO_NAMES.get(errno) ?? "EIO";
  return Object.assign(new Error(code), { code });
}

/** What went wrong with a descriptor that is of no use any more. */
function abandon(c: Libc, fd: number): Error {
  const error = systemError(errnoOf(c));
  c.close(fd);
  return error;
}

export function closeDescriptor(c: Libc, fd: number): void {
  c.close(fd);
}

const F_DUPFD_CLOEXEC = 1030;

/** Another descriptor of the same socket, or -1 when there is none left. */
export function duplicate(c: Libc, fd: number): number {
  return c.fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/** The same, but throws a system error. */
export function duplicateOf(c: Libc, fd: number): number {
  const copy = duplicate(c, fd);
  if (copy < 0) throw systemError(errnoOf(c));
  return copy;
}

// --- moving bytes ---------------------------------------------------------------------------------

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;
const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;

/** Where to read and where to write, with room for `size` bytes if the system grants it; or null. */
export function openPipe(c: Libc, size: number): readonly [number, number] | null {
  const ends = new Int32Array(2);
  if (c.pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return null;
  c.fcntl(ends[1], F_SETPIPE_SZ, size);
  return [ends[0], ends[1]];
}

/** Bytes that went from one descriptor to the other, one of which is a pipe; below zero: none now. */
export function splice(c: Libc, from: number, to: number, most: number): number {
  return Number(c.splice(from, null, to, null, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
}

/** Exactly `size` bytes, which are there. */
export function readFrom(c: Libc, fd: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const got = Number(c.read(fd, bytes.subarray(at), size - at));
    if (got <= 0) throw systemError(errnoOf(c));
    at += got;
  }
  return bytes;
}

// --- limits ---------------------------------------------------------------------------------------

const RLIMIT_NOFILE = 7;

/** The limit of open files, soft and (where it is lower) hard. Throws a system error. */
export function limitOpenFiles(c: Libc, limit: number): void {
  // struct rlimit: rlim_cur, rlim_max.
  const pair = new BigUint64Array(2);
  if (c.getrlimit(RLIMIT_NOFILE, pair) < 0) throw systemError(errnoOf(c));
  pair[0] = BigInt(limit);
  if (pair[1] < pair[0]) pair[1] = pair[0];
  if (c.setrlimit(RLIMIT_NOFILE, pair) < 0) throw systemError(errnoOf(c));
}

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

function newSocket(c: Libc, family: number, type: number = SOCK_STREAM): number {
  const fd = c.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw systemError(errnoOf(c));
  return fd;
}

function setOption(c: Libc, fd: number, level: number, option: number, value: number): void {
  c.setsockopt(fd, level, option, new Int32Array([value]), 4);
}

const IPPROTO_IP = 0;
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;

// --- connecting -----------------------------------------------------------------------------------

/** Leaves the choice of a local port to `connect`, when the whole four-tuple counts (as nginx). */
const IP_BIND_ADDRESS_NO_PORT = 24;
const { EINPROGRESS, EINVAL, ENAMETOOLONG } = constants.errno;

/**
 * A descriptor on its way to `to`, for the caller to close. Throws a system error; gives null for an
 * address that is no plain literal (one with a zone, say).
 */
export function startConnect(
  c: Libc,
  to: Endpoint,
  localAddress: string | undefined,
): number | null {
  const remote = sockaddr(to);
  const local = localAddress === undefined ? undefined : sockaddr(ip(localAddress, 0));
  if (!remote || local === null) return null;
  const fd = newSocket(c, familyOf(remote));
  if (local) {
    setOption(c, fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (c.bind(fd, local, local.length) < 0) throw abandon(c, fd);
  }
  if (c.connect(fd, remote, remote.length) < 0 && errnoOf(c) !== EINPROGRESS) throw abandon(c, fd);
  return fd;
}

// --- listening ------------------------------------------------------------------------------------

const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_REUSEPORT = 15;
const IPV6_V6ONLY = 26;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;

/** A bound descriptor, for the caller to close; it listens once Bun has adopted it. */
export function bindListener(c: Libc, at: Endpoint, options: ListenOptions): number {
  const fd = bindOnly(c, at, options);
  // Two sockets may be bound to one port as long as neither listens: the second is refused only here.
  if (c.listen(fd, BACKLOG) < 0) throw abandon(c, fd);
  return fd;
}

/** A bound descriptor that does not listen: the system gives it no connections yet. */
export function bindOnly(c: Libc, at: Endpoint, options: ListenOptions): number {
  const address = sockaddr(at);
  if (!address) throw systemError(at.is === "unix" ? ENAMETOOLONG : EINVAL);
  const fd = newSocket(c, familyOf(address));
  if (at.is === "ip") {
    setOption(c, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.reusePort) setOption(c, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    const { ipv6Only = true } = options;
    if (at.address.includes(":")) setOption(c, fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6Only ? 1 : 0);
  }
  if (c.bind(fd, address, address.length) < 0) throw abandon(c, fd);
  return fd;
}

/**
 * Bound without SO_REUSEPORT, so that an address in use is found out even when its owner shares it, and
 * then open to be shared by `bindOnly` with `reusePort`.
 */
export function bindShared(c: Libc, at: Endpoint, options: ListenOptions): number {
  const fd = bindOnly(c, at, options);
  if (at.is === "ip") setOption(c, fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (c.listen(fd, options.backlog ?? BACKLOG) < 0) throw abandon(c, fd);
  return fd;
}

/** Accepted sockets inherit the options of their listener. Bun sets the backlog when it adopts one. */
export function tuneListener(c: Libc, fd: number, options: ListenOptions): void {
  const { backlog = BACKLOG, receiveBuffer, sendBuffer, keepAlive } = options;
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
  c.listen(fd, backlog);
}

/** Where a descriptor is bound; null when that cannot be told. */
export function boundAddress(c: Libc, fd: number): Endpoint | null {
  const bytes = new Uint8Array(128);
  const length = new Uint32Array([bytes.length]);
  if (c.getsockname(fd, bytes, length) < 0) return null;
  const view = new DataView(bytes.buffer);
  const family = familyOf(bytes);
  if (family === AF_UNIX) return unix(unixPath(bytes.subarray(2, Math.max(2, length[0]))));
  const port = view.getUint16(2);
  if (family === AF_INET) return ip(formatAddress(bytes.subarray(4, 8)), port);
  if (family !== AF_INET6) return null;
  return ip(normaliseAddress(formatAddress(bytes.subarray(8, 24))), port);
}

function unixPath(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

// --- datagrams ------------------------------------------------------------------------------------

/** A descriptor to send from, for the caller to close. Throws a system error. */
export function unixDatagramSocket(c: Libc): number {
  return newSocket(c, AF_UNIX, SOCK_DGRAM);
}

const MSG_NOSIGNAL = 0x4000;

/** A datagram may be lost: that nobody takes it, or that there is no room for it, is no error. */
export function sendDatagram(c: Libc, fd: number, bytes: Uint8Array, to: Endpoint): void {
  const address = sockaddr(to);
  if (address) c.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, address, address.length);
}

// --- addresses ------------------------------------------------------------------------------------

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** `struct sockaddr_in`, `sockaddr_in6` or `sockaddr_un`; null for what does not fit into one. */
function sockaddr(at: Endpoint): Uint8Array | null {
  if (at.is === "unix") return sockaddrUnix(at.path);
  const address = parseAddress(at.address);
  if (!address) return null;
  const four = address.length === 4;
  const bytes = new Uint8Array(four ? 16 : 28);
  bytes[0] = four ? AF_INET : AF_INET6;
  bytes[2] = at.port >> 8;
  bytes[3] = at.port & 0xff;
  bytes.set(address, four ? 4 : 8);
  return bytes;
}

function sockaddrUnix(path: string): Uint8Array | null {
  const text = new TextEncoder().encode(path);
  if (text.length === 0 || text.length > UNIX_PATH) return null;
  const bytes = new Uint8Array(2 + text.length + 1);
  bytes[0] = AF_UNIX;
  bytes.set(text, 2);
  return bytes;
}

/** The machines that Bun runs on are little-endian. */
function familyOf(sockaddr: Uint8Array): number {
  return sockaddr[0] | (sockaddr[1] << 8);
}
