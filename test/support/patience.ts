/** Plays transcripts where time is real: those that wait do so together, from the start. */

import { play } from "./player.ts";
import { netStage, type World } from "./stage-net.ts";
import type { Transcript } from "./transcript.ts";

export class Patience {
  readonly #world: World;
  readonly #waiting = new Map<Transcript, Promise<void>>();

  /** Starts those of `transcripts` that are slow. */
  constructor(world: World, transcripts: readonly Transcript[]) {
    this.#world = world;
    for (const transcript of transcripts.filter(({ tags }) => tags.includes("slow"))) {
      const played = this.#play(transcript);
      // `play` tells of it; nobody may be listening yet when it fails.
      played.catch(() => {});
      this.#waiting.set(transcript, played);
    }
  }

  /** Rejects when the transcript, whole, is not as it says. */
  async play(transcript: Transcript): Promise<void> {
    const waiting = this.#waiting.get(transcript);
    if (waiting === undefined) return await this.#play(transcript);
    // The machine may have been too busy for its seconds: once more, alone.
    await waiting.catch(() => this.#play(transcript));
  }

  async #play(transcript: Transcript): Promise<void> {
    await play(transcript, await netStage(this.#world, transcript), "whole");
  }
}
