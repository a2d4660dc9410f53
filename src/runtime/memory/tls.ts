/**
 * Pretended TLS for the memory runtime: certificates, names, ALPN and verification are real (read by
 * `node:crypto`), encryption is not. Client: hello; server: hello with its chain; client: finished,
 * with its chain when asked. Shape of RFC 8446 section 2, content of our own.
 */

import { X509Certificate } from "node:crypto";
import { NetError } from "../../core/errors.ts";
import { parseAddress } from "../../net/address.ts";
import type {
  Certificate,
  TlsClientSettings,
  TlsContext,
  TlsInfo,
  TlsLibrary,
  TlsServerSettings,
} from "../../net/ports.ts";
import { certificatesOf, describe, verifyResult } from "../certificate.ts";
import { makeTlsLibrary, type ServerContext as Made } from "../tls/library.ts";
import {
  type ClientCertificate,
  describeAll,
  judgeCertificate,
  NO_CERTIFICATE,
  NOT_ASKED,
  type Trust,
} from "../tls/trust.ts";
import { ALERT, contentOf, message, seal, type TlsRecord } from "./records.ts";

export const NO_CIPHERS = "The memory runtime only pretends to encrypt";
export const NO_RESUMPTION = "The memory runtime resumes no TLS sessions";

/** Checks settings as Node and Deno do; the contexts are our own. */
const library = makeTlsLibrary({
  ciphers: NO_CIPHERS,
  ciphersuites: NO_CIPHERS,
  curves: NO_CIPHERS,
  dhparam: NO_CIPHERS,
  crl: NO_CIPHERS,
  oldProtocols: NO_CIPHERS,
  ticketKeys: NO_RESUMPTION,
  coarse: true,
});

interface ServerContext extends TlsContext {
  readonly tlsContext: "server";
  readonly settings: TlsServerSettings;
  readonly trust: Trust;
}

interface ClientContext extends TlsContext {
  readonly tlsContext: "client";
  readonly settings: TlsClientSettings;
}

export const tls: TlsLibrary = {
  server(settings): ServerContext {
    const { trust } = library.server(settings) as Made;
    return { tlsContext: "server", settings, trust };
  },
  client(settings): ClientContext {
    library.client(settings);
    return { tlsContext: "client", settings };
  },
  inspect: (pem) => library.inspect(pem),
  matches: (pair) => library.matches(pair),
};

/** One side of a handshake. Records go in until `record` gives what came out. */
export interface Handshake {
  /** Bytes to send at once, if any. */
  start(): Uint8Array | null;
  /** Throws a `NetError`; `reply` is to be sent in any case. */
  record(record: TlsRecord, send: (bytes: Uint8Array) => void): TlsInfo | null;
}

export function handshake(
  context: TlsContext,
  serverName: string | undefined,
  now: () => number,
): Handshake {
  return context.tlsContext === "server"
    ? new ServerHandshake(context as ServerContext, now)
    : new ClientHandshake((context as ClientContext).settings, serverName, now);
}

const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const FINISHED = 20;

interface ClientHello {
  readonly protocols: readonly string[];
  readonly alpn: readonly string[];
  readonly sni: string | null;
}

interface ServerHello {
  readonly protocol: string;
  readonly alpn: string | null;
  readonly chain: string;
  readonly asks: boolean;
}

interface Finished {
  readonly chain: string | null;
}

const CIPHERS: Readonly<Record<string, string>> = {
  "TLSv1.2": "ECDHE-ECDSA-AES128-GCM-SHA256",
  "TLSv1.3": "TLS_AES_256_GCM_SHA384",
};

class ServerHandshake implements Handshake {
  readonly #settings: TlsServerSettings;
  readonly #trust: Trust;
  readonly #now: () => number;
  #hello: { readonly client: ClientHello; readonly server: ServerHello } | null = null;

  constructor({ settings, trust }: ServerContext, now: () => number) {
    this.#settings = settings;
    this.#trust = trust;
    this.#now = now;
  }

  start(): null {
    return null;
  }

