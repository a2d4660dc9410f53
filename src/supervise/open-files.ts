/** `worker_rlimit_nofile`: each process that serves raises its own limit, before it gives root up. */

import type { GlobalSettings } from "../config/settings.ts";
import { NetError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Runtime } from "../net/ports.ts";

/** As in nginx a limit that cannot be had is said and lived with. */
export function raiseOpenFiles(global: GlobalSettings, runtime: Runtime, log: Log): void {
  const limit = global.worker_rlimit_nofile;
  if (limit === null || runtime.supports("set-open-files") !== true) return;
  try {
    runtime.host.setOpenFiles?.(limit);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    const message = `setrlimit(RLIMIT_NOFILE, ${limit}) failed`;
    log.write({ level: "alert", message, errno: error.errno });
  }
}
