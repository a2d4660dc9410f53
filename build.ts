/**
 * Builds Doorpost. Run by Bun: `bun build.ts [--target NAME]... [--quiet]`.
 *
 * Without a target: `dist/doorpost`, one executable for this machine. A named platform gives
 * `dist/doorpost-NAME`, made from the Bun executable that Bun's own npm package for the platform
 * carries, so that nothing else is downloaded. `node` transpiles sources and tests to `build/node`,
 * because Node 20 cannot read TypeScript. `deno` compiles with Deno, where its base binary is at hand.
 * `reference` writes what is generated from the directive table below `docs`.
 */

import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import process from "node:process";

const ROOT = dirname(fileURLToPath(import.meta.url));
const DIST = join(ROOT, "dist");
const ENTRY = join("src", "cli", "main.ts");
/** Downloads of a base binary take a while on a slow line; a hang must still end. */
const FETCH_MS = 10 * 60_000;
const COMPILE_MS = 5 * 60_000;

interface Platform {
  /** The npm package that carries the Bun executable. */
  readonly base: string;
  /** Bun's own word for the platform. */
  readonly bun: string;
  readonly suffix?: string;
}

const PLATFORMS: Readonly<Record<string, Platform>> = {
  "linux-x64": { base: "bun-linux-x64", bun: "bun-linux-x64" },
  // For processors without AVX2 (before 2013): the ordinary build dies of an illegal instruction there.
  "linux-x64-baseline": { base: "bun-linux-x64-baseline", bun: "bun-linux-x64-baseline" },
  "linux-x64-musl": { base: "bun-linux-x64-musl", bun: "bun-linux-x64-musl" },
  "linux-arm64": { base: "bun-linux-aarch64", bun: "bun-linux-arm64" },
  "linux-arm64-musl": { base: "bun-linux-aarch64-musl", bun: "bun-linux-arm64-musl" },
  "darwin-arm64": { base: "bun-darwin-aarch64", bun: "bun-darwin-arm64" },
  "darwin-x64": { base: "bun-darwin-x64", bun: "bun-darwin-x64" },
  "windows-x64": { base: "bun-windows-x64", bun: "bun-windows-x64", suffix: ".exe" },
};

const USAGE = `usage: bun build.ts [--target NAME]... [--quiet]
NAME: ${Object.keys(PLATFORMS).join(", ")}, all, node, deno, reference`;

class BuildError extends Error {}

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  try {
    const { targets, quiet } = readArguments(args);
    process.chdir(ROOT);
    for (const target of targets) {
      const made = await build(target);
      if (!quiet) console.log(made);
    }
    if (targets.some((target) => !["node", "reference"].includes(target))) writeChecksums();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`build: ${error.message}`);
    process.exit(1);
  }
}

function readArguments(args: readonly string[]): { targets: string[]; quiet: boolean } {
  const targets: string[] = [];
  let quiet = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at]!;
    if (word === "--quiet") quiet = true;
    else if (word === "--target") targets.push(args[++at] ?? "");
    else if (word.startsWith("--target=")) targets.push(word.slice("--target=".length));
    else throw new BuildError(`Unknown option ${word}\n${USAGE}`);
  }
  const known = ["all", "node", "deno", "reference", ...Object.keys(PLATFORMS)];
  const unknown = targets.find((target) => !known.includes(target));
  if (unknown !== undefined) throw new BuildError(`Unknown target "${unknown}"\n${USAGE}`);
  const all = targets.flatMap((target) => target === "all" ? Object.keys(PLATFORMS) : [target]);
  return { targets: all.length === 0 ? ["here"] : [...new Set(all)], quiet };
}

function build(target: string): string | Promise<string> {
  if (target === "node") return transpileForNode();
  if (target === "reference") return writeReference();
  if (target === "deno") return compileWithDeno();
  if (target === "here") return compile(process.platform === "win32" ? "doorpost.exe" : "doorpost");
  const platform = PLATFORMS[target]!;
  return compile(`doorpost-${target}${platform.suffix ?? ""}`, platform);
}

// --- executables with Bun ----------------------------------------------------------------------

