/**
 * The ports: what the core asks of a runtime, as types. `src/runtime` has one adapter a runtime, and
 * `test/contract` holds them all to the same behaviour.
 *
 * TLS is always an upgrade: every listener is plain, implicit TLS is `startTls` at byte zero, STARTTLS
 * a later one, PROXY-then-TLS one with pending bytes. There is one TLS path.
 */

import type { FileError, NetError } from "../core/errors.ts";
import type { Endpoint } from "./address.ts";
import type { StartTlsOptions, TlsContext, TlsInfo, TlsLibrary } from "./tls.ts";

export type {
  Certificate,
  CertificateAndKey,
  StartTlsOptions,
  TlsClientSettings,
  TlsContext,
  TlsInfo,
  TlsLibrary,
  TlsServerSettings,
  TlsVersion,
} from "./tls.ts";
export { TlsSettingError } from "./tls.ts";

/** What a TLS library or operating system interface may lack. */
export type Feature =
  | "tls-dhparam"
  | "tls-ciphers"
  | "tls-ciphersuites"
  | "tls-curves"
  | "tls-crl"
  | "tls-protocols-old"
  /** TLSv1 and TLSv1.1 without another word in `ciphers`. */
  | "tls-protocols-old-by-default"
  /** Versions with one between them left out. */
  | "tls-protocols-gap"
  | "tls-session-cache"
  /** Between servers and worker processes. */
  | "tls-session-cache-shared"
  | "tls-session-timeout"
  | "tls-ticket-keys"
  | "tls-ticket-keys-several"
  | "tls-tickets-off"
  | "tls-encrypted-keys"
  | "tls-prefer-server-ciphers"
  | "tls-prioritize-chacha"
  | "tls-certificate-compression"
  /** Authorities that are trusted without being named to clients. */
  | "tls-unnamed-authorities"
  | "listen-backlog"
  | "listen-buffers"
  | "listen-keepalive"
  /** Syslog by a unix socket. */
  | "unix-datagrams"
  | "set-user"
  | "set-open-files"
  | "spawn";

/** All that a program needs of the world outside it; each runtime has one. */
export interface Runtime {
  readonly name: "bun" | "deno" | "node" | "memory";
  /** For `--version`: the runtime's and its TLS library's versions. */
  readonly versions: { readonly runtime: string; readonly tls: string };
  /** True, or one sentence that says why not (shown by check-config and at the start). */
  supports(feature: Feature): true | string;
  /** Rejects with a `NetError` (`EADDRINUSE` ...). `accept` must set the connection's receiver. */
  listen(
    at: Endpoint,
    options: ListenOptions,
    accept: (connection: Connection) => void,
  ): Promise<Listener>;
  /**
   * Binds a socket for other processes to accept on; this one never does. Absent without "spawn".
   * Throws a `NetError`.
   *
   * With `beside` the socket shares the address of an earlier one, and the system spreads connections
   * evenly over all sockets of an address that are listened on. Null where it cannot.
   */
  bind?(at: Endpoint, options: ListenOptions, beside?: BoundSocket): BoundSocket | null;
  /** Closes a descriptor that `keepDescriptor` has kept. Absent where descriptors are never kept. */
  release?(descriptor: number): void;
  /**
   * Starts connecting and returns at once. Writes before `open` are queued; a failure, `ECONNREFUSED`
   * say, arrives as `close(error)`; `destroy()` gives up.
   */
  connect(to: Endpoint, options: ConnectOptions, receiver: Receiver): Connection;
  /** A UDP socket, or (for syslog) a connected unix datagram socket where the runtime has them. */
  datagram(options: DatagramOptions): Promise<Datagram>;
  readonly tls: TlsLibrary;
  readonly clock: Clock;
  readonly random: (size: number) => Uint8Array;
  readonly files: Files;
  readonly host: Host;
}

// --- sockets ---------------------------------------------------------------------------------

