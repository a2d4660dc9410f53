/**
 * Which server a client comes to, by the address it came to, and how logs name that address: the same
 * `listen` lines at nginx and at ours. (nginx-conf.test.ts moves every listener to 127.0.0.1.)
 */

import assert from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { type AuthServer, startAuthServer } from "../support/auth-server.ts";
import { skipWithoutNginx, startNginxOn } from "../support/nginx.ts";
import {
  type Child,
  commandUnderTest,
  freePort,
  startChild,
  temporaryFolder,
} from "../support/process.ts";
import { sessionLines } from "../support/rehearsal.ts";

/** A server's listeners (`$P` stands for a free port, the same in all), and its name. */
const SERVERS: readonly (readonly [name: string, listeners: readonly string[]])[] = [
  ["any", ["$P0"]],
  ["second", ["127.0.0.2:$P0"]],
  ["six", ["[::1]:$P0"]],
  ["range", ["127.0.0.1:$P1-$P3"]],
  ["both", ["[::]:$P4", "$P4"]],
  ["called", ["localhost:$P5"]],
  ["file", ["unix:$F/imap.sock"]],
];

/** Where a client goes, and whose it is there. */
const CLIENTS: readonly (readonly [to: string, server: string])[] = [
  ["127.0.0.1 $P0", "any"],
  ["127.0.0.2 $P0", "second"],
  ["127.0.0.3 $P0", "any"],
  ["::1 $P0", "six"],
  ["127.0.0.1 $P1", "range"],
  ["127.0.0.1 $P2", "range"],
  ["127.0.0.1 $P3", "range"],
  ["127.0.0.1 $P4", "both"],
  ["::1 $P4", "both"],
  ["127.0.0.1 $P5", "called"],
  ["$F/imap.sock", "file"],
];

interface Told {
  /** Who was asked to decide, client by client. */
  readonly servers: readonly string[];
  readonly log: readonly string[];
  readonly socketMode: number;
}

describe("listen, at nginx and at ours", { skip: skipWithoutNginx() }, () => {
  let nginx: Told;
  let ours: Told;

  before(async () => {
    await using auth = await startAuthServer(() => ({ headers: { "Auth-Status": "no" } }));
    nginx = await tell(auth, startNginxOn);
    ours = await tell(auth, startOurs);
  });

  for (const [i, [to, server]] of CLIENTS.entries()) {
    test(`${to} is of ${server}`, () => {
      assert.equal(nginx.servers[i], server);
      assert.equal(ours.servers[i], server);
    });
  }

  test("the logs name the listeners in the same way", () => {
    assert.ok(nginx.log.some((line) => line.includes("connected to 0.0.0.0:$P0")));
    assert.deepEqual(ours.log, nginx.log);
  });

  test("a unix socket may be used by everybody", () => {
    assert.deepEqual([ours.socketMode, nginx.socketMode], [0o666, 0o666]);
  });
});

async function startOurs(file: string): Promise<Child> {
  const [command, ...args] = commandUnderTest();
  const child = startChild(command!, [...args, "serve", "--config", file]);
  await child.said(/^doorpost \S+ ready:/m);
  return child;
}

// --- below --------------------------------------------------------------------------------------

async function tell(auth: AuthServer, start: (file: string) => Promise<Child>): Promise<Told> {
  const folder = temporaryFolder("listening");
  const [any, both, called] = [await freePort(), await freePort(), await freePort()];
  const ports = [any, ...await freeRange(3), both, called];
  const fill = (text: string) =>
    text.replaceAll("$F", folder).replace(/\$P(\d)/g, (_, i) => String(ports[Number(i)]));
  const unfill = (text: string) =>
    text.replaceAll(folder, "$F").replace(/\b\d{4,5}\b/g, (port) => {
      const i = ports.indexOf(Number(port));
      return i < 0 ? port : `$P${i}`;
    });
  const file = join(folder, "nginx.conf");
  writeFileSync(file, fill(configuration(auth.port)));
  const asked = auth.questions.length;
  const child = await start(file);
  try {
    const socketMode = statSync(join(folder, "imap.sock")).mode & 0o777;
    for (const [to] of CLIENTS) await refusedAt(fill(to));
    await child.stop();
    const log = sessionLines(unfill(readFileSync(join(folder, "error.log"), "latin1")));
    return {
      servers: auth.questions.slice(asked).map(({ headers }) => headers["x-server"]!),
      log: log.map((line) => line.replace(/client \S+ connected/, "client connected")),
      socketMode,
    };
  } finally {
    await child.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function configuration(authPort: number): string {
  const servers = SERVERS.map(([name, listeners]) =>
    `    server {
        protocol imap; auth_http_header X-Server ${name};
        ${listeners.map((address) => `listen ${address};`).join(" ")}
    }
`
  );
  return `error_log $F/error.log info;
events { }
mail {
    auth_http 127.0.0.1:${authPort}/auth;
${servers.join("")}}
`;
}

/** Asks to be let in, and waits for the end. */
async function refusedAt(to: string): Promise<void> {
  const [host, port] = to.split(" ");
  const socket = port === undefined ? connect(host!) : connect(Number(port), host);
  socket.write("a LOGIN john secret\r\n");
  await new Promise<void>((resolve, reject) => {
    socket.on("data", () => {}).on("error", reject).on("close", () => resolve());
  });
}

/** As many free ports, one behind the other. */
async function freeRange(size: number): Promise<readonly number[]> {
  for (;;) {
    const first = await freePort();
    const range = Array.from({ length: size }, (_, i) => first + i);
    const free = await Promise.all(range.slice(1).map(isFree));
    if (free.every(Boolean)) return range;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
