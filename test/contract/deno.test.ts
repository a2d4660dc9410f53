/** The contract under Deno. Elsewhere the adapter is not even imported. */

import { test } from "node:test";
import { contract } from "./body.ts";
import { exhaustionProgram, runningUnder, scratchFolder } from "./setup.ts";

if (runningUnder() === "deno") {
  const { runtime } = await import("../../src/runtime/deno.ts");
  const { makeTlsLibrary } = await import("../../src/runtime/tls/library.ts");
  const folder = scratchFolder();
  contract(runtime, {
    folder,
    exhaustion: exhaustionProgram(folder),
    unguarded: makeTlsLibrary({ severalCertificates: true }),
  });
} else {
  test("the contract, on deno", { skip: "this is not Deno" }, () => {});
}
