/**
 * What the master and a worker say to each other, over the channel of `Host.spawn`. All of it is plain
 * data. Signals say the rest: QUIT drains a worker, TERM ends it, USR1 has it open its logs anew. The
 * end of the channel is the end of the master.
 */

import type { Source } from "../config/load.ts";
import type { Owner } from "../net/ports.ts";
import type { Recording } from "./record.ts";

/** The argument that makes a process a worker, when another one of ours has started it. */
export const WORKER = "worker";

/** A gate's sockets, by descriptors of the process that is spoken of. */
export interface Handed {
  readonly key: string;
  readonly descriptors: readonly number[];
}

/** What a worker is to do, said once. */
export interface Errand {
  readonly source: Source;
  readonly recording: Recording;
  /** Its number among `workers`, from 0: which of the sockets are its own. */
  readonly slot: number;
  readonly workers: number;
  /** By its own descriptors. */
  readonly sockets: readonly Handed[];
}

export type ToWorker =
  | { readonly is: "serve"; readonly errand: Errand }
  /** Accept also for a slot whose worker has died, until it is replaced. */
  | { readonly is: "cover" | "uncover"; readonly slot: number }
  /** Others accept from now on: end when the last session has ended. Clients are told nothing. */
  | { readonly is: "retire" };

export type FromWorker =
  /** It listens to us. What is sent before may be lost. */
  | { readonly is: "awake" }
  /** It accepts, and runs as this user. */
  | { readonly is: "ready"; readonly owner: Owner | null }
  | { readonly is: "failed"; readonly why: string }
  /** It accepts no more. */
  | { readonly is: "retired" };
