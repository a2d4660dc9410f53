/**
 * The contract of a runtime: one test for each promise that `src/net/ports.ts` makes, the same for
 * every adapter. A runtime has one short file of its own that calls `contract`:
 *
 *     if (runningUnder() === "node") {
 *       const { runtime } = await import("../../src/runtime/node.ts");
 *       const folder = scratchFolder();
 *       contract(runtime, { folder, exhaustion: exhaustionProgram(folder) });
 *     }
 *
 * A feature that the runtime says it lacks (`supports`) is tested for its refusal instead. A test that
 * makes no sense somewhere is named in `without`, with the reason.
 */

import { describe } from "node:test";
import type { Runtime } from "../../src/net/ports.ts";
import { abilities } from "./abilities.ts";
import { certificates } from "./certificates.ts";
import { clients } from "./clients.ts";
import { descriptors } from "./descriptors.ts";
import { endpoints } from "./endpoints.ts";
import { flow } from "./flow.ts";
import { handing } from "./handing.ts";
import { handshakes } from "./handshakes.ts";
import { type ContractOptions, Given } from "./harness.ts";
import { pouring } from "./pouring.ts";
import { secure } from "./secure.ts";
import { settings } from "./settings.ts";
import { streams } from "./streams.ts";
import { tls } from "./tls.ts";
import { world } from "./world.ts";

export type { ContractOptions };

const GROUPS = {
  streams,
  flow,
  pouring,
  endpoints,
  tls,
  secure,
  handshakes,
  certificates,
  clients,
  settings,
  abilities,
  world,
  descriptors,
  handing,
};

/** Defines the suite; call it at the top of a test file. */
export function contract(runtime: Runtime, options: ContractOptions): void {
  const given = new Given(runtime, options);
  describe(`the contract, on ${runtime.name}`, () => {
    for (const [name, group] of Object.entries(GROUPS)) describe(name, () => group(given));
    given.finish();
  });
}
