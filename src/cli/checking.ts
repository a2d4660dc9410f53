/**
 * Everything that `check-config` looks at, for one configuration: what `serve` would find (the reader,
 * files, TLS contexts), then the lint rules, then with `--online` the auth servers.
 */

import { HttpAuthenticator } from "../auth/http.ts";
import { linesOf, load, type Loaded, type Source } from "../config/load.ts";
import type { ServerSettings, Settings } from "../config/settings.ts";
import { decode } from "../core/bytes.ts";
import type { Diagnostic, SourceLines } from "../core/diagnostic.ts";
import { FileError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import { lint, type Subject } from "../lint/rule.ts";
import { RULES } from "../lint/rules.ts";
import { ip } from "../net/address.ts";
import { type Runtime, TlsSettingError } from "../net/ports.ts";
import { Wheel } from "../net/wheel.ts";
import { listenFindings } from "../proxy/listen-support.ts";
import { serverTls } from "../proxy/tls.ts";
import type { Attempt } from "../session/machine.ts";
import type { Checked } from "./formats/format.ts";

export interface Judging {
  readonly strict: boolean;
  /** When not empty: only these rules. */
  readonly only: readonly string[];
  readonly skip: readonly string[];
  readonly online: boolean;
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
  const loaded = await load(source, runtime, { checkFiles: "last" });
  const found: Diagnostic[] = [...loaded.diagnostics];
  if (loaded.settings) {
    for (const server of loaded.settings.servers) {
      found.push(...serverTls(server, runtime).findings, ...listenFindings(server, runtime));
    }
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

// --- online --------------------------------------------------------------------------------------

/** Each auth server once: a made-up user must be denied, or allowed, but answered. */
async function askAll(settings: Settings, runtime: Runtime): Promise<Diagnostic[]> {
  const wheel = new Wheel(runtime.clock);
  const servers = new Map(
    settings.servers.map((server) => [`${server.auth_http.text} ${server.protocol}`, server]),
  );
  const asked = await Promise.all(
    [...servers.values()].map((server) => askOne(server, runtime, wheel)),
  );
  return asked.flat();
}

async function askOne(
  server: ServerSettings,
  runtime: Runtime,
  wheel: Wheel,
): Promise<Diagnostic[]> {
  const said: string[] = [];
  const authenticator = new HttpAuthenticator({
    runtime,
    wheel,
    settings: server,
    keepalive: "off",
  });
  const verdict = await authenticator.ask(madeUp(server), {
    debug: false,
    note: ({ message, errno }) => said.push(errno ? `${message} ${errno}` : message),
  });
  authenticator.close();
  const origin = server.origin("auth_http");
  const at = "at" in origin ? origin.at : server.position;
  const name = `auth server "${server.auth_http.text}" (${server.protocol})`;
  if (verdict.is === "broken") {
    const why = said.at(-1) ?? verdict.why;
    return [{ at, severity: "error", rule: "auth-server-broken", message: `${name}: ${why}` }];
  }
  if (verdict.is !== "allow") return [];
  return [{
    at,
    severity: "warning",
    rule: "auth-server-allows-anybody",
    message: `${name} let a made-up user with a made-up password in`,
  }];
}

function madeUp({ protocol }: ServerSettings): Attempt {
  return {
    protocol,
    method: "plain",
    user: "doorpost-check-config",
    password: new Secret("not-a-password"),
    salt: null,
    attempt: 1,
    peer: { address: ip("127.0.0.1", 0), host: "[UNAVAILABLE]", proxied: null },
    envelope: null,
    tls: null,
  };
}
