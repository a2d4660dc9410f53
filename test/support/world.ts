/** Worlds for `stage-net.ts`: a proxy within this process, on any adapter, and one as a process. */

import type { Level, Log, LogContext, LogEvent } from "../../src/core/log.ts";
import { ip } from "../../src/net/address.ts";
import type { Runtime } from "../../src/net/ports.ts";
import { formatLine } from "../../src/observe/line.ts";
import { startProxy } from "../../src/proxy/server.ts";
import { testAuthority } from "./ca.ts";
import { settingsOf } from "./settings.ts";
import { freePort, type Proxy as ProxyProcess, startProxy as startProcess } from "./process.ts";
import type { World } from "./stage-net.ts";
import type { Transcript } from "./transcript.ts";

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

interface Time {
  turn(): Promise<void>;
  pass(ms: number): Promise<void>;
}

/** Long enough for the kernel to deliver a segment by itself. */
const REAL_TIME: Time = {
  turn: () => new Promise((resolve) => setTimeout(resolve, 1)),
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** `time` is the fake clock's, where there is one. */
export async function inProcess(runtime: Runtime, time: Time = REAL_TIME): Promise<World> {
  const { ca, certificate, key } = await identity();
  return {
    runtime,
    ...time,
    ca,
    authAt: () => ip("127.0.0.1", 0),
    start: async (transcript, authPort) => {
      const log = new MemoryLog();
      const text = configuration(certificate, key, [block("127.0.0.1:1", transcript, authPort)]);
      const { global, servers: [server] } = settingsOf(text);
      // The kernel chooses the port: a configuration cannot say so.
      const listen = [{ ...server.listen[0], at: [ip("127.0.0.1", 0)] }];
      const settings = { global, servers: [{ ...server, listen }] };
      const proxy = await startProxy({ runtime, log, settings });
      return { at: proxy.listening[0].at, log: () => log.text, stop: () => proxy.stop() };
    },
  };
}

export interface ProcessWorld extends World {
  readonly proxy: ProxyProcess;
  stop(): Promise<void>;
}

/** One proxy process for all the transcripts, each a server of its own; `runtime` is this side's. */
export async function asProcess(
  runtime: Runtime,
  transcripts: readonly Transcript[],
): Promise<ProcessWorld> {
  const { ca, certificate, key } = await identity();
  const places = new Map<Transcript, { port: number; authPort: number }>();
  for (const transcript of transcripts) {
    places.set(transcript, { port: await freePort(), authPort: await freePort() });
  }
  const blocks = [...places].map(([transcript, { port, authPort }]) =>
    block(`127.0.0.1:${port}`, transcript, authPort)
  );
  const proxy = await startProcess(configuration(certificate, key, blocks));
  return {
    runtime,
    ...REAL_TIME,
    ca,
    proxy,
    authAt: (transcript) => ip("127.0.0.1", places.get(transcript)!.authPort),
    start: (transcript) => {
      const before = proxy.log().length;
      return Promise.resolve({
        at: ip("127.0.0.1", places.get(transcript)!.port),
        log: () => proxy.log().slice(before),
        stop: () => Promise.resolve(),
      });
    },
    stop: () => proxy[Symbol.asyncDispose](),
  };
}

async function identity(): Promise<{ ca: string; certificate: string; key: string }> {
  const authority = await testAuthority();
  const { certificate, key } = await authority.issue({ names: ["mx.example"] });
  return { ca: authority.certificate, certificate, key };
}

function configuration(certificate: string, key: string, blocks: readonly string[]): string {
  return `server_name = "mx.example"
ssl_certificate = ${JSON.stringify(`data:${certificate}`)}
ssl_certificate_key = ${JSON.stringify(`data:${key}`)}
${blocks.join("\n")}`;
}

function block(listen: string, transcript: Transcript, authPort: number): string {
  return `[[server]]
listen = "${listen}"
auth_http = "127.0.0.1:${authPort}/auth"
${transcript.settings}
`;
}
