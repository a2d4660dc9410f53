/**
 * A TLS handshake through `node:tls` over any duplex stream, and what it found out. Shared by Node
 * (over its own sockets) and Deno (over a stream of ours).
 *
 * A server never refuses a certificate here: it reports (nginx's `optional` and `optional_no_ca`
 * need that). A client refuses by itself, unless its settings say otherwise (RFC 9525 for names).
 */

import type { X509Certificate } from "node:crypto";
import { isIP, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect, TLSSocket } from "node:tls";
import { errnoText, NetError } from "../../core/errors.ts";
import type { TlsContext, TlsInfo } from "../../net/ports.ts";
import { describe, verifyResult } from "../certificate.ts";
import { errorCode, netError } from "../host/errno.ts";
import { LONGEST_CHAIN, pathOf, refineFault } from "./chain.ts";
import { wordsOf } from "./errors.ts";
import type { Choice, ClientContext, OwnCertificate, ServerContext } from "./library.ts";
import {
  type ClientCertificate,
  describeAll,
  judgeCertificate,
  NO_CERTIFICATE,
  NOT_ASKED,
  readable,
} from "./trust.ts";

/** Picks one of a server's choices, when the ClientHello has come and there are several. */
export type Choose = (choices: readonly Choice[]) => Choice;

/**
 * Starts the handshake. `done` is called once: with what the handshake found out, or with its failure;
 * the socket must then be destroyed. Listeners for data and the end are the caller's.
 */
export function startHandshake(
  stream: Duplex | Socket,
  context: TlsContext,
  serverName: string | undefined,
  done: (outcome: TlsInfo | NetError) => void,
  choose?: Choose,
): TLSSocket {
  const { socket, secured, judge } = context.tlsContext === "server"
    ? serverSide(stream, context as ServerContext, choose)
    : clientSide(stream, context as ClientContext, serverName);
  let over = false;
  const finish = (outcome: TlsInfo | NetError) => {
    if (over) return;
    over = true;
    done(outcome);
  };
  socket.once(secured, () => finish(judge()));
  socket.once("error", (error: Error) => finish(handshakeError(error)));
  socket.once("_tlsError", (error: Error) => finish(handshakeError(error)));
  socket.once("end", () => finish(GONE));
  socket.once("close", () => finish(GONE));
  return socket;
}

/** The peer left, or we did, before the handshake was over. */
export const GONE: NetError = new NetError("ECONNRESET", "peer closed connection in TLS handshake");

interface Side {
  readonly socket: TLSSocket;
  /** The event that ends the handshake. */
  readonly secured: "secure" | "secureConnect";
  judge(): TlsInfo | NetError;
}

function serverSide(
  stream: Duplex | Socket,
  context: ServerContext,
  choose: Choose | undefined,
): Side {
  const { choices, alpn, requestCertificate, sessionStore } = context;
  let choice = choices[0];
  const socket = new TLSSocket(stream as Socket, {
    isServer: true,
    secureContext: choice.secure,
    requestCert: requestCertificate,
    rejectUnauthorized: false,
    ...(choose && choices.length > 1 && {
      SNICallback: (_name, found) => {
        choice = choose(choices);
        found(null, choice.secure);
      },
    }),
    ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    ...(sessionStore && { server: sessionStore as Server }),
  });
  return { socket, secured: "secure", judge: () => judgeClient(socket, context, choice) };
}

function clientSide(
  stream: Duplex | Socket,
  context: ClientContext,
  serverName: string | undefined,
): Side {
  const servername = sniOf(serverName);
  const socket = connect({
    socket: stream as Socket,
    secureContext: context.secure,
    ...(servername !== undefined && { servername }),
    // The judgement is ours, so that both runtimes make the same one.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(context.alpn.length > 0 && { ALPNProtocols: [...context.alpn] }),
  });
  return {
    socket,
    secured: "secureConnect",
    judge: () => judgeServer(socket, context, serverName),
  };
}

function handshakeError(error: Error): NetError {
  return socketError(error, "TLS handshake failed");
}

/** As `netError`, with OpenSSL's reason instead of its whole message where it is OpenSSL that failed. */
export function socketError(error: Error, doing?: string): NetError {
  const code = errorCode(error);
  if (errnoText(code) !== code || error instanceof NetError) return netError(error, doing);
  const why = wordsOf(error);
  return new NetError(code, doing ? `${doing}: ${why}` : why);
}

// --- what was found out -------------------------------------------------------------------------

