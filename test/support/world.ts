/**
 * Worlds for `stage-net.ts`: a proxy within this process; one as a process; and a real
 * nginx with its mail module, the oracle, which serves what the same settings say.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Level, Log, LogContext, LogEvent } from "../../src/core/log.ts";
import { ip } from "../../src/net/address.ts";
import type { Runtime } from "../../src/net/ports.ts";
import { formatLine } from "../../src/observe/line.ts";
import { startProxy } from "../../src/proxy/server.ts";
import { testAuthority } from "./ca.ts";
import { type Nginx, nginxConf, startNginx } from "./nginx.ts";
import {
  freePort,
  type Proxy as ProxyProcess,
  startProxy as startProcess,
  temporaryFolder,
} from "./process.ts";
import { settingsOf } from "./settings.ts";
import type { World } from "./stage-net.ts";
import { tagged, type Transcript } from "./transcript.ts";
import { serveZone } from "./zone.ts";

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
    this.text += formatLine(event, context, "2026/01/01 00:00:00", 1) + "\n";
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

/** Where the servers of a transcript are. */
interface Place {
  readonly port: number;
  readonly authPort: number;
  readonly dnsPort: number;
  readonly errorLog: string;
}

// --- within this process -------------------------------------------------------------------------

export interface InProcessSettings {
  readonly time?: Time;
  /** Answers on port 53. */
  readonly serveNames?: World["serveNames"];
}

/** For the memory runtime, on whose network every port is free. */
export async function inProcess(
  runtime: Runtime,
  { time = REAL_TIME, serveNames = noNames }: InProcessSettings = {},
): Promise<World> {
  const identity = await makeIdentity();
  return {
    runtime,
    ...time,
    ca: identity.ca,
    authAt: () => ip("127.0.0.1", 0),
    serveNames,
    start: async (transcript, authPort) => {
      const log = new MemoryLog();
      const place = { port: 143, authPort, dnsPort: 53, errorLog: "/unused" };
      const settings = settingsOf(
        configuration(inline(identity), [block(transcript, place, "info")]),
      );
      const proxy = await startProxy({ runtime, log, settings });
      return { at: proxy.listening[0].at, log: () => log.text, stop: () => proxy.stop() };
    },
  };
}

function noNames({ zone }: Transcript): Promise<() => void> {
  return zone.length === 0 ? Promise.resolve(() => {}) : Promise.reject(new Error("no DNS here"));
}

// --- processes -----------------------------------------------------------------------------------

export interface ProcessWorld extends World {
  readonly proxy: ProxyProcess;
  /** All that was logged, wherever. */
  log(): string;
  stop(): Promise<void>;
}

/** One proxy process for all the transcripts, each a server of its own; `runtime` is this side's. */
export async function asProcess(
  runtime: Runtime,
  transcripts: readonly Transcript[],
): Promise<ProcessWorld> {
  const identity = await makeIdentity();
  const folder = temporaryFolder("logs");
  const places = await findPlaces(transcripts, folder);
  const blocks = [...places].map(([transcript, place]) => block(transcript, place, "debug"));
  const proxy = await startProcess(configuration(inline(identity), blocks));
  return {
    ...processWorld(runtime, identity, places),
    proxy,
    log: () => proxy.log() + [...places.values()].map(({ errorLog }) => readLog(errorLog)).join(""),
    async stop() {
      await proxy[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface NginxWorld extends World {
  readonly nginx: Nginx;
  stop(): Promise<void>;
}

/** One nginx for all the transcripts; each has a server and a log of its own. */
export async function asNginx(
  runtime: Runtime,
  transcripts: readonly Transcript[],
): Promise<NginxWorld> {
  const identity = await makeIdentity();
  const folder = temporaryFolder("nginx");
  const places = await findPlaces(transcripts, folder);
  const files = inFiles(identity, folder);
  const blocks = [...places].map(([transcript, place]) => block(transcript, place, "info"));
  const nginx = await startNginx(folder, nginxConf(settingsOf(configuration(files, blocks))));
  return {
    ...processWorld(runtime, identity, places),
    resets: true,
    nginx,
    stop: () => nginx[Symbol.asyncDispose](),
  };
}

type Places = ReadonlyMap<Transcript, Place>;

async function findPlaces(
  transcripts: readonly Transcript[],
  folder: string,
): Promise<Places> {
  const found = new Map<Transcript, Place>();
  for (const transcript of transcripts) {
    found.set(transcript, {
      port: await freePort(),
      authPort: await freePort(),
      dnsPort: transcript.zone.length > 0 ? await freePort() : 53,
      errorLog: join(folder, `${found.size}.log`),
    });
  }
  return found;
}

function processWorld(
  runtime: Runtime,
  { ca }: Identity,
  places: Places,
): World {
  return {
    runtime,
    ...REAL_TIME,
    ca,
    authAt: (transcript) => ip("127.0.0.1", places.get(transcript)!.authPort),
    serveNames: (transcript) => {
      const { zone } = transcript;
      return zone.length > 0
        ? serveZone(zone, places.get(transcript)!.dnsPort)
        : noNames(transcript);
    },
    start: (transcript) => {
      const { port, errorLog } = places.get(transcript)!;
      const before = readLog(errorLog).length;
      return Promise.resolve({
        at: ip("127.0.0.1", port),
        log: () => readLog(errorLog).slice(before),
        stop: () => Promise.resolve(),
      });
    },
  };
}

function readLog(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}

// --- configuration -------------------------------------------------------------------------------

/** PEM, or in a configuration what names it. */
interface Identity {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

async function makeIdentity(): Promise<Identity> {
  const authority = await testAuthority();
  const { certificate, key } = await authority.issue({ names: ["mx.example"] });
  return { ca: authority.certificate, certificate, key };
}

function inline({ ca, certificate, key }: Identity): Identity {
  return { ca, certificate: `data:${certificate}`, key: `data:${key}` };
}

function inFiles({ ca, certificate, key }: Identity, folder: string): Identity {
  const paths = { certificate: join(folder, "certificate.pem"), key: join(folder, "key.pem") };
  writeFileSync(paths.certificate, certificate);
  writeFileSync(paths.key, key);
  return { ca, ...paths };
}

function configuration({ certificate, key }: Identity, blocks: readonly string[]): string {
  return `server_name = "mx.example"
ssl_certificate = ${JSON.stringify(certificate)}
ssl_certificate_key = ${JSON.stringify(key)}
${blocks.join("\n")}`;
}

function block(
  transcript: Transcript,
  { port, authPort, dnsPort, errorLog }: Place,
  level: Level,
): string {
  const settings = transcript.settings.replaceAll("$AUTH", `${authPort}`)
    .replaceAll("$DNS", `127.0.0.1:${dnsPort}`);
  const listen = [`127.0.0.1:${port}`, ...tagged(transcript, "listen")].join(" ");
  return `[[server]]
listen = "${listen}"
${/^auth_http =/m.test(settings) ? "" : `auth_http = "127.0.0.1:${authPort}/auth"`}
error_log = "${errorLog} ${level}"
${settings}
`;
}
