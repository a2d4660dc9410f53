/**
 * The plain kinds of value that stand once: flags, numbers, sizes, times, enums, strings and paths, with
 * nginx's rules and error texts. Sets and lists are in `lists.ts`; kinds with a grammar of their own have a
 * file each (`listen.ts`, `auth-http-url.ts`, `resolver.ts`, `error-log.ts` ...).
 */

import { type ByteString, toByteString, toDisplay } from "../core/bytes.ts";
import { nearest } from "../core/diagnostic.ts";
import type { Kind, Protocol, Reading, Schema } from "./kind.ts";
import {
  describeTime,
  NUMBER_PATTERN,
  parseNumber,
  parseSeconds,
  parseSize,
  parseTime,
  SECONDS_PATTERN,
  showSize,
  showTime,
  SIZE_PATTERN,
  TIME_PATTERN,
} from "./numbers.ts";
import { resolvePath } from "./paths.ts";
import type { Word } from "./tree.ts";

// --- scalars -----------------------------------------------------------------------------------

interface Scalar<T> {
  readonly name: string;
  readonly expects: string;
  readonly types?: Kind<T>["types"];
  readonly schema?: Schema;
  read(word: Word, reading: Reading): T | undefined;
  show(value: T): string | null;
}

/** A kind of one word that may stand once. */
export function scalar<T>(about: Scalar<T>): Kind<T> {
  return {
    name: about.name,
    count: [1, 1],
    repeat: "refuse",
    toml: "scalar",
    types: about.types ?? [],
    expects: about.expects,
    schema: about.schema ?? { type: "string" },
    read: (words, reading) => about.read(words[0], reading),
    show: (value) => {
      const word = about.show(value);
      return word === null ? [] : [[word]];
    },
  };
}

export const FLAG: Kind<boolean> = scalar({
  name: "flag",
  expects: "true or false",
  types: ["boolean"],
  schema: { enum: [true, false, "on", "off"] },
  read: (word, reading) => {
    const value = word.text.toLowerCase();
    if (value === "on" || value === "off") return value === "on";
    return reading.fault(
      "invalid-value",
      `invalid value "${word.text}" in "${reading.name.text}" directive, it must be "on" or "off"`,
      word,
    );
  },
  show: (value) => value ? "on" : "off",
});

export const NUMBER: Kind<number> = scalar({
  name: "number",
  expects: "an integer",
  types: ["integer"],
  schema: {
    type: ["integer", "string"],
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: NUMBER_PATTERN,
  },
  read: (word, reading) =>
    parseNumber(word.text) ?? reading.fault(
      "invalid-value",
      `"${reading.name.text}" directive invalid number`,
      word,
      "write digits only",
    ),
  show: String,
});

export const SIZE: Kind<number> = scalar({
  name: "size",
  expects: 'a number of bytes or a string such as "8k" or "1m"',
  types: ["integer"],
  schema: {
    type: ["integer", "string"],
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: SIZE_PATTERN,
  },
  // nginx takes 0 and then has a buffer that nothing fits into.
  read: (word, reading) =>
    parseSize(word.text) ||
    invalid(reading, word, "write a number of bytes, such as 4096, 8k or 1m"),
  show: showSize,
});

function invalid(reading: Reading, word: Word, hint: string): undefined {
  return reading.fault(
    "invalid-value",
    `"${reading.name.text}" directive invalid value`,
    word,
    hint,
  );
}

/** Milliseconds; nginx's millisecond kind. */
export const TIME: Kind<number> = time(
  "time",
  parseTime,
  TIME_PATTERN,
  "write a time, such as 60, 90s, 1m30s or 500ms",
);

/** Milliseconds too, of nginx's seconds kind, which has no `ms`. */
export const SECONDS: Kind<number> = time(
  "time in seconds",
  parseSeconds,
  SECONDS_PATTERN,
  "write a time in whole seconds, such as 300, 5m or 1h30m",
);

