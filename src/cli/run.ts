/** From the words of the command line to an exit status: help, version, a command, or wrong usage. */

import type { Runtime } from "../net/ports.ts";
import { readArgs, type Request } from "./args.ts";
import type { BugTrap } from "./bugs.ts";
import { runCommand } from "./commands.ts";
import { OK, USAGE } from "./exit.ts";
import { commandHelp, generalHelp, usage } from "./help.ts";
import { complain, openTerminal, type Terminal } from "./terminal.ts";
import { WORKER } from "../supervise/messages.ts";
import { versionText } from "./version.ts";

export async function run(runtime: Runtime, bugs: BugTrap): Promise<number> {
  const parent = runtime.host.argv[0] === WORKER ? runtime.host.parent?.() : null;
  if (parent) return await (await import("./working.ts")).work(parent, runtime, bugs);
  const request = readArgs(runtime.host.argv);
  const terminal = openTerminal(runtime.host, request.color);
  switch (request.is) {
    case "command":
      return await runCommand(request.name, request.values, request.operands, {
        runtime,
        terminal,
        bugs,
      });
    case "help": {
      const { command } = request;
      const colors = terminal.outColors;
      terminal.out(command ? commandHelp(command, colors) : generalHelp(colors));
      return OK;
    }
    case "version":
      terminal.out(versionText(runtime));
      return OK;
    case "wrong":
      refuse(request, terminal, runtime.host.argv.length === 0);
      return USAGE;
  }
}

/** Someone who typed no word at all is shown round instead of being corrected. */
function refuse(
  { message, hint, command }: Request & { is: "wrong" },
  terminal: Terminal,
  nothingTyped: boolean,
): void {
  if (nothingTyped) return terminal.err(generalHelp(terminal.errColors));
  complain(terminal, message, hint);
  const line = command ? usage(command) : "doorpost COMMAND [options]";
  const name = command ? `${command.name} ` : "";
  terminal.err(`usage: ${line}\nSee doorpost ${name}--help\n`);
}
