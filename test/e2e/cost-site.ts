/**
 * What the cost tests stand on: the proxy under test with a quiet log, between an auth server and one
 * fake mail server in the test's process. The fake answers every command with one write, so that what
 * the proxy reads and writes is the same in every run.
 */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { allow, startAuthServer } from "../support/auth-server.ts";
import { testAuthority } from "../support/ca.ts";
import { LineClient } from "../support/clients.ts";
import { commandUnderTest, freePort, startChild, temporaryFolder } from "../support/process.ts";
import { logIn, logOut, type Protocol, PROTOCOLS } from "./dialogue.ts";

export type Kind = Protocol | "imaps";
export const KINDS: readonly Kind[] = ["imap", "pop3", "smtp", "imaps"];

export interface CostSite extends AsyncDisposable {
  readonly pid: number;
  readonly folder: string;
  /** A session that is logged in. */
  session(kind: Kind): Promise<LineClient>;
  /** Sessions one after the other, each with a login, a NOOP and a logout; resolves when all is over. */
  sessions(kind: Kind, count: number): Promise<void>;
  /** Closes idle connections to the auth server; what is open when nothing moves any more. */
  atRest(): Promise<number>;
}

export interface CostSettings {
  /** Words before the proxy's own command line; `FOLDER` stands for the site's folder. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function startCostSite({ before = [], env }: CostSettings = {}): Promise<CostSite> {
  const folder = temporaryFolder("cost");
  const authority = await testAuthority();
  const backends = await startBackends();
  const auth = await startAuthServer(({ protocol }) => allow(backends.ports[protocol as Protocol]));
  const ports = {} as Record<Kind, number>;
  for (const kind of KINDS) ports[kind] = await freePort();
  const { certificate, key } = await authority.issue();
  writeFileSync(join(folder, "cert.pem"), certificate);
  writeFileSync(join(folder, "key.pem"), key);
  writeFileSync(join(folder, "doorpost.toml"), configuration(auth.url, ports));
  const wrapped = before.map((word) => word.replace("FOLDER", folder));
  const [command, ...args] = [...wrapped, ...commandUnderTest()];
  const config = join(folder, "doorpost.toml");
  const child = startChild(command!, [...args, "serve", "--config", config], { cwd: folder, env });
  const dispose = async () => {
    await child.stop();
    await auth[Symbol.asyncDispose]();
    await backends[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  const session = (kind: Kind) => enter(kind, ports[kind], authority.certificate);
  const descriptors = () => readdirSync(`/proc/${child.pid}/fd`).length;
  const settled = async () => {
    let last = -1;
    for (let same = 0, tries = 0; same < 3 && tries < 200; tries++) {
      const now = descriptors();
      same = now === last ? same + 1 : 0;
      last = now;
      await sleep(20);
    }
    return last;
  };
  try {
    await child.said(/^doorpost \S+ ready:/m);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    pid: child.pid,
    folder,
    session,
    async sessions(kind, count) {
      const protocol = protocolOf(kind);
      for (let done = 0; done < count; done++) {
        const client = await session(kind);
        await client.ask(protocol === "imap" ? "a2 NOOP" : "NOOP");
        await logOut(client, protocol);
        client[Symbol.dispose]();
      }
      await settled();
    },
    atRest() {
      auth.dropIdle();
      return settled();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function protocolOf(kind: Kind): Protocol {
  return kind === "imaps" ? "imap" : kind;
}

function configuration(auth: string, ports: Readonly<Record<Kind, number>>): string {
  const server = (kind: Kind) =>
    `[[server]]
listen = "127.0.0.1:${ports[kind]}${kind === "imaps" ? " ssl" : ""}"
protocol = "${protocolOf(kind)}"
`;
  return `server_name = "mail.test"
auth_http = "${auth}"
error_log = "stderr warn"
ssl_certificate = "cert.pem"
ssl_certificate_key = "key.pem"
worker_connections = 4096
${KINDS.map(server).join("")}`;
}

async function enter(kind: Kind, port: number, ca: string): Promise<LineClient> {
  const client = await LineClient.connect(port);
  if (kind === "imaps") await client.startTls(ca);
  const protocol = protocolOf(kind);
  await client.line();
  if (protocol === "smtp") {
    client.send("EHLO client.test");
    await client.lines(/^250 /);
  }
  const reply = await logIn(client, protocol, "bob", "secret");
  if (!/^(?:a1 OK|\+OK|235)/.test(reply)) throw new Error(`Not logged in: ${reply}`);
  return client;
}

// --- the fake mail server -------------------------------------------------------------------------

interface Backends extends AsyncDisposable {
  readonly ports: Readonly<Record<Protocol, number>>;
}

async function startBackends(): Promise<Backends> {
  const sockets = new Set<Socket>();
  const ports = {} as Record<Protocol, number>;
  const servers: Server[] = [];
  for (const protocol of PROTOCOLS) {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      serve(socket, protocol);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    ports[protocol] = (server.address() as AddressInfo).port;
    servers.push(server);
  }
  return {
    ports,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(
        servers.map((server) => new Promise((resolve) => server.close(resolve))),
      );
    },
  };
}

const GREETINGS: Readonly<Record<Protocol, string>> = {
  imap: "* OK ready\r\n",
  pop3: "+OK ready\r\n",
  smtp: "220 backend ESMTP\r\n",
};

function serve(socket: Socket, protocol: Protocol): void {
  let unread = "";
  let literal = 0;
  let tag = "";
  socket.setNoDelay(true);
  socket.write(GREETINGS[protocol]);
  socket.on("data", (bytes) => {
    const skipped = Math.min(literal, bytes.length);
    literal -= skipped;
    unread += bytes.toString("latin1", skipped);
    const lines = unread.split("\r\n");
    unread = lines.pop()!;
    for (const line of lines) {
      const size = /\{(\d+)\}$/.exec(line)?.[1];
      if (size !== undefined) {
        literal = Number(size);
        tag = line.split(" ")[0]!;
        socket.write("+ go on\r\n");
      } else {
        // After a literal the rest of its line is empty.
        answer(socket, protocol, line || `${tag} NOOP`);
      }
    }
  });
}

function answer(socket: Socket, protocol: Protocol, line: string): void {
  const [tag, verb] = line.split(" ");
  switch (protocol) {
    case "imap":
      if (verb === "LOGOUT") return void socket.end(`* BYE\r\n${tag} OK\r\n`);
      if (verb === "FETCH") socket.write("x".repeat(Number(line.split(" ")[2])));
      return void socket.write(`${tag} OK\r\n`);
    case "pop3":
      return void (line === "QUIT" ? socket.end("+OK\r\n") : socket.write("+OK\r\n"));
    case "smtp":
      if (line === "QUIT") return void socket.end("221 bye\r\n");
      if (/^EHLO/.test(line)) return void socket.write("250-backend\r\n250 XCLIENT LOGIN ADDR\r\n");
      return void socket.write(/^XCLIENT/.test(line) ? "220 backend\r\n" : "250 ok\r\n");
  }
}

// --- counting -------------------------------------------------------------------------------------

/** Anonymous memory of a process in bytes: heaps and stacks, but not its code. */
export function anonymousMemory(pid: number): number {
  return 1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
}

/** Whether the kernel gives huge pages to those who do not ask for them. */
export function hugePages(): boolean {
  const file = "/sys/kernel/mm/transparent_hugepage/enabled";
  return existsSync(file) && readFileSync(file, "utf8").includes("[always]");
}

/** System calls in a trace from an offset on, by name; those of memory and of threads left out. */
export function callsIn(trace: string, from: number): Map<string, number> {
  const calls = new Map<string, number>();
  for (const line of readFileSync(trace, "latin1").slice(from).split("\n")) {
    // A call that another thread's line interrupts has a second line, which is not a second call.
    const name = /^\d+ +(\w+)\(/.exec(line)?.[1];
    if (name === undefined || /^m(?:map|advise|unmap)/.test(name)) continue;
    calls.set(name, (calls.get(name) ?? 0) + 1);
  }
  return calls;
}
