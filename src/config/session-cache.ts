/** `ssl_session_cache off | none | [builtin[:size]] [shared:name:size];`. */

import type { Kind, Reading } from "./kind.ts";
import { parseNumber, parseSize, showSize } from "./numbers.ts";
import type { Word } from "./tree.ts";

export type SessionCache =
  | { readonly is: "off" }
  | { readonly is: "none" }
  | {
    readonly is: "cache";
    /** Sessions kept by one worker; null = no such cache. */
    readonly builtin: number | null;
    /** Size in bytes. */
    readonly shared: { readonly name: string; readonly size: number } | null;
  };

type Cache = Extract<SessionCache, { is: "cache" }>;

/** OpenSSL's own default, which nginx takes for `builtin` without a number. */
const BUILTIN = 20 * 1024;

/** Eight pages, below which nginx's shared memory has no room for a session. */
const LEAST_SHARED = 8 * 4096;

export const SESSION_CACHE: Kind<SessionCache> = {
  name: "`off`, `none`, or caches",
  count: [1, 2],
  repeat: "refuse",
  toml: "line",
  types: [],
  expects: 'a string such as "shared:MAIL:10m"',
  schema: { type: "string" },
  read: (words, reading) => {
    let value: SessionCache = { is: "none" };
    for (const word of words) {
      const next = readWord(value, word, reading);
      if (!next) return undefined;
      value = next;
    }
    return value;
  },
  show: (value) => [showCache(value)],
};

function readWord(before: SessionCache, word: Word, reading: Reading): SessionCache | undefined {
  const { text } = word;
  if (text === "off" || text === "none") return { is: text };
  const cache: Cache = before.is === "cache"
    ? before
    : { is: "cache", builtin: null, shared: null };
  if (text === "builtin") return { ...cache, builtin: BUILTIN };
  if (text.startsWith("builtin:")) {
    const builtin = parseNumber(text.slice(8));
    return builtin === null ? invalid(word, reading) : { ...cache, builtin };
  }
  const [, name, size] = /^shared:([^:]+):(.*)$/.exec(text) ?? [];
  const bytes = size === undefined ? null : parseSize(size);
  if (bytes === null) return invalid(word, reading);
  if (bytes < LEAST_SHARED) {
    const hint = `it must have at least ${showSize(LEAST_SHARED)}`;
    return reading.fault("invalid-value", `session cache "${text}" is too small`, word, hint);
  }
  return { ...cache, shared: { name, size: bytes } };
}

function invalid(word: Word, reading: Reading): undefined {
  return reading.fault(
    "invalid-value",
    `invalid session cache "${word.text}"`,
    word,
    "write off, none, builtin, builtin:1000 or shared:NAME:10m",
  );
}

function showCache(value: SessionCache): string[] {
  if (value.is !== "cache") return [value.is];
  const words: string[] = [];
  if (value.builtin !== null) words.push(`builtin:${value.builtin}`);
  if (value.shared) words.push(`shared:${value.shared.name}:${showSize(value.shared.size)}`);
  return words;
}
