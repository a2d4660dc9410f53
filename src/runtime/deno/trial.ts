/**
 * Deno reads the certificate and key of a context when a connection wants it, and calls whatever is
 * wrong with them "unsupported protocol". A trial tells the administrator instead of the first client.
 */

import { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";

/** Why no server can be run with this context, or null. */
export function contextFault(secureContext: SecureContext): string | null {
  const nobody = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() });
  const socket = new TLSSocket(nobody as Socket, { isServer: true, secureContext });
  const { _initError: fault } = socket as { _initError?: Error | null };
  socket.on("error", () => {});
  socket.destroy();
  return fault ? "Deno's TLS library cannot use this certificate with this key" : null;
}
