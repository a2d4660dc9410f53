/** Every transcript on the pure machines: fed whole, byte by byte, and split at every place. */

import { test } from "node:test";
import { MachineStage } from "../../support/stage-machine.ts";
import { play, type Split } from "../../support/player.ts";
import { loadTranscripts, needsSockets } from "../../support/transcript.ts";

/** No line of a client is longer than the longest of a transcript: splits beyond it repeat `whole`. */
const SPLITS = 60;

for (const transcript of loadTranscripts()) {
  if (needsSockets(transcript)) continue;
  test(`${transcript.file}: ${transcript.title}`, async () => {
    await play(transcript, new MachineStage(transcript), "whole");
    if (transcript.tags.includes("whole")) return;
    await play(transcript, new MachineStage(transcript), "bytes");
    for (let at: Split = 1; at <= SPLITS; at++) {
      await play(transcript, new MachineStage(transcript), at);
    }
  });
}
