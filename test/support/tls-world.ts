/**
 * The same nginx.conf with TLS servers, in force in the proxy under test or in a real nginx; and what a
 * client with a certificate hears from it, what the auth server is asked, and what the log says.
 */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AuthServer, deny, startAuthServer } from "./auth-server.ts";
import { startNginxOn } from "./nginx.ts";
import { type Visit, visit } from "./openssl.ts";
import { type Child, commandUnderTest, freePort, startChild, temporaryFolder } from "./process.ts";

const LOG_MS = 5_000;

export interface TlsWorldSettings {
  /** Bodies of `server {}` by name; `LISTEN` stands for address and port. */
  readonly servers: Readonly<Record<string, string>>;
  /** Directives of `mail {}`. */
  readonly mail?: string;
  /** Beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Meeting {
  readonly visit: Visit;
  /** The first line inside TLS. */
  readonly line: string;
  /** `Auth-SSL` headers of the question that a login brought about, as they came; empty: none did. */
  readonly headers: Readonly<Record<string, string>>;
  /** Log lines since it began, without date, process and port. */
  readonly log: readonly string[];
}

export interface MeetOptions {
  /** Said inside TLS; default a login, which the auth server denies. */
  readonly say?: string;
  /** The client leaves then; default: at the answer, or when it is refused. */
  readonly until?: RegExp;
  /** Log lines to wait for; default 1: every login and every refusal leaves one. */
  readonly lines?: number;
}

export class TlsWorld {
  readonly auth: AuthServer;
  readonly folder: string;
  readonly child: Child;
  readonly ports: Readonly<Record<string, number>>;

  private constructor(
    auth: AuthServer,
    folder: string,
    child: Child,
    ports: Readonly<Record<string, number>>,
  ) {
    this.auth = auth;
    this.folder = folder;
    this.child = child;
    this.ports = ports;
  }

  static async start(who: "doorpost" | "nginx", settings: TlsWorldSettings): Promise<TlsWorld> {
    const auth = await startAuthServer(() => deny("Invalid login"));
    const folder = temporaryFolder("tls");
    for (const [name, content] of Object.entries(settings.files ?? {})) {
      writeFileSync(join(folder, name), content);
    }
    const ports: Record<string, number> = {};
    const servers: string[] = [];
    for (const [name, body] of Object.entries(settings.servers)) {
      ports[name] = await freePort();
      servers.push(`server { ${body.replace("LISTEN", `127.0.0.1:${ports[name]}`)} }`);
    }
    const conf = join(folder, "nginx.conf");
    writeFileSync(
      conf,
      `error_log ${join(folder, "error.log")} info;\nevents {}\nmail {\n` +
        `auth_http 127.0.0.1:${auth.port}/auth;\nauth_http_pass_client_cert on;\n` +
        `${settings.mail ?? ""}\n${servers.join("\n")}\n}\n`,
    );
    const child = who === "nginx" ? await startNginxOn(conf) : await startDoorpost(conf, settings);
    return new TlsWorld(auth, folder, child, ports);
  }

  /** Connects, says `say` inside TLS, and leaves when the answer has come. */
  async meet(
    server: string,
    args: readonly string[] = [],
    { say = "a LOGIN u p\r\n", until = /a NO |\* BYE /, lines = 1 }: MeetOptions = {},
  ): Promise<Meeting> {
    const from = this.mark();
    this.auth.reset();
    const seen = await visit(this.ports[server], args, { say, until, cwd: this.folder });
    const line = /(?:\* (?:OK|BYE)|\+OK|-ERR|220|421) \w[^\r\n]*/.exec(seen.text)?.[0] ?? "";
    const asked = this.auth.questions.at(-1)?.headers ?? {};
    const ssl = Object.entries(asked).filter(([name]) => name.startsWith("auth-ssl"));
    const log = await this.since(from, lines);
    return { visit: seen, line, headers: Object.fromEntries(ssl), log };
  }

  /** Where the log ends now. */
  mark(): number {
    return this.log().length;
  }

  /** Log lines since then, once there are so many: a session's end and its line are not one event. */
  async since(mark: number, count: number): Promise<readonly string[]> {
    const lines = () => sessionLines(this.log().slice(mark));
    await eventually(() => lines().length >= count);
    return lines();
  }

  /** Until what a client heard matches. */
  async heard(what: () => string, pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(what()));
    if (!pattern.test(what())) throw new Error(`heard "${what()}" instead of ${pattern}`);
  }

  log(): string {
    const file = join(this.folder, "error.log");
    return existsSync(file) ? readFileSync(file, "latin1") : "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stop();
    await this.auth[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function eventually(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + LOG_MS;
  while (!holds() && Date.now() < deadline) await sleep(10);
}

async function startDoorpost(conf: string, { env }: TlsWorldSettings): Promise<Child> {
  const [command, ...args] = commandUnderTest();
  const child = startChild(command!, [...args, "serve", "--config", conf], { env });
  try {
    await child.said(/^doorpost \S+ ready:/m);
    return child;
  } catch (error) {
    await child.stop();
    throw error;
  }
}

/** What both have to say: not when, who and from which port; not that somebody connected. */
function sessionLines(log: string): readonly string[] {
  return log.split("\n").flatMap((line) => {
    const [, level, message] = /^\S+ \S+ \[(\w+)\] \d+#\d+: \*\d+ (.*)$/.exec(line) ?? [];
    if (message === undefined || / connected to /.test(message)) return [];
    return [`[${level}] ${message.replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")}`];
  });
}
