/** The contract under Node (transpiled). Elsewhere the adapter is not even imported. */

import { test } from "node:test";
import { contract } from "./body.ts";
import { exhaustionProgram, runningUnder, scratchFolder } from "./setup.ts";

if (runningUnder() === "node") {
  const { runtime } = await import("../../src/runtime/node.ts");
  const folder = scratchFolder();
  contract(runtime, {
    folder,
    exhaustion: exhaustionProgram(folder),
    unguarded: runtime.tls,
  });
} else {
  test("the contract, on node", { skip: "this is not Node" }, () => {});
}
