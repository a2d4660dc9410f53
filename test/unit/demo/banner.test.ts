/** What the demo says of itself: commands that can be read, and pasted, on a narrow terminal. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { demoBanner } from "../../../src/demo/banner.ts";
import { portsFrom } from "../../../src/demo/ports.ts";

test("fits 80 columns, with the longest ports too", () => {
  const wide = demoBanner(portsFrom(64540)).split("\n").filter((line) => line.length > 80);
  assert.deepEqual(wide, []);
});
