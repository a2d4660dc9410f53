/**
 * What a check says of logs that it does not open: those that a start could not make, as far as their
 * folders go. Errors, in nginx's words.
 */

import { folderOf } from "../config/paths.ts";
import type { Settings } from "../config/settings.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { FileError } from "../core/errors.ts";
import type { Files } from "../net/ports.ts";

/** At most one finding a log, at the `error_log` that names it. */
export function logFileFindings(
  { global, servers }: Settings,
  files: Pick<Files, "stat">,
): Diagnostic[] {
  return [global, ...servers].flatMap(({ error_log, origin }) => {
    const place = origin("error_log");
    return error_log.flatMap(({ destination: to }): Diagnostic[] => {
      const errno = to.is === "file" ? obstacle(to.path, files) : null;
      if (to.is !== "file" || errno === null || !("at" in place)) return [];
      const message = `open() "${to.path}" failed ${errno}`;
      return [{ at: place.at, severity: "error", rule: "missing-file", message }];
    });
  });
}

/** Null when the file is there or can be made. */
function obstacle(path: string, files: Pick<Files, "stat">): string | null {
  try {
    if (!files.stat(folderOf(path)).directory) return new FileError("ENOTDIR", path).errno;
    return files.stat(path).directory ? new FileError("EISDIR", path).errno : null;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return error.path === path && error.code === "ENOENT" ? null : error.errno;
  }
}
