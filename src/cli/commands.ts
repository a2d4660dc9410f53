/**
 * Where each command of the table lives. Loaded when it is called for: `--help` and `--version` need
 * no proxy.
 */

import type { Command, Context } from "./command.ts";
import type { CommandName, OptionValue, ValuesOf } from "./options.ts";

const HOMES: { readonly [Name in CommandName]: () => Promise<Command<Name>> } = {
  serve: async () => (await import("./serve.ts")).serve,
  "check-config": async () => (await import("./check-config.ts")).checkConfig,
  "test-auth": async () => (await import("./test-auth.ts")).testAuth,
  probe: async () => (await import("./probe.ts")).probe,
  completions: async () => (await import("./completions.ts")).completions,
  man: async () => (await import("./man.ts")).man,
};

/** `values` are those that `readArgs` made for the same name. */
export async function runCommand<Name extends CommandName>(
  name: Name,
  values: Readonly<Record<string, OptionValue>>,
  operands: readonly string[],
  context: Context,
): Promise<number> {
  const command = await HOMES[name]();
  return await command(values as ValuesOf<Name>, operands, context);
}
