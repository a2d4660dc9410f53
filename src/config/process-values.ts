/** Values of `user`, `worker_processes`, `worker_connections` and `auth_http_keepalive`. */

import type { Kind } from "./kind.ts";
import { parseNumber } from "./numbers.ts";
import { NUMBER, scalar } from "./values.ts";

export interface User {
  readonly name: string;
  /** Null = the user's own. */
  readonly group: string | null;
}

export const USER: Kind<User> = {
  name: "user and group",
  count: [1, 2],
  repeat: "refuse",
  toml: "line",
  types: [],
  expects: 'a string such as "mail" or "mail mail"',
  schema: { type: "string" },
  read: (words) => ({ name: words[0].text, group: words[1]?.text ?? null }),
  show: ({ name, group }) => [group === null ? [name] : [name, group]],
};

export const WORKERS: Kind<number | "auto"> = scalar<number | "auto">({
  name: "number or `auto`",
  expects: 'a number of processes or "auto"',
  types: ["integer"],
  schema: {
    type: ["integer", "string"],
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: "^(auto|\\d*[1-9]\\d*)$",
  },
  read: (word, reading) => {
    if (word.text === "auto") return "auto";
    return parseNumber(word.text) || reading.fault(
      "invalid-value",
      `"${reading.name.text}" directive invalid value`,
      word,
      "write a number from 1, or auto",
    );
  },
  show: String,
});

/** How many connections are kept at most. */
export const KEPT: Kind<number | "auto" | "off"> = scalar<number | "auto" | "off">({
  name: "number, `auto` or `off`",
  expects: 'a number of connections, "auto" or "off"',
  types: ["integer"],
  schema: {
    type: ["integer", "string"],
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    pattern: "^(auto|off|\\d*[1-9]\\d*)$",
  },
  read: (word, reading) => {
    if (word.text === "auto" || word.text === "off") return word.text;
    return parseNumber(word.text) || reading.fault(
      "invalid-value",
      `"${reading.name.text}" directive invalid value`,
      word,
      "write a number from 1, auto or off",
    );
  },
  show: String,
});

/** A number whose fault nginx words in another way than that of all others. */
export const CONNECTIONS: Kind<number> = {
  ...NUMBER,
  read: ([word], reading) =>
    parseNumber(word.text) ??
      reading.fault("invalid-value", `invalid number "${word.text}"`, word, "write digits only"),
};
