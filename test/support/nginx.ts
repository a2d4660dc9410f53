/**
 * A real nginx with its mail module, as the oracle: what it answers is right, unless
 * docs/differences.md says otherwise. Debian's packages `nginx` and `libnginx-mod-mail`.
 */

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { print } from "../../src/config/print.ts";
import type { Settings } from "../../src/config/settings.ts";
import { type Child, findProgram, skipWithout, startChild } from "./process.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_mail_module.so";
const START_MS = 10_000;

/** For a test's `skip` option: false where nginx and its mail module are installed. */
export function skipWithoutNginx(): string | false {
  const skip = skipWithout("nginx");
  if (skip !== false || existsSync(MODULE)) return skip;
  const reason = `not installed: ${MODULE}`;
  if (process.env["DOORPOST_REQUIRE_SERVERS"] === "1") throw new Error(reason);
  return reason;
}

/** The `mail {}` block, and what else nginx wants around it. */
export function nginxConf(settings: Settings): string {
  return print(settings, "nginx");
}

export interface Nginx extends Child {
  readonly folder: string;
  /** Stops it and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts one process with a configuration of its own, and waits until it listens. */
export async function startNginx(folder: string, conf: string): Promise<Nginx> {
  const file = join(folder, "nginx.conf");
  const pid = join(folder, "nginx.pid");
  writeFileSync(file, `${surroundings(folder, conf)}\n${conf}`);
  // Without `-p` relative paths would lie in Debian's own folder.
  const child = startChild(findProgram("nginx")!, ["-p", folder, "-c", file, "-e", "stderr"]);
  const nginx: Nginx = {
    ...child,
    folder,
    async [Symbol.asyncDispose]() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await until(() => existsSync(pid), child);
    return nginx;
  } catch (error) {
    await nginx[Symbol.asyncDispose]();
    throw error;
  }
}

/** One process in the foreground: it listens on every port before it writes its pid file. */
function surroundings(folder: string, conf: string): string {
  const events = /^events\s*\{/m.test(conf) ? "" : "events { worker_connections 4096; }\n";
  return `load_module ${MODULE};
daemon off;
master_process off;
pid ${join(folder, "nginx.pid")};
${events}`;
}

async function until(holds: () => boolean, child: Child): Promise<void> {
  const deadline = Date.now() + START_MS;
  let ended = false;
  void child.exited.then(() => ended = true);
  while (!holds()) {
    if (ended || Date.now() > deadline) throw new Error(`nginx does not start:\n${child.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
