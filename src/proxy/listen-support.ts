/** Parameters of `listen` that were written, and that this runtime cannot honour: said, not ignored. */

import type { Listen, ServerSettings } from "../config/settings.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import type { Feature, Runtime } from "../net/ports.ts";

const PARAMETERS: readonly (readonly [Feature, string, (listen: Listen) => boolean])[] = [
  ["listen-backlog", "backlog", (listen) => listen.backlog !== undefined],
  [
    "listen-buffers",
    "rcvbuf and sndbuf",
    (listen) => listen.rcvbuf !== undefined || listen.sndbuf !== undefined,
  ],
  [
    "listen-keepalive",
    "so_keepalive",
    ({ so_keepalive: keep }) => (keep?.idle ?? keep?.interval ?? keep?.count) !== undefined,
  ],
];

/** Warnings: none of these weakens security. */
export function listenFindings(server: ServerSettings, runtime: Runtime): Diagnostic[] {
  return server.listen.flatMap((listen) => {
    const lacking = PARAMETERS.flatMap(([feature, name, used]) => {
      const support = used(listen) ? runtime.supports(feature) : true;
      return support === true ? [] : [`${name} of "${listen.address}" has no effect: ${support}`];
    });
    if (listen.multipath) {
      lacking.push(`multipath of "${listen.address}" has no effect: Doorpost speaks plain TCP`);
    }
    return lacking.map((message): Diagnostic => ({
      at: listen.position,
      severity: "warning",
      rule: "unsupported-here",
      message,
    }));
  });
}
