/**
 * Every transcript against a real nginx: what is not tagged as a difference must be the same there,
 * and what is tagged must be different in just the way that the transcript says.
 */

import { after, before, describe, test } from "node:test";
import { runtime } from "../../src/runtime/node.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { play } from "../support/player.ts";
import { netStage } from "../support/stage-net.ts";
import { loadTranscripts } from "../support/transcript.ts";
import { asNginx, type NginxWorld } from "../support/world.ts";

const transcripts = loadTranscripts("nginx").filter(({ tags }) => !tags.includes("ours"));

describe("transcripts against nginx", { skip: skipWithoutNginx() }, () => {
  let world: NginxWorld;
  /** Time is real: those that wait do so together, from the start. */
  const waiting = new Map<string, Promise<void>>();

  before(async () => {
    world = await asNginx(runtime, transcripts);
    for (const transcript of transcripts.filter(({ tags }) => tags.includes("slow"))) {
      const played = netStage(world, transcript).then((stage) => play(transcript, stage, "whole"));
      // Its own test says so.
      played.catch(() => {});
      waiting.set(`${transcript.file}:${transcript.line}`, played);
    }
  });
  after(() => world.stop());

  for (const transcript of transcripts) {
    test(`${transcript.file}: ${transcript.title}`, async () => {
      const waited = waiting.get(`${transcript.file}:${transcript.line}`);
      await (waited ?? play(transcript, await netStage(world, transcript), "whole"));
    });
  }
});
