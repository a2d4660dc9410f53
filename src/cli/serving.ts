/**
 * One run of the proxy, from its configuration to its exit status, with nginx's signals: HUP reloads,
 * QUIT drains, TERM and INT end at once, USR1 opens the logs anew.
 *
 * Nothing listens before the whole configuration is known to be good, and a reload that fails changes
 * nothing and says so loudly: on standard error and in the log.
 */

import { linesOf, type Loaded } from "../config/load.ts";
import type { GlobalSettings } from "../config/settings.ts";
import type { Diagnostic, SourceLines } from "../core/diagnostic.ts";
import { errnoText, FileError } from "../core/errors.ts";
import { LEVELS } from "../core/log.ts";
import { grantedBy } from "../lint/granted.ts";
import { lint } from "../lint/rule.ts";
import { LIMIT_RULES } from "../lint/rules.ts";
import { formatEndpoint } from "../net/address.ts";
import { type Logs, openLogs } from "../observe/logs.ts";
import { type Listening, StartError, type startProxy } from "../proxy/server.ts";
import type { Context } from "./command.ts";
import { type Engine, startEngine, type Usable } from "./engine.ts";
import { FAILED, INTERRUPTED, OK } from "./exit.ts";
import { PidFile } from "./pid-file.ts";
import { renderReport, summary } from "./report.ts";
import { caution, complain } from "./terminal.ts";
import { VERSION } from "./version.ts";

export interface Parts {
  /** What messages call the configuration. */
  readonly name: string;
  /** Reads the configuration, at the start and at each reload. */
  load(): Promise<Pick<Loaded, "settings" | "diagnostics" | "sources"> & Pick<Usable, "record">>;
  readonly startProxy: typeof startProxy;
  /** Called once, when the proxy is ready. */
  ready?(): void;
  /** There is no file to read again: HUP, which a terminal that is closed sends, ends the run. */
  readonly withTerminal?: boolean;
}

/** Runs until a signal ends it. Resolves with the exit status. */
export async function serveUntilSignal(parts: Parts, context: Context): Promise<number> {
  const loaded = await load(parts, context);
  if (!loaded) return FAILED;
  try {
    const serving = await Serving.start(parts, context, loaded);
    return await serving.ended;
  } catch (error) {
    explain(error, context, loaded.lines);
    return FAILED;
  } finally {
    context.bugs.divert(null);
  }
}

/** Shows every finding; null when the configuration cannot be used. */
async function load(parts: Parts, context: Context): Promise<Usable | null> {
  const { settings, diagnostics, sources, record } = await parts.load();
  const lines = linesOf(sources);
  show(diagnostics, lines, context);
  if (settings) return { settings, lines, record };
  const absent = diagnostics.some(({ rule, at }) => rule === "missing-file" && at.line === 0);
  const hint = absent ? "doorpost serve --init FILE writes one to start from" : "";
  complain(context.terminal, `Cannot use ${parts.name}: ${summary(diagnostics)}`, hint);
  return null;
}

function show(diagnostics: readonly Diagnostic[], lines: SourceLines, context: Context): void {
  const { errColors: colors, columns } = context.terminal;
  context.terminal.err(renderReport(diagnostics, lines, { colors, columns }));
}

/** What keeps a configuration from being put into force. Anything else is a fault of ours: thrown on. */
function explain(error: unknown, context: Context, lines: SourceLines): string {
  if (error instanceof StartError) {
    show(error.findings, lines, context);
    complain(context.terminal, error.message, error.hint);
  } else if (error instanceof FileError) {
    complain(context.terminal, `Cannot open "${error.path}": ${errnoText(error.code)}`);
  } else throw error;
  return error.message;
}

/** Signals that may end the run at once, and their numbers. */
const STOPS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

class Serving {
  readonly ended: Promise<number>;
  readonly #parts: Parts;
  readonly #context: Context;
  readonly #logs: Logs;
  readonly #engine: Engine;
  readonly #pidFile: PidFile;
  #global: GlobalSettings;
  #state: "serving" | "draining" | "stopping" = "serving";
  #reloading = false;
  #reloadAgain = false;
  #end: (status: number) => void = () => {};

  /** Rejects with `FileError` or `StartError`; nothing is left open then. */
  static async start(parts: Parts, context: Context, loaded: Usable): Promise<Serving> {
    const { runtime } = context;
    const { settings } = loaded;
    const logs = openLogs(settings.global.error_log, runtime);
    let engine: Engine | null = null;
    const pidFile = new PidFile(runtime);
    try {
      pidFile.check(settings.global.pid);
      engine = await startEngine({ runtime, log: logs, startProxy: parts.startProxy }, loaded);
      show(engine.warnings, loaded.lines, context);
      warnOfLimits(loaded, engine.workers, context, logs);
      pidFile.place(settings.global.pid);
      engine.settle();
      return new Serving(parts, context, settings.global, logs, engine, pidFile);
    } catch (error) {
      pidFile.remove(logs);
      await engine?.stop();
      logs.close();
      throw error;
    }
  }

