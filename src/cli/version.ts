/**
 * What `--version` says. The build stamps version and commit by `--define`; a run from source has the
 * constant, which a test holds equal to package.json.
 */

import type { Runtime } from "../net/ports.ts";

const NAMES: Readonly<Record<Runtime["name"], string>> = {
  bun: "Bun",
  deno: "Deno",
  node: "Node",
  memory: "in memory",
};

declare const DOORPOST_VERSION: string | undefined;
declare const DOORPOST_COMMIT: string | undefined;

/** package.json's. Not imported from there: Node 20 warns about every JSON module. */
export const SOURCE_VERSION = "0.1.0";

export const VERSION: string = typeof DOORPOST_VERSION === "string"
  ? DOORPOST_VERSION
  : SOURCE_VERSION;

const COMMIT: string = typeof DOORPOST_COMMIT === "string" ? DOORPOST_COMMIT : "run from source";

export function versionText({ name, versions }: Pick<Runtime, "name" | "versions">): string {
  return [
    `doorpost ${VERSION}`,
    `commit:  ${COMMIT}`,
    `runtime: ${NAMES[name]} ${versions.runtime}`,
    `TLS:     ${versions.tls}`,
  ].map((line) => `${line}\n`).join("");
}
