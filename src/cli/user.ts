/**
 * The `user` directive: gives root up once the privileged ports, keys and logs are open. nginx ignores
 * it with a warning when it was not started by root; a runtime that cannot do it at all must not start,
 * for it would serve as root.
 */

import type { GlobalSettings } from "../config/settings.ts";
import type { Log } from "../core/log.ts";
import type { Runtime } from "../net/ports.ts";
import { StartError } from "../proxy/server.ts";

/** Throws a `StartError`. */
export function becomeUser(user: GlobalSettings["user"], runtime: Runtime, log: Log): void {
  if (user === null) return;
  const able = runtime.supports("set-user");
  if (able !== true) throw new StartError(`Cannot become user "${user.name}": ${able}`);
  try {
    runtime.host.setUser?.(user.name, user.group ?? undefined);
  } catch (error) {
    if (isNotPermitted(error)) return log.write({ level: "warn", message: NOT_ROOT });
    const why = error instanceof Error ? error.message : String(error);
    const hint = user.group === null && /^group /i.test(why) ? GROUP_HINT : "";
    throw new StartError(`Cannot become user "${user.name}": ${why}`, [], hint);
  }
}

const GROUP_HINT =
  'without a second word the group has the name of the user, as in nginx: user = "nobody nogroup"';

const NOT_ROOT =
  'the "user" directive makes sense only if doorpost is started by root: it is ignored';

function isNotPermitted(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === "EPERM";
}
