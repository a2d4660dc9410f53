/**
 * A change to TLS under way: what must outlive the wait for plaintext to leave and for the handshake.
 * There is one path for all of them, `socket.upgradeTLS`: implicit TLS, STARTTLS, TLS behind a PROXY
 * header, and the client side.
 */

import { isIP } from "node:net";
import { concat } from "../../core/bytes.ts";
import type { NetError } from "../../core/errors.ts";
import type { Endpoint } from "../../net/address.ts";
import type { StartTlsOptions, TlsInfo } from "../../net/ports.ts";
import type { BunConnection, Native } from "./connection.ts";
import type { Outbox } from "./outbox.ts";
import type { BunContext } from "./tls.ts";

export class Upgrade {
  readonly context: BunContext;
  /** For verification, and for SNI unless it is an address. */
  readonly serverName: string | undefined;
  /** Bytes already read that belong to the handshake. */
  readonly arrived: Uint8Array[];
  /** What was written meanwhile, if anything: to be encrypted. */
  written: Outbox | null = null;
  readonly resolve: (info: TlsInfo) => void;
  readonly reject: (error: NetError) => void;

  constructor(
    context: BunContext,
    { pending, serverName }: StartTlsOptions,
    remote: Endpoint,
    resolve: (info: TlsInfo) => void,
    reject: (error: NetError) => void,
  ) {
    this.context = context;
    this.arrived = pending && pending.length > 0 ? [pending] : [];
    // A server that was given no name is verified by its address.
    this.serverName = serverName ?? (remote.is === "ip" ? remote.address : undefined);
    this.resolve = resolve;
    this.reject = reject;
  }

  /**
   * Puts TLS on the socket and gives the socket that takes its place.
   * @param dialled the socket was connected, not accepted.
   */
  begin(socket: Native, connection: BunConnection, dialled: boolean): Native {
    const { context, serverName } = this;
    const named = context.tlsContext === "client" && serverName && isIP(serverName) === 0;
    const options: UpgradeOptions = {
      data: connection,
      secureContext: context.native,
      isServer: context.tlsContext === "server",
      tls: named ? { ...context.policy, serverName } : context.policy,
      socket: SECURE,
      ...(this.arrived.length > 0 && { initialData: concat(this.arrived) }),
    };
    const [plain, secure] = socket.upgradeTLS(options as Bun.TLSUpgradeOptions<BunConnection>);
    // Saves a copy of all ciphertext. Accepted sockets share their listener's handlers: see `VEILED`.
    if (dialled) plain.reload({ socket: SILENT });
    return secure;
  }
}

/** `secureContext`, `isServer` and `initialData` are missing from the published types. */
interface UpgradeOptions {
  data: BunConnection;
  secureContext: unknown;
  isServer: boolean;
  tls: Bun.TLSOptions;
  socket: Bun.SocketHandler<BunConnection>;
  initialData?: Uint8Array;
}

const SILENT: Bun.SocketHandler<BunConnection> = { drain: () => {} };

const SECURE: Bun.SocketHandler<BunConnection> = {
  binaryType: "uint8array",
  handshake: (socket, success, error) => socket.data.handshaken(socket, success, error),
  data: (socket, bytes) => socket.data.arrived(bytes as Uint8Array),
  drain: (socket) => socket.data.writable(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.gone(error),
  error: (socket, error) => socket.data.broken(error),
};
