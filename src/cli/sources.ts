/** Where a configuration comes from: a named file, one of the usual places, or standard input. */

import type { Source } from "../config/load.ts";
import type { Files } from "../net/ports.ts";
import { CONFIG_PLACES, type ValuesOf } from "./options.ts";

/** The first usual place that has a file, or null. */
export function usualPlace(files: Pick<Files, "exists">): string | null {
  return CONFIG_PLACES.find((path) => files.exists(path)) ?? null;
}

export const NO_CONFIG = `No configuration: neither ./${CONFIG_PLACES.join(" nor ")} exists`;

/** Standard input has no name to tell its syntax by: nginx's is known by its blocks. */
export function inputSource(
  text: string,
  syntax: ValuesOf<"check-config">["syntax"],
): Source {
  const looks = /^\s*(?:mail|events|http)\s*\{/m.test(text) ? "nginx" : "toml";
  return { path: "<stdin>", text, syntax: syntax ?? looks };
}
