/** What a probe is asked to do, and the parts of it that every check shares. */

import type { ByteString } from "../core/bytes.ts";
import { encodeBase64 } from "../wire/sasl.ts";
import { type Endpoint, ip } from "../net/address.ts";
import type { CertificateAndKey, Runtime, TlsContext } from "../net/ports.ts";
import { encodeProxyHeader } from "../net/proxy-encode.ts";
import type { Client, Login, Method } from "./clients/client.ts";
import { clientOf } from "./clients/of.ts";
import type { ProtocolName } from "../session/machine.ts";
import { Talk, type TranscriptLine } from "./talk.ts";
import type { Target } from "./target.ts";

/** What a client's port might be: a PROXY header with port 0 is refused, and which one it is nobody minds. */
export const CLIENT_PORT = 49_152;

export interface ProbeOptions {
  readonly starttls: "auto" | "require" | "never";
  readonly login: Login | null;
  /** Null: the best that is offered. */
  readonly method: Method | null;
  /** Send a password without TLS, or to a certificate that does not verify. */
  readonly insecure: boolean;
  /** Ask for the message count. */
  readonly fetch: boolean;
  /** PEM; absent: the system's store. */
  readonly ca?: readonly string[];
  readonly certificate?: CertificateAndKey;
  /** Names to offer; absent: the protocol's own. */
  readonly alpn?: readonly string[];
  readonly helo: ByteString;
  readonly timeoutMs: number;
  readonly family: 4 | 6 | null;
  readonly connectTo: Endpoint | { readonly host: string; readonly port: number | null } | null;
  readonly proxyProtocol: "on" | "v2" | null;
  /** Who the PROXY header says the client is; absent: we ourselves. */
  readonly proxySource?: Endpoint;
  readonly warnDays: number;
  readonly slowMs: number;
  readonly injection: boolean;
  readonly tlsScan: boolean;
  /** SMTP: who to say the client is, `ADDR=192.0.2.7 NAME=host` (Postfix's XCLIENT). */
  readonly xclient: ByteString | null;
  /** SMTP: see whether the server takes mail for this address from a stranger. */
  readonly relayTo: ByteString | null;
}

/** A store of authorities takes long to read, and a load of logins needs it each time. */
const contexts = new WeakMap<ProbeOptions, Map<ProtocolName, TlsContext>>();

/** One server, found and connected to in one way, for all connections that a probe makes. */
export class Place {
  readonly runtime: Runtime;
  readonly target: Target;
  readonly options: ProbeOptions;
  readonly at: Endpoint;

  constructor(runtime: Runtime, target: Target, options: ProbeOptions, at: Endpoint) {
    this.runtime = runtime;
    this.target = target;
    this.options = options;
    this.at = at;
  }

  /** Connected, the PROXY header sent. Rejects with a `Fault`. */
  async connect(transcript?: TranscriptLine[]): Promise<Talk> {
    const { options } = this;
    const talk = await Talk.connect(this.runtime, this.at, {
      timeoutMs: options.timeoutMs,
      secrets: spellings(options.login),
      ...(transcript && { transcript }),
    });
    const version = this.#proxyProtocol;
    if (version !== null) {
      const { local } = talk.connection;
      const client = options.proxySource ?? local;
      talk.connection.write(encodeProxyHeader(version, client, this.at));
      talk.note("->", `PROXY header, version ${version === "on" ? 1 : 2}`);
    }
    return talk;
  }

  get #proxyProtocol(): "on" | "v2" | null {
    return this.options.proxyProtocol ?? (this.target.behindProxy ? "on" : null);
  }

  /** Whether it is told by a PROXY header who is there. */
  get introduced(): boolean {
    return this.#proxyProtocol !== null;
  }

  client(): Client {
    return clientOf(this.target.protocol, this.options.helo);
  }

  /** Verification is reported, not enforced: a probe shall say what is wrong. */
  context(): TlsContext {
    const { options, target: { protocol } } = this;
    const known = contexts.get(options) ?? new Map<ProtocolName, TlsContext>();
    contexts.set(options, known);
    const { ca, certificate } = options;
    const made = known.get(protocol) ?? this.runtime.tls.client({
      verify: false,
      chain: true,
      alpn: this.alpn,
      ...(ca && { ca }),
      ...(certificate && { certificate }),
    });
    known.set(protocol, made);
    return made;
  }

  /** IANA has `imap` and `pop3`; nginx and Postfix know `smtp` besides. */
  get alpn(): readonly string[] {
    return this.options.alpn ?? [this.target.protocol];
  }

  get serverName(): string | undefined {
    return this.target.host ?? undefined;
  }

  /** Whether nobody can listen in between. */
  get local(): boolean {
    const { at } = this;
    return at.is === "unix" || at.address.startsWith("127.") || at.address === "::1";
  }
}

/** Every way in which a server could repeat the password. */
function spellings(login: Login | null): ByteString[] {
  const secret = login?.password.reveal() ?? "";
  if (!login || secret === "") return [];
  const plain = encodeBase64(`\0${login.user}\0${secret}`);
  return [plain, plain.replace(/=+$/, ""), encodeBase64(secret), secret];
}

/** Where a name leads, in the system's order; IPv4 or IPv6 alone when that was asked for. */
export async function endpointsOf(
  { host, port, at }: Target,
  { family, connectTo }: Pick<ProbeOptions, "family" | "connectTo">,
  lookup: (name: string) => Promise<readonly string[]>,
): Promise<readonly Endpoint[]> {
  if (connectTo && "is" in connectTo) return [connectTo];
  if (!connectTo && at) return [at];
  const name = connectTo?.host ?? host ?? "";
  const found = await lookup(name);
  return found
    .filter((address) => family === null || address.includes(":") === (family === 6))
    .map((address) => ip(address, connectTo?.port ?? port));
}
