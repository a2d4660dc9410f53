/** The contract between `run.ts` and a command. */

import type { Runtime } from "../net/ports.ts";
import type { BugTrap } from "./bugs.ts";
import type { CommandName, ValuesOf } from "./options.ts";
import type { Terminal } from "./terminal.ts";

export interface Context {
  readonly runtime: Runtime;
  readonly terminal: Terminal;
  readonly bugs: BugTrap;
}

/** Resolves with the exit status. Errors that it does not expect it lets pass. */
export type Command<Name extends CommandName> = (
  values: ValuesOf<Name>,
  operands: readonly string[],
  context: Context,
) => Promise<number>;