function compile(name: string, platform?: Platform): string {
  mkdirSync(DIST, { recursive: true });
  const out = join(DIST, name);
  const base = platform && [
    `--target=${platform.bun}`,
    `--compile-executable-path=${baseExecutable(platform)}`,
  ];
  // The two --no-compile-autoload flags are a matter of security: without them the executable would
  // take orders from a .env or bunfig.toml that lies in whatever folder it is started in.
  run(process.execPath, [
    "build",
    "--compile",
    "--minify",
    // Compiled beforehand, the program starts in a third of the time, for 5 MB more of file.
    "--bytecode",
    "--format=esm",
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--define=DOORPOST_VERSION=${JSON.stringify(version())}`,
    `--define=DOORPOST_COMMIT=${JSON.stringify(commit())}`,
    ...(base ?? []),
    ENTRY,
    `--outfile=${out}`,
  ], COMPILE_MS);
  return `${join("dist", name)}  ${(statSync(out).size / 2 ** 20).toFixed(0)} MiB`;
}

/** The Bun executable for a platform: fetched by npm into `build/bases` when it is not there yet. */
function baseExecutable(platform: Platform): string {
  const prefix = join(ROOT, "build", "bases", `${platform.base}-${Bun.version}`);
  const file = join(
    prefix,
    "node_modules",
    "@oven",
    platform.base,
    "bin",
    `bun${platform.suffix ?? ""}`,
  );
  if (!existsSync(file)) {
    mkdirSync(prefix, { recursive: true });
    // npm would put the package into the project that it finds above an empty folder.
    writeFileSync(join(prefix, "package.json"), '{ "private": true }\n');
    // --force: the package says that it is for another platform, which is why it is wanted.
    run("npm", [
      "install",
      "--no-save",
      "--no-package-lock",
      "--ignore-scripts",
      "--force",
      "--loglevel=error",
      `--prefix=${prefix}`,
      `@oven/${platform.base}@${Bun.version}`,
    ], FETCH_MS);
  }
  if (!existsSync(file)) throw new BuildError(`@oven/${platform.base} holds no Bun executable`);
  chmodSync(file, 0o755);
  return file;
}

/** In the form that `sha256sum -c` reads, over every executable in `dist`. */
function writeChecksums(): void {
  const lines = readdirSync(DIST).filter((name) => name.startsWith("doorpost")).sort().map((name) =>
    `${createHash("sha256").update(readFileSync(join(DIST, name))).digest("hex")}  ${name}\n`
  );
  writeFileSync(join(DIST, "SHA256SUMS"), lines.join(""));
}

function version(): string {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version;
}

/** The commit built, with `-dirty` when the tree differs from it; `unknown` outside a checkout. */
function commit(): string {
  const head = Bun.spawnSync(["git", "rev-parse", "--short=12", "HEAD"], { cwd: ROOT });
  if (!head.success) return "unknown";
  const changes = Bun.spawnSync(["git", "status", "--porcelain"], { cwd: ROOT });
  return head.stdout.toString().trim() + (changes.stdout.length > 0 ? "-dirty" : "");
}

// --- Node and Deno -----------------------------------------------------------------------------

/**
 * `build/node`: the same tree as JavaScript. Types are not checked here, `deno check` has that duty.
 * A package.json of its own maps `#runtime`, whose `default` names a TypeScript file in the sources.
 */
function transpileForNode(): string {
  const out = join(ROOT, "build", "node");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const files = ["src", "test"].flatMap(filesBelow);
  if (existsSync("mod.ts")) files.push("mod.ts");
  // Bun-only tooling, and the runner itself, have no life under Node.
  const sources = files.filter((file) => file.endsWith(".ts") && file !== join("test", "run.ts"));
  run(process.execPath, [
    join("node_modules", "typescript", "bin", "tsc"),
    "--ignoreConfig",
    "--noCheck",
    "--rewriteRelativeImportExtensions",
    "--verbatimModuleSyntax",
    "--module",
    "nodenext",
    "--target",
    "es2023",
    "--sourceMap",
    "--rootDir",
    ".",
    "--outDir",
    out,
    ...sources,
  ], COMPILE_MS);
  for (const file of files.filter((name) => !name.endsWith(".ts"))) {
    mkdirSync(join(out, dirname(file)), { recursive: true });
    copyFileSync(file, join(out, file));
  }
  const manifest = {
    type: "module",
    version: version(),
    imports: { "#runtime": "./src/runtime/node.js" },
  };
  writeFileSync(join(out, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
  return `build/node  ${sources.length} files`;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/**
 * `deno compile` puts the program into `denort`, which no npm package carries: Deno takes it from
 * DENORT_BIN or its cache, or downloads it.
 */
function compileWithDeno(): string {
  mkdirSync(DIST, { recursive: true });
  const out = join(DIST, "doorpost-deno");
  try {
    run(join("node_modules", ".bin", "deno"), [
      "compile",
      "--quiet",
      "--allow-all",
      "--no-check",
      `--output=${out}`,
      ENTRY,
    ], COMPILE_MS);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw new BuildError(
      `${error.message}\nCannot compile with Deno. If the reason above is a download: deno compile ` +
        "needs the denort binary of this very Deno version; set DENORT_BIN to one.",
    );
  }
  return `${join("dist", "doorpost-deno")}  ${(statSync(out).size / 2 ** 20).toFixed(0)} MiB`;
}

/** Loaded only here: a fault in the sources must not keep the other targets from saying so themselves. */
async function writeReference(): Promise<string> {
  const { reference } = await import("./src/config/reference.ts");
  const { rulePages } = await import("./src/lint/pages.ts");
  const { jsonSchemaText } = await import("./src/config/json-schema.ts");
  const { SSL } = await import("./src/config/directives/ssl.ts");
  const { tlsPage } = await import("./src/proxy/tls/page.ts");
  const { TLS_LACKS: { bun, deno, node } } = await import("./src/runtime/tls/lacks.ts");
  writeFileSync(join("docs", "directives.md"), reference());
  writeFileSync(join("docs", "doorpost.schema.json"), jsonSchemaText());
  const tls = tlsPage(Object.keys(SSL), { Bun: bun, Deno: deno, Node: node });
  writeFileSync(join("docs", "tls-runtimes.md"), tls);
  mkdirSync(join("docs", "rules"), { recursive: true });
  for (const [name, text] of rulePages()) writeFileSync(join("docs", "rules", name), text);
  return "docs/directives.md, docs/doorpost.schema.json, docs/rules, docs/tls-runtimes.md";
}

/** Runs a command quietly; its output is shown when it fails. */
function run(command: string, args: readonly string[], timeout: number): void {
  const env = { ...process.env, NO_COLOR: "1" };
  const done = Bun.spawnSync([command, ...args], { stdout: "pipe", stderr: "pipe", env, timeout });
  if (done.success) return;
  const said = (done.stdout.toString() + done.stderr.toString()).trim();
  const why = done.exitCode === null ? "was stopped" : `ended with exit code ${done.exitCode}`;
  throw new BuildError(`${said}\n${command} ${args[0]} ${why}`.trim());
}
