/** The contract under Bun. Elsewhere the adapter is not even imported. */

import { test } from "node:test";
import { contract } from "./body.ts";
import { exhaustionProgram, runningUnder, scratchFolder } from "./setup.ts";

if (runningUnder() === "bun") {
  const { runtime } = await import("../../src/runtime/bun/mod.ts");
  const { makeBunTls } = await import("../../src/runtime/bun/tls.ts");
  const { boringCiphers } = await import("../../src/runtime/bun/ciphers.ts");
  const folder = scratchFolder();
  contract(runtime, {
    folder,
    exhaustion: exhaustionProgram(folder),
    unguarded: makeBunTls({ translate: boringCiphers }),
  });
} else {
  test("the contract, on bun", { skip: "this is not Bun" }, () => {});
}
