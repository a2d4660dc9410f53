/**
 * Doorpost as a library, for programs that embed the proxy: read a configuration, start it, reload it,
 * drain it.
 *
 * @example
 * ```ts
 * import { load, openLogs, runtime, startProxy } from "@doorpost/doorpost";
 *
 * const { settings, diagnostics } = await load({ path: "doorpost.toml" }, runtime);
 * if (!settings) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
 * const log = openLogs(settings.global.error_log, runtime);
 * const proxy = await startProxy({ runtime, settings, log });
 * await proxy.drain();
 * ```
 *
 * @module
 */

export { runtime } from "#runtime";
export { load, type Loaded, type LoadOptions, type Source } from "./src/config/load.ts";
export type { GlobalSettings, ServerSettings, Settings } from "./src/config/settings.ts";
export type { Diagnostic, Position, Severity } from "./src/core/diagnostic.ts";
export { FileError, NetError } from "./src/core/errors.ts";
export type { Log, LogContext, LogEvent } from "./src/core/log.ts";
export { Secret } from "./src/core/secret.ts";
export type { Runtime } from "./src/net/ports.ts";
export { type Logs, openLogs } from "./src/observe/logs.ts";
export {
  type Listening,
  type Proxy,
  type ProxyOptions,
  StartError,
  startProxy,
} from "./src/proxy/server.ts";
export type { Attempt, Authenticator, Verdict } from "./src/session/machine.ts";
