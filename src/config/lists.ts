/**
 * Kinds of value that accumulate over repeated directives: sets, lists, paths and pairs.
 *
 * Rule: a set is kept in the order of its definition and without repetition; a list as the file has it.
 */

import { type ByteString, toByteString, toDisplay } from "../core/bytes.ts";
import type { TlsVersion } from "../net/ports.ts";
import type { Kind, Reading, Schema } from "./kind.ts";
import { resolvePath } from "./paths.ts";
import type { Word } from "./tree.ts";
import { listed, quoted } from "./values.ts";

/** A kind whose words accumulate over directives. */
function list<T>(about: {
  readonly name: string;
  readonly expects: string;
  readonly schema?: Schema;
  read(word: Word, reading: Reading, before: readonly T[]): readonly T[];
  show(value: T): string;
}): Kind<readonly T[]> {
  return {
    name: about.name,
    count: [1, Infinity],
    repeat: "collect",
    toml: "words",
    types: [],
    expects: about.expects,
    schema: about.schema ?? { type: "string" },
    read: (words, reading, before) =>
      words.reduce<readonly T[]>((all, word) => about.read(word, reading, all), before ?? []),
    show: (values) => values.length === 0 ? [] : [values.map(about.show)],
  };
}

/** A set of the listed words, in their order whatever the file's. */
export function setOf<const W extends string>(...words: readonly W[]): Kind<readonly W[]> {
  return list<W>({
    name: "set of " + words.map((word) => `\`${word}\``).join(", "),
    expects: `a list of ${quoted(words)}`,
    schema: { enum: words },
    read: (word, reading, before) => {
      const value = listed(words, word, reading);
      return value === undefined ? before : insert(words, before, value, word, reading);
    },
    show: (value) => value,
  });
}

function insert<W extends string>(
  order: readonly W[],
  before: readonly W[],
  value: W,
  word: Word,
  reading: Reading,
): readonly W[] {
  if (!before.includes(value)) {
    return order.filter((candidate) => candidate === value || before.includes(candidate));
  }
  reading.warn("duplicate-value", `duplicate value "${word.text}"`, word);
  return before;
}

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
const BROKEN_VERSIONS = ["SSLv2", "SSLv3"] as const;

/** `check.ts` refuses a set that is empty after SSLv2 and SSLv3 were dropped. */
export const TLS_VERSIONS: Kind<readonly TlsVersion[]> = list<TlsVersion>({
  name: "set of `TLSv1`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`",
  expects: `a list of ${quoted(VERSIONS)}`,
  schema: { enum: VERSIONS },
  read: (word, reading, before) => {
    const value = listed([...VERSIONS, ...BROKEN_VERSIONS], word, reading);
    if (value === "SSLv2" || value === "SSLv3") {
      reading.warn("broken-tls-version", `${value} is broken and not supported: dropped`, word);
      return before;
    }
    return value === undefined ? before : insert(VERSIONS, before, value, word, reading);
  },
  show: (value) => value,
});

export const CAPABILITIES: Kind<readonly ByteString[]> = list<ByteString>({
  name: "list of strings",
  expects: "a list of strings",
  read: (word, _reading, before) => [...before, toByteString(word.text)],
  show: toDisplay,
});

/** A path a directive, repeated for more. */
function paths(
  name: string,
  read: (word: Word, reading: Reading) => string | undefined,
): Kind<readonly string[]> {
  return {
    name,
    count: [1, 1],
    repeat: "collect",
    toml: "each",
    types: [],
    expects: `a ${name} or a list of them`,
    schema: { type: "string" },
    read: (words, reading, before = []) => {
      const value = read(words[0], reading);
      return value === undefined ? undefined : [...before, value];
    },
    show: (values) => values.map((value) => [value]),
  };
}

export const PATHS: Kind<readonly string[]> = paths(
  "path",
  (word, reading) => resolvePath(reading.folder, word.text),
);

/** `data:` values hold the PEM itself. */
export const CERTIFICATES: Kind<readonly string[]> = paths("path or `data:` value", pathOrData);

export const KEYS: Kind<readonly string[]> = paths("path or `data:` value", (word, reading) => {
  if (!/^(engine|store):/.test(word.text)) return pathOrData(word, reading);
  return reading.fault(
    "unsupported-value",
    `keys of the form "${word.text.slice(0, word.text.indexOf(":") + 1)}" are not supported`,
    word,
    "give the key as a PEM file",
  );
});

function pathOrData(word: Word, reading: Reading): string {
  return word.text.startsWith("data:") ? word.text : resolvePath(reading.folder, word.text);
}

/** Headers: name and value as byte strings. */
export const HEADERS: Kind<readonly (readonly [ByteString, ByteString])[]> = {
  name: "name and value",
  count: [2, 2],
  repeat: "collect",
  toml: "pairs",
  types: [],
  expects: 'an array of pairs such as [["name", "value"]]',
  schema: { type: "string" },
  read: ([name, value], _reading, before = []) => [
    ...before,
    [toByteString(name.text), toByteString(value.text)] as const,
  ],
  show: (values) => values.map(([name, value]) => [toDisplay(name), toDisplay(value)]),
};
