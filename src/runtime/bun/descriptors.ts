/**
 * When descriptors run out. Bun tries on and on to accept what it cannot, and eats a whole core with it;
 * it tells nobody. So listeners are put aside before the limit is met: new connections then wait in the
 * backlog, and those that are there can still be joined to their backends.
 *
 * The kernel gives out the lowest free descriptor: its number tells how many are in use, at no cost.
 */

import { ACCEPT_BACKOFF_MS } from "../../core/limits.ts";
import { clock, host } from "../host.ts";
import { closeDescriptor, duplicate, type Libc, libc } from "./libc.ts";

/** A listener that can be put aside and taken up again. */
export interface Acceptor {
  suspend(c: Libc): void;
  resume(c: Libc): void;
}

const acceptors = new Set<Acceptor>();
/** From this descriptor on the process is short of them. Unknown until something listens. */
let threshold = Infinity;
let aside = false;

export function enrol(acceptor: Acceptor): void {
  if (acceptors.size === 0) threshold = findThreshold();
  acceptors.add(acceptor);
}

export function dismiss(acceptor: Acceptor): void {
  acceptors.delete(acceptor);
}

/** To be told of every descriptor that a connection has taken. */
export function taken(fd: number): void {
  if (fd >= threshold) runShort(fd);
}

function runShort(fd: number): void {
  const c = libc();
  if (!c) return;
  if (!aside) {
    // The limit may have been raised since.
    threshold = findThreshold();
    if (fd < threshold) return;
    aside = true;
    clock.after(ACCEPT_BACKOFF_MS, () => retry(c));
  }
  for (const acceptor of acceptors) acceptor.suspend(c);
}

function retry(c: Libc): void {
  aside = !room(c);
  if (aside) clock.after(ACCEPT_BACKOFF_MS, () => retry(c));
  else for (const acceptor of acceptors) acceptor.resume(c);
}

function room(c: Libc): boolean {
  const probe = duplicate(c, STDERR);
  if (probe < 0) return false;
  closeDescriptor(c, probe);
  return probe < threshold;
}

const STDERR = 2;

/** What is left for backends, logs and a reload: a 32nd part of the limit, 16 to 512 descriptors. */
function findThreshold(): number {
  const limit = host.openFiles();
  if (limit === null) return threshold;
  return limit - Math.min(512, Math.max(16, limit >> 5));
}
