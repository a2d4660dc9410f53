/**
 * The listening sockets of a master. It binds them and keeps them open for as long as the configuration
 * names them, while workers come and go: what clients have connected is never lost with a worker.
 *
 * An address has one socket a worker where the system spreads connections over several, else one that
 * all workers share. The number of sockets grows with that of workers and does not shrink, for what
 * waits in a closed one is lost: left-over sockets are accepted on by several workers.
 */

import { NetError } from "../core/errors.ts";
import type { Endpoint } from "../net/address.ts";
import type { BoundSocket, ListenOptions, Runtime } from "../net/ports.ts";
import { StartError } from "../proxy/server.ts";
import type { Handed } from "./messages.ts";

/** What is needed of a gate. */
export interface Place {
  readonly key: string;
  readonly at: Endpoint;
  readonly options: ListenOptions;
}

/** Sockets for a new configuration: taken into use by `adopt`, or given up by `abandon`. */
export interface Preparation {
  /** By descriptors of this process. */
  readonly handed: readonly Handed[];
  /** The bound address of a gate. */
  addressOf(key: string): Endpoint;
  /** Closes what only the earlier configuration named. */
  adopt(): void;
  /** Closes what only this one names. */
  abandon(): void;
}

export class Sockets {
  readonly #runtime: Runtime;
  #open: ReadonlyMap<string, readonly BoundSocket[]> = new Map();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Throws a `StartError`; then nothing was opened. */
  prepare(places: readonly Place[], workers: number): Preparation {
    const fresh: BoundSocket[] = [];
    const next = new Map<string, readonly BoundSocket[]>();
    const abandon = () => fresh.forEach((socket) => socket.close());
    try {
      for (const place of places) {
        const before = this.#open.get(place.key) ?? [];
        const all = this.#fill(place, before, workers);
        fresh.push(...all.slice(before.length));
        next.set(place.key, all);
      }
    } catch (error) {
      abandon();
      if (!(error instanceof NetError)) throw error;
      throw new StartError(error.message);
    }
    return {
      handed: [...next].map(([key, sockets]) => ({
        key,
        descriptors: sockets.map(({ descriptor }) => descriptor),
      })),
      addressOf: (key) => next.get(key)![0].at,
      adopt: () => this.#replace(next),
      abandon,
    };
  }

  /** The sockets that are there, and new ones up to the number of workers. */
  #fill(place: Place, before: readonly BoundSocket[], workers: number): readonly BoundSocket[] {
    const all = [...before];
    try {
      if (all.length === 0) all.push(this.#bind(place)!);
      while (all.length < workers) {
        const another = this.#bind(place, all[0]);
        if (!another) break;
        all.push(another);
      }
      return all;
    } catch (error) {
      all.slice(before.length).forEach((socket) => socket.close());
      throw error;
    }
  }

  #bind({ at, options }: Place, beside?: BoundSocket): BoundSocket | null {
    return this.#runtime.bind!(at, options, beside);
  }

  #replace(next: ReadonlyMap<string, readonly BoundSocket[]>): void {
    const gone = [...this.#open].filter(([key]) => !next.has(key));
    this.#open = next;
    for (const socket of gone.flatMap(([, sockets]) => sockets)) socket.close();
  }

  close(): void {
    this.#replace(new Map());
  }
}

/** Which sockets a slot accepts on; a gate with none has no entry. */
export function shareOf(
  handed: readonly Handed[],
  slot: number,
  workers: number,
): ReadonlyMap<string, readonly number[]> {
  const share = handed.map(({ key, descriptors }) => {
    const even = descriptors.length - descriptors.length % workers;
    const own = descriptors.filter((_, i) => i >= even || i % workers === slot);
    return [key, own] as const;
  });
  return new Map(share.filter(([, own]) => own.length > 0));
}

/** What a slot has for itself alone: nobody else accepts there while its worker is dead. */
export function soleShareOf(
  handed: readonly Handed[],
  slot: number,
  workers: number,
): ReadonlyMap<string, readonly number[]> {
  const shared = handed.map(({ key, descriptors }) => {
    const even = descriptors.length - descriptors.length % workers;
    return { key, descriptors: descriptors.slice(0, even) };
  });
  return shareOf(shared, slot, workers);
}
