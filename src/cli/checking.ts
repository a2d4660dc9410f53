/**
 * Everything that `check-config` looks at, for one configuration: what `serve` would find (the reader,
 * files, TLS contexts), then the lint rules, then with `--online` the auth servers.
 */

import { linesOf, load, type Loaded, type Source } from "../config/load.ts";
import type { Settings } from "../config/settings.ts";
import { decode } from "../core/bytes.ts";
import type { Diagnostic, SourceLines } from "../core/diagnostic.ts";
import { FileError } from "../core/errors.ts";
import { grantedBy } from "../lint/granted.ts";
import { lint, type Subject } from "../lint/rule.ts";
import { RULES } from "../lint/rules.ts";
import { type Runtime, TlsSettingError } from "../net/ports.ts";
import { logFindings } from "../observe/log-support.ts";
import { listenFindings } from "../proxy/listen-support.ts";
import { sharingFindings } from "../proxy/socket-options.ts";
import { serverTls } from "../proxy/tls.ts";
import { processFindings } from "../supervise/process-support.ts";
import { workersOf } from "../supervise/supervisor.ts";
import { askAll } from "./checking-online.ts";
import type { Checked } from "./formats/format.ts";
import { logFileFindings } from "./log-files.ts";

export interface Judging {
  readonly strict: boolean;
  /** When not empty: only these rules. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly online: boolean;
  /** Whether comments are wanted, for printing. */
  readonly comments: boolean;
}

export interface Checking extends Checked {
  readonly loaded: Loaded;
  readonly sources: SourceLines;
}

export async function checkSource(
  source: Source,
  judging: Judging,
  runtime: Runtime,
): Promise<Checking> {
  // Whether files are there comes with what is in them: all faults in one go.
  const loaded = await load(source, runtime, { checkFiles: "last", comments: judging.comments });
  const found: Diagnostic[] = [...loaded.diagnostics];
  if (loaded.settings) {
    for (const server of loaded.settings.servers) {
      found.push(...serverTls(server, runtime).findings, ...listenFindings(server, runtime));
    }
    found.push(...sharingFindings(loaded.settings.servers));
    found.push(...processFindings(loaded.settings, runtime));
    found.push(...logFindings(loaded.settings, runtime));
    found.push(...logFileFindings(loaded.settings, runtime.files));
    found.push(...lint(RULES, subjectOf(loaded, loaded.settings, runtime)));
    if (judging.online) found.push(...await askAll(loaded.settings, runtime));
  }
  const diagnostics = inOrder(unique(found).filter((each) => counts(each, judging)), loaded);
  const bad = (each: Diagnostic) =>
    each.severity === "error" || (judging.strict && each.severity === "warning");
  return {
    file: source.path,
    loaded,
    diagnostics,
    sources: linesOf(loaded.sources),
    // Rules that were left out cannot make a file good that could not be read.
    good: loaded.settings !== null && !diagnostics.some(bad),
  };
}

function counts({ rule }: Diagnostic, { only, skip }: Judging): boolean {
  return (only.length === 0 || only.includes(rule)) && !skip.includes(rule);
}

/** Servers that inherit one directive share its faults. */
function unique(found: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return found.filter(({ at, rule, message }) => {
    const key = JSON.stringify([at.file, at.line, at.column, rule, message]);
    return !seen.has(key) && seen.add(key);
  });
}

function inOrder(found: readonly Diagnostic[], loaded: Loaded): Diagnostic[] {
  const files = [...loaded.sources.keys()];
  return [...found].sort((a, b) =>
    files.indexOf(a.at.file) - files.indexOf(b.at.file) || a.at.line - b.at.line ||
    a.at.column - b.at.column
  );
}

function subjectOf(loaded: Loaded, settings: Settings, runtime: Runtime): Subject {
  return {
    settings,
    file: loaded.tree?.file ?? "",
    granted: grantedBy(runtime),
    workers: workersOf(settings, runtime.host),
    sources: [...loaded.sources.keys()],
    now: runtime.clock.now(),
    mode: (path) => quietly(() => runtime.files.stat(path).mode),
    certificate: (path) =>
      quietly(() => {
        const pem = path.startsWith("data:") ? path.slice(5) : decode(runtime.files.read(path));
        return runtime.tls.inspect(pem);
      }),
  };
}

/** Null for what cannot be read: that has a finding of its own. */
function quietly<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FileError || error instanceof TlsSettingError) return null;
    throw error;
  }
}
