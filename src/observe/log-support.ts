/** Logs that were written and that this runtime cannot send: said, not ignored. */

import type { Settings } from "../config/settings.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Runtime } from "../net/ports.ts";

/** Warnings: a log that is missing weakens nothing but the view. */
export function logFindings({ global, servers }: Settings, runtime: Runtime): Diagnostic[] {
  const support = runtime.supports("unix-datagrams");
  if (support === true) return [];
  return [global, ...servers].flatMap(({ error_log, origin }) => {
    const place = origin("error_log");
    return error_log.flatMap(({ destination: to }): Diagnostic[] => {
      if (to.is !== "syslog" || to.server.is !== "unix" || !("at" in place)) return [];
      const message = `the log to ${formatEndpoint(to.server)} has no effect: ${support}`;
      return [{ at: place.at, severity: "warning", rule: "unsupported-here", message }];
    });
  });
}