  record(record: TlsRecord, send: (bytes: Uint8Array) => void): TlsInfo | null {
    if (!this.#hello) {
      const client = contentOf(record, CLIENT_HELLO) as ClientHello;
      const server = orAlert(send, () => this.#answer(client));
      this.#hello = { client, server };
      send(message(SERVER_HELLO, server));
      return null;
    }
    const { client, server } = this.#hello;
    const { chain } = contentOf(record, FINISHED) as Finished;
    return { ...agreed(server, client.sni), ...this.#judge(chain) };
  }

  #answer(client: ClientHello): ServerHello {
    const protocols = this.#settings.protocols.filter((one) => client.protocols.includes(one));
    const protocol = [...protocols].sort().at(-1);
    if (!protocol) throw new NetError("EPROTO", "TLS handshake failed: unsupported protocol");
    return {
      protocol,
      alpn: chooseProtocol(this.#settings.alpn ?? [], client.alpn),
      chain: this.#settings.certificates[0].certificate,
      asks: this.#settings.requestCertificate ?? false,
    };
  }

  #judge(chain: string | null): ClientCertificate {
    if (!this.#settings.requestCertificate) return NOT_ASKED;
    if (chain === null) return NO_CERTIFICATE;
    const [leaf, ...sent] = readAll(chain);
    const fault = chainFault([leaf, ...sent], this.#settings.ca ?? [], this.#now());
    return judgeCertificate({ leaf, sent, fault, resumed: false }, this.#trust);
  }
}

class ClientHandshake implements Handshake {
  readonly #settings: TlsClientSettings;
  readonly #serverName: string | undefined;
  readonly #now: () => number;

  constructor(settings: TlsClientSettings, serverName: string | undefined, now: () => number) {
    this.#settings = settings;
    this.#serverName = serverName;
    this.#now = now;
  }

  start(): Uint8Array {
    const hello: ClientHello = {
      protocols: this.#settings.protocols ?? ["TLSv1.2", "TLSv1.3"],
      alpn: this.#settings.alpn ?? [],
      sni: this.#sni,
    };
    return message(CLIENT_HELLO, hello);
  }

  /** RFC 6066 section 3: literal addresses are not sent. */
  get #sni(): string | null {
    const name = this.#serverName;
    return name === undefined || parseAddress(name) ? null : name;
  }

  record(record: TlsRecord, send: (bytes: Uint8Array) => void): TlsInfo {
    const server = contentOf(record, SERVER_HELLO) as ServerHello;
    const certificates = readAll(server.chain);
    const peer = describe(certificates[0]);
    const verify = orAlert(send, () => this.#judge(certificates, peer));
    const finished: Finished = {
      chain: server.asks ? this.#settings.certificate?.certificate ?? null : null,
    };
    send(message(FINISHED, finished));
    const chain = this.#settings.chain && { chain: describeAll(certificates) };
    return { ...agreed(server, this.#sni), verify, peer, ...chain };
  }

  #judge(certificates: readonly X509Certificate[], peer: Certificate): TlsInfo["verify"] {
    const fault = chainFault(certificates, this.#settings.ca ?? [], this.#now()) ??
      nameFault(peer, this.#serverName);
    const verify = verifyResult(fault);
    if (fault === null || !this.#settings.verify) return verify;
    throw new NetError(fault, `certificate verify error: (${verify.code}:${verify.text})`);
  }
}

function agreed(server: ServerHello, sni: string | null) {
  const { protocol, alpn } = server;
  return { protocol, cipher: CIPHERS[protocol] ?? "", alpn, sni, resumed: false };
}

/** RFC 7301 section 3.2: the server's preference; nothing in common is fatal. */
function chooseProtocol(mine: readonly string[], offered: readonly string[]): string | null {
  if (mine.length === 0 || offered.length === 0) return null;
  const common = mine.find((name) => offered.includes(name));
  if (common !== undefined) return common;
  throw new NetError("EPROTO", "TLS handshake failed: no application protocol");
}

function orAlert<T>(send: (bytes: Uint8Array) => void, work: () => T): T {
  try {
    return work();
  } catch (error) {
    send(seal(ALERT, new TextEncoder().encode("handshake failure")));
    throw error;
  }
}

// --- verification -------------------------------------------------------------------------------

function readAll(pem: string): X509Certificate[] {
  return certificatesOf(pem).map((der) => new X509Certificate(der));
}

/** OpenSSL's name of the first thing wrong on the way from the leaf to a trusted authority. */
function chainFault(
  presented: readonly X509Certificate[],
  ca: readonly string[],
  now: number,
): string | null {
  const anchors = ca.flatMap(readAll);
  let current = presented[0];
  for (let depth = 0; depth <= presented.length; depth++) {
    const { notBefore, notAfter } = describe(current);
    const trusted = anchors.some((anchor) => anchor.fingerprint === current.fingerprint);
    const issuer = issuerOf(current, anchors) ?? issuerOf(current, presented);
    if (!trusted && issuer === current) {
      return depth === 0 ? "DEPTH_ZERO_SELF_SIGNED_CERT" : "SELF_SIGNED_CERT_IN_CHAIN";
    }
    if (now < notBefore) return "CERT_NOT_YET_VALID";
    if (now > notAfter) return "CERT_HAS_EXPIRED";
    if (trusted) return null;
    if (!issuer) break;
    current = issuer;
  }
  return "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
}

function issuerOf(
  certificate: X509Certificate,
  among: readonly X509Certificate[],
): X509Certificate | undefined {
  return among.find((one) =>
    one.subject === certificate.issuer && certificate.verify(one.publicKey)
  );
}

/** RFC 9525 section 6: alternative names only; `*` stands for one whole first label. */
function nameFault(peer: Certificate, serverName: string | undefined): string | null {
  if (serverName === undefined) return "HOSTNAME_MISMATCH";
  const literal = parseAddress(serverName);
  if (literal) {
    const same = peer.names.some((name) => parseAddress(name)?.join() === literal.join());
    return same ? null : "IP_ADDRESS_MISMATCH";
  }
  const wanted = serverName.toLowerCase();
  const wildcard = wanted.replace(/^[^.]+/, "*");
  const names = peer.names.map((name) => name.toLowerCase());
  return names.includes(wanted) || names.includes(wildcard) ? null : "HOSTNAME_MISMATCH";
}
