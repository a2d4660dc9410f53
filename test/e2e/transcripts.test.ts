/**
 * Every transcript against a proxy process over real sockets: whole, and byte by byte. At the end the
 * process must hold no more descriptors than before, and its log no password.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runtime } from "../../src/runtime/node.ts";
import { play, type Split } from "../support/player.ts";
import { netStage } from "../support/stage-net.ts";
import { loadTranscripts } from "../support/transcript.ts";
import { asProcess, type ProcessWorld } from "../support/world.ts";

const SPLITS: readonly Split[] = ["whole", "bytes"];
const transcripts = loadTranscripts().filter(({ tags }) => !tags.includes("slow"));

describe("transcripts against a process", () => {
  let world: ProcessWorld;
  let descriptors = 0;

  before(async () => {
    world = await asProcess(runtime, transcripts);
    // The first session opens what is opened once: the log, sources of randomness.
    await play(transcripts[0], await netStage(world, transcripts[0]), "whole");
    descriptors = world.proxy.descriptors();
  });
  after(() => world.stop());

  for (const split of SPLITS) {
    for (const transcript of transcripts) {
      test(`${transcript.file}: ${transcript.title} (${split})`, async () => {
        await play(transcript, await netStage(world, transcript), split);
      });
    }
  }

  test("no descriptor is left behind", async () => {
    const deadline = Date.now() + 10_000;
    while (world.proxy.descriptors() > descriptors && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok(world.proxy.descriptors() <= descriptors, `${world.proxy.descriptors()} are open`);
  });

  test("no password in the log", () => {
    const log = world.log();
    for (const password of ["secret", "c2VjcmV0", "wrong", "0123456789abcdef0123456789abcdef"]) {
      assert.ok(!log.includes(password), `the log shows "${password}"`);
    }
  });
});
