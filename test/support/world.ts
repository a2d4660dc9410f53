/** Worlds for `stage-net.ts`: a proxy within this process, on any runtime's adapter. */

import type { Level, Log, LogContext, LogEvent } from "../../src/core/log.ts";
import { ip } from "../../src/net/address.ts";
import type { Runtime } from "../../src/net/ports.ts";
import { formatLine } from "../../src/observe/line.ts";
import { startProxy } from "../../src/proxy/server.ts";
import { testAuthority } from "./ca.ts";
import { settingsOf } from "./settings.ts";
import type { ProxyUnderTest, World } from "./stage-net.ts";

/** Everything that is logged, at every level, as the lines that a file would have. */
export class MemoryLog implements Log {
  text = "";

  enabled(_level: Level): boolean {
    return true;
  }

  /** Every server writes here. */
  open(): Log {
    return this;
  }

  write(event: LogEvent, context?: LogContext): void {
    this.text += formatLine(event, context, "2026/01/01 00:00:00", 1);
  }
}

/** `pass` moves the clock where it is a fake one. */
export async function inProcess(
  runtime: Runtime,
  pass: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<World> {
  const authority = await testAuthority();
  const { certificate, key } = await authority.issue({ names: ["mx.example"] });
  return {
    runtime,
    pass,
    ca: authority.certificate,
    start: (settings) => startHere(runtime, certificate, key, settings),
  };
}

async function startHere(
  runtime: Runtime,
  certificate: string,
  key: string,
  settings: string,
): Promise<ProxyUnderTest> {
  const log = new MemoryLog();
  const { global, servers: [server] } = settingsOf(`server_name = "mx.example"
ssl_certificate = ${JSON.stringify(`data:${certificate}`)}
ssl_certificate_key = ${JSON.stringify(`data:${key}`)}
[[server]]
listen = "127.0.0.1:1"
${settings}
`);
  // The kernel chooses the port: a configuration cannot say so.
  const listen = [{ ...server.listen[0], at: [ip("127.0.0.1", 0)] }];
  const proxy = await startProxy({
    runtime,
    log,
    settings: { global, servers: [{ ...server, listen }] },
  });
  return { at: proxy.listening[0].at, log: () => log.text, stop: () => proxy.stop() };
}
