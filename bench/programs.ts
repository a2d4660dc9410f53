/** The programs that a run needs: the load generator, which is compiled here, Doorpost and nginx. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { findProgram } from "../test/support/process.ts";
import { ROOT } from "../test/support/source.ts";
import { BenchError } from "./model.ts";
import type { Options } from "./options.ts";

export interface Nginx {
  readonly command: string;
  /** Its mail module, null when that is built in. */
  readonly module: string | null;
}

export interface Programs {
  readonly load: string;
  readonly doorpost: string;
  /** Null when it is not to be measured, or not there. */
  readonly nginx: Nginx | null;
  readonly versions: Readonly<Record<string, string>>;
}

export const BUILD = join(ROOT, "build", "bench");
const SOURCES = join(ROOT, "bench", "load");
/** Where Debian, Fedora and Alpine put dynamic modules. */
const MODULES = [
  "/usr/lib/nginx/modules",
  "/usr/lib64/nginx/modules",
  "/usr/share/nginx/modules",
].map((folder) => join(folder, "ngx_mail_module.so"));
const COMPILE_MS = 60_000;
const BUILD_MS = 5 * 60_000;

/** Throws a BenchError that names what is missing and how to get it. */
export function prepare(options: Options, warn: (line: string) => void): Programs {
  if (process.platform !== "linux") throw new BenchError("The benchmark reads /proc: Linux only");
  const load = compileLoad();
  const doorpost = options.doorpost ?? buildDoorpost();
  const nginx = options.nginx === "none" ? null : findNginx(options, warn);
  const said = run(doorpost, ["--version"]);
  const versions = {
    Doorpost: /^doorpost (\S+)/.exec(said)?.[1] ?? "unknown",
    Bun: /runtime: *Bun (\S+)/.exec(said)?.[1] ?? "unknown",
    ...(nginx && { nginx: /nginx\/(\S+)/.exec(run(nginx.command, ["-v"]))?.[1] ?? "unknown" }),
    ...(nginx && {
      "its OpenSSL": /built with OpenSSL (\S+)/.exec(run(nginx.command, ["-V"]))?.[1] ?? "unknown",
    }),
  };
  return { load, doorpost, nginx, versions };
}

// --- the load generator ---------------------------------------------------------------------------

function compileLoad(): string {
  const out = join(BUILD, "load");
  const files = readdirSync(SOURCES).map((name) => join(SOURCES, name));
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  if (existsSync(out) && statSync(out).mtimeMs > newest) return out;
  const compiler = findProgram("cc");
  if (compiler === null) {
    throw new BenchError("No C compiler (cc): on Debian, apt-get install gcc libc6-dev libssl-dev");
  }
  mkdirSync(BUILD, { recursive: true });
  const sources = files.filter((file) => file.endsWith(".c"));
  const args = [
    "-std=gnu11",
    "-O2",
    "-Wall",
    "-Wextra",
    "-o",
    out,
    ...sources,
    "-lssl",
    "-lcrypto",
    "-ldl",
  ];
  const { status, stderr, error } = spawnSync(compiler, args, {
    encoding: "utf8",
    timeout: COMPILE_MS,
  });
  if (status === 0) return out;
  if (/openssl\/\S+: No such file|cannot find -l(?:ssl|crypto)/.test(stderr)) {
    throw new BenchError("No OpenSSL headers: on Debian, apt-get install libssl-dev");
  }
  throw new BenchError(`The load generator does not compile:\n${stderr}${error ?? ""}`);
}

// --- Doorpost -------------------------------------------------------------------------------------

function buildDoorpost(): string {
  const { status, stderr, error } = spawnSync(process.execPath, ["build.ts", "--quiet"], {
    cwd: ROOT,
    encoding: "utf8",
    timeout: BUILD_MS,
  });
  if (status !== 0) throw new BenchError(`Doorpost does not build:\n${stderr}${error ?? ""}`);
  return join(ROOT, "dist", "doorpost");
}

// --- nginx ----------------------------------------------------------------------------------------

function findNginx(options: Options, warn: (line: string) => void): Nginx | null {
  const command = options.nginx ?? findProgram("nginx");
  if (command === null) {
    warn(
      "No nginx: Doorpost is measured alone. On Debian, apt-get install nginx libnginx-mod-mail",
    );
    return null;
  }
  const built = run(command, ["-V"]);
  if (/--with-mail(?!=dynamic)(?:\s|$)/.test(built)) return { command, module: null };
  const module = options.nginxModule ?? MODULES.find(existsSync) ?? null;
  if (module !== null) return { command, module };
  if (options.nginx !== null) {
    throw new BenchError(`${command} has no mail module: name it with --nginx-module`);
  }
  warn(
    `${command} has no mail module: Doorpost is measured alone. On Debian, ` +
      "apt-get install libnginx-mod-mail",
  );
  return null;
}

/** Both streams: nginx says its version on standard error. */
function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (status !== 0) throw new BenchError(`${command} ${args[0]} failed: ${stderr}${error ?? ""}`);
  return stdout + stderr;
}
