/**
 * Volume: ten megabytes up and down byte for byte by every protocol and with TLS, two hundred sessions
 * side by side, and a peer that does not read.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { allow } from "../support/auth-server.ts";
import { letIn, startBadBackend } from "../support/bad-backend.ts";
import type { LineClient } from "../support/clients.ts";
import { ehlo, greeted, logIn, logOut, type Protocol, STARTTLS } from "./dialogue.ts";
import {
  assertDescriptorsBack,
  descriptorsAtRest,
  PASSWORDS,
  SKIP,
  SKIP_SMTP,
  useSite,
} from "./site.ts";

const MEGABYTE = 2 ** 20;
const SESSIONS = 200;

const site = useSite();

describe("volume", { skip: SKIP }, () => {
  beforeEach(() => site.auth.reset());

  for (const secure of [false, true]) {
    const how = secure ? "over TLS" : "in the clear";

    test(`imap ${how}: APPEND and FETCH of ten megabytes`, async () => {
      const message = bigMessage(`imap ${how}`);
      using client = await connected("imap", secure);
      client.send(`a2 APPEND INBOX {${message.length}}`);
      assert.match(await client.line(), /^\+ /);
      client.sendRaw(message);
      client.sendRaw("\r\n");
      assert.match((await client.lines(/^a2 /)).at(-1)!, /^a2 OK/);
      client.send("a3 SELECT INBOX");
      const exists = (await client.lines(/^a3 /)).find((line) => /EXISTS/.test(line))!;
      client.send(`a4 FETCH ${exists.split(" ")[1]} BODY.PEEK[]`);
      const size = Number(/\{(\d+)\}$/.exec(await client.line())![1]);
      assert.equal(size, message.length);
      assertSame(await client.bytes(size), message);
    });

    test(`smtp and pop3 ${how}: sent and read`, { skip: SKIP_SMTP }, async () => {
      const message = bigMessage(`smtp ${how}`);
      {
        using client = await connected("smtp", secure);
        for (const line of ["MAIL FROM:<bob@mail.test>", "RCPT TO:<carol@mail.test>"]) {
          assert.match(await client.ask(line), /^250 /);
        }
        assert.match(await client.ask("DATA"), /^354 /);
        client.sendRaw(message);
        client.sendRaw(".\r\n");
        assert.match(await client.line(), /^250 /);
      }
      await site.postfix!.logged(new RegExp(`message-id=<${idOf(`smtp ${how}`)}>[^]*status=sent`));
      using client = await connected("pop3", secure, "carol");
      const count = Number((await client.ask("STAT")).split(" ")[1]);
      client.send(`RETR ${count}`);
      assert.match(await client.line(), /^\+OK/);
      const lines = await client.lines(/^\.$/, 60_000);
      const text = `${lines.slice(0, -1).join("\r\n")}\r\n`;
      // Delivery put trace headers in front.
      assertSame(text.slice(text.indexOf("Date: ")), message);
      await client.ask(`DELE ${count}`);
      await logOut(client, "pop3");
    });
  }

  test(`${SESSIONS} sessions side by side, then none`, async () => {
    const before = await descriptorsAtRest(site);
    const sessions = await Promise.all(
      Array.from({ length: SESSIONS }, (_, at) => connected("imap", at % 4 === 0)),
    );
    assert.ok(site.proxy.descriptors() >= before + 2 * SESSIONS);
    // All of them are alive, and each hears its own answer.
    await Promise.all(sessions.map(async (client, at) => {
      client.send(`n${at} NOOP`);
      await client.lines(new RegExp(`^n${at} OK`));
    }));
    await Promise.all(sessions.map((client) => logOut(client, "imap")));
    await assertDescriptorsBack(site, before);
  });

  test("a client that does not read costs no memory", async () => {
    const total = 256 * MEGABYTE;
    const chunk = Buffer.alloc(MEGABYTE, "x");
    let written = 0;
    await using backend = await startBadBackend((socket) => {
      const fill = () => {
        while (written < total && socket.writable) {
          written += chunk.length;
          if (!socket.write(chunk)) return;
        }
      };
      socket.on("drain", fill);
      letIn(socket, () => setTimeout(fill, 100), () => {});
    });
    site.auth.decide = () => allow(backend.port);
    const before = residentMemory(site.proxy.pid);
    using client = await connected("pop3", false);
    client.pause();
    let last = -1;
    while (last !== written) {
      last = written;
      await sleep(700);
    }
    const grown = residentMemory(site.proxy.pid) - before;
    assert.ok(written < total / 2, `the backend could write ${written / MEGABYTE} MB`);
    assert.ok(grown < 64 * MEGABYTE, `memory grew by ${Math.round(grown / MEGABYTE)} MB`);
  });
});

// --- below --------------------------------------------------------------------------------------

async function connected(
  protocol: Protocol,
  secure: boolean,
  user: keyof typeof PASSWORDS = "bob",
): Promise<LineClient> {
  const client = await greeted(protocol, site.ports[protocol]);
  if (secure) {
    assert.match(await client.ask(STARTTLS[protocol].command), STARTTLS[protocol].reply);
    await client.startTls(site.ca);
    if (protocol === "smtp") await ehlo(client);
  }
  const reply = await logIn(client, protocol, user, PASSWORDS[user]);
  assert.match(reply, /^(?:a1 OK|\+OK|235 )/);
  return client;
}

/** Ten megabytes of lines, no two alike, none beginning with a dot. */
function bigMessage(title: string): Buffer {
  const headers = ["Date: Sat, 21 Nov 2026 12:00:00 +0000", "From: bob@mail.test"];
  const lines = [...headers, `Subject: ${title}`, `Message-ID: <${idOf(title)}>`, ""];
  for (let size = 0, at = 0; size < 10 * MEGABYTE; at++) {
    const line = `${at} ${(at * 2654435761 >>> 0).toString(36).repeat(9)}`;
    lines.push(line);
    size += line.length + 2;
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1");
}

function idOf(title: string): string {
  return `${title.replaceAll(" ", ".")}@mail.test`;
}

/** By digest: a failing comparison must not print ten megabytes. */
function assertSame(got: string, expected: Buffer): void {
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  assert.equal(got.length, expected.length);
  assert.equal(digest(Buffer.from(got, "latin1")), digest(expected));
}

function residentMemory(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line![1]) * 1024;
}
