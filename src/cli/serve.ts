/** `serve`: runs a configuration, the demo, or writes a configuration to start from. */

import { load, type Source } from "../config/load.ts";
import { NetError } from "../core/errors.ts";
import { type Demo, DEMO_PORT_BASE, portsFrom, startDemo } from "../demo/mod.ts";
import { openLogs } from "../observe/logs.ts";
import { startProxy } from "../proxy/server.ts";
import { Recorder } from "../supervise/record.ts";
import type { Command, Context } from "./command.ts";
import { FAILED, USAGE } from "./exit.ts";
import { type Parts, serveUntilSignal } from "./serving.ts";
import { NO_CONFIG, usualPlace } from "./sources.ts";
import { writeStarter } from "./starter.ts";
import { complain } from "./terminal.ts";

export const serve: Command<"serve"> = async (values, _operands, context) => {
  const { runtime, terminal } = context;
  const chosen = (["config", "demo", "init"] as const).filter((name) => {
    return values[name] !== undefined && values[name] !== false;
  });
  if (chosen.length > 1) {
    complain(terminal, `Options --${chosen.join(" and --")} exclude each other`);
    return USAGE;
  }
  if (values["demo-port-base"] !== undefined && !values.demo) {
    complain(terminal, "Option --demo-port-base goes with --demo only");
    return USAGE;
  }
  if (values.init !== undefined) return writeStarter(values.init, context);
  if (values.demo) return await serveDemo(values["demo-port-base"] ?? DEMO_PORT_BASE, context);
  const path = values.config ?? usualPlace(runtime.files);
  if (path === null) {
    complain(terminal, NO_CONFIG, "--demo runs without one; --init FILE writes one to start from");
    return FAILED;
  }
  return await serveSource({ path, syntax: values.syntax }, context);
};

async function serveSource(
  source: Source,
  context: Context,
  more: Pick<Parts, "ready" | "withTerminal"> = {},
): Promise<number> {
  const read = () => readRecorded(source, context);
  return await serveUntilSignal({ name: source.path, load: read, startProxy, ...more }, context);
}

async function readRecorded(source: Source, { runtime }: Context): ReturnType<Parts["load"]> {
  const recorder = new Recorder(runtime);
  // The files that directives name are looked at with all else about TLS.
  const loaded = await load(source, recorder.world, { checkFiles: "last" });
  return { ...loaded, record: { source, recorder } };
}

/** The sandbox gives a configuration, which then goes the way of every other one. */
async function serveDemo(portBase: number, context: Context): Promise<number> {
  const { runtime, terminal } = context;
  let demo: Demo;
  try {
    // The demo's own faults are few: they go where a configuration without `error_log` would log.
    demo = await startDemo({ runtime, ports: portsFrom(portBase), log: openLogs([], runtime) });
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    complain(terminal, error.message);
    return FAILED;
  }
  try {
    const source: Source = { path: "<demo>", text: demo.configText, syntax: "toml" };
    const ready = () => terminal.out(`\n${demo.banner}\n`);
    return await serveSource(source, context, { ready, withTerminal: true });
  } finally {
    await demo.stop();
  }
}
