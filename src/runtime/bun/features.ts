/** What Bun's sockets and its TLS library lack, in sentences for `check-config` and the start. */

import type { Feature } from "../../net/ports.ts";
import { libc } from "./libc.ts";

export const LACKS = {
  "tls-dhparam": "Bun's TLS library (BoringSSL) has no finite-field Diffie-Hellman",
  "tls-ciphersuites": "Bun's TLS library (BoringSSL) chooses the TLS 1.3 cipher suites itself",
  "tls-session-cache":
    "Bun keeps no cache of TLS sessions: clients resume with tickets, within one worker",
  "tls-ticket-keys":
    "Bun makes the keys of TLS tickets itself, one set a worker, anew at each start",
} as const satisfies Partial<Record<Feature, string>>;

const WITHOUT_LIBC = {
  "listen-backlog": "Bun fixes the backlog at 512 on this system",
  "listen-buffers": "Bun cannot set the socket buffers of a listener on this system",
  "listen-keepalive": "Bun cannot set TCP keep-alive of a listener on this system",
} as const satisfies Partial<Record<Feature, string>>;

export function supports(feature: Feature): true | string {
  const lack = (LACKS as Partial<Record<Feature, string>>)[feature];
  if (lack !== undefined) return lack;
  const system = (WITHOUT_LIBC as Partial<Record<Feature, string>>)[feature];
  return system === undefined || libc() ? true : system;
}
