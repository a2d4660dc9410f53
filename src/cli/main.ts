/**
 * The executable. The only place that catches everything: whatever happens, users see a sentence and
 * an exit status.
 */

import process from "node:process";
import { runtime } from "#runtime";
import { BugTrap } from "./bugs.ts";
import { run } from "./run.ts";

const bugs = new BugTrap(runtime.host);
process.on("uncaughtException", (error) => bugs.caught(error));
process.on("unhandledRejection", (error) => bugs.caught(error));

run(runtime, bugs).then(
  (status) => runtime.host.exit(status),
  (error) => bugs.fatal(error),
);
