/** The errors that a connection closes with, as the house words them. */

import { NetError } from "../../core/errors.ts";
import { type Endpoint, formatEndpoint } from "../../net/address.ts";
import { netError } from "../host.ts";
import { isVerifyCode } from "../verify.ts";

/** What became of a connection that was `open`, or was to be made. */
export function failure(error: Error, open: boolean, to: Endpoint): NetError {
  return open ? netError(error) : connectFailure(to, error);
}

function connectFailure(to: Endpoint, error: Error): NetError {
  const doing = `Cannot connect to ${formatEndpoint(to)}`;
  return error instanceof NetError
    ? new NetError(error.code, `${doing}: ${error.message}`)
    : netError(error, doing);
}

/** Bun gave no reason. */
export const ABORTED = new NetError("ECONNABORTED", "connection aborted");

/** The other side left before the handshake was done. */
export function gone(): NetError {
  return new NetError("ECONNRESET", "peer closed connection in TLS handshake");
}

export function codeOf(error: Error | null): string | undefined {
  return (error as { code?: string } | null)?.code;
}

/**
 * Why a handshake failed; null when it did not, whatever is to be said of the certificate: Bun denies
 * success for a name that does not fit as well, and gives the certificate's worst fault with it.
 */
export function handshakeFailure(success: boolean, error: Error | null): NetError | null {
  const code = codeOf(error) ?? "EPROTO";
  if (success || isVerifyCode(code)) return null;
  if (code === "ECONNRESET") return gone();
  return new NetError(code, `TLS handshake failed: ${wordsOf(error?.message ?? "")}`);
}

/** `error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER` in OpenSSL's words. */
function wordsOf(message: string): string {
  return lowerConstant(/^error:[0-9a-f]+:[^:]*:[^:]*:(\w+)$/i.exec(message)?.[1] ?? message);
}

/** BoringSSL gives its reasons as constants: `NO_CIPHER_MATCH`. */
export function lowerConstant(reason: string): string {
  return /^[A-Z][A-Z0-9_]*$/.test(reason) ? reason.toLowerCase().replaceAll("_", " ") : reason;
}
