/**
 * From a path to settings: read, parse, resolve names, bind, check files. The one door to `config`.
 *
 * Binding is pure and needs the addresses of host names at once. So it is done twice where names occur: the
 * first time finds out which, then all are resolved together, the second time knows them.
 */

import type { Diagnostic, SourceLines } from "../core/diagnostic.ts";
import { FileError, NetError } from "../core/errors.ts";
import { CONFIG_FILE } from "../core/limits.ts";
import type { Files, Host } from "../net/ports.ts";
import { bind, type Bound } from "./bind.ts";
import { checkFiles } from "./check-files.ts";
import { Findings } from "./findings.ts";
import { glob, isPattern } from "./glob.ts";
import { parseNginx } from "./nginx.ts";
import type { Outline } from "./outline.ts";
import { folderOf, resolvePath } from "./paths.ts";
import type { Settings } from "./settings.ts";
import { parseToml } from "./toml.ts";
import type { Syntax, Tree } from "./tree.ts";

/** A configuration to read. */
export interface Source {
  /** As the user named it: shown in diagnostics. Of given text any name, such as `<stdin>`. */
  readonly path: string;
  /** The text, when it does not come from the path. Relative paths then start at the current folder. */
  readonly text?: string;
  /** Absent: `.toml` is TOML, anything else nginx.conf. */
  readonly syntax?: Syntax;
}

/** What reading needs of a runtime. */
export interface World {
  readonly files: Pick<Files, "read" | "list" | "stat">;
  readonly host: Pick<Host, "cwd" | "hostname" | "lookup">;
}

/** What is asked for besides the settings. */
export interface LoadOptions {
  /**
   * Whether files that directives name must be there. Default true. `last`: looked for only when there
   * are errors already, so that all come together; else whoever reads them finds out more.
   */
  readonly checkFiles?: boolean | "last";
  /**
   * Whether host names are resolved. Default true. Without it a `listen` on a name has no endpoints, so the
   * settings are good for showing only.
   */
  readonly resolveNames?: boolean;
  /** Whether comments are noted down, for `print` to keep them. Default false. */
  readonly comments?: boolean;
}

/** All that was learnt of a configuration. */
export interface Loaded {
  /** Null when there is an error among the diagnostics. */
  readonly settings: Settings | null;
  /** Sorted by file (in the order of reading), line and column. */
  readonly diagnostics: readonly Diagnostic[];
  /** Texts of all files that were read, the main one first. */
  readonly sources: ReadonlyMap<string, string>;
  /** Null when the main file could not be read. */
  readonly tree: Tree | null;
  /** The comments of each file, the main one first; null unless they were asked for. */
  readonly outlines: readonly Outline[] | null;
}

/** Reads a configuration. Never rejects for what is in it: that is what diagnostics are for. */
export async function load(
  source: Source,
  world: World,
  options: LoadOptions = {},
): Promise<Loaded> {
  const sources = new Map<string, string>();
  const parsing = new Findings();
  const outlines: Outline[] | null = options.comments ? [] : null;
  const tree = parse(source, world, sources, parsing, outlines);
  const files = () => [...sources.keys()];
  if (!tree) {
    return { settings: null, diagnostics: parsing.list(files()), sources, tree, outlines };
  }
  const { bound, findings } = await bindWithNames(tree, source, world, parsing, options);
  const { checkFiles: wanted = true } = options;
  if (wanted === "last" ? findings.failed : wanted) {
    checkFiles(bound.servers, world.files, findings);
  }
  return {
    settings: findings.failed ? null : bound.settings,
    diagnostics: findings.list(files()),
    sources,
    tree,
    outlines,
  };
}

/** Lines of the texts that were read, for reports. */
export function linesOf(sources: ReadonlyMap<string, string>): SourceLines {
  const split = new Map<string, readonly string[]>();
  return (file, line) => {
    const text = sources.get(file);
    if (text === undefined) return undefined;
    const lines = split.get(file) ?? text.split(/\r?\n/);
    split.set(file, lines);
    return lines[line - 1];
  };
}

