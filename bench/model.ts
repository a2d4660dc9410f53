/** What a run of the benchmark leaves behind: plain data, kept as JSON in `bench/results`. */

/**
 * One proxy in one setting. All are given the same configuration, but for what the name says. `direct`
 * is none: the clients talk to the fake servers, which is what the load can do at most.
 */
export type Subject = "nginx" | "nginx-64k" | "doorpost" | "nginx-2w" | "doorpost-2w" | "direct";

/** Per cent of one processor that each was busy. */
export interface Busy {
  readonly proxy: number;
  readonly client: number;
  readonly servers: number;
  /** Everything else on the machine: what disturbs a run. */
  readonly others: number;
}

/** Names of figures, with their units; the tables in `scenarios.ts` say which scenario gives which. */
export type Figures = Readonly<Record<string, number>>;

/** One run of one scenario. */
export interface Measurement {
  readonly scenario: string;
  /** On a curve: how much of what grows there (sessions, workers, bytes). */
  readonly at?: number;
  readonly subject: Subject;
  readonly figures: Figures;
  readonly busy?: Busy;
}

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  /** GiB. */
  readonly memory: number;
  readonly kernel: string;
  /** Hard limit of open files: it decides how many sessions one worker can have. */
  readonly openFiles: number;
}

export interface Results {
  /** Day of the run, UTC. */
  readonly taken: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
  /** Sessions of the memory scenarios, and the most on the curve, with its workers. */
  readonly idleSessions: number;
  readonly mostSessions: number;
  readonly sessionWorkers: number;
  /** Sessions that failed, in all runs together. */
  readonly failed: number;
  readonly measurements: readonly Measurement[];
}

/** A fault that the person who runs the benchmark can mend: shown without a stack. */
export class BenchError extends Error {}
