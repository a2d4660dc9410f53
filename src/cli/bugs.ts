/**
 * What nobody caught. A `FileError` or `NetError` is the world's fault and shown as its sentence; all
 * else is ours, and shown without a stack trace unless DOORPOST_DEBUG=1 asks for one.
 *
 * A running proxy does not die of a fault in one session: while it serves, `serve` takes faults over
 * and logs them, for ten thousand other sessions have done nothing wrong.
 */

import { FileError, NetError } from "../core/errors.ts";
import type { Host } from "../net/ports.ts";
import { FAILED, INTERNAL } from "./exit.ts";

export class BugTrap {
  readonly #host: Host;
  #taker: ((text: string) => void) | null = null;

  constructor(host: Host) {
    this.#host = host;
  }

  /** From now on faults go to `taker` and end nothing; null restores the default. */
  divert(taker: ((text: string) => void) | null): void {
    this.#taker = taker;
  }

  /** For faults outside any command's own flow: `uncaughtException`, `unhandledRejection`. */
  caught(error: unknown): void {
    if (!this.#taker) this.fatal(error);
    const text = sentence(error);
    this.#taker!(this.#debug ? `${text}: ${trace(error)}` : text);
  }

  /** The command itself has failed: says why and exits. */
  fatal(error: unknown): never {
    const expected = error instanceof FileError || error instanceof NetError;
    const lines = [`doorpost: ${expected ? "error" : "internal error"}: ${sentence(error)}`];
    if (this.#debug) lines.push(trace(error));
    else if (!expected) {
      lines.push("This is a fault in Doorpost. DOORPOST_DEBUG=1 shows where; please report it.");
    }
    this.#host.writeErr(`${lines.join("\n")}\n`);
    return this.#host.exit(expected ? FAILED : INTERNAL);
  }

  get #debug(): boolean {
    return this.#host.env("DOORPOST_DEBUG") === "1";
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}

function trace(error: unknown): string {
  return error instanceof Error && error.stack ? error.stack : "no stack";
}
