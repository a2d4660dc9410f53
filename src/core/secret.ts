/**
 * Secrets that cannot be shown by accident. A `Secret` holds a password, token or digest; every
 * ordinary way of turning it into text (template, JSON, console, inspect) gives `[secret]`.
 */

import type { ByteString } from "./bytes.ts";

/** A value that only `reveal` shows. */
export class Secret {
  readonly #value: ByteString;

  constructor(value: ByteString) {
    this.#value = value;
  }

  /** The value itself. Call it only where the secret leaves for its one destination. */
  reveal(): ByteString {
    return this.#value;
  }

  get length(): number {
    return this.#value.length;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }
}

/** No password at all: what `EXTERNAL` and `none` send. */
export const NO_SECRET: Secret = new Secret("");
