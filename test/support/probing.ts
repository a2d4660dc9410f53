/** What tests of `probe` give it where they say nothing else. */

import type { ProbeOptions } from "../../src/probe/options.ts";
import { parseTarget, type Target } from "../../src/probe/target.ts";

export const OPTIONS: ProbeOptions = {
  starttls: "auto",
  login: null,
  method: null,
  insecure: false,
  fetch: false,
  helo: "probe.test",
  timeoutMs: 10_000,
  family: null,
  connectTo: null,
  proxyProtocol: null,
  warnDays: 30,
  slowMs: 60_000,
  injection: false,
  tlsScan: false,
  xclient: null,
  relayTo: null,
};

export function targetOf(url: string): Target {
  const target = parseTarget(url);
  if (typeof target === "string") throw new Error(target);
  return target;
}
