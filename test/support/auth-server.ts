/**
 * A real HTTP auth server in the test's own process. Each test says how it answers: with headers, late,
 * never, with raw bytes, or by closing the connection at a chosen moment.
 */

import { createServer, type IncomingMessage } from "node:http";
import { Buffer } from "node:buffer";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What the proxy asked. User and password are percent-decoded, as the protocol wants it. */
export interface Question {
  readonly path: string;
  readonly user: string;
  readonly password: string;
  readonly method: string;
  readonly protocol: string;
  readonly attempt: number;
  /** Every header, lower-case names, raw values. */
  readonly headers: Readonly<Record<string, string>>;
}

export type Answer =
  | { readonly status?: number; readonly headers: Readonly<Record<string, string>> }
  /** These bytes (Latin-1) instead of a response, then the connection is closed. */
  | { readonly raw: string }
  /** The connection is closed without a byte. */
  | "close"
  /** Nothing, until the proxy gives up or the server is stopped. */
  | "hang";

export type Decide = (question: Question) => Answer | Promise<Answer>;

export interface AuthServer {
  readonly port: number;
  /** For `auth_http`. */
  readonly url: string;
  /** In the order of their arrival. */
  readonly questions: readonly Question[];
  /** The newest; throws when none came. */
  last(): Question;
  decide: Decide;
  /** Forgets questions and goes back to the first way to decide. */
  reset(): void;
  /** Closes connections on which nothing is asked. */
  dropIdle(): void;
  /** Refuses connections until `resume`, as a server that is down. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startAuthServer(decide: Decide): Promise<AuthServer> {
  const questions: Question[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    const question = questionOf(request);
    questions.push(question);
    const answer = await auth.decide(question);
    if (answer === "hang") return;
    if (answer === "close") return void request.socket.destroy();
    if ("raw" in answer) return void request.socket.end(answer.raw, "latin1");
    response.writeHead(answer.status ?? 200, { ...answer.headers, "Content-Length": "0" });
    response.end();
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => resolve());
    });
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const auth: AuthServer = {
    port,
    url: `http://127.0.0.1:${port}/auth`,
    questions,
    last() {
      const question = questions.at(-1);
      if (question === undefined) throw new Error("The auth server was not asked");
      return question;
    },
    decide,
    reset() {
      questions.length = 0;
      auth.decide = decide;
    },
    dropIdle: () => server.closeIdleConnections(),
    pause: close,
    resume: () => listen(port),
    [Symbol.asyncDispose]: close,
  };
  return auth;
}

/** The response that lets a client in. */
export function allow(port: number, more: Readonly<Record<string, string>> = {}): Answer {
  return {
    headers: {
      "Auth-Status": "OK",
      "Auth-Server": "127.0.0.1",
      "Auth-Port": String(port),
      ...more,
    },
  };
}

export function deny(text: string, more: Readonly<Record<string, string>> = {}): Answer {
  return { headers: { "Auth-Status": text, ...more } };
}

/** The same answer after a while. */
export async function later(ms: number, answer: Answer): Promise<Answer> {
  await sleep(ms);
  return answer;
}

function questionOf(request: IncomingMessage): Question {
  const headers: Record<string, string> = {};
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    headers[request.rawHeaders[at]!.toLowerCase()] = request.rawHeaders[at + 1]!;
  }
  return {
    path: request.url ?? "",
    user: percentDecoded(headers["auth-user"] ?? ""),
    password: percentDecoded(headers["auth-pass"] ?? ""),
    method: headers["auth-method"] ?? "",
    protocol: headers["auth-protocol"] ?? "",
    attempt: Number(headers["auth-login-attempt"]),
    headers,
  };
}

/** Bytes stay bytes: the header arrives as Latin-1 and may hold UTF-8, which is then read as such. */
function percentDecoded(raw: string): string {
  const bytes = raw.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex) => String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