export interface ListenOptions {
  readonly backlog?: number;
  /** SO_RCVBUF, SO_SNDBUF in bytes. */
  readonly receiveBuffer?: number;
  readonly sendBuffer?: number;
  /** Default true: an IPv6 listener takes no IPv4. */
  readonly ipv6Only?: boolean;
  /** TCP keep-alive; times in seconds, absent ones are the system's. */
  readonly keepAlive?: {
    readonly idle?: number;
    readonly interval?: number;
    readonly count?: number;
  };
  readonly reusePort?: boolean;
  /**
   * Clients begin with TLS: `accept` calls `startTls` before it returns. A runtime may then keep what
   * they say from whoever does not.
   */
  readonly secure?: boolean;
  /** An already bound and listening descriptor to accept on instead of binding. */
  readonly descriptor?: number;
  /**
   * Accept on a duplicate of `descriptor`, which itself stays open for another time, until `release`.
   * A runtime without `release` takes it all the same, and closes it with the listener.
   */
  readonly keepDescriptor?: boolean;
}

/** A bound socket that nobody accepts on in this process. */
export interface BoundSocket {
  /** The bound address; a requested port 0 is replaced by the real one. */
  readonly at: Endpoint;
  readonly descriptor: number;
  /** Unlinks a unix socket that it made. Other processes' duplicates live on. */
  close(): void;
}

export interface Listener {
  /** The bound address; a requested port 0 is replaced by the real one. */
  readonly at: Endpoint;
  /** The descriptor, where the runtime shows it, for handing to another process. */
  readonly descriptor?: number;
  /** Clients may begin without TLS from now on, although `secure` was said. */
  relax?(): void;
  /** Stops accepting; connections already accepted live on. Unlinks a unix socket that it made. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Bind the local side to this literal address. */
  readonly localAddress?: string;
  readonly keepAlive?: boolean;
}

/**
 * A byte stream. The contract, tested for every runtime:
 * data that arrives before a receiver is set is held; no `data` after `pause()`; the peer's FIN calls
 * `end`, not `close`, and writing may go on after it; `close` comes exactly once and last, also after
 * `destroy()`; memory is bounded when one side stalls; TCP_NODELAY is on. Addresses are normalised:
 * IPv4-mapped IPv6 shows as IPv4.
 */
export interface Connection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Set before the first decrypted byte is delivered. */
  readonly tls: TlsInfo | null;
  /** Swapped as a session moves from login to relay. */
  receiver: Receiver;
  /** Queues everything. False: more than a little is queued, wait for `drain()`. Bytes must not be changed afterwards. */
  write(bytes: Uint8Array): boolean;
  /** Bytes queued here and not yet taken by the system (or TLS library). */
  readonly queued: number;
  /**
   * Moves what the system holds of this connection's input to `to`, unseen, if there is a way between
   * them; for the receiver, inside its `data`. False: as of `to.write`. Absent where there never is one.
   */
  pour?(to: Connection): boolean;
  pause(): void;
  resume(): void;
  /**
   * Upgrades to TLS. `pending` are bytes already read that belong to the handshake. Queued plaintext is
   * flushed first. Rejects with a `NetError` when the handshake fails; the connection is then closed.
   * A certificate that does not verify fails nothing by itself on a server: read `tls.verify`.
   * Before the promise settles no data is delivered; ciphertext never reaches the receiver.
   */
  startTls(context: TlsContext, options?: StartTlsOptions): Promise<TlsInfo>;
  /** Sends FIN (after close_notify) once all that was queued has left. Reading goes on. */
  end(): void;
  /** Drops queue and socket at once. */
  destroy(): void;
}

export interface Receiver {
  /** A connection made by `connect` is established. */
  open?(): void;
  /** Bytes belong to the receiver: they are not reused or changed by the adapter. */
  data(bytes: Uint8Array): void;
  /** All that was queued has left. */
  drain(): void;
  /** The peer sent FIN (or close_notify). */
  end(): void;
  /** Gone, once and last. Null when it ended in good order. */
  close(error: NetError | null): void;
}

export interface DatagramOptions {
  /** Bind to this literal; default any. */
  readonly localAddress?: string;
  readonly family: 4 | 6 | "unix";
}

export interface Datagram {
  receive: (bytes: Uint8Array, from: Endpoint) => void;
  /** Errors are swallowed: a datagram may always be lost. */
  send(bytes: Uint8Array, to: Endpoint): void;
  close(): void;
}

