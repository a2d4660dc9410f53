/**
 * A TLS handshake through `node:tls` over any duplex stream, and what it found out. Shared by Node
 * (over its own sockets) and Deno (over a stream of ours).
 *
 * A server never refuses a certificate here: it reports (nginx's `optional` and `optional_no_ca`
 * need that). A client refuses by itself, unless its settings say otherwise (RFC 9525 for names).
 */

import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect, type SecureContext, TLSSocket } from "node:tls";
import { errnoText, NetError } from "../../core/errors.ts";
import type { TlsContext, TlsInfo } from "../../net/ports.ts";
import { describe, verifyResult } from "../certificate.ts";
import { errorCode, netError } from "../host/errno.ts";
import { chainDepth, refineFault } from "./chain.ts";
import { type ClientContext, type ServerContext, wordsOf } from "./library.ts";

/**
 * Starts the handshake. `done` is called once: with what the handshake found out, or with its failure;
 * the socket must then be destroyed. Listeners for data and the end are the caller's. `choose` is asked
 * when the ClientHello has come and the context has several choices.
 */
export function startHandshake(
  stream: Duplex | Socket,
  tlsContext: TlsContext,
  serverName: string | undefined,
  done: (outcome: TlsInfo | NetError) => void,
  choose?: () => SecureContext,
): TLSSocket {
  const context = tlsContext as ServerContext | ClientContext;
  const socket = context.tlsContext === "server"
    ? serverSide(stream, context, choose)
    : clientSide(stream, context, serverName);
  let over = false;
  const finish = (outcome: TlsInfo | NetError) => {
    if (over) return;
    over = true;
    done(outcome);
  };
  const secured = context.tlsContext === "server" ? "secure" : "secureConnect";
  socket.once(secured, () => finish(judge(socket, context, serverName)));
  socket.once("error", (error: Error) => finish(handshakeError(error)));
  socket.once("_tlsError", (error: Error) => finish(handshakeError(error)));
  socket.once("end", () => finish(GONE));
  socket.once("close", () => finish(GONE));
  return socket;
}

/** The peer left, or we did, before the handshake was over. */
export const GONE: NetError = new NetError("ECONNRESET", "peer closed connection in TLS handshake");

function serverSide(
  stream: Duplex | Socket,
  context: ServerContext,
  choose: (() => SecureContext) | undefined,
): TLSSocket {
  const chosen = context.choices.length > 1 && choose;
  return new TLSSocket(stream as Socket, {
    isServer: true,
    secureContext: context.choices[0].secure,
    requestCert: context.requestCertificate,
    rejectUnauthorized: false,
    ...(chosen && { SNICallback: (_name, found) => found(null, chosen()) }),
    ...(context.alpn.length > 0 && { ALPNProtocols: [...context.alpn] }),
  });
}

function clientSide(
  stream: Duplex | Socket,
  context: ClientContext,
  serverName: string | undefined,
): TLSSocket {
  const servername = sniOf(serverName);
  return connect({
    socket: stream as Socket,
    secureContext: context.secure,
    ...(servername !== undefined && { servername }),
    // The judgement is ours, so that both runtimes make the same one.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(context.alpn.length > 0 && { ALPNProtocols: [...context.alpn] }),
  });
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

function judge(
  socket: TLSSocket,
  context: ServerContext | ClientContext,
  serverName: string | undefined,
): TlsInfo | NetError {
  const peer = socket.getPeerX509Certificate();
  const fault = context.tlsContext === "server"
    ? faultOfClient(socket, context, peer)
    : faultOfServer(socket, context, peer, serverName);
  const verify = verifyResult(fault);
  if (fault !== null && context.tlsContext === "client" && context.verify) {
    return new NetError(fault, `certificate verify error: (${verify.code}:${verify.text})`);
  }
  const depth = peer && verify.ok ? chainDepth(peer, context.trusted) : undefined;
  return {
    protocol: socket.getProtocol() ?? "",
    cipher: socket.getCipher()?.name ?? "",
    alpn: socket.alpnProtocol || null,
    sni: context.tlsContext === "server" ? nameSent(socket) : sniOf(serverName) ?? null,
    verify,
    peer: peer ? describe(peer, depth) : null,
    resumed: socket.isSessionReused(),
  };
}

function nameSent(socket: TLSSocket): string | null {
  const { servername } = socket as { servername?: string | false | null };
  return servername || null;
}

/** RFC 6066 section 3: literal addresses are not sent. */
function sniOf(serverName: string | undefined): string | undefined {
  return serverName !== undefined && isIP(serverName) === 0 ? serverName : undefined;
}

/** A server that asked and was given nothing says so; one that did not ask has nothing to say. */
function faultOfClient(
  socket: TLSSocket,
  { requestCertificate, trusted }: ServerContext,
  peer: X509Certificate | undefined,
): string | null {
  if (!requestCertificate) return null;
  if (!peer) return "UNABLE_TO_GET_ISSUER_CERT";
  const fault = chainFault(socket);
  return fault === null ? null : refineFault(fault, peer, trusted);
}

/** RFC 9525 section 6. Without a name to hold it against no certificate is the right one. */
function faultOfServer(
  socket: TLSSocket,
  { trusted }: ClientContext,
  peer: X509Certificate | undefined,
  serverName: string | undefined,
): string | null {
  if (!peer || serverName === undefined) return "HOSTNAME_MISMATCH";
  const fault = chainFault(socket);
  if (fault !== null) return refineFault(fault, peer, trusted);
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
