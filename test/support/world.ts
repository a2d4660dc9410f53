/**
 * Worlds for `stage-net.ts`: a proxy within this process, on any adapter; one as a process; and a real
 * nginx with its mail module, the oracle, which serves what the same settings say.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Level, Log, LogContext, LogEvent } from "../../src/core/log.ts";
import { ip } from "../../src/net/address.ts";
import type { Runtime } from "../../src/net/ports.ts";
import { formatLine } from "../../src/observe/line.ts";
import { startProxy } from "../../src/proxy/server.ts";
import { testAuthority } from "./ca.ts";
import { type Nginx, nginxConf, startNginx } from "./nginx.ts";
import { freePort, type Proxy as ProxyProcess, startProxy as startProcess } from "./process.ts";
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
  readonly errorLog?: string;
}

// --- within this process -------------------------------------------------------------------------

export interface InProcessSettings {
  readonly time?: Time;
  /** Serves a zone on port 53 of the runtime's own network. */
  readonly serveNames?: World["serveNames"];
}

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
      const place = { port: 1, authPort, dnsPort: 53 };
      const text = configuration(inline(identity), [block(transcript, place)]);
      const { global, servers: [server] } = settingsOf(text);
      // The kernel chooses the port: a configuration cannot say so.
      const listen = [{ ...server.listen[0], at: [ip("127.0.0.1", 0)] }];
      const settings = { global, servers: [{ ...server, listen }] };
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
  stop(): Promise<void>;
}

/** One proxy process for all the transcripts, each a server of its own; `runtime` is this side's. */
export async function asProcess(
  runtime: Runtime,
  transcripts: readonly Transcript[],
): Promise<ProcessWorld> {
  const identity = await makeIdentity();
  const places = await findPlaces(transcripts);
  const blocks = [...places].map(([transcript, place]) => block(transcript, place));
  const proxy = await startProcess(configuration(inline(identity), blocks));
  return {
    ...processWorld(runtime, identity, places, () => {
      const before = proxy.log().length;
      return () => proxy.log().slice(before);
    }),
    proxy,
    stop: () => proxy[Symbol.asyncDispose](),
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
  const nginx = await startNginx(async (folder) => {
    mkdirSync(join(folder, "logs"));
    writeFileSync(join(folder, "certificate.pem"), identity.certificate);
    writeFileSync(join(folder, "key.pem"), identity.key);
    places = await findPlaces(transcripts, folder);
    const files = {
      ...identity,
      certificate: join(folder, "certificate.pem"),
      key: join(folder, "key.pem"),
    };
    const blocks = [...places].map(([transcript, place]) => block(transcript, place));
    return nginxConf(settingsOf(configuration(files, blocks)));
  });
  return {
    ...processWorld(runtime, identity, places, ({ errorLog }) => nginx.tail(errorLog!)),
    resets: true,
    nginx,
    stop: () => nginx[Symbol.asyncDispose](),
  };
}

let places: Places = new Map();

type Places = ReadonlyMap<Transcript, Place>;

async function findPlaces(
  transcripts: readonly Transcript[],
  folder?: string,
): Promise<Places> {
  const found = new Map<Transcript, Place>();
  for (const transcript of transcripts) {
    found.set(transcript, {
      port: await freePort(),
      authPort: await freePort(),
      dnsPort: transcript.zone.length > 0 ? await freePort() : 53,
      ...(folder !== undefined && { errorLog: join(folder, "logs", `${found.size}.log`) }),
    });
  }
  return found;
}

/** `logOf` gives, when a transcript begins, what tells what was logged since. */
function processWorld(
  runtime: Runtime,
  { ca }: Identity,
  places: Places,
  logOf: (place: Place) => () => string,
): World {
  return {
    runtime,
    ...REAL_TIME,
    ca,
    authAt: (transcript) => ip("127.0.0.1", places.get(transcript)!.authPort),
    serveNames: ({ zone }, transcript) => serveZone(zone, places.get(transcript)!.dnsPort),
    start: (transcript) => {
      const place = places.get(transcript)!;
      const at = ip("127.0.0.1", place.port);
      return Promise.resolve({ at, log: logOf(place), stop: () => Promise.resolve() });
    },
  };
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

function configuration({ certificate, key }: Identity, blocks: readonly string[]): string {
  return `server_name = "mx.example"
ssl_certificate = ${JSON.stringify(certificate)}
ssl_certificate_key = ${JSON.stringify(key)}
${blocks.join("\n")}`;
}

function block(transcript: Transcript, { port, authPort, dnsPort, errorLog }: Place): string {
  const listen = [`127.0.0.1:${port}`, ...tagged(transcript, "listen")].join(" ");
  return `[[server]]
listen = "${listen}"
auth_http = "127.0.0.1:${authPort}/auth"
${errorLog === undefined ? "" : `error_log = "${errorLog} info"`}
${transcript.settings.replaceAll("$DNS", `127.0.0.1:${dnsPort}`)}
`;
}
