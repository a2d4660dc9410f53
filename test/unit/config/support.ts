/** A small world for configuration tests: files in memory, a host whose names are known. */

import assert from "node:assert/strict";
import type { Diagnostic } from "../../../src/core/diagnostic.ts";
import { FileError, NetError } from "../../../src/core/errors.ts";
import { load, type Loaded, type LoadOptions, type World } from "../../../src/config/load.ts";
import type { ServerSettings, Settings } from "../../../src/config/settings.ts";
import type { Syntax } from "../../../src/config/tree.ts";

export const HOSTNAME = "Proxy.Example.COM";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "localhost": ["127.0.0.1"],
  "mail.example.com": ["192.0.2.1", "2001:db8::1"],
  "ns.example.com": ["192.0.2.53"],
};

/** Files by absolute path; folders are implied. */
export function world(files: Readonly<Record<string, string | Uint8Array>> = {}): World {
  const missing = (path: string) => new FileError("ENOENT", path);
  const isFolder = (path: string) => Object.keys(files).some((file) => file.startsWith(`${path}/`));
  return {
    files: {
      read: (path) => {
        const found = files[path];
        if (found === undefined) throw missing(path);
        return typeof found === "string" ? new TextEncoder().encode(found) : found;
      },
      list: (folder) => {
        const prefix = folder.endsWith("/") ? folder : `${folder}/`;
        const below = Object.keys(files).filter((path) => path.startsWith(prefix));
        if (below.length === 0) throw missing(folder);
        return [...new Set(below.map((path) => path.slice(prefix.length).split("/")[0]))];
      },
      stat: (path) => {
        const there = Object.hasOwn(files, path);
        if (!there && !isFolder(path)) throw missing(path);
        return { mode: 0o644, size: 0, directory: !there };
      },
    },
    host: {
      cwd: "/etc/doorpost",
      hostname: HOSTNAME,
      lookup: (name) =>
        Object.hasOwn(NAMES, name)
          ? Promise.resolve(NAMES[name])
          : Promise.reject(new NetError("ENOTFOUND", `${name}: not found`)),
    },
  };
}

/** Loads a text as `/etc/doorpost/doorpost.conf` (or `.toml`); files are not looked for. */
export function loadText(text: string, syntax: Syntax, options?: LoadOptions): Promise<Loaded> {
  const path = syntax === "toml" ? "doorpost.toml" : "doorpost.conf";
  return load({ path, text, syntax }, world(), { checkFiles: false, ...options });
}

/** The settings of a text without faults. */
export async function settingsOf(text: string, syntax: Syntax): Promise<Settings> {
  const { settings, diagnostics } = await loadText(text, syntax);
  assert.ok(settings, diagnostics.map(line).join("\n"));
  return settings;
}

/** The one server of an nginx `mail {}` with this in its `server {}`, all required things given. */
export async function serverOf(directives: string): Promise<ServerSettings> {
  const settings = await settingsOf(mailWith(directives), "nginx");
  return settings.servers[0];
}

/** Errors and warnings about these directives in a `server {}`. */
export async function complaintsAbout(directives: string): Promise<readonly string[]> {
  const { diagnostics } = await loadText(mailWith(directives), "nginx");
  return diagnostics.map(({ severity, message }) => `${severity}: ${message}`);
}

/** On one line, so that columns are those of the directives behind it. */
function mailWith(directives: string): string {
  const listen = /\blisten\b/.test(directives) ? "" : "listen 143;";
  const auth = /\bauth_http\b/.test(directives) ? "" : "auth_http 127.0.0.1:9000;";
  return `mail { server { ${listen} ${auth}\n${directives}\n} }`;
}

/** `3:5 error[rule] message (hint)`. */
export function line({ at, severity, rule, message, hint, related }: Diagnostic): string {
  const tail = hint ? `\n    hint: ${hint}` : "";
  const see = related ? `\n    ${related.at.line}:${related.at.column} ${related.message}` : "";
  return `${at.line}:${at.column} ${severity}[${rule}] ${message}${see}${tail}`;
}

/** What settings say, without where they were said. */
export function values(settings: Settings): unknown {
  return JSON.parse(JSON.stringify(settings, (key, value) => {
    if (key === "position") return undefined;
    return value instanceof Uint8Array ? [...value] : value;
  }));
}
