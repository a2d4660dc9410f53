/**
 * Other processes of the machine: whether one runs, and on Linux (by `/proc`) what it is and since when.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import type { Running } from "../../net/ports.ts";
import { errorCode } from "./errno.ts";

/** `USER_HZ`, which Linux has fixed for what it shows to programs. */
const TICKS = 100;

/** Null when there is no such process, or it has ended. */
export function running(pid: number): Running | null {
  if (!exists(pid)) return null;
  const stat = read(`/proc/${pid}/stat`);
  // The name stands in parentheses and may hold any, so the fields begin behind the last one.
  const close = stat.lastIndexOf(")");
  const fields = stat.slice(close + 2).split(" ");
  // A zombie has ended; only its number is not free yet.
  if (fields[0] === "Z") return null;
  const name = close < 0 ? null : stat.slice(stat.indexOf("(") + 1, close);
  return { name, since: sinceOf(Number(fields[19])) };
}

/** A process of another user may not be signalled, but it is there. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

/** `ticks` after the start of the machine, which is known to the second. */
function sinceOf(ticks: number): number | null {
  const booted = /^btime (\d+)$/m.exec(read("/proc/stat"));
  return booted && Number.isFinite(ticks) ? (Number(booted[1]) + ticks / TICKS) * 1000 : null;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
