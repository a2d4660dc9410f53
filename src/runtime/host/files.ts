/**
 * Small synchronous files over `node:fs`. Every failure is a `FileError` with the errno name.
 *
 * An `Appender` writes through one `O_APPEND` descriptor without a buffer: lines of several processes
 * do not mix, and nothing is lost in a crash.
 */

import {
  chownSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { FileError } from "../../core/errors.ts";
import type { Appender, Files } from "../../net/ports.ts";
import { errorCode } from "./errno.ts";

/** What nginx gives a new log file. */
const LOG_MODE = 0o644;

export const files: Files = {
  read: (path) => named(path, () => new Uint8Array(readFileSync(path))),
  readText: (path) => named(path, () => readFileSync(path, "utf8")),
  write(path, text, options = {}) {
    const flag = options.exclusive ? "wx" : "w";
    named(path, () => writeFileSync(path, text, { mode: options.mode ?? 0o644, flag }));
  },
  remove: (path) => named(path, () => unlinkSync(path)),
  exists: (path) => existsSync(path),
  list: (path) => named(path, () => readdirSync(path)),
  stat: (path) =>
    named(path, () => {
      const found = statSync(path);
      return {
        mode: found.mode & 0o7777,
        size: found.size,
        directory: found.isDirectory(),
        modified: found.mtimeMs,
      };
    }),
  append: (path) => new FileAppender(path),
  chown: (path, { uid, gid }) => named(path, () => chownSync(path, uid, gid)),
};

function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new FileError(errorCode(error), path);
  }
}

class FileAppender implements Appender {
  readonly #path: string;
  #descriptor: number;

  constructor(path: string) {
    this.#path = path;
    this.#descriptor = openForAppending(path);
  }

  write(bytes: Uint8Array): void {
    named(this.#path, () => {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
    });
  }

  /** Keeps the old file when the new one cannot be opened: a log in the wrong place beats no log. */
  reopen(): void {
    const fresh = openForAppending(this.#path);
    const old = this.#descriptor;
    this.#descriptor = fresh;
    if (old >= 0) closeSync(old);
  }

  close(): void {
    if (this.#descriptor < 0) return;
    closeSync(this.#descriptor);
    this.#descriptor = -1;
  }
}

function openForAppending(path: string): number {
  return named(path, () => openSync(path, "a", LOG_MODE));
}
