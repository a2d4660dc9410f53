/**
 * Listening on Deno. Two things that Deno does not do are made up for here:
 *
 * - When the process runs out of descriptors `accept` fails; it is asked again after a while.
 * - A listener on `[::]` always takes IPv4 as well. Next to one on `0.0.0.0` (nginx's usual pair) they
 *   would collide: the second then shares the first one's socket, and IPv4 peers go where they belong.
 */

import { NetError } from "../../core/errors.ts";
import { ACCEPT_BACKOFF_MS } from "../../core/limits.ts";
import { type Endpoint, formatEndpoint, ip, unix } from "../../net/address.ts";
import type { Connection, Listener, ListenOptions } from "../../net/ports.ts";
import { errorCode, netError } from "../host/errno.ts";
import { openToAll } from "../host/unix-socket.ts";
import { DenoConnection } from "./connection.ts";
import { endpointOf, tune } from "./transport.ts";

export type Accept = (connection: Connection) => void;

/** Rejects with `NetError`. */
export async function listen(
  at: Endpoint,
  options: ListenOptions,
  accept: Accept,
): Promise<Listener> {
  if (options.descriptor !== undefined) throw new NetError("ENOTSUP", INHERITED);
  try {
    return at.is === "unix" ? new UnixListener(at.path, accept) : await bind(at, options, accept);
  } catch (error) {
    throw netError(error, `Cannot bind ${formatEndpoint(at)}`);
  }
}

const INHERITED = "Cannot accept on an inherited descriptor: Deno has no such listeners";

/** A listening socket of Deno's, and the loop that accepts on it. */
class Acceptor<C extends Deno.Conn> {
  readonly #native: Deno.Listener;
  readonly #loop: Promise<void>;
  #open = true;

  constructor(native: Deno.Listener, arrived: (conn: C) => void) {
    this.#native = native;
    this.#loop = this.#run(arrived);
  }

  /** Out of descriptors, or a peer gave up waiting: nothing that happens here is the end. */
  async #run(arrived: (conn: C) => void): Promise<void> {
    while (this.#open) {
      const conn = await this.#native.accept().catch(errorCode);
      if (typeof conn !== "string") arrived(conn as C);
      else if (this.#open && conn !== "ECONNABORTED") {
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_BACKOFF_MS));
      }
    }
  }

  /** Settles when the address is free: Deno closes the socket once `accept` has been called off. */
  close(): Promise<void> {
    if (this.#open) this.#native.close();
    this.#open = false;
    return this.#loop;
  }
}

class UnixListener implements Listener {
  readonly at: Endpoint;
  readonly #acceptor: Acceptor<Deno.UnixConn>;

  constructor(path: string, accept: Accept) {
    this.at = unix(path);
    const listener = Deno.listen({ transport: "unix", path });
    openToAll(path);
    this.#acceptor = new Acceptor(listener, (conn) => {
      const connection = new DenoConnection(this.at, unix(""));
      accept(connection);
      connection.carriedBy(conn);
    });
  }

  /** Deno unlinks the path. */
  close(): Promise<void> {
    return this.#acceptor.close();
  }
}

// --- TCP ----------------------------------------------------------------------------------------

const ANY_IPV4 = "0.0.0.0";
const ANY_IPV6 = "::";

/** All that are open, to find who shares a port. */
const bound = new Set<TcpListener>();

async function bind(
  { address, port }: { readonly address: string; readonly port: number },
  options: ListenOptions,
  accept: Accept,
): Promise<Listener> {
  const listener = new TcpListener(address, port, options, accept);
  try {
    listener.open();
  } catch (error) {
    if (errorCode(error) !== "EADDRINUSE" || !await share(listener)) throw error;
  }
  bound.add(listener);
  return listener;
}

class TcpListener implements Listener {
  at: Endpoint;
  port: number;
  readonly address: string;
  readonly options: ListenOptions;
  readonly #accept: Accept;
  /** Null: it is closed, or its peers arrive at a `[::]` listener of ours. */
  #acceptor: Acceptor<Deno.TcpConn> | null = null;

  constructor(address: string, port: number, options: ListenOptions, accept: Accept) {
    this.at = ip(address, port);
    this.address = address;
    this.port = port;
    this.options = options;
    this.#accept = accept;
  }

  get takesIPv4(): boolean {
    return !this.address.includes(":") || this.options.ipv6Only === false;
  }

  get isGuest(): boolean {
    return this.#acceptor === null;
  }

  /** Throws what Deno throws. */
  open(): void {
    const native = Deno.listen({ hostname: this.address, port: this.port });
    this.port = native.addr.port;
    this.at = ip(this.address, this.port);
    this.#acceptor = new Acceptor(native, (conn) => route(this, conn));
  }

  async suspend(): Promise<void> {
    const acceptor = this.#acceptor;
    this.#acceptor = null;
    await acceptor?.close();
  }

  arrived(conn: Deno.TcpConn): void {
    const local = endpointOf(conn.localAddr);
    const connection = new DenoConnection(local, endpointOf(conn.remoteAddr));
    tune(conn, this.options.keepAlive !== undefined);
    this.#accept(connection);
    connection.carriedBy(conn);
  }

  async close(): Promise<void> {
    bound.delete(this);
    await this.suspend();
    // Who shared the socket goes on with one of its own.
    if (this.address === ANY_IPV6) { for (const guest of guestsOn(this.port)) reopen(guest); }
  }
}

/** IPv4 peers of a `[::]` listener belong to the IPv4 listener of ours on that port, or to nobody. */
function route(listener: TcpListener, conn: Deno.TcpConn): void {
  const local = endpointOf(conn.localAddr);
  const isIPv4 = local.is === "ip" && !local.address.includes(":");
  if (!isIPv4 || listener.address !== ANY_IPV6) {
    listener.arrived(conn);
    return;
  }
  const guests = guestsOn(listener.port);
  const host = guests.find((guest) => guest.address === local.address) ??
    guests.find((guest) => guest.address === ANY_IPV4) ??
    (listener.takesIPv4 ? listener : null);
  if (host) host.arrived(conn);
  else conn.close();
}

function guestsOn(port: number): TcpListener[] {
  return [...bound].filter((one) => one.port === port && one.isGuest);
}

/** Whether a collision was one with ourselves, and could be settled. */
async function share(late: TcpListener): Promise<boolean> {
  const others = [...bound].filter((one) => one.port === late.port);
  if (others.some((one) => one.address === late.address)) return false;
  if (!late.address.includes(":")) {
    return others.some((one) => one.address === ANY_IPV6 && !one.takesIPv4);
  }
  if (late.address !== ANY_IPV6 || late.takesIPv4) return false;
  const guests = others.filter((one) => one.takesIPv4);
  if (guests.length === 0) return false;
  await Promise.all(guests.map((guest) => guest.suspend()));
  try {
    late.open();
    return true;
  } catch {
    for (const guest of guests) reopen(guest);
    return false;
  }
}

function reopen(guest: TcpListener): void {
  try {
    guest.open();
  } catch {
    // Another process was quicker. There is nobody to tell, and nothing that could be done.
  }
}
