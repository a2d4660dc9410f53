/**
 * A directive is one row of data; the rows (`directives/*.ts`) alone drive both readers, the errors,
 * the settings types, the printers, the reference and the JSON Schema.
 *
 * Rule: a row is data. What concerns several directives is a named function in `check.ts`.
 */

import type { Kind, Repeat } from "./kind.ts";

export type Context = "main" | "events" | "mail" | "server";

export type Status = "as nginx" | "differs" | "new";

/** Everything about a directive but its kind and default. */
export interface About {
  readonly contexts: readonly Context[];
  /** One sentence or two for the reference. */
  readonly doc: string;
  /** A statement in nginx's spelling that is valid in the first context. */
  readonly example: string;
  /** Absent = as nginx. */
  readonly status?: Status;
  /** How it differs, when it does. */
  readonly note?: string;
  /** Overrides the kind's. */
  readonly repeat?: Repeat;
  /** Least and most words, when not the kind's. */
  readonly count?: readonly [number, number];
  /** What the reference says for a default that `derive.ts` works out. */
  readonly defaultText?: string;
  /** Today's form of a directive that nginx has given up: using it warns. */
  readonly old?: string;
}

export interface Directive<T> extends About {
  readonly kind: Kind<T>;
  readonly default: T;
}

/** A directive without which a server is not complete: it has no default. */
export interface RequiredDirective<T> extends About {
  readonly kind: Kind<T>;
  readonly required: true;
}

/** Either row, its value type set aside. */
export type AnyDirective = About & {
  readonly kind: Kind<unknown>;
  readonly default?: unknown;
  readonly required?: true;
};

/** A row with a default. */
export function row<T>(
  kind: Kind<T>,
  about: About & { readonly default: NoInfer<T> },
): Directive<T> {
  return { ...about, kind };
}

/** A row without: null when it is not set. */
export function optional<T>(kind: Kind<T>, about: About): Directive<T | null> {
  return { ...about, kind: kind as Kind<T | null>, default: null };
}

/** A row that every server must come to have. */
export function required<T>(kind: Kind<T>, about: About): RequiredDirective<T> {
  return { ...about, kind, required: true };
}

/** The value type of a row. */
export type ValueOf<D> = D extends { readonly kind: Kind<infer T> } ? T : never;

/** Names to value types, for a group of rows. */
export type ValuesOf<Rows> = { readonly [Name in keyof Rows]: ValueOf<Rows[Name]> };

/** The two places where nearly every mail directive may stand. */
export const MAIL: readonly Context[] = ["mail", "server"];
