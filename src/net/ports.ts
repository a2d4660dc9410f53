/**
 * The ports: what the core asks of a runtime, as types. `src/runtime` has one adapter a runtime, and
 * `test/contract` holds them all to the same behaviour.
 *
 * TLS is always an upgrade: every listener is plain, implicit TLS is `startTls` at byte zero, STARTTLS
 * a later one, PROXY-then-TLS one with pending bytes. There is one TLS path.
 */

import type { FileError, NetError } from "../core/errors.ts";
import type { Endpoint } from "./address.ts";

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
  | "set-user"
  | "spawn";

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
  /** An already bound and listening descriptor to accept on instead of binding. */
  readonly descriptor?: number;
}

export interface Listener {
  /** The bound address; a requested port 0 is replaced by the real one. */
  readonly at: Endpoint;
  /** The descriptor, where the runtime shows it, for handing to another process. */
  readonly descriptor?: number;
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

// --- TLS ------------------------------------------------------------------------------------

/** Opaque: made by one runtime's `TlsLibrary`, understood by it alone. */
export interface TlsContext {
  readonly tlsContext: "server" | "client";
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

export interface CertificateAndKey {
  /** PEM, leaf first. */
  readonly certificate: string;
  readonly key: string;
  readonly passphrase?: string;
}

export interface TlsServerSettings {
  readonly certificates: readonly CertificateAndKey[];
  readonly protocols: readonly TlsVersion[];
  /** OpenSSL cipher string; absent = the library's default. */
  readonly ciphers?: string;
  /** TLS 1.3 suites, colon-separated; absent = the library's default. */
  readonly ciphersuites?: string;
  readonly preferServerCiphers?: boolean;
  /** With `preferServerCiphers`: ChaCha20 nevertheless, for a client that puts it first. */
  readonly prioritizeChaCha?: boolean;
  /** Colon-separated group names; absent = automatic. */
  readonly curves?: string;
  /** PEM. */
  readonly dhparam?: string;
  /** Ask for a client certificate; verification is reported in `TlsInfo.verify`, never enforced here. */
  readonly requestCertificate?: boolean;
  /** PEM of trusted authorities, and of revocation lists. */
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  /**
   * How many certificates may lie between a client's and its anchor; a longer chain is one whose
   * issuer was not found, as OpenSSL reports it. Absent = any number.
   */
  readonly verifyDepth?: number;
  /** Protocol names; a client that offers ALPN without any of them gets `no_application_protocol`. */
  readonly alpn?: readonly string[];
  readonly sessionTickets?: boolean;
  /** 48 or 80 bytes each, in nginx's layout; the first makes tickets, all of them open them. */
  readonly ticketKeys?: readonly Uint8Array[];
  /** Seconds. */
  readonly sessionTimeout?: number;
  /** How many sessions are kept for clients that resume without tickets; absent = none. */
  readonly sessionCache?: number;
}

export interface TlsClientSettings {
  /** Default true. False only where the administrator turned verification off by name. */
  readonly verify: boolean;
  /** PEM; absent = the system's store. */
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  readonly certificate?: CertificateAndKey;
  readonly protocols?: readonly TlsVersion[];
  readonly ciphers?: string;
  readonly alpn?: readonly string[];
}

export interface StartTlsOptions {
  readonly pending?: Uint8Array;
  /** Client side: the name for SNI and for verification (an IP literal is verified, not sent). */
  readonly serverName?: string;
}

export interface TlsInfo {
  /** OpenSSL's spelling: `TLSv1.3`. */
  readonly protocol: string;
  /** OpenSSL's spelling: `TLS_AES_256_GCM_SHA384`, `ECDHE-ECDSA-AES128-GCM-SHA256`. */
  readonly cipher: string;
  readonly alpn: string | null;
  readonly sni: string | null;
  /** OpenSSL's verify code (`18`) and text; `ok`, `0` and `ok` when the peer's certificate verified. */
  readonly verify: { readonly ok: boolean; readonly code: string; readonly text: string };
  readonly peer: Certificate | null;
  /**
   * Server side: the certificate that we showed, as OpenSSL and haproxy name its parts: signature
   * `RSA-SHA256`, `ecdsa-with-SHA256`; key `RSA2048`, `EC256`. Absent where the library does not tell.
   */
  readonly own?: { readonly signature: string; readonly key: string };
  readonly resumed: boolean;
}

export interface Certificate {
  /** RFC 2253, `O=Org\, Inc,CN=Test CA`. */
  readonly subject: string;
  readonly issuer: string;
  /** Upper-case hex. */
  readonly serial: string;
  /** SHA-1, lower-case hex without colons. */
  readonly fingerprint: string;
  readonly pem: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** DNS names and IP addresses of subjectAltName. */
  readonly names: readonly string[];
  /** The common name of the subject, or empty. */
  readonly commonName: string;
  /** How many certificates lie between this one and its anchor; absent when unknown. */
  readonly depth?: number;
}

export interface TlsLibrary {
  /**
   * Throws a `TlsSettingError` that names the setting at fault; certificates are looked at last, so
   * that without any of them the other settings can be tried.
   */
  server(settings: TlsServerSettings): TlsContext;
  client(settings: TlsClientSettings): TlsContext;
  /** The first certificate of a PEM text; throws a `TlsSettingError`. */
  inspect(pem: string): Certificate;
  /** Whether the key belongs to the certificate; throws a `TlsSettingError` for unreadable input. */
  matches(pair: CertificateAndKey): boolean;
}

/** A TLS setting that the library refused: which one, and its words. */
export class TlsSettingError extends Error {
  override readonly name = "TlsSettingError";
  readonly setting: keyof TlsServerSettings | keyof TlsClientSettings | "key";
  /** Which certificate pair, when several. */
  readonly index: number;

  constructor(setting: TlsSettingError["setting"], message: string, index = 0) {
    super(message);
    this.setting = setting;
    this.index = index;
  }
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
  stat(path: string): { readonly mode: number; readonly size: number; readonly directory: boolean };
  /** Opens for appending, making the file when it is not there. */
  append(path: string): Appender;
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
  setOpenFiles?(limit: number): boolean;
  setUser?(user: string, group: string | undefined): void;
}

export type { FileError };