  private constructor(
    parts: Parts,
    context: Context,
    global: GlobalSettings,
    logs: Logs,
    engine: Engine,
    pidFile: PidFile,
  ) {
    this.#parts = parts;
    this.#context = context;
    this.#global = global;
    this.#logs = logs;
    this.#engine = engine;
    this.#pidFile = pidFile;
    this.ended = new Promise((resolve) => this.#end = resolve);
    this.#listenToSignals();
    context.bugs.divert((text) => this.#note("alert", `internal error: ${text}`));
    this.#say(`ready: ${listed(engine.listening)}`);
    parts.ready?.();
  }

  #listenToSignals(): void {
    const { host } = this.#context.runtime;
    const guard = (work: Promise<void>) => void work.catch((error) => this.#fail(error));
    const hangup = () => this.#parts.withTerminal ? this.#stop("SIGHUP") : this.#reload();
    host.onSignal("SIGHUP", () => guard(hangup()));
    host.onSignal("SIGQUIT", () => guard(this.#drain()));
    host.onSignal("SIGTERM", () => guard(this.#stop("SIGTERM")));
    host.onSignal("SIGINT", () => guard(this.#stop("SIGINT")));
    host.onSignal("SIGUSR1", () => this.#reopen());
  }

  // --- reload ---------------------------------------------------------------------------------

  /** Signals that come while one reload is under way ask for one more, however many they are. */
  async #reload(): Promise<void> {
    if (this.#state !== "serving") return;
    this.#reloadAgain = this.#reloading;
    if (this.#reloading) return;
    this.#reloading = true;
    try {
      await this.#reloadOnce();
    } finally {
      this.#reloading = false;
    }
    if (this.#reloadAgain) await this.#reload();
  }

  async #reloadOnce(): Promise<void> {
    this.#note("notice", "signal 1 (SIGHUP) received, reconfiguring");
    const loaded = await load(this.#parts, this.#context);
    if (!loaded) return this.#keep("it has errors");
    let without: readonly string[];
    try {
      this.#pidFile.check(loaded.settings.global.pid);
      this.#logs.redirect(loaded.settings.global.error_log);
      without = await this.#engine.reload(loaded);
    } catch (error) {
      this.#logs.redirect(this.#global.error_log);
      // It was told to end meanwhile, and that is no failure.
      if (this.#state !== "serving") return;
      return this.#keep(explain(error, this.#context, loaded.lines));
    }
    this.#global = loaded.settings.global;
    this.#movePidFile();
    show(this.#engine.warnings, loaded.lines, this.#context);
    for (const sentence of without) caution(this.#context.terminal, sentence);
    this.#note("notice", `reconfigured from ${this.#parts.name}`);
    this.#say(`reloaded ${this.#parts.name}: ${listed(this.#engine.listening)}`);
  }

  /** The new configuration is in force already: a pid file is not worth taking it back. */
  #movePidFile(): void {
    try {
      this.#pidFile.place(this.#global.pid);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#note("emerg", `Cannot write pid file ${error.message}`);
    }
  }

  #keep(why: string): void {
    const { name } = this.#parts;
    const kept = "the configuration in force stays as it was";
    this.#logs.flush();
    complain(this.#context.terminal, `RELOAD FAILED, ${kept}`);
    this.#note("emerg", `reload of ${name} failed (${why}): ${kept}`);
  }

  // --- the end --------------------------------------------------------------------------------

  async #drain(): Promise<void> {
    if (this.#state !== "serving") return;
    this.#state = "draining";
    this.#note("notice", "signal 3 (SIGQUIT) received, shutting down gracefully");
    this.#say(`draining: ${this.#engine.burden}, no new ones are taken`);
    await this.#engine.drain();
    if (this.#state === "draining") this.#finish();
  }

  async #stop(signal: keyof typeof STOPS): Promise<void> {
    if (this.#state === "stopping") {
      if (signal === "SIGINT") this.#abandon();
      return;
    }
    this.#state = "stopping";
    this.#note("notice", `signal ${STOPS[signal]} (${signal}) received, exiting`);
    await this.#engine.stop();
    this.#finish();
  }

  /** A second SIGINT: someone is waiting at the keyboard and means it. */
  #abandon(): never {
    this.#engine.abandon();
    this.#pidFile.remove(this.#logs);
    this.#logs.flush();
    return this.#context.runtime.host.exit(INTERRUPTED);
  }

  #finish(): void {
    this.#pidFile.remove(this.#logs);
    this.#note("notice", "exit");
    this.#logs.close();
    this.#end(OK);
  }

  /** A fault of ours while a signal was handled: the proxy goes on if it can. */
  #fail(error: unknown): void {
    this.#context.bugs.caught(error);
    if (this.#state !== "serving") this.#end(FAILED);
  }

  // --- the rest -------------------------------------------------------------------------------

  #reopen(): void {
    this.#note("notice", "signal 10 (SIGUSR1) received, reopening logs");
    this.#logs.reopen();
    this.#engine.reopened();
  }

  #note(level: "notice" | "alert" | "emerg", message: string): void {
    this.#logs.write({ level, message });
  }

  /** Behind the log lines that led to it, when both go to the terminal. */
  #say(text: string): void {
    this.#logs.flush();
    this.#context.terminal.err(`doorpost ${VERSION} ${text}\n`);
  }
}

/** What the system grants too little of: to the terminal, and to a log that is not the terminal. */
function warnOfLimits({ settings }: Usable, workers: number, context: Context, logs: Logs): void {
  const { runtime, terminal } = context;
  const seen = settings.global.error_log.some(({ destination, level }) =>
    destination.is === "stderr" && LEVELS.indexOf(level) >= LEVELS.indexOf("warn")
  );
  // Where it stands in the file is of no account here: `check-config` shows that.
  const subject = { settings, workers, granted: grantedBy(runtime), file: "" };
  for (const { message: text, hint } of lint(LIMIT_RULES, subject)) {
    const message = hint === undefined ? text : `${text}: ${hint}`;
    if (!seen) caution(terminal, message);
    logs.write({ level: "warn", message });
  }
}

/** `imap 127.0.0.1:143, imaps 127.0.0.1:993`. */
function listed(listening: readonly Listening[]): string {
  if (listening.length === 0) return "no listeners";
  return listening.map(({ at, protocol, ssl }) =>
    `${protocol}${ssl ? "s" : ""} ${formatEndpoint(at)}`
  )
    .join(", ");
}