// --- the rest of the world --------------------------------------------------------------------

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds that never go back. */
  monotonic(): number;
  after(ms: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Small synchronous files: configuration, certificates, logs. All throw `FileError`. */
export interface Files {
  read(path: string): Uint8Array;
  /** UTF-8; a malformed byte becomes U+FFFD. */
  readText(path: string): string;
  write(
    path: string,
    text: string,
    options?: { readonly mode?: number; readonly exclusive?: boolean },
  ): void;
  remove(path: string): void;
  exists(path: string): boolean;
  /** Names in a folder, unsorted. */
  list(path: string): readonly string[];
  stat(path: string): {
    readonly mode: number;
    readonly size: number;
    readonly directory: boolean;
    /** When the contents changed last, in milliseconds since 1970; absent where nobody knows. */
    readonly modified?: number;
  };
  /** Opens for appending, making the file when it is not there. */
  append(path: string): Appender;
  /** Gives the file to another user, by numbers. */
  chown?(path: string, owner: Owner): void;
}

/** A user and a group by their numbers. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Appender {
  write(bytes: Uint8Array): void;
  /** Closes and opens the same path again, after a rotation. */
  reopen(): void;
  close(): void;
}

export type Signal =
  | "SIGHUP"
  | "SIGINT"
  | "SIGQUIT"
  | "SIGTERM"
  | "SIGUSR1"
  | "SIGUSR2"
  | "SIGWINCH";

export interface Host {
  readonly argv: readonly string[];
  readonly pid: number;
  readonly hostname: string;
  readonly cwd: string;
  readonly columns: number;
  /** Lines of the terminal, where known. */
  readonly rows?: number;
  env(name: string): string | undefined;
  isTerminal(stream: "stdin" | "stdout" | "stderr"): boolean;
  writeOut(text: string): void;
  writeErr(text: string): void;
  readIn(): Promise<Uint8Array>;
  /** Asks on the terminal without echo; null when there is no terminal. */
  askSecret(prompt: string): Promise<string | null>;
  onSignal(signal: Signal, run: () => void): void;
  exit(code: number): never;
  /** Resolves names through the system, in its order. Rejects with `NetError`. */
  lookup(name: string): Promise<readonly string[]>;
  /** Soft limit of open files, where known. */
  openFiles(): number | null;
  /** Sets it, and the hard limit where it is lower. Throws a `NetError` (`EPERM`). */
  setOpenFiles?(limit: number): void;
  setUser?(user: string, group: string | undefined): void;
  /** The user that the process runs as, where the system has such a thing. */
  owner?(): Owner | null;
  /** The process of this number, whoever's it is; null when none runs. Absent where nobody knows. */
  running?(pid: number): Running | null;
  /** Gives memory that is not in use back to the system, soon and at some cost. */
  shrink?(): void;
  /** Processors that this process may use. */
  processors?(): number;
  /**
   * Starts the same program again, with these arguments. It inherits standard output and error, and
   * `descriptors` as 3, 4 ... Absent without "spawn". Failing to start is an exit.
   */
  spawn?(args: readonly string[], descriptors: readonly number[], watcher: ChildWatcher): Child;
  /** The way to the process that spawned this one, if one did. */
  parent?(): Parent | null;
}

/** A process of the machine; null = the system does not tell. */
export interface Running {
  /** Of its program. */
  readonly name: string | null;
  /** When it began, in milliseconds since 1970; may be a second too early. */
  readonly since: number | null;
}

/** A process that `spawn` started. */
export interface Child {
  readonly pid: number;
  /** Plain data, over a channel that nobody else reads. Lost when the process has gone. */
  send(message: unknown): void;
  /** Nothing when it has gone. */
  signal(name: Signal | "SIGKILL"): void;
}

/** What a child does. `exited` comes once and last. */
export interface ChildWatcher {
  message(message: unknown): void;
  exited(exit: ChildExit): void;
}

export interface ChildExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it could not even be started. */
  readonly fault?: string;
}

export interface Parent {
  /** Resolves when it is on its way, so that an exit does not overtake it. */
  send(message: unknown): Promise<void>;
  /** `gone` is called when the parent has ended, whatever the way. To be called once. */
  listen(message: (message: unknown) => void, gone: () => void): void;
}

export type { FileError };
