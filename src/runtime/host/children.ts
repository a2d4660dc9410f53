/**
 * Processes of the same program: how one starts others and talks to them, over `node:child_process`,
 * whose channel both ends see closing when the other has died in whatever way.
 */

import type { ChildProcess } from "node:child_process";
import process from "node:process";
import type { Child, ChildExit, ChildWatcher, Host, Parent } from "../../net/ports.ts";
import { errorCode } from "./errno.ts";

type ChildProcesses = typeof import("node:child_process");

/** What a host has in addition where processes can be handed descriptors. */
export type Family = Required<Pick<Host, "spawn" | "parent">>;

/** `load` is called at the first need: the module is not small, and workers have none. */
export function family(load: () => ChildProcesses): Family {
  return {
    spawn: (args, descriptors, watcher) => spawn(load(), args, descriptors, watcher),
    parent,
  };
}

function spawn(
  { spawn }: ChildProcesses,
  args: readonly string[],
  descriptors: readonly number[],
  watcher: ChildWatcher,
): Child {
  const { command, before, argv0 } = ourselves();
  try {
    const child = spawn(command, [...before, ...args], {
      argv0,
      stdio: ["ignore", "inherit", "inherit", ...descriptors, "ipc"],
    });
    return new SpawnedChild(child, watcher);
  } catch (error) {
    // Out of descriptors, say. Nobody expects an end within the beginning.
    queueMicrotask(() => watcher.exited({ code: null, signal: null, fault: errorCode(error) }));
    return { pid: 0, send: () => {}, signal: () => {} };
  }
}

interface Program {
  readonly command: string;
  /** Arguments of the runtime's own. */
  readonly before: readonly string[];
  readonly argv0: string;
}

/** Where Bun shows the files of a compiled executable. */
const EMBEDDED = "/$bunfs/";

function ourselves(): Program {
  const script = process.argv[1];
  if (script.startsWith(EMBEDDED)) {
    // Not by its name: an upgrade may have put another version there, which speaks another language.
    return { command: "/proc/self/exe", before: [], argv0: process.argv0 };
  }
  return {
    command: process.execPath,
    before: [...process.execArgv, script],
    argv0: process.argv0,
  };
}

class SpawnedChild implements Child {
  readonly #child: ChildProcess;
  readonly #watcher: ChildWatcher;
  #gone = false;

  constructor(child: ChildProcess, watcher: ChildWatcher) {
    this.#child = child;
    this.#watcher = watcher;
    child.on("message", (message) => watcher.message(message));
    child.on("exit", (code, signal) => this.#end({ code, signal }));
    child.on("error", (error) => {
      // Errors of the channel come here too, and the exit that explains them follows.
      if (child.pid === undefined) this.#end({ code: null, signal: null, fault: errorCode(error) });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  send(message: unknown): void {
    if (this.#gone || !this.#child.connected) return;
    this.#child.send(message as object, () => {});
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#gone) this.#child.kill(name);
  }

  #end(exit: ChildExit): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#watcher.exited(exit);
  }
}

function parent(): Parent | null {
  if (process.send === undefined) return null;
  return {
    send(message) {
      if (!process.connected) return Promise.resolve();
      return new Promise((resolve) => process.send!(message, () => resolve()));
    },
    listen(message, gone) {
      process.on("message", message);
      process.on("disconnect", gone);
    },
  };
}
