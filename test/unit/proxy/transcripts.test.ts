/** Every transcript through the whole proxy, over the memory runtime and its fake clock. */

import { describe, test } from "node:test";
import { ip } from "../../../src/net/address.ts";
import {
  type Chunking,
  createMemoryRuntime,
  ONE_BYTE,
  WHOLE,
} from "../../../src/runtime/memory.ts";
import { play } from "../../support/player.ts";
import { netStage } from "../../support/stage-net.ts";
import { loadTranscripts } from "../../support/transcript.ts";
import { inProcess } from "../../support/world.ts";
import { answerFrom } from "../../support/zone.ts";

const CHUNKINGS: readonly (readonly [string, Chunking])[] = [
  ["chunks as they were sent", WHOLE],
  ["byte by byte", ONE_BYTE],
];

for (const [name, chunking] of CHUNKINGS) {
  describe(`transcripts over the memory runtime, ${name}`, () => {
    for (const transcript of loadTranscripts()) {
      if (chunking !== WHOLE && transcript.tags.includes("whole")) continue;
      test(`${transcript.file}: ${transcript.title}`, async () => {
        const memory = createMemoryRuntime({ chunking, now: Date.now() });
        const world = await inProcess(memory, {
          time: { turn: () => memory.settle(), pass: (ms) => memory.advance(ms) },
          serveNames: ({ zone }) => {
            memory.network.answer(ip("127.0.0.1", 53), (query) => answerFrom(zone, query));
            return Promise.resolve(() => {});
          },
        });
        await play(transcript, await netStage(world, transcript), "whole");
      });
    }
  });
}
