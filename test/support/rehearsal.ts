/**
 * One nginx.conf, served by nginx and then by the proxy, on the same ports: a client's script is run
 * against each, and what the client, the auth server and the backends saw is kept for comparison.
 */

import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { LineClient } from "./clients.ts";

export type ProtocolName = "imap" | "pop3" | "smtp";

/** A connection of the script: what is said, and after each line what must have come. */
export interface Scene {
  readonly name: string;
  readonly protocol: ProtocolName;
  /** Or the path of a unix socket. */
  readonly port: number | string;
  readonly tls: "none" | "implicit" | "starttls";
  readonly lines: readonly string[];
}

/** What was said, in words that do not depend on the day or the port. */
export interface Performance {
  /** By scene: what the client heard. */
  readonly heard: readonly (readonly string[])[];
  /** What the auth server was asked, request by request. */
  readonly asked: readonly string[];
  /** What the backends were told, connection by connection. */
  readonly told: readonly string[];
}

/** The line that ends a reply. */
const END: Readonly<Record<ProtocolName, (sent: string) => RegExp>> = {
  imap: () => /^(?:\w+ (?:OK|NO|BAD)|\+ |\* BAD internal)/,
  pop3: (sent) => /^(?:CAPA|AUTH)$/.test(sent) ? /^(?:\.$|-ERR)/ : /^/,
  smtp: () => /^\d{3}(?: |$)/,
};

const STARTTLS: Readonly<Record<ProtocolName, string>> = {
  imap: "tls STARTTLS",
  pop3: "STLS",
  smtp: "STARTTLS",
};

export class Rehearsal {
  readonly #ca: string;
  readonly #asked: string[] = [];
  readonly #told: string[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #servers: Server[] = [];
  readonly #backends = new Map<ProtocolName, number>();
  #authPort = 0;

  /** `ca`: PEM of the authority that vouches for the proxies. */
  constructor(ca: string) {
    this.#ca = ca;
  }

  get authPort(): number {
    return this.#authPort;
  }

  /** The auth server listens on a port, and on `path` as well. */
  async open(path: string): Promise<void> {
    this.#authPort = await this.#listen((socket) => this.#decide(socket));
    await this.#listen((socket) => this.#decide(socket), path);
    for (const [protocol, serve] of BACKENDS) {
      const port = await this.#listen((socket) => {
        const at = this.#told.push("") - 1;
        serve(socket, (text) => this.#told[at] += text);
      });
      this.#backends.set(protocol, port);
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) {
      server.close();
      await once(server, "close");
    }
  }

  /** Runs all scenes, one after the other. */
  async play(scenes: readonly Scene[]): Promise<Performance> {
    this.#asked.length = 0;
    this.#told.length = 0;
    const heard: string[][] = [];
    for (const scene of scenes) heard.push(await this.#playScene(scene));
    return { heard, asked: [...this.#asked], told: [...this.#told] };
  }

  async #playScene({ protocol, port, tls, lines }: Scene): Promise<string[]> {
    using client = await LineClient.connect(port);
    const heard: string[] = [];
    const listen = async (sent: string) => {
      for (const line of await client.lines(END[protocol](sent))) heard.push(timeless(line));
    };
    if (tls === "implicit") await client.startTls(this.#ca);
    heard.push(timeless(await client.line()));
    if (tls === "starttls") {
      client.send(STARTTLS[protocol]);
      await listen("");
      await client.startTls(this.#ca);
    }
    for (const line of lines) {
      client.send(line);
      await listen(line).catch(() => heard.push("(closed)"));
      if (heard.at(-1) === "(closed)") return heard;
    }
    client.end();
    heard.push(`(end) ${timeless(await client.closed())}`);
    return heard;
  }

  // --- the auth server -------------------------------------------------------------------------

  /** `john` is let in, also by digest; `lost` is sent to nowhere; others are told no, `patient` later. */
  #decide(socket: Socket): void {
    let request = "";
    socket.on("data", (bytes) => {
      request += bytes.toString("latin1");
      if (!request.endsWith("\r\n\r\n")) return;
      this.#asked.push(timeless(request));
      socket.end(`HTTP/1.0 200 OK\r\n${this.#answer(request)}\r\n`, "latin1");
    });
  }

  #answer(request: string): string {
    const user = /^Auth-User: (.*)\r$/m.exec(request)?.[1] ?? "";
    const protocol = /^Auth-Protocol: (\w+)\r$/m.exec(request)?.[1] as ProtocolName;
    if (user !== "john" && user !== "lost") {
      const wait = user === "patient" ? "Auth-Wait: 1\r\n" : "";
      return `Auth-Status: Invalid login or password\r\nAuth-Error-Code: 535 5.7.8\r\n${wait}`;
    }
    const port = this.#backends.get(protocol);
    if (user === "lost") return "Auth-Status: OK\r\nAuth-Server: nowhere\r\nAuth-Port: 1\r\n";
    return "Auth-Status: OK\r\nAuth-Server: 127.0.0.1\r\n" +
      `Auth-Port: ${port}\r\nAuth-Pass: secret\r\n`;
  }

  async #listen(serve: (socket: Socket) => void, path?: string): Promise<number> {
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      serve(socket);
    });
    this.#servers.push(server);
    if (path === undefined) server.listen(0, "127.0.0.1");
    else server.listen(path);
    await once(server, "listening");
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }
}

