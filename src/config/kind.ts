/**
 * What a kind of value is: how words become a value, how a value becomes words again, and which TOML
 * shape says the same. The kinds themselves are in `values.ts` and in one file for each larger one.
 *
 * Rule: `read` reports faults through its `Reading` and returns undefined; it never throws.
 */

import type { Position } from "../core/diagnostic.ts";
import type { Word } from "./tree.ts";

/** What happens when a directive stands twice at one level. */
export type Repeat =
  /** `"D" directive is duplicate`. */
  | "refuse"
  /** The last one counts, silently (nginx's `protocol`, `auth_http`). */
  | "last"
  /** Values accumulate. */
  | "collect";

/** How a directive is written in TOML. */
export type TomlForm =
  /** One value: `timeout = "60s"`. */
  | "scalar"
  /** One value or an array, each a directive of one word: `ssl_certificate = ["a", "b"]`. */
  | "each"
  /** One value or an array, all the words of one directive: `imap_auth = ["plain", "login"]`. */
  | "words"
  /** Like `words`, and a string is cut at its spaces: `resolver = "127.0.0.1 valid=30s"`. */
  | "line"
  /** One string or an array, each cut at its spaces into one directive: `listen = ["143", "993 ssl"]`. */
  | "lines"
  /** An array of two-string arrays: `auth_http_header = [["X-Key", "secret"]]`. */
  | "pairs";

/** JSON Schema of one TOML value, as far as we use it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | boolean)[];
  /** Of integers. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of strings. */
  readonly pattern?: string;
  readonly minLength?: number;
}

/** The services and the circumstances that `read` may need. */
export interface Reading {
  /** The directive's name and its place. */
  readonly name: Word;
  /** Folder of the main file, absolute: relative paths start there. */
  readonly folder: string;
  /** Addresses of a host name; null = it has none, undefined = names are not being resolved. */
  lookup(host: string): readonly string[] | null | undefined;
  /** What the `server` block says elsewhere, for `listen` without a port. */
  readonly server: { readonly protocol: Protocol | null; readonly ssl: boolean };
  /** Reports an error and returns undefined, so that `return reading.fault(...)` reads well. */
  fault(rule: string, message: string, at?: Word | Position, hint?: string): undefined;
  warn(rule: string, message: string, at?: Word | Position, hint?: string): void;
}

export type Protocol = "imap" | "pop3" | "smtp";

export interface Kind<T> {
  /** For the reference: `flag`, `time`, `size` ... */
  readonly name: string;
  /** Least and most words in nginx's spelling; most may be Infinity. */
  readonly count: readonly [number, number];
  readonly repeat: Repeat;
  readonly toml: TomlForm;
  /** TOML types besides strings. */
  readonly types: readonly ("integer" | "boolean")[];
  /** Completes "expected ..." in a TOML type error. */
  readonly expects: string;
  readonly schema: Schema;
  /** `before` is what earlier directives at the same level gave, for values that accumulate. */
  read(words: readonly Word[], reading: Reading, before: T | undefined): T | undefined;
  /** The words of each directive that gives this value. */
  show(value: T): readonly (readonly string[])[];
}
