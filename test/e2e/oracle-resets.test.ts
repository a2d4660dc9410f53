/**
 * Connections that break: who resets which, and when. The log must tell of it as nginx's does, and the
 * other side must not be left waiting. Transcripts end their connections in order and cannot show this.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { nginxConf, skipWithoutNginx, startNginx } from "../support/nginx.ts";
import { freePort, startProxy, temporaryFolder } from "../support/process.ts";
import { sessionLines } from "../support/rehearsal.ts";
import { settingsOf } from "../support/settings.ts";

/** The three sockets of the test's side, each once it is there. */
interface Session {
  readonly client: Socket;
  /** The auth server's, with its question read. */
  auth(): Promise<Socket>;
  /** Lets the client in. */
  allow(auth: Socket): void;
  backend(): Promise<Socket>;
  /** Answers until the client is joined to it. */
  logIn(backend: Socket): Promise<void>;
}

interface Case {
  readonly name: string;
  run(session: Session): Promise<void>;
  /** All that the log says of the session behind its `connected`, without suffixes. */
  readonly log: readonly string[];
}

const RESET = "recv() failed (104: Connection reset by peer)";

const CASES: readonly Case[] = [
  {
    name: "a client before its login",
    run: async ({ client }) => {
      await once(client, "data");
      client.resetAndDestroy();
    },
    log: [`[info] ${RESET} while in auth state`],
  },
  {
    name: "the auth server",
    run: async ({ client, auth }) => {
      const asked = await auth();
      const answer = once(client, "data");
      asked.resetAndDestroy();
      assert.match(String((await answer)[0]), /internal server error/);
      await ended(client);
    },
    log: [`[error] ${RESET} while in http auth state`],
  },
  {
    name: "a backend before its greeting",
    run: async ({ client, auth, allow, backend }) => {
      const came = backend();
      allow(await auth());
      const answer = once(client, "data");
      (await came).resetAndDestroy();
      assert.match(String((await answer)[0]), /internal server error/);
      await ended(client);
    },
    log: [`[error] ${RESET} while reading response from upstream`],
  },
  {
    name: "a client that has logged in",
    run: async (session) => {
      const backend = await joined(session);
      session.client.resetAndDestroy();
      await ended(backend);
      backend.destroy();
    },
    log: [
      "[info] client logged in",
      `[info] ${RESET} while proxying and reading from client`,
      "[info] proxied session done",
    ],
  },
  {
    name: "a backend that a client is joined to",
    run: async (session) => {
      const backend = await joined(session);
      backend.resetAndDestroy();
      await ended(session.client);
      session.client.destroy();
    },
    log: [
      "[info] client logged in",
      `[error] ${RESET} while proxying and reading from upstream`,
      "[info] proxied session done",
    ],
  },
];

async function joined({ auth, allow, backend, logIn }: Session): Promise<Socket> {
  const came = backend();
  allow(await auth());
  const socket = await came;
  await logIn(socket);
  return socket;
}

/** Its end has come, or a reset. */
async function ended(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.readableEnded && !socket.destroyed) {
    await Promise.race([once(socket, "end"), once(socket, "close")]);
  }
}

suite("ours", false, async (toml) => {
  const proxy = await startProxy(toml);
  return () => proxy[Symbol.asyncDispose]();
});

suite("nginx", skipWithoutNginx(), async (toml) => {
  const nginx = await startNginx(temporaryFolder("nginx"), nginxConf(settingsOf(toml)));
  return () => nginx[Symbol.asyncDispose]();
});

/** `start` gives what stops it. */
function suite(
  which: string,
  skip: string | false,
  start: (toml: string) => Promise<() => Promise<void>>,
): void {
  describe(`resets at ${which}`, { skip }, () => {
    let folder = "";
    let port = 0;
    let auth: Server;
    let backend: Server;
    let stop = () => Promise.resolve();

    before(async () => {
      [auth, backend] = [await listening(), await listening()];
      folder = temporaryFolder("resets");
      port = await freePort();
      stop = await start(`server_name = "mx.example"
[[server]]
listen = "127.0.0.1:${port}"
protocol = "pop3"
auth_http = "127.0.0.1:${portOf(auth)}/auth"
error_log = "${folder}/session.log info"
`);
    });

    after(async () => {
      await stop();
      auth.close();
      backend.close();
      rmSync(folder, { recursive: true });
    });

    for (const { name, run, log } of CASES) {
      test(name, async () => {
        const path = join(folder, "session.log");
        const from = sessionText(path).length;
        await run(session(port, auth, backend));
        const lines = await logged(path, from, log.length + 1);
        assert.deepEqual(lines.slice(1).map((line) => line.replace(/, client: .*$/, "")), log);
      });
    }
  });
}

function session(port: number, auth: Server, backend: Server): Session {
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {});
  return {
    client,
    auth: async () => {
      const came = once(auth, "connection");
      await once(client, "data");
      client.write("USER john\r\n");
      await once(client, "data");
      client.write("PASS secret\r\n");
      const [socket] = await came as [Socket];
      await once(socket, "data");
      return socket;
    },
    allow: (socket) => {
      socket.end(
        `HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: ${
          portOf(backend)
        }\r\n\r\n`,
      );
    },
    backend: async () => (await once(backend, "connection") as [Socket])[0],
    logIn: async (socket) => {
      const joined = once(client, "data");
      for (let i = 0; i < 3; i++) {
        socket.write("+OK\r\n");
        if (i < 2) await once(socket, "data");
      }
      await joined;
    },
  };
}

async function listening(): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => {}));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

function sessionText(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}

/** What was logged since `from`, when it is `count` lines. */
async function logged(path: string, from: number, count: number): Promise<string[]> {
  for (let i = 0; i < 100; i++) {
    const lines = sessionLines(sessionText(path).slice(from));
    if (lines.length >= count) return lines;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return sessionLines(sessionText(path).slice(from));
}
