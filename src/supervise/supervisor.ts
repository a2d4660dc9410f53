/**
 * The master: binds and never accepts, starts workers, replaces those that die, changes them for others
 * on a reload. Signals, pid file and terminal are the business of who calls it.
 *
 * A reload: the new configuration is rehearsed, its new sockets are bound, its workers are started; only
 * when all of them accept do the old ones stop to, one by one. Whatever fails before leaves all as it was.
 */

import type { Settings } from "../config/settings.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import type { Host, Owner, Runtime } from "../net/ports.ts";
import type { Logs } from "../observe/logs.ts";
import { type Listening, type Rehearsal, rehearse, StartError } from "../proxy/server.ts";
import { Crew } from "./crew.ts";
import type { Errand } from "./messages.ts";
import type { Recorder } from "./record.ts";
import { type Preparation, Sockets } from "./sockets.ts";

/** A configuration, with all that was read for it. */
export interface Recorded {
  readonly settings: Settings;
  readonly source: Errand["source"];
  readonly recorder: Recorder;
}

export interface SupervisorOptions {
  readonly runtime: Runtime;
  readonly log: Logs;
}

export class Supervisor {
  readonly #runtime: Runtime;
  readonly #log: Logs;
  readonly #sockets: Sockets;
  #crew: Crew | null = null;
  /** Of a reload that is under way. */
  #coming: Crew | null = null;
  /** Of earlier configurations, with sessions that have not ended. */
  readonly #leaving = new Set<Crew>();
  #rehearsal: Rehearsal = { gates: [], warnings: [] };
  #listening: readonly Listening[] = [];
  #ending = false;

  /** Rejects with a `StartError`; nothing is left open or running then. */
  static async start(options: SupervisorOptions, recorded: Recorded): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    await supervisor.reload(recorded);
    return supervisor;
  }

  private constructor({ runtime, log }: SupervisorOptions) {
    this.#runtime = runtime;
    this.#log = log;
    this.#sockets = new Sockets(runtime);
  }

  get listening(): readonly Listening[] {
    return this.#listening;
  }

  get warnings(): readonly Diagnostic[] {
    return this.#rehearsal.warnings;
  }

  /** Processes that run, those of earlier configurations among them. */
  get workers(): number {
    return [...this.#leaving, this.#crew].reduce((sum, crew) => sum + (crew?.size ?? 0), 0);
  }

  /** What the workers run as. */
  get owner(): Owner | null {
    return this.#crew?.owner ?? null;
  }

  /** Rejects with a `StartError`, everything being as before. One at a time. */
  async reload({ settings, source, recorder }: Recorded): Promise<void> {
    const rehearsal = rehearse({ runtime: recorder.runtime, settings, log: this.#log });
    const workers = workersOf(settings, this.#runtime.host);
    const prepared = this.#sockets.prepare(rehearsal.gates, workers);
    const crew = new Crew({
      runtime: this.#runtime,
      log: this.#log,
      source,
      recording: recorder.recording,
      workers,
      sockets: prepared.handed,
      patience: settings.global.worker_shutdown_timeout,
    });
    await this.#launch(crew, prepared);
    const before = this.#crew;
    this.#crew = crew;
    this.#rehearsal = rehearsal;
    this.#listening = rehearsal.gates.map(({ key, protocol, ssl }) => {
      return { at: prepared.addressOf(key), protocol, ssl };
    });
    if (before) await this.#retire(before);
    prepared.adopt();
  }

  /** Rejects with a `StartError` once all of it has gone again. */
  async #launch(crew: Crew, prepared: Preparation): Promise<void> {
    this.#coming = crew;
    const fault = await crew.start();
    this.#coming = null;
    if (fault === null) return;
    crew.stop();
    await crew.ended;
    prepared.abandon();
    throw new StartError(`Cannot start the workers: ${fault}`);
  }

  async #retire(crew: Crew): Promise<void> {
    this.#leaving.add(crew);
    void crew.ended.then(() => this.#leaving.delete(crew));
    // An end that came meanwhile has told it already.
    if (!this.#ending) await crew.retire();
  }

  /** After the logs of this process were opened anew: the workers open theirs. */
  reopen(): void {
    for (const crew of this.#all()) crew.reopen();
  }

  /** Takes no new clients and resolves when the last session has ended. */
  async drain(): Promise<void> {
    await this.#finish((crew) => crew.drain());
  }

  /** Ends all sessions now. */
  async stop(): Promise<void> {
    await this.#finish((crew) => crew.stop());
  }

  /** Nobody waits any more. */
  kill(): void {
    for (const crew of this.#all()) crew.kill();
  }

  async #finish(dismiss: (crew: Crew) => void): Promise<void> {
    this.#ending = true;
    const crews = this.#all();
    crews.forEach(dismiss);
    // Workers close theirs: clients are refused, instead of waiting for nobody.
    this.#sockets.close();
    await Promise.all(crews.map((crew) => crew.ended));
  }

  #all(): readonly Crew[] {
    return [this.#coming, this.#crew, ...this.#leaving].filter((crew) => crew !== null);
  }
}

/** `auto` is one a processor, or a single one where there cannot be several. */
export function workersOf(
  { global }: Pick<Settings, "global">,
  host: Pick<Host, "processors" | "spawn">,
): number {
  const wanted = global.worker_processes;
  if (wanted !== "auto") return wanted;
  return host.spawn ? host.processors?.() ?? 1 : 1;
}
