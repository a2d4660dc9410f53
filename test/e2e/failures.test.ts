/**
 * What goes wrong around the proxy, end to end: auth servers and backends that are down, silent, rude or
 * confused, and clients that are. Each time the client gets its protocol's own error, the log says why,
 * the process lives and serves the next client, and no descriptor stays behind.
 */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { allow, type Answer } from "../support/auth-server.ts";
import { letIn, startBadBackend } from "../support/bad-backend.ts";
import { LineClient } from "../support/clients.ts";
import { freePort } from "../support/process.ts";
import { greeted, logIn, logOut, type Protocol, PROTOCOLS, REPLIES } from "./dialogue.ts";
import {
  assertDescriptorsBack,
  descriptorsAtRest,
  logged,
  PASSWORDS,
  SKIP,
  useSite,
  WRONG_PASSWORD,
} from "./site.ts";

const site = useSite({
  // A second is long enough for a server that answers, and short for one that does not.
  toml: `timeout = "2s"\nauth_http_timeout = "1s"\nproxy_timeout = "1m"`,
});

/** The end of the log, as the tests find it when they begin. */
let logFrom = 0;
let descriptors = 0;

describe("trouble", { skip: SKIP }, () => {
  beforeEach(async () => {
    site.auth.reset();
    descriptors = await descriptorsAtRest(site);
    logFrom = site.proxy.log().length;
  });

  afterEach(async () => {
    site.auth.reset();
    await assertDescriptorsBack(site, descriptors);
    // It lives, and serves the next client.
    using client = await greeted("imap", site.ports.imap);
    assert.match(await logIn(client, "imap", "bob", PASSWORDS.bob), REPLIES.imap.ok);
    await logOut(client, "imap");
  });

  describe("with the auth server", () => {
    const answers: readonly [what: string, answer: Answer, why: RegExp][] = [
      ["hangs", "hang", /timed out/],
      ["closes without an answer", "close", /closed|invalid|unexpected/],
      ["closes in the middle of the headers", {
        raw: "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Ser",
      }, /closed|invalid|incomplete|unexpected/],
      ["sends garbage", { raw: "\0\x01\x02 nonsense\r\n\r\n" }, /invalid/],
      ["sends a folded header", {
        raw: "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\n  folded\r\n\r\n",
      }, /invalid/],
      ["sends more than it may", {
        raw: `HTTP/1.0 200 OK\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
      }, /too (?:large|long|big)|exceeds|limit/],
      ["sends no Auth-Status", {
        headers: { "Auth-Server": "127.0.0.1", "Auth-Port": "143" },
      }, /Auth-Status/],
      ["sends an empty Auth-Status", { headers: { "Auth-Status": "" } }, /Auth-Status/],
      ["sends an HTML error page", {
        raw: "HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n<html>oops</html>",
      }, /Auth-Status/],
      [
        "names no server",
        { headers: { "Auth-Status": "OK", "Auth-Port": "143" } },
        /did not send server or port/,
      ],
      [
        "names no port",
        { headers: { "Auth-Status": "OK", "Auth-Server": "127.0.0.1" } },
        /did not send server or port/,
      ],
      ["names a server that is no address", {
        headers: { "Auth-Status": "OK", "Auth-Server": "not an address", "Auth-Port": "143" },
      }, /invalid server address/],
      ["names a port that is no port", {
        headers: { "Auth-Status": "OK", "Auth-Server": "127.0.0.1", "Auth-Port": "99999" },
      }, /invalid server port/],
    ];
    for (const [what, answer, why] of answers) {
      for (const protocol of PROTOCOLS) {
        test(`${protocol}: it ${what}`, async () => {
          site.auth.decide = () => answer;
          await assertBroken(protocol, why);
        });
      }
    }

    for (const protocol of PROTOCOLS) {
      test(`${protocol}: it is down`, async () => {
        await site.auth.pause();
        try {
          await assertBroken(
            protocol,
            /auth.*(?:refused|ECONNREFUSED)|refused.*in http auth state/,
          );
        } finally {
          await site.auth.resume();
        }
      });
    }
  });

  describe("with the backend", () => {
    const rude: Record<Protocol, string> = {
      imap: "* BYE go away\r\n",
      pop3: "-ERR go away\r\n",
      smtp: "554 5.3.2 go away\r\n",
    };
    for (const protocol of PROTOCOLS) {
      test(`${protocol}: it is down`, async () => {
        const port = await freePort();
        site.auth.decide = () => allow(port);
        await assertBroken(protocol, new RegExp(`refused.*upstream: 127\\.0\\.0\\.1:${port}`));
      });

      test(`${protocol}: it accepts and says nothing`, async () => {
        await using backend = await startBadBackend(() => {});
        site.auth.decide = () => allow(backend.port);
        await assertBroken(protocol, /upstream timed out/);
      });

      test(`${protocol}: it greets with an error`, async () => {
        await using backend = await startBadBackend((socket) => socket.write(rude[protocol]));
        site.auth.decide = () => allow(backend.port);
        await assertBroken(protocol, /upstream sent invalid response: ".*go away.*"/);
      });

      test(`${protocol}: it closes at once`, async () => {
        await using backend = await startBadBackend((socket) => socket.end());
        site.auth.decide = () => allow(backend.port);
        await assertBroken(protocol, /upstream.*closed|closed.*upstream/);
      });

      test(`${protocol}: its greeting never ends`, async () => {
        await using backend = await startBadBackend((socket) => socket.write("x".repeat(100_000)));
        site.auth.decide = () => allow(backend.port);
        await assertBroken(protocol, /too long|invalid response/);
      });
    }

    for (const protocol of ["imap", "pop3"] as const) {
      test(`${protocol}: it refuses the login`, async () => {
        site.auth.decide = (question) =>
          allow(site.backend(question), { "Auth-Pass": WRONG_PASSWORD });
        await assertBroken(protocol, /upstream sent invalid response/);
      });
    }

    test("it dies in the middle of a session: the client's connection is closed", async () => {
      await using backend = await startBadBackend((socket) =>
        letIn(socket, () => setTimeout(() => socket.destroy(), 50), () => {})
      );
      site.auth.decide = () => allow(backend.port);
      using client = await greeted("pop3", site.ports.pop3);
      assert.match(await logIn(client, "pop3", "bob", PASSWORDS.bob), /^\+OK/);
      assert.equal(await client.closed(), "");
    });
  });

  describe("with the client", () => {
    test("a login that never comes ends after the timeout", async () => {
      using client = await greeted("imap", site.ports.imap);
      assert.equal(await client.closed(4_000), "");
      await logged(site, /client timed out.*in auth state|client timed out/, logFrom);
    });

    const flood: Record<Protocol, [input: string, reply: RegExp]> = {
      imap: ["a1 nonsense\r\n", /^a1 BAD /],
      pop3: ["NONSENSE\r\n", /^-ERR /],
      smtp: ["NONSENSE\r\n", /^500 5\.5\.1 /],
    };
    for (const protocol of PROTOCOLS) {
      test(`${protocol}: nonsense is answered max_errors times, then the connection is closed`, async () => {
        const [input, reply] = flood[protocol];
        using client = await greeted(protocol, site.ports[protocol]);
        for (let times = 0; times < 5; times++) {
          client.sendRaw(input);
          assert.match(await client.line(), reply);
        }
        assert.equal(await client.closed(), "");
        await logged(site, /client sent too many invalid commands/, logFrom);
      });

      test(`${protocol}: a line without end is refused, not collected`, async () => {
        using client = await greeted(protocol, site.ports[protocol]);
        client.sendRaw("A".repeat(200_000));
        await client.closed();
        await logged(site, /too long command/, logFrom);
      });
    }

    test("bytes of every value, in every protocol, before and after TLS", async () => {
      const bytes = Uint8Array.from({ length: 1024 }, (_, at) => at % 256);
      for (const port of Object.values(site.ports)) {
        using client = await LineClient.connect(port);
        client.sendRaw(bytes);
        client.end();
        await client.closed();
      }
    });

    test("a TLS port spoken to in the clear closes and logs", async () => {
      using client = await LineClient.connect(site.ports.imaps);
      client.send("a1 CAPABILITY");
      await client.closed();
      await logged(site, /SSL handshaking/, logFrom);
    });

    test("a hundred clients that leave at once", async () => {
      const clients = await Promise.all(
        Array.from(
          { length: 100 },
          (_, at) => LineClient.connect(Object.values(site.ports)[at % 6]!),
        ),
      );
      for (const client of clients) client[Symbol.dispose]();
    });
  });
});

// --- below --------------------------------------------------------------------------------------

/** Logs in and expects the words for a fault of the server's, a closed connection, and a reason in the log. */
async function assertBroken(protocol: Protocol, why: RegExp): Promise<void> {
  using client = await greeted(protocol, site.ports[protocol]);
  assert.match(await logIn(client, protocol, "bob", PASSWORDS.bob), REPLIES[protocol].broken);
  assert.equal(await client.closed(), "");
  await logged(site, why, logFrom);
}