/**
 * Salts differ from connection to connection, in clear and in base64; which cipher is agreed on is the
 * TLS libraries' business (how it is spelt, the transcripts show).
 */
function timeless(text: string): string {
  const inClear = (_: string, prompt: string, base64: string) => `${prompt} ${atob(base64)}`;
  return text.replace(/^(\+|334) (PD[A-Za-z0-9+/]+=*)/, inClear)
    .replace(/<\d+\.\d+@/g, "<SALT@")
    .replace(/^(Auth-SSL-Cipher: ).*(?=\r$)/m, "$1CIPHER");
}

// --- backends ------------------------------------------------------------------------------------

type Serve = (socket: Socket, told: (text: string) => void) => void;

/** Each lets everybody in, and answers whatever comes then. */
const BACKENDS: readonly (readonly [ProtocolName, Serve])[] = [
  ["imap", (socket, told) => {
    let within = false;
    socket.write("* OK backend\r\n");
    everyLine(socket, (line) => {
      // How the proxy logs in is a difference (imap-quoted-login); what it logs in with is not.
      if (line.endsWith("}")) socket.write("+ go on\r\n");
      else if (within) {
        told(`${line}\n`);
        socket.write(`${line.split(" ")[0]} OK relayed\r\n`);
      } else {
        within = true;
        socket.write(`${tagOf(socket)} OK [CAPABILITY IMAP4rev1] in\r\n`);
      }
    });
  }],
  ["pop3", (socket, told) => {
    socket.write("+OK backend\r\n");
    everyLine(socket, (line) => {
      told(`${line}\n`);
      socket.write(`+OK ${line.split(" ")[0]} heard\r\n`);
    });
  }],
  ["smtp", (socket, told) => {
    socket.write("220 backend ESMTP\r\n");
    everyLine(socket, (line) => {
      told(`${line}\n`);
      if (line.startsWith("PROXY ")) return;
      socket.write(line.startsWith("AUTH") ? "235 in\r\n" : `250 ${line.split(" ")[0]} heard\r\n`);
    });
  }],
];

const tags = new WeakMap<Socket, string>();

function tagOf(socket: Socket): string {
  return tags.get(socket) ?? "*";
}

function everyLine(socket: Socket, take: (line: string) => void): void {
  let unread = "";
  socket.on("data", (bytes) => {
    unread += bytes.toString("latin1");
    const lines = unread.split("\r\n");
    unread = lines.pop()!;
    for (const line of lines) {
      if (!tags.has(socket)) tags.set(socket, line.split(" ")[0]!);
      take(line);
    }
  });
}

// --- logs ----------------------------------------------------------------------------------------

/**
 * What the log tells of each session, without time, process and the ports of clients and backends.
 * Sessions overlap a little, each in its own order.
 */
export function sessionLines(log: string): string[] {
  const sessions = new Map<string, string[]>();
  for (const line of log.split("\n")) {
    const [, level, number, event] = /(\[\w+\]) \d+#\d+: \*(\d+) (.*)$/.exec(line) ?? [];
    if (number === undefined) continue;
    const shown = event.replace(/client 127\.0\.0\.1:\d+ connected/, "client connected")
      .replace(/upstream: 127\.0\.0\.1:\d+/, "upstream: backend")
      // Listed: log-link.
      .replace(/, \[[^\]]+\] <=> \[[^\]]+\]$/, "");
    sessions.set(number, [...(sessions.get(number) ?? []), `${level} ${shown}`]);
  }
  return [...sessions.values()].flat();
}
