/**
 * What every runtime shares: clock, randomness, files, the process and its terminal, datagrams, all
 * over the `node:` modules that Bun, Deno and Node have alike. Only sockets and TLS differ between
 * them, and those live in the adapters.
 *
 * Output goes out by synchronous writes, so that nothing is left to flush at `exit`.
 */

import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { promises as dns } from "node:dns";
import { readFileSync, writeSync } from "node:fs";
import { isIP } from "node:net";
import { availableParallelism, hostname } from "node:os";
import process from "node:process";
import type { Clock, Host, Owner, Signal } from "../net/ports.ts";
import { errnoText, NetError } from "../core/errors.ts";
import { normaliseAddress } from "../net/address.ts";
import { errorCode } from "./host/errno.ts";
import { running } from "./host/processes.ts";
import { askSecret } from "./host/terminal.ts";

export { datagram } from "./host/datagram.ts";
export { errorCode, netError } from "./host/errno.ts";
export { family } from "./host/children.ts";
export { files } from "./host/files.ts";

/** A longer `setTimeout` would run at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), LONGEST_TIMEOUT_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Small requests (a salt, a query id) share one call to the kernel. */
const POOL = 4096;
let pool: Uint8Array = new Uint8Array(0);
let drawn = 0;

export function random(size: number): Uint8Array {
  if (size > POOL / 16) return randomFillSync(new Uint8Array(size));
  if (drawn + size > pool.length) {
    pool = randomFillSync(new Uint8Array(POOL));
    drawn = 0;
  }
  drawn += size;
  return pool.slice(drawn - size, drawn);
}

/** Deno has none: root's supplementary groups would stay, so `setUser` is not offered there. */
const groups = process as { initgroups?: (user: string, group: string) => void };

/** What a runtime has beyond this it adds: `extend(host, { setOpenFiles })`. */
export function extend(base: Host, more: Partial<Host>): Host {
  // Spreading would ask getters such as `cwd` once and for all.
  return Object.assign(Object.create(base), more);
}

export const host: Host = {
  argv: process.argv.slice(2),
  pid: process.pid,
  hostname: hostname(),
  get cwd(): string {
    return process.cwd();
  },
  get rows(): number | undefined {
    return process.stdout.rows || Number(process.env.LINES) || undefined;
  },
  get columns(): number {
    return process.stdout.columns || Number(process.env.COLUMNS) || 80;
  },
  env: (name) => process.env[name],
  isTerminal: (stream) => process[stream].isTTY === true,
  writeOut: (text) => writeAll(1, text),
  writeErr: (text) => writeAll(2, text),
  readIn,
  askSecret: (prompt) => askSecret(prompt, (code) => process.exit(code)),
  onSignal(signal: Signal, run: () => void): void {
    process.on(signal, () => run());
  },
  exit: (code) => process.exit(code === 0 && cutShort ? 1 : code),
  lookup,
  openFiles,
  owner,
  running,
  processors: () => availableParallelism(),
  ...(groups.initgroups && { setUser }),
};

async function readIn(): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of process.stdin) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

const pipeFull = new Int32Array(new SharedArrayBuffer(4));

/** Standard output is a file that has not all of the text: a half configuration must not pass for one. */
let cutShort = false;

/** Writes it all before returning. A reader that has gone away (`| head`) is no error of ours. */
function writeAll(descriptor: 1 | 2, text: string): void {
  let bytes: Uint8Array = Buffer.from(text, "utf8");
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      const code = errorCode(error);
      if (descriptor === 1 && NO_ROOM.includes(code)) return tellCutShort(code);
      if (code !== "EAGAIN") return;
      // Another process made the shared pipe non-blocking, and it is full.
      Atomics.wait(pipeFull, 0, 0, 5);
    }
  }
}

const NO_ROOM: readonly string[] = ["ENOSPC", "EFBIG", "EDQUOT"];

function tellCutShort(code: string): void {
  if (cutShort) return;
  cutShort = true;
  writeAll(2, `doorpost: error: Cannot write to standard output: ${errnoText(code)}\n`);
}

async function lookup(name: string): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [normaliseAddress(name)];
  try {
    const found = await dns.lookup(name, { all: true, verbatim: true });
    return [...new Set(found.map((entry) => normaliseAddress(entry.address)))];
  } catch (error) {
    const code = errorCode(error);
    const why = code === "ENOTFOUND" ? "no such host" : code;
    throw new NetError(code, `Cannot resolve ${name}: ${why}`);
  }
}

function openFiles(): number | null {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return soft ? Number(soft[1]) : null;
  } catch {
    return null;
  }
}

function owner(): Owner | null {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  return uid === undefined || gid === undefined ? null : { uid, gid };
}

/** As nginx's `user`: the group defaults to one of the user's name. Groups first, while still root. */
function setUser(user: string, group: string | undefined): void {
  const own = group ?? user;
  groups.initgroups?.(user, own);
  process.setgid?.(own);
  process.setuid?.(user);
}
