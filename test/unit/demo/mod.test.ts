/** The sandbox as a whole: what it gives to `serve --demo`, and mail that goes through it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse } from "smol-toml";
import { NetError } from "../../../src/core/errors.ts";
import { type Demo, startDemo } from "../../../src/demo/mod.ts";
import { ip } from "../../../src/net/address.ts";
import { createMemoryRuntime, type MemoryRuntime } from "../../../src/runtime/memory.ts";
import { Peer } from "./peer.ts";

async function start(
  ports?: Parameters<typeof startDemo>[0]["ports"],
): Promise<{ runtime: MemoryRuntime; demo: Demo }> {
  const runtime = createMemoryRuntime();
  return { runtime, demo: await startDemo({ runtime, ports }) };
}

describe("the configuration", () => {
  test("has six servers on loopback, and the auth server that was started", async () => {
    const { demo } = await start();
    const config = parse(demo.configText);
    assert.deepEqual(plain(config.server), [
      { listen: "127.0.0.1:1143", protocol: "imap", starttls: "on" },
      { listen: "127.0.0.1:1993 ssl", protocol: "imap" },
      { listen: "127.0.0.1:1110", protocol: "pop3", starttls: "on" },
      { listen: "127.0.0.1:1995 ssl", protocol: "pop3" },
      { listen: "127.0.0.1:1587", protocol: "smtp", starttls: "on" },
      { listen: "127.0.0.1:1465 ssl", protocol: "smtp" },
    ]);
    const auth = demo.backends.auth as { port: number };
    assert.equal(config.auth_http, `http://127.0.0.1:${auth.port}/auth`);
    assert.equal(config.error_log, "stderr info");
    assert.match(String(config.ssl_certificate), /^data:-----BEGIN CERTIFICATE-----\n/);
    assert.match(String(config.ssl_certificate_key), /^data:-----BEGIN PRIVATE KEY-----\n/);
  });

  test("advertises before the login nothing that the backends lack after it", async () => {
    const { runtime, demo } = await start();
    const config = parse(demo.configText) as Record<string, string[]>;
    const offered = async (name: "imap" | "pop3" | "smtp", command: string) => {
      const peer = new Peer(runtime, demo.backends[name]);
      await peer.say();
      return (await peer.say(command + "\r\n")).split(/[\r\n]+(?:250[- ])?|(?<=CAPABILITY.*) /);
    };
    const sets = [
      [config.imap_capabilities, await offered("imap", "a CAPABILITY")],
      [config.pop3_capabilities, await offered("pop3", "CAPA")],
      [config.smtp_capabilities, await offered("smtp", "EHLO me")],
    ];
    for (const [advertised, has] of sets) {
      assert.deepEqual(advertised.filter((word) => !has.includes(word)), []);
    }
  });
});

describe("the ports", () => {
  test("may be others", async () => {
    const { demo } = await start({ imap: 2143 });
    assert.equal(demo.ports.imap, 2143);
    assert.match(demo.configText, /"127\.0\.0\.1:2143"/);
    assert.match(demo.banner, /imap -connect 127\.0\.0\.1:2143/);
  });

  test("may be left to the kernel", async () => {
    const { demo } = await start({ imap: 0, smtps: 0 });
    assert.ok(demo.ports.imap > 0 && demo.ports.smtps > 0 && demo.ports.imap !== demo.ports.smtps);
    assert.match(demo.configText, new RegExp(`"127\\.0\\.0\\.1:${demo.ports.smtps} ssl"`));
  });

  test("that are busy are named, with a way out", async () => {
    const runtime = createMemoryRuntime();
    const at = ip("127.0.0.1", 1995);
    await runtime.listen(at, {}, (connection) => connection.destroy());
    await assert.rejects(startDemo({ runtime }), (error: unknown) => {
      assert.ok(error instanceof NetError);
      assert.equal(error.code, "EADDRINUSE");
      assert.equal(
        error.message,
        "Cannot bind 127.0.0.1:1995: address in use. Stop what listens there, or take other ports: " +
          "doorpost serve --demo --demo-port-base 2000",
      );
      return true;
    });
  });

  test("are free again for the proxy", async () => {
    const { runtime } = await start();
    const at = ip("127.0.0.1", 1143);
    await runtime.listen(at, {}, (connection) => connection.destroy());
  });
});

test("the banner names what listens where, and the login", async () => {
  const { demo } = await start();
  for (const port of Object.values(demo.ports)) {
    assert.ok(demo.banner.includes(`127.0.0.1:${port}`));
  }
  assert.match(demo.banner, /demo@example\.com {3}password {2}doorpost\n/);
  assert.match(demo.banner, /doorpost serve --init doorpost\.toml\n$/);
  for (const line of demo.banner.split("\n")) assert.ok(line.length <= 118, line);
});

describe("mail", () => {
  test("sent by SMTP wakes an idle IMAP client, and is there by POP3", async () => {
    const { runtime, demo } = await start();
    const imap = new Peer(runtime, demo.backends.imap);
    await imap.say("a LOGIN demo@example.com doorpost\r\nb SELECT INBOX\r\nc IDLE\r\n");
    const smtp = new Peer(runtime, demo.backends.smtp);
    const sent =
      "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<x@y>\r\nDATA\r\nSubject: Hi\r\n\r\nHi\r\n.\r\n";
    assert.match(await smtp.say(sent), /250 2\.0\.0 Delivered/);
    assert.equal(await imap.say(), "* 4 EXISTS\r\n* 4 RECENT\r\n");
    const pop3 = new Peer(runtime, demo.backends.pop3);
    assert.match(
      await pop3.say("USER demo@example.com\r\nPASS doorpost\r\nTOP 4 0\r\n"),
      /\r\nSubject: Hi\r\n/,
    );
  });

  test("welcomes in three messages of sound form", async () => {
    const { runtime, demo } = await start();
    const imap = new Peer(runtime, demo.backends.imap);
    await imap.say("a LOGIN demo@example.com doorpost\r\nb SELECT INBOX\r\n");
    const said = await imap.say("c FETCH 1:* (BODY BODY.PEEK[])\r\n");
    assert.equal([...said.matchAll(/^\* \d FETCH/gm)].length, 3);
    assert.match(said, /"alternative"\)\("application" "toml"/);
    for (const line of said.split("\r\n")) {
      const free = /^\* \d FETCH/.test(line);
      assert.ok(free || line.length <= 78 && /^[\x20-\x7e]*$/.test(line), line);
    }
    assert.equal(
      await imap.say('d SEARCH CHARSET UTF-8 TEXT "\xe2\x9c\x89"\r\n').then(first),
      "* SEARCH 2",
    );
  });
});

/** Tables of the TOML reader as ordinary objects. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

function first(said: string): string {
  return said.split("\r\n")[0];
}

test("stopping leaves nothing behind", async () => {
  const { runtime, demo } = await start();
  const imap = new Peer(runtime, demo.backends.imap);
  await imap.say();
  await demo.stop();
  await runtime.advance(0);
  assert.ok(imap.gone);
  const late = new Peer(runtime, demo.backends.auth);
  await late.say();
  assert.ok(late.gone);
});
