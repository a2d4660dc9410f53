/** A JSON Schema of the TOML syntax, for editors (`docs/doorpost.schema.json`), from the table alone. */

import type { AnyDirective, Context } from "./directive.ts";
import { OLD, RENAMED } from "./directives/old.ts";
import { GROUPS, rowOf } from "./directives/table.ts";
import type { Schema } from "./kind.ts";

/** JSON values, as far as a schema has them. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** The schema as the text of its file. */
export function jsonSchemaText(): string {
  return JSON.stringify(jsonSchema(), null, 2) + "\n";
}

export function jsonSchema(): Json {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Doorpost configuration",
    type: "object",
    additionalProperties: false,
    properties: {
      ...properties(["main", "events", "mail"]),
      server: {
        description: "A server: what it listens on and which protocol it speaks.",
        type: "array",
        items: {
          type: "object",
          additionalProperties: false,
          required: ["listen"],
          properties: properties(["server"]),
        },
      },
    },
  };
}

/** Every directive that may stand there; old spellings, too, so that editors can strike them out. */
function properties(contexts: readonly Context[]): { readonly [name: string]: Json } {
  const renamed = [...RENAMED].map(([old, name]): [string, AnyDirective] => [
    old,
    { ...rowOf(name)!, old: name },
  ]);
  const rows = [...GROUPS.flatMap(({ rows }) => Object.entries(rows)), ...Object.entries(OLD)];
  const here = [...rows, ...renamed].filter(([, row]) =>
    row.contexts.some((each) => contexts.includes(each))
  );
  return Object.fromEntries(here.map(([name, row]) => [name, property(row)]));
}

function property(row: AnyDirective): Json {
  return { description: row.doc, ...(row.old && { deprecated: true }), ...shape(row) };
}

function shape(row: AnyDirective): { readonly [key: string]: Json } {
  const { kind } = row;
  const one = value(kind.schema);
  const [least, most] = row.count ?? kind.count;
  switch (kind.toml) {
    case "scalar":
      return one;
    case "each":
      return { anyOf: [one, arrayOf(one)] };
    case "words":
      return { anyOf: [one, arrayOf(one, least, most)] };
    case "line":
      return { anyOf: [{ ...one, ...line(most) }, arrayOf(one, least, most)] };
    case "lines":
      return { anyOf: [one, arrayOf({ anyOf: [one, arrayOf(one, least, most)] })] };
    case "pairs":
      return arrayOf(arrayOf(WORD, 2, 2));
  }
}

const WORD = { type: "string" };

function arrayOf(items: Json, least = 1, most = Infinity): { readonly [key: string]: Json } {
  const length = { minItems: least, ...(most < Infinity && { maxItems: most }) };
  return { type: "array", items, ...length };
}

/** A string of at most so many words. */
function line(most: number): { readonly [key: string]: Json } {
  return most < Infinity ? { pattern: `^\\s*\\S*(\\s+\\S+){0,${most - 1}}\\s*$` } : {};
}

/** A kind's own schema; without what it leaves open. */
function value(schema: Schema): { readonly [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(schema).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}
