/** A JSON Schema of the TOML syntax, for editors (`docs/doorpost.schema.json`), from the table alone. */

import type { AnyDirective, Context } from "./directive.ts";
import { GROUPS } from "./directives/table.ts";
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

function properties(contexts: readonly Context[]): { readonly [name: string]: Json } {
  const rows = GROUPS.flatMap(({ rows }) => Object.entries(rows));
  const here = rows.filter(([, row]) => row.contexts.some((each) => contexts.includes(each)));
  return Object.fromEntries(here.map(([name, row]) => [name, property(row)]));
}

function property(row: AnyDirective): Json {
  return { description: row.doc, ...(row.old && { deprecated: true }), ...shape(row) };
}

function shape({ kind }: AnyDirective): { readonly [key: string]: Json } {
  const one = value(kind.schema);
  const word = { type: "string" };
  switch (kind.toml) {
    case "scalar":
      return one;
    case "each":
    case "words":
    case "line":
      return { anyOf: [one, arrayOf(one)] };
    case "lines":
      return { anyOf: [one, arrayOf({ anyOf: [one, arrayOf(word)] })] };
    case "pairs":
      return arrayOf({ type: "array", items: word, minItems: 2, maxItems: 2 });
  }
}

function arrayOf(items: Json): { readonly [key: string]: Json } {
  return { type: "array", items, minItems: 1 };
}

/** A kind's own schema; without what it leaves open. */
function value(schema: Schema): { readonly [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(schema).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}
