/**
 * The `pid` directive: a file with the process id, written once everything is bound and removed at the
 * end, as nginx does it.
 */

import { FileError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Runtime } from "../net/ports.ts";

export class PidFile {
  readonly #runtime: Runtime;
  #path: string | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Writes the file, or moves it when a reload names another. Throws `FileError`. */
  place(path: string | null): void {
    if (path === this.#path) return;
    if (path !== null) this.#runtime.files.write(path, `${this.#runtime.host.pid}\n`);
    this.remove(null);
    this.#path = path;
  }

  /** Once the process has become another user it may not be allowed to: no reason to fail. */
  remove(log: Log | null): void {
    if (this.#path === null) return;
    try {
      this.#runtime.files.remove(this.#path);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      log?.write({ level: "warn", message: `Cannot remove pid file ${error.message}` });
    }
    this.#path = null;
  }
}
