/**
 * Every transcript against a real nginx: what is not tagged as a difference must be the same there,
 * and what is tagged must be different in just the way that the transcript says.
 */

import { after, before, describe, test } from "node:test";
import { runtime } from "../../src/runtime/node.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { Patience } from "../support/patience.ts";
import { loadTranscripts } from "../support/transcript.ts";
import { asNginx, type NginxWorld } from "../support/world.ts";

const transcripts = loadTranscripts("nginx").filter(({ tags }) => !tags.includes("ours"));

describe("transcripts against nginx", { skip: skipWithoutNginx() }, () => {
  let world: NginxWorld;
  let patience: Patience;

  before(async () => {
    world = await asNginx(runtime, transcripts);
    patience = new Patience(world, transcripts);
  });
  after(() => world.stop());

  for (const transcript of transcripts) {
    // nginx overlooks a FIN that comes in one event with the bytes before it: it is asked again.
    const played = () => patience.play(transcript);
    test(`${transcript.file}: ${transcript.title}`, () => played().catch(played));
  }
});
