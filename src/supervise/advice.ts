/**
 * Limits of the system that are below what the configuration asks for, said at the start with the
 * numbers and the way to raise them. `docs/limits.md` has the same at more length.
 */

import type { Settings } from "../config/settings.ts";
import { FileError } from "../core/errors.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Feature, Runtime } from "../net/ports.ts";

/** What the system grants; null where it does not tell. */
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

/** One sentence and its remedy for each limit that is too low. */
export function advise(settings: Settings, workers: number, granted: Granted): readonly string[] {
  return [
    ...adviseLacks(settings, granted),
    ...adviseOpenFiles(settings, granted),
    ...adviseBacklog(settings, granted),
    ...advisePorts(settings, workers, granted),
  ];
}

function adviseLacks({ global }: Settings, { alone, fixedFiles }: Granted): string[] {
  const said: string[] = [];
  if (global.worker_processes === "auto" && alone !== null) {
    said.push(`worker_processes auto starts a single process: ${alone}`);
  }
  if (global.worker_rlimit_nofile !== null && fixedFiles !== null) {
    said.push(`worker_rlimit_nofile has no effect: ${fixedFiles}`);
  }
  return said;
}

/** Standard streams, the event loop's own and a reserve for configuration and keys at a reload. */
const OWN_FILES = 32;

function adviseOpenFiles(
  { global, servers }: Settings,
  { openFiles, fixedFiles }: Granted,
): string[] {
  const connections = global.worker_connections;
  const directive = fixedFiles === null ? global.worker_rlimit_nofile : null;
  const limit = directive ?? openFiles;
  const listeners = servers.reduce((sum, server) => sum + server.listen.length, 0);
  const needed = connections + listeners + OWN_FILES;
  if (limit === null || limit >= needed) return [];
  const sentence = directive === null
    ? `the limit of open files is ${limit}`
    : `worker_rlimit_nofile is ${limit}`;
  const remedy = fixedFiles === null ? `set worker_rlimit_nofile to ${needed}, or ` : "";
  return [
    `${sentence}, too low for ${connections} worker_connections, which need ${needed}: ` +
    `${remedy}start with ulimit -n ${needed} (LimitNOFILE=${needed} under systemd)`,
  ];
}

/** nginx's on Linux, when `listen` names none. */
const BACKLOG = 511;

function adviseBacklog({ servers }: Settings, { somaxconn }: Granted): string[] {
  if (somaxconn === null) return [];
  const listens = servers.flatMap((server) => server.listen);
  const most = Math.max(0, ...listens.map(({ backlog }) => backlog ?? BACKLOG));
  if (most <= somaxconn) return [];
  const at = listens.find(({ backlog }) => (backlog ?? BACKLOG) === most)!.at[0];
  return [
    `the backlog of ${most} of ${at ? formatEndpoint(at) : "a listener"} is cut to ${somaxconn} ` +
    `by net.core.somaxconn: sysctl -w net.core.somaxconn=${most}`,
  ];
}

function advisePorts({ global }: Settings, workers: number, { ports }: Granted): string[] {
  if (ports === null) return [];
  const [first, last] = ports;
  const available = last - first + 1;
  // Each relayed session has one connection to its client and one to its backend.
  const sessions = Math.floor(global.worker_connections * workers / 2);
  if (sessions <= available) return [];
  return [
    `${global.worker_connections} worker_connections of ${workers} ` +
    `worker${workers === 1 ? "" : "s"} allow ${sessions} sessions, but one address of a backend ` +
    `can have ${available} from here, for so many local ports are in ` +
    `net.ipv4.ip_local_port_range (${first} to ${last}): ` +
    `sysctl -w net.ipv4.ip_local_port_range="1024 65535", or give backends more addresses or ports`,
  ];
}
