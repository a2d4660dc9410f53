/**
 * The settings that the rest of the proxy works with: one flat readonly object a server, its keys are
 * nginx's directive names, every default applied. The types are inferred from the directive table.
 *
 * Value shapes: flags boolean; times milliseconds; sizes bytes; sets without duplicates in nginx's order;
 * text for the wire (capabilities, `server_name`, `auth_http_header`) as byte strings; null = not set.
 */

import type { Position } from "../core/diagnostic.ts";
import type { ValuesOf } from "./directive.ts";
import type {
  GLOBAL_ROWS,
  GlobalDirective,
  SERVER_ROWS,
  ServerDirective,
} from "./directives/table.ts";

export type { AuthHttpUrl } from "./auth-http-url.ts";
export type { ConfCommand, ConfEffect, ConfOptions } from "./conf-command.ts";
export type { ErrorLog, Syslog } from "./error-log.ts";
export type { KeepAlive, Listen } from "./listen.ts";
export type { Protocol } from "./kind.ts";
export type { User } from "./process-values.ts";
export type { Resolver } from "./resolver.ts";
export type { SessionCache } from "./session-cache.ts";
export type { GlobalDirective, ServerDirective } from "./directives/table.ts";

/** What a configuration comes to. */
export interface Settings {
  readonly global: GlobalSettings;
  readonly servers: readonly ServerSettings[];
}

export type ServerValues = ValuesOf<typeof SERVER_ROWS>;
export type GlobalValues = ValuesOf<typeof GLOBAL_ROWS>;

/** A `server`: the value of each directive that it may have, its own, inherited or the default. */
export interface ServerSettings extends ServerValues {
  /** Where its block begins. */
  readonly position: Position;
  /** Where a value came from. */
  readonly origin: (directive: ServerDirective) => Origin;
  /** Of each statement that sets it, the first argument's place. */
  readonly places: (directive: ServerDirective) => readonly Position[];
}

/** The values of nginx's `main` and `events` contexts. */
export interface GlobalSettings extends GlobalValues {
  readonly origin: (directive: GlobalDirective) => Origin;
  /** Of each statement that sets it, the first argument's place. */
  readonly places: (directive: GlobalDirective) => readonly Position[];
}

/** Where a value came from; `at` is the (first) directive that set it. */
export type Origin =
  | { readonly is: "set"; readonly at: Position }
  | { readonly is: "inherited"; readonly at: Position }
  /** Worked out from something else, such as `protocol` from the port. */
  | { readonly is: "derived" }
  | { readonly is: "default" };
