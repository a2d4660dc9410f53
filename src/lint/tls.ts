/** What rules ask about TLS. */

import type { ServerSettings } from "../config/settings.ts";

/** Whether a client can speak TLS to the server. */
export function usesTls(server: ServerSettings): boolean {
  return server.starttls !== "off" || server.listen.some((listen) => listen.ssl);
}

/** A certificate as messages name it: a path, or that it stands in the configuration itself. */
export function shown(path: string): string {
  return path.startsWith("data:") ? "the certificate" : `"${path}"`;
}
