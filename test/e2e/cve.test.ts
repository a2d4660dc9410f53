/**
 * ALPACA (CVE-2021-3618, USENIX Security 2021), the part that needs a TLS client of its own: a browser
 * that is led to a mail port says "http/1.1" in ALPN and must be turned away in the handshake, before it
 * sends a byte of its request. RFC 7301 section 3.2; nginx since 1.21.4. The other faults that have a
 * name are transcripts: cve.txt, names.txt, errors.txt.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { testAuthority } from "../support/ca.ts";
import { type Nginx, nginxConf, skipWithoutNginx, startNginx } from "../support/nginx.ts";
import { freePort, type Proxy, startProxy, temporaryFolder } from "../support/process.ts";
import { settingsOf } from "../support/settings.ts";

const PROTOCOLS = {
  imap: { starttls: "a STARTTLS\r\n", greeting: "* OK IMAP4 ready\r\n" },
  pop3: { starttls: "STLS\r\n", greeting: "+OK POP3 ready\r\n" },
  smtp: { starttls: "STARTTLS\r\n", greeting: "220 mx.example ESMTP ready\r\n" },
} as const;
type Name = keyof typeof PROTOCOLS;
const NAMES = Object.keys(PROTOCOLS) as Name[];

type Ports = Readonly<Record<Name, { readonly implicit: number; readonly starttls: number }>>;

const REFUSED: readonly (readonly [string, (name: Name) => string[]])[] = [
  ["a browser", () => ["h2", "http/1.1"]],
  ["a client of another mail protocol", (name) => NAMES.filter((other) => other !== name)],
  ["an empty-handed one", () => ["x"]],
];

function suite(which: string, skip: string | false, start: () => Promise<Target>): void {
  describe(`ALPN at ${which}`, { skip }, () => {
    let target: Target;
    let ca = "";

    before(async () => {
      ca = (await testAuthority()).certificate;
      target = await start();
    });
    after(() => target.stop());

    for (const name of NAMES) {
      const { greeting } = PROTOCOLS[name];

      test(`${name}: its own name, among others, is agreed on`, async () => {
        const alpn = ["http/1.1", name];
        const socket = await handshake(connect(target.ports[name].implicit, "127.0.0.1"), ca, alpn);
        assert.equal(socket.alpnProtocol, name);
        assert.equal(String((await once(socket, "data"))[0]), greeting);
        socket.destroy();
      });

      test(`${name}: no name at all is fine`, async () => {
        const socket = await handshake(
          connect(target.ports[name].implicit, "127.0.0.1"),
          ca,
          undefined,
        );
        assert.equal(String((await once(socket, "data"))[0]), greeting);
        socket.destroy();
      });

      for (const [who, offers] of REFUSED) {
        test(`${name}: ${who} is turned away in the handshake`, async () => {
          const plain = connect(target.ports[name].implicit, "127.0.0.1");
          await assert.rejects(handshake(plain, ca, offers(name)), NO_PROTOCOL);
        });

        test(`${name} after STARTTLS: ${who} is turned away`, async () => {
          const plain = await startedTls(target.ports[name].starttls, name);
          await assert.rejects(handshake(plain, ca, offers(name)), NO_PROTOCOL);
        });
      }
    }
  });
}

/** The alert, in the words of whichever library the tests run on. */
const NO_PROTOCOL = /no.?application.?protocol/i;

interface Target {
  readonly ports: Ports;
  stop(): Promise<void>;
}

suite("ours", false, async () => {
  const { ports, toml } = await configuration();
  const proxy: Proxy = await startProxy(toml);
  return { ports, stop: () => proxy[Symbol.asyncDispose]() };
});

suite("nginx", skipWithoutNginx(), async () => {
  const { ports, toml } = await configuration();
  const nginx: Nginx = await startNginx(temporaryFolder("nginx"), nginxConf(settingsOf(toml)));
  return { ports, stop: () => nginx[Symbol.asyncDispose]() };
});

async function configuration(): Promise<{ ports: Ports; toml: string }> {
  const { certificate, key } = await (await testAuthority()).issue({ names: ["mx.example"] });
  const found: [Name, { implicit: number; starttls: number }][] = [];
  for (const name of NAMES) {
    found.push([name, { implicit: await freePort(), starttls: await freePort() }]);
  }
  const servers = found.map(([name, { implicit, starttls }]) => `
[[server]]
listen = ["127.0.0.1:${implicit} ssl", "127.0.0.1:${starttls}"]
protocol = "${name}"
starttls = "on"
`);
  const toml = `server_name = "mx.example"
auth_http = "127.0.0.1:9/"
ssl_certificate = ${JSON.stringify(`data:${certificate}`)}
ssl_certificate_key = ${JSON.stringify(`data:${key}`)}
${servers.join("")}`;
  return { ports: Object.fromEntries(found) as Ports, toml };
}

/** A connection that has had its greeting and the answer to STARTTLS. */
async function startedTls(port: number, name: Name): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "data");
  socket.write(PROTOCOLS[name].starttls);
  await once(socket, "data");
  return socket;
}

function handshake(socket: Socket, ca: string, alpn: string[] | undefined): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, ca, servername: "mx.example", ALPNProtocols: alpn });
    const fail = (error: Error) => {
      tls.destroy();
      reject(error);
    };
    tls.once("error", fail);
    tls.once("secureConnect", () => {
      tls.off("error", fail);
      tls.on("error", () => {});
      resolve(tls);
    });
  });
}
