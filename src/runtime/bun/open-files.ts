/** `worker_rlimit_nofile` on Bun: setrlimit(2) through FFI, for a process that has started already. */

import { NetError } from "../../core/errors.ts";
import { netError } from "../host.ts";
import { WITHOUT_LIBC } from "./features.ts";
import { libc, limitOpenFiles } from "./libc.ts";

/** Throws a `NetError`. */
export function setOpenFiles(limit: number): void {
  const c = libc();
  if (!c) throw new NetError("ENOTSUP", WITHOUT_LIBC["set-open-files"]);
  try {
    limitOpenFiles(c, limit);
  } catch (error) {
    throw netError(error);
  }
}
