/** The datagrams of `error_log syslog:...`, over UDP and a unix socket: nginx's and ours, byte for byte. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { before, describe, test } from "node:test";
import { type AuthServer, startAuthServer } from "../support/auth-server.ts";
import { LOG_SOCKET_PROGRAM, startLogSocket } from "../support/log-socket.ts";
import { skipWithoutNginx, startNginxOn } from "../support/nginx.ts";
import {
  type Child,
  commandUnderTest,
  freePort,
  skipWithout,
  startChild,
  temporaryFolder,
} from "../support/process.ts";

interface Heard {
  readonly udp: readonly string[];
  readonly unix: readonly string[];
}

/** Sessions at `info` go by UDP, what is wrong by the unix socket. */
const configuration = (authPort: number, port: number, udpPort: number, socket: string) =>
  `events { }
mail {
    auth_http 127.0.0.1:${authPort}/auth;
    server {
        listen 127.0.0.1:${port}; protocol imap;
        error_log syslog:server=127.0.0.1:${udpPort},facility=mail,tag=edge_1,severity=crit info;
        error_log syslog:server=unix:${socket},nohostname,tag=edge_2 error;
    }
}
`;

/** Deno and Node have no unix datagrams, and say so: runtimes.md. */
const sendsUnix = !["deno", "node"].includes(process.env["DOORPOST_UNDER_TEST"] ?? "exe");
const skip = skipWithoutNginx() || skipWithout(LOG_SOCKET_PROGRAM);

describe("syslog, by nginx and by ours", { skip }, () => {
  let nginx: Heard;
  let ours: Heard;

  before(async () => {
    await using auth = await startAuthServer(({ user }) =>
      user === "bob" ? { headers: { "Auth-Status": "no" } } : { headers: { "Auth-Status": "OK" } }
    );
    nginx = await listenTo(auth, startNginxOn);
    ours = await listenTo(auth, startOurs);
  });

  test("UDP", () => {
    assert.equal(nginx.udp.length, 4);
    assert.match(nginx.udp[1]!, /^<22>WHEN \S+ edge_1: WHEN \[info\] PID: \*N client login failed/);
    assert.deepEqual(ours.udp, nginx.udp);
  });

  test("a unix socket", () => {
    assert.equal(nginx.unix.length, 1);
    assert.match(nginx.unix[0]!, /^<187>WHEN edge_2: WHEN \[error\] PID: \*N auth http server/);
    assert.deepEqual(ours.unix, sendsUnix ? nginx.unix : []);
  });
});

async function startOurs(file: string): Promise<Child> {
  const [command, ...args] = commandUnderTest();
  const child = startChild(command!, [...args, "serve", "--config", file]);
  await child.said(/^doorpost \S+ ready:/m);
  return child;
}

/** One login that is refused, one that the auth server makes nothing of. */
async function listenTo(
  auth: AuthServer,
  start: (file: string) => Promise<Child>,
): Promise<Heard> {
  const folder = temporaryFolder("syslog");
  const udp = createSocket("udp4");
  const datagrams: string[] = [];
  udp.on("message", (bytes) => datagrams.push(bytes.toString("latin1")));
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  const socket = await startLogSocket(join(folder, "log.sock"));
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    configuration(auth.port, port, udp.address().port, join(folder, "log.sock")),
  );
  const proxy = await start(file);
  try {
    await attempt(port, "bob");
    await attempt(port, "john");
    await until(() => datagrams.length >= 4);
    if (sendsUnix || start === startNginxOn) await socket.said(/\[error\]/);
    const same = (text: string) => normal(text, port, auth.port);
    return {
      udp: datagrams.map(same),
      unix: socket.output().split("\n").filter((line) => line.startsWith("<")).map(same),
    };
  } finally {
    await proxy.stop();
    await socket.stop();
    udp.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function attempt(port: number, user: string): Promise<void> {
  const client = connect(port, "127.0.0.1");
  client.write(Buffer.from(`a LOGIN ${user} secret\r\n`));
  client.resume();
  await once(client, "close");
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, "the datagrams do not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Without what differs from run to run. */
function normal(text: string, port: number, authPort: number): string {
  return text.replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d/, "WHEN")
    .replace(/\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d/, "WHEN")
    .replace(/\d+#\d+: \*\d+/, "PID: *N")
    .replaceAll(`:${port}`, ":PORT")
    .replaceAll(`:${authPort}`, ":AUTH")
    .replace(/client 127\.0\.0\.1:\d+ connected/, "client connected");
}
