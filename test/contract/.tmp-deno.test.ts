import { contract } from "./body.ts";
import { exhaustionProgram, scratchFolder } from "./setup.ts";
import { runtime } from "../../src/runtime/deno.ts";
const folder = scratchFolder();
contract(runtime, { folder, exhaustion: exhaustionProgram(folder) });