/** Of the server's handshake: it reports whatever there is to say about the client. */
function judgeClient(socket: TLSSocket, context: ServerContext, { certificates }: Choice): TlsInfo {
  const { servername } = socket as { servername?: string | false | null };
  const own = certificates.length === 1 ? certificates[0] : shownOf(socket, certificates);
  return {
    ...session(socket),
    ...clientCertificate(socket, context),
    sni: servername || null,
    ...(own?.own && { own: own.own }),
  };
}

function clientCertificate(
  socket: TLSSocket,
  { requestCertificate, trust }: ServerContext,
): ClientCertificate {
  if (!requestCertificate) return NOT_ASKED;
  const [leaf, ...sent] = chainOf(socket);
  if (!leaf) return NO_CERTIFICATE;
  const shown = { leaf, sent, fault: chainFault(socket), resumed: socket.isSessionReused() };
  return judgeCertificate(shown, trust);
}

function shownOf(
  socket: TLSSocket,
  certificates: readonly OwnCertificate[],
): OwnCertificate | undefined {
  const shown = socket.getX509Certificate()?.fingerprint256;
  return certificates.find(({ fingerprint256 }) => fingerprint256 === shown);
}

/** Of the client's handshake: it fails, unless verification was turned off. */
function judgeServer(
  socket: TLSSocket,
  context: ClientContext,
  serverName: string | undefined,
): TlsInfo | NetError {
  const chain = chainOf(socket);
  const [peer] = chain;
  const fault = faultOfServer(socket, context, chain, serverName);
  const verify = verifyResult(fault);
  if (fault !== null && context.verify) {
    return new NetError(fault, `certificate verify error: (${verify.code}:${verify.text})`);
  }
  return {
    ...session(socket),
    verify,
    peer: peer ? describe(peer) : null,
    ...(context.tellsChain && { chain: describeAll(chain) }),
    sni: sniOf(serverName) ?? null,
  };
}

function session(socket: TLSSocket): Pick<TlsInfo, "protocol" | "cipher" | "alpn" | "resumed"> {
  return {
    protocol: socket.getProtocol() ?? "",
    cipher: socket.getCipher()?.name ?? "",
    alpn: socket.alpnProtocol || null,
    resumed: socket.isSessionReused(),
  };
}

/** RFC 6066 section 3: literal addresses are not sent. */
function sniOf(serverName: string | undefined): string | undefined {
  return serverName !== undefined && isIP(serverName) === 0 ? serverName : undefined;
}

/** RFC 9525 section 6. Without a name to hold it against no certificate is the right one. */
function faultOfServer(
  socket: TLSSocket,
  { trusted, coarse }: ClientContext,
  [peer, ...sent]: readonly X509Certificate[],
  serverName: string | undefined,
): string | null {
  if (!peer || serverName === undefined) return "HOSTNAME_MISMATCH";
  const fault = chainFault(socket);
  if (fault !== null && coarse) {
    return refineFault(fault, pathOf(peer, sent, trusted), trusted, "server");
  }
  if (fault !== null) return fault;
  if (!checkServerIdentity(serverName, peer.toLegacyObject())) return null;
  return isIP(serverName) === 0 ? "HOSTNAME_MISMATCH" : "IP_ADDRESS_MISMATCH";
}

/** OpenSSL's name of what is wrong with the peer's chain. Node gives an error, Deno the name. */
function chainFault(socket: TLSSocket): string | null {
  const { ssl } = socket as { ssl?: { verifyError(): Error | string | null | undefined } };
  const fault = ssl?.verifyError();
  if (!fault) return null;
  return typeof fault === "string" ? fault : errorCode(fault);
}

/**
 * The peer's certificate and what it sent besides, as far as they can be read. Node has them as a list
 * of links, Deno as one of DER; of a malformed certificate Deno throws.
 */
function chainOf(socket: TLSSocket): readonly X509Certificate[] {
  const { ssl } = socket as {
    ssl?: { getPeerCertificateChain?(): { readonly certificates?: readonly Uint8Array[] } | null };
  };
  const all = ssl?.getPeerCertificateChain?.()?.certificates;
  if (!all) return linksOf(socket.getPeerX509Certificate());
  const chain = all.slice(0, LONGEST_CHAIN).map(readable);
  return chain[0] ? chain.filter((one) => one !== null) : [];
}

function linksOf(leaf: X509Certificate | undefined): readonly X509Certificate[] {
  const links: X509Certificate[] = [];
  for (let next = leaf; next && links.length < LONGEST_CHAIN; next = next.issuerCertificate) {
    links.push(next);
  }
  return links;
}
