/**
 * What the system grants a process: limits that the configuration may ask too much of. `check-config`
 * judges them as rules, and `serve` says the same at its start. `docs/limits.md` has more words.
 */

import type { Settings } from "../config/settings.ts";
import { FileError } from "../core/errors.ts";
import type { Feature, Runtime } from "../net/ports.ts";

/** Null is what the system does not tell. */
export interface Granted {
  /** RLIMIT_NOFILE, soft. */
  readonly openFiles: number | null;
  readonly somaxconn: number | null;
  /** First and last of `ip_local_port_range`. */
  readonly ports: readonly [number, number] | null;
  /** Why the process cannot raise its limit of open files; null when it can. */
  readonly fixedFiles: string | null;
  /** Why there cannot be several workers; null when there can. */
  readonly alone: string | null;
}

/** What rules about limits look at. */
export interface Limited {
  readonly settings: Settings;
  /** The main file, for what no line of it says. */
  readonly file: string;
  readonly granted: Granted;
  /** How many processes serve. */
  readonly workers: number;
}

/** What this machine and runtime grant; null for what cannot be found out. */
export function grantedBy(runtime: Pick<Runtime, "files" | "host" | "supports">): Granted {
  const { files, host } = runtime;
  const lack = (feature: Feature) => {
    const able = runtime.supports(feature);
    return able === true ? null : able;
  };
  const somaxconn = numbersIn(files, "/proc/sys/net/core/somaxconn");
  const ports = numbersIn(files, "/proc/sys/net/ipv4/ip_local_port_range");
  return {
    openFiles: host.openFiles(),
    somaxconn: somaxconn.length === 1 ? somaxconn[0] : null,
    ports: ports.length === 2 ? [ports[0], ports[1]] : null,
    fixedFiles: lack("set-open-files"),
    alone: lack("spawn"),
  };
}

function numbersIn(files: Runtime["files"], path: string): readonly number[] {
  try {
    const text = files.readText(path).trim();
    return /^\d+(\s+\d+)*$/.test(text) ? text.split(/\s+/).map(Number) : [];
  } catch (error) {
    if (error instanceof FileError) return [];
    throw error;
  }
}