/** The syntax that a path has by its extension. */
function syntaxOf(path: string): Syntax {
  return path.toLowerCase().endsWith(".toml") ? "toml" : "nginx";
}

// --- reading -----------------------------------------------------------------------------------

function parse(
  source: Source,
  world: World,
  sources: Map<string, string>,
  findings: Findings,
  outlines: Outline[] | null,
): Tree | null {
  const { path } = source;
  const read = (file: string) => {
    const text = readText(file, resolvePath(world.host.cwd, file), world.files, findings);
    sources.set(file, text);
    return text;
  };
  try {
    if (source.text !== undefined) sources.set(path, source.text);
    const text = source.text ?? read(path);
    if ((source.syntax ?? syntaxOf(path)) === "toml") {
      return parseToml(path, text, findings, outlines);
    }
    const folder = folderOfSource(source, world);
    const main = resolvePath(world.host.cwd, path);
    const includes = { main, read, find: (name: string) => find(name, folder, world) };
    return parseNginx(path, text, includes, findings, outlines);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const at = { file: path, line: 0, column: 0, length: 1 };
    findings.error("missing-file", `open() "${path}" failed ${error.errno}`, at);
    return null;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });
const lenient = new TextDecoder("utf-8");

function readText(
  file: string,
  path: string,
  files: World["files"],
  findings: Findings,
): string {
  const bytes = files.read(path);
  if (bytes.length > CONFIG_FILE) throw new FileError("EFBIG", file);
  try {
    return utf8.decode(bytes);
  } catch {
    const text = lenient.decode(bytes);
    const line = text.slice(0, text.indexOf("\ufffd")).split("\n").length;
    const at = { file, line, column: 0, length: 1 };
    findings.warning("not-utf-8", "this line is not valid UTF-8", at, {
      hint: "save the file as UTF-8",
    });
    return text;
  }
}

/** What `include` names: one path, which need not exist, or those that a pattern matches. */
function find(name: string, folder: string, world: World): readonly string[] {
  const path = resolvePath(folder, name);
  return isPattern(name) ? glob(path, (each) => world.files.list(each)) : [path];
}

/** Absolute folder that relative paths start from. */
function folderOfSource(source: Source, world: World): string {
  if (source.text !== undefined) return world.host.cwd;
  return folderOf(resolvePath(world.host.cwd, source.path));
}

// --- binding -----------------------------------------------------------------------------------

interface Outcome {
  readonly bound: Bound;
  readonly findings: Findings;
}

async function bindWithNames(
  tree: Tree,
  source: Source,
  world: World,
  parsing: Findings,
  { resolveNames = true }: LoadOptions,
): Promise<Outcome> {
  const wanted = new Set<string>();
  const unresolved = bindOnce(tree, source, world, parsing, (host) => {
    wanted.add(host);
    return undefined;
  });
  if (!resolveNames || wanted.size === 0) return unresolved;
  const addresses = await resolveAll(wanted, world.host);
  return bindOnce(tree, source, world, parsing, (host) => addresses.get(host) ?? null);
}

function bindOnce(
  tree: Tree,
  source: Source,
  world: World,
  parsing: Findings,
  lookup: (host: string) => readonly string[] | null | undefined,
): Outcome {
  const findings = parsing.copy();
  const folder = folderOfSource(source, world);
  const bound = bind(tree, { folder, hostname: world.host.hostname, lookup }, findings);
  return { bound, findings };
}

async function resolveAll(
  hosts: ReadonlySet<string>,
  host: World["host"],
): Promise<ReadonlyMap<string, readonly string[] | null>> {
  const found = await Promise.all([...hosts].map(async (name) => {
    try {
      return [name, await host.lookup(name)] as const;
    } catch (error) {
      if (error instanceof NetError) return [name, null] as const;
      throw error;
    }
  }));
  return new Map(found);
}
