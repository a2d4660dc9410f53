/**
 * A real nginx with its mail module, as the oracle: what it answers is right, unless
 * docs/differences.md says otherwise. Debian's packages `nginx` and `libnginx-mod-mail`.
 */

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** The settings as a whole nginx.conf. */
export function nginxConf(settings: Settings): string {
  const conf = print(settings, "nginx");
  return /^events\s*\{/m.test(conf) ? conf : `events { worker_connections 4096; }\n${conf}`;
}

export interface Nginx extends Child {
  /** Stops it and removes its folder. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts it in a folder of its own, and waits until it listens. */
export async function startNginx(folder: string, conf: string): Promise<Nginx> {
  const file = join(folder, "nginx.conf");
  writeFileSync(file, conf);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const child = await startNginxOn(file);
    const dispose = async () => {
      await child.stop();
      remove();
    };
    return { ...child, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Starts it on a configuration as it stands, and waits until it listens. */
export async function startNginxOn(file: string): Promise<Child> {
  const folder = dirname(file);
  const pid = join(folder, "nginx.pid");
  // One process in the foreground: it listens on every port before it writes its pid file.
  const surroundings = `load_module ${MODULE}; daemon off; master_process off; pid ${pid};`;
  // Without `-p` relative paths would lie in Debian's own folder.
  const args = ["-p", folder, "-c", file, "-e", "stderr", "-g", surroundings];
  const child = startChild(findProgram("nginx")!, args);
  try {
    await until(() => existsSync(pid), child);
    return child;
  } catch (error) {
    await child.stop();
    throw error;
  }
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
