/**
 * What is wrong with a server's TLS settings, in nginx's words where it has any. All faults are found
 * in one go: a file that cannot be read does not hide that the cipher string is misspelt.
 */

import type { Diagnostic, Severity } from "../../core/diagnostic.ts";
import { errnoText, FileError } from "../../core/errors.ts";
import type { Runtime } from "../../net/ports.ts";
import type { Choice, Source } from "./choices.ts";

type Place = Pick<Choice<unknown>, "at">;

export class TlsFindings {
  readonly list: Diagnostic[] = [];
  readonly #files: Runtime["files"];

  constructor(files: Runtime["files"]) {
    this.#files = files;
  }

  get failed(): boolean {
    return this.list.some(({ severity }) => severity === "error");
  }

  add(severity: Severity, rule: string, { at }: Place, message: string, hint?: string): void {
    this.list.push({ at, severity, rule, message, ...(hint !== undefined && { hint }) });
  }

  /** A file's bytes; null, and a finding in these words, when it cannot be read. */
  bytes(source: Source, words: Words): Uint8Array | null {
    return this.#reading(source, words, (path) => this.#files.read(path));
  }

  /** The text of a file or of a `data:` value. */
  text(source: Source, words: Words): string | null {
    if (source.value.startsWith("data:")) return source.value.slice("data:".length);
    return this.#reading(source, words, (path) => this.#files.readText(path));
  }

  #reading<T>(source: Source, words: Words, read: (path: string) => T): T | null {
    try {
      return read(source.value);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.add("error", "missing-file", source, words(source.value, error));
      return null;
    }
  }
}

/** nginx's sentences for a file that cannot be read. */
type Words = (path: string, error: FileError) => string;

export function cannotLoad(what: string): Words {
  return (path, { code }) => `cannot load ${what} "${path}": ${errnoText(code)}`;
}

export const CANNOT_OPEN: Words = (path, { errno }) => `open() "${path}" failed ${errno}`;

export const CANNOT_READ: Words = (path, { code }) =>
  `BIO_new_file("${path}") failed (SSL: ${errnoText(code)})`;

/** A path as messages show it; a `data:` value may be a key. */
export function shown({ value }: Source): string {
  return value.startsWith("data:") ? "data:..." : value;
}

/** The same finding of several servers, which inherit one directive, is one. */
export function distinct(findings: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return findings.filter(({ at, severity, rule, message }) => {
    const key = JSON.stringify([at, severity, rule, message]);
    return !seen.has(key) && seen.add(key);
  });
}
