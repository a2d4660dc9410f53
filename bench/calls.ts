/** System calls of one login session, counted by strace: a figure that no other program disturbs. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "../test/support/process.ts";
import { runLoad } from "./load.ts";
import type { Figures, Subject } from "./model.ts";
import type { Options } from "./options.ts";
import type { Proxy, Rig } from "./rig.ts";

/** One session at a time: how many events the kernel has ready at once does not matter then. */
const KINDS = [
  ["imap", "imap", "none"],
  ["pop3", "pop3", "none"],
  ["smtp", "smtp", "none"],
  ["imaps", "imap", "implicit"],
] as const;
/** Until the last session's calls are in the file. */
const SETTLE_MS = 200;

/** False where strace is not installed. */
export function canTrace(): boolean {
  return findProgram("strace") !== null;
}

/** Calls on descriptors, from accept to the last close, one figure for each kind of session. */
export async function runCalls(
  rig: Rig,
  subject: Subject,
  { quick }: Options,
): Promise<Figures> {
  // -D: the traced process is our child, and strace its guest.
  const strace = ["strace", "-D", "-f", "-qq", "-e", "trace=%network,%desc", "-o", "FOLDER/trace"];
  const proxy = await rig.start(subject, { before: strace });
  const figures: Record<string, number> = {};
  try {
    for (const [name, protocol, tls] of KINDS) {
      const args = ["logins", "--protocol", protocol, "--tls", tls, "--concurrency", "1"];
      const load = [...args, "--port", String(proxy.ports[name])];
      await runLoad(rig, proxy, [...load, "--seconds", "0.3"]);
      const before = await callsOf(proxy);
      const { done } = await runLoad(rig, proxy, [...load, "--seconds", String(quick ? 0.3 : 1)]);
      figures[name] = (await callsOf(proxy) - before) / done;
    }
  } finally {
    await proxy.stop();
  }
  return figures;
}

async function callsOf({ folder }: Proxy): Promise<number> {
  await sleep(SETTLE_MS);
  const lines = readFileSync(join(folder, "trace"), "latin1").match(/^\d+ +\w+\(/gm) ?? [];
  // Memory is mapped from files, too: those calls are not a session's.
  return lines.filter((line) => !/ m(?:map|advise|unmap)\(/.test(line)).length;
}
