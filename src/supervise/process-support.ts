/** Directives of the whole process that this runtime cannot obey: `serve` refuses to start with them. */

import type { Settings } from "../config/settings.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import type { Runtime } from "../net/ports.ts";
import { workersOf } from "./supervisor.ts";

/** Errors: to serve as root, or with fewer processes than were asked for, is not what was written. */
export function processFindings(settings: Settings, runtime: Runtime): Diagnostic[] {
  const { user, origin } = settings.global;
  const workers = workersOf(settings, runtime.host);
  const found: Diagnostic[] = [];
  const refuse = (directive: "user" | "worker_processes", what: string, able: true | string) => {
    const place = origin(directive);
    if (able === true || !("at" in place)) return;
    const message = `Cannot ${what}: ${able}`;
    found.push({ at: place.at, severity: "error", rule: "unsupported-here", message });
  };
  if (user) refuse("user", `become user "${user.name}"`, runtime.supports("set-user"));
  if (workers > 1) {
    refuse("worker_processes", `start ${workers} worker processes`, runtime.supports("spawn"));
  }
  return found;
}
