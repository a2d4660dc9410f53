/**
 * Every transcript against a proxy process over real sockets: whole, and byte by byte. At the end the
 * process must hold no more descriptors than before, and its log no password.
 */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runtime } from "../../src/runtime/node.ts";
import { Patience } from "../support/patience.ts";
import { play } from "../support/player.ts";
import { netStage } from "../support/stage-net.ts";
import { loadTranscripts } from "../support/transcript.ts";
import { asProcess, type ProcessWorld } from "../support/world.ts";

const transcripts = loadTranscripts();
const quick = transcripts.filter(({ tags }) => !tags.includes("slow"));

describe("transcripts against a process", () => {
  let world: ProcessWorld;
  let patience: Patience;
  let descriptors = 0;

  before(async () => {
    world = await asProcess(runtime, transcripts);
    // The first session opens what is opened once: the log, sources of randomness.
    await play(quick[0], await netStage(world, quick[0]), "whole");
    descriptors = world.proxy.descriptors();
    patience = new Patience(world, transcripts);
  });
  after(() => world.stop());

  for (const transcript of transcripts) {
    test(`${transcript.file}: ${transcript.title} (whole)`, () => patience.play(transcript));
  }

  for (const transcript of quick.filter(({ tags }) => !tags.includes("whole"))) {
    test(`${transcript.file}: ${transcript.title} (bytes)`, async () => {
      await play(transcript, await netStage(world, transcript), "bytes");
    });
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