function time(
  name: string,
  parse: (text: string) => number | null,
  pattern: string,
  hint: string,
): Kind<number> {
  return scalar({
    name,
    expects: 'a number of seconds or a string such as "90s" or "1h30m"',
    types: ["integer"],
    schema: {
      type: ["integer", "string"],
      minimum: 0,
      maximum: Math.floor(Number.MAX_SAFE_INTEGER / 1000),
      pattern,
    },
    read: (word, reading) => {
      const value = parse(word.text);
      if (value === null) return invalid(reading, word, hint);
      warnOfMilliseconds(word, value, reading);
      return value;
    },
    show: showTime,
  });
}

/**
 * A bare number counts seconds; `timeout 60000` was meant as milliseconds. Told by its size and its
 * zeros, so that honest seconds (86400) pass.
 */
function warnOfMilliseconds(word: Word, ms: number, reading: Reading): void {
  const bare = parseNumber(word.text);
  if (bare === null || bare < 10_000 || bare % 1000 !== 0) return;
  reading.warn(
    "looks-like-milliseconds",
    `"${reading.name.text} ${word.text}" is ${word.text} seconds: ${describeTime(ms)}`,
    word,
    `a number without a unit counts seconds; for milliseconds write "${word.text}ms", ` +
      `and if seconds are meant, "${word.text}s"`,
  );
}

export const STRING: Kind<string> = scalar({
  name: "string",
  expects: "a string",
  read: (word) => word.text,
  show: (value) => value,
});

/** An absolute path; null for the empty string, which undoes what a higher level set. */
export const PATH: Kind<string | null> = scalar({
  name: "path",
  expects: "a path",
  read: (word, reading) => word.text === "" ? null : resolvePath(reading.folder, word.text),
  show: (value) => value,
});

/** Words in any case, the listed spelling is the value. */
export function oneOf<const W extends string>(...words: readonly W[]): Kind<W> {
  const flagged = (words as readonly string[]).includes("on");
  return scalar({
    name: "one of " + words.map((word) => `\`${word}\``).join(", "),
    expects: `one of ${quoted(words)}`,
    types: flagged ? ["boolean"] : [],
    schema: { enum: flagged ? [...words, true, false] : words },
    read: (word, reading) => listed(words, word, reading),
    show: (value) => value,
  });
}

/** The one of `words` that is meant, whatever its case; reports any other word. */
export function listed<W extends string>(
  words: readonly W[],
  word: Word,
  reading: Reading,
): W | undefined {
  const found = words.find((candidate) => candidate.toLowerCase() === word.text.toLowerCase());
  if (found !== undefined) return found;
  const guess = nearest(word.text, words);
  return reading.fault(
    "invalid-value",
    `invalid value "${word.text}"`,
    word,
    guess ? `did you mean "${guess}"?` : `known values: ${words.join(", ")}`,
  );
}

export function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(", ");
}

export const PROTOCOL: Kind<Protocol> = scalar({
  name: "one of `imap`, `pop3`, `smtp`",
  expects: 'one of "imap", "pop3", "smtp"',
  schema: { enum: ["imap", "pop3", "smtp"] },
  read: (word, reading) => {
    const { text } = word;
    if (text === "imap" || text === "pop3" || text === "smtp") return text;
    const guess = nearest(text, ["imap", "pop3", "smtp"]);
    const hint = guess ? `did you mean "${guess}"?` : "known protocols: imap, pop3, smtp";
    return reading.fault("invalid-value", `unknown protocol "${text}"`, word, hint);
  },
  show: (value) => value,
});

/**
 * One name for the wire. Old files give several, or wildcards, as they would in `http {}`: the first
 * plain name is the server's.
 */
export const SERVER_NAME: Kind<ByteString> = {
  ...scalar<ByteString>({
    name: "name",
    expects: "a string",
    read: (word) => toByteString(word.text),
    show: toDisplay,
  }),
  count: [1, Infinity],
  toml: "words",
  read: (words, reading) => {
    const plain = words.find((word) => !isWildcard(word.text));
    const name = plain?.text ?? words[0].text.replace(/^\*?\.|\.\*$/g, "");
    if (words.length > 1 || !plain) {
      reading.warn(
        "old-server-name",
        `"server_name" takes one plain name here: "${name}" is used`,
        words.length > 1 ? words[1] : words[0],
        "it names the server and selects nothing: leave the others out",
      );
    }
    return toByteString(name);
  },
};

function isWildcard(name: string): boolean {
  return name.includes("*") || name.startsWith(".") || name.startsWith("~");
}
