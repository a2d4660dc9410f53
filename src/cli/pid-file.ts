/**
 * The `pid` directive: a file with the process id, written once everything is bound and removed at the
 * end, as nginx does it.
 *
 * Unlike nginx it does not take a file away from a process that runs: `/run/nginx.pid`, say, in a
 * configuration that both programs read. A number that is left over, of a process that has ended or
 * (its number given to another one since) began after the file was written, is no obstacle.
 */

import { FileError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Runtime } from "../net/ports.ts";
import { StartError } from "../proxy/server.ts";
import { visible } from "./cells.ts";

/** How exactly the start of a process is known. */
const SECOND_MS = 1000;

export class PidFile {
  readonly #runtime: Runtime;
  #path: string | null = null;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Throws a `StartError` when the file is that of another process, which runs. */
  check(path: string | null): void {
    const { files, host } = this.#runtime;
    const pid = path === null ? null : this.#numberIn(path);
    if (path === null || pid === null || pid === host.pid) return;
    const running = host.running?.(pid);
    if (!running) return;
    const { modified = Infinity } = files.stat(path);
    if (running.since !== null && running.since > modified + SECOND_MS) return;
    const which = running.name === null ? `${pid}` : `${pid} (${visible(running.name)})`;
    const why = `it is the file of process ${which}, which is running`;
    throw new StartError(`Cannot write pid file "${path}": ${why}`, [], HINT);
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

  /** Null when there is no such file, or something else in it. */
  #numberIn(path: string): number | null {
    try {
      const [, digits] = /^\s*([1-9]\d{0,9})\s*$/.exec(this.#runtime.files.readText(path)) ?? [];
      return digits === undefined ? null : Number(digits);
    } catch (error) {
      if (error instanceof FileError) return null;
      throw error;
    }
  }
}

const HINT = "stop that process, or give `pid` another file; " +
  "if it has nothing to do with this one, remove the file";
