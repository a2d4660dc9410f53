/** What Bun's sockets and its TLS library lack, in sentences for `check-config` and the start. */

import type { Feature } from "../../net/ports.ts";
import { TLS_LACKS } from "../tls/lacks.ts";
import { libc } from "./libc.ts";

/** Where there is no FFI to Linux's libc. */
export const WITHOUT_LIBC = {
  "listen-backlog": "Bun fixes the backlog at 512 on this system",
  "listen-buffers": "Bun cannot set the socket buffers of a listener on this system",
  "listen-keepalive": "Bun cannot set TCP keep-alive of a listener on this system",
  "set-open-files": "Bun cannot set the limit of open files on this system",
  "spawn": "Bun cannot hand listening sockets to other processes on this system",
  "unix-datagrams": "Bun has no unix datagram sockets on this system: use udp",
} as const satisfies Partial<Record<Feature, string>>;

export function supports(feature: Feature): true | string {
  const lack = (TLS_LACKS.bun as Partial<Record<Feature, string>>)[feature];
  if (lack !== undefined) return lack;
  const system = (WITHOUT_LIBC as Partial<Record<Feature, string>>)[feature];
  return system === undefined || libc() ? true : system;
}
