/** What Linux tells about the machine and about processes: all from /proc. */

import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import type { Machine } from "./model.ts";

/** `USER_HZ`: what /proc counts processor time in, on every Linux that Doorpost runs on. */
const TICKS = 100;

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() || "unknown",
    processors: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: release().split("-")[0]!,
    openFiles: openFilesHard(),
  };
}

/** Hard limit of open files of this process, and so of what it starts. */
export function openFilesHard(): number {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  const limit = Number(line?.[1]);
  return Number.isFinite(limit) ? limit : 1_048_576;
}

/** A process and all below it. */
export function treeOf(pid: number): number[] {
  const found = [pid];
  for (const each of found) found.push(...childrenOf(each));
  return found;
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean)
        .map(Number)
    );
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** User and system time of a process and all below it, with their threads, seconds. */
export function cpuOfTree(pid: number): number {
  return treeOf(pid).map(cpuOf).reduce((a, b) => a + b, 0);
}

function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold anything; utime and stime are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Seconds that the processors of the machine were busy, with what a hypervisor took away. */
export function cpuOfMachine(): number {
  const [, user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "utf8")
    .split("\n")[0]!.split(/ +/).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) / TICKS;
}

/** Proportional set size of a process and all below it, kB. */
export function memoryOfTree(pid: number): number {
  return treeOf(pid).map(memoryOf).reduce((a, b) => a + b, 0);
}

function memoryOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0);
}
