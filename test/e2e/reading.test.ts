/**
 * Reading mail through the proxy with the clients that people have: curl, imapflow, and `openssl
 * s_client` for the upgrade to TLS; IMAP (RFC 3501), POP3 (RFC 1939), STARTTLS (RFC 2595).
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { before, describe, test } from "node:test";
import { ImapFlow } from "imapflow";
import { LineClient, run } from "../support/clients.ts";
import { greeted, logIn, type Protocol, PROTOCOLS, STARTTLS } from "./dialogue.ts";
import { type ListenerName, PASSWORDS, SKIP, skipProgram, useSite } from "./site.ts";

/** Lines that begin with dots, one longer than any buffer, and bytes that are not ASCII. */
const MESSAGE = [
  "From: sender@mail.test",
  "To: alice@mail.test",
  "Subject: =?utf-8?q?dots_and_l=C3=A4ngen?=",
  "MIME-Version: 1.0",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: 8bit",
  "",
  ".a line with a dot in front",
  "..and one with two",
  "w\xc3\xb6rter mit \xc3\xbcmlaut",
  "x".repeat(900),
  "the end",
  "",
].join("\r\n");

const site = useSite();

describe("reading mail", { skip: SKIP }, () => {
  before(() => site.dovecot.deliver("alice", MESSAGE));

  describe("curl", { skip: skipProgram("curl") }, () => {
    const ways: readonly [
      what: string,
      listener: ListenerName,
      scheme: string,
      ...options: string[],
    ][] = [
      ["IMAP in the clear", "imap", "imap"],
      ["IMAP with STARTTLS", "imap", "imap", "--ssl-reqd"],
      ["IMAP over TLS", "imaps", "imaps"],
      ["IMAP by AUTHENTICATE LOGIN", "imap", "imap", "--login-options", "AUTH=LOGIN"],
      ["IMAP by AUTHENTICATE CRAM-MD5", "imap", "imap", "--login-options", "AUTH=CRAM-MD5"],
      ["POP3 in the clear", "pop3", "pop3"],
      ["POP3 with STLS", "pop3", "pop3", "--ssl-reqd"],
      ["POP3 over TLS", "pop3s", "pop3s"],
      ["POP3 by APOP", "pop3", "pop3", "--login-options", "AUTH=+APOP"],
    ];
    for (const [what, listener, scheme, ...options] of ways) {
      test(`${what}: the message arrives as it was stored`, async () => {
        const where = scheme.startsWith("imap") ? "INBOX;MAILINDEX=1" : "1";
        const { code, out, err } = await curl(
          `${scheme}://localhost:${site.ports[listener]}/${where}`,
          ["--user", `alice:${PASSWORDS.alice}`, ...options],
        );
        assert.equal(code, 0, err);
        assert.equal(withoutDeliveryHeaders(out), MESSAGE);
      });
    }

    test("a password in UTF-8 logs in", async () => {
      const { code, err } = await curl(
        `imap://localhost:${site.ports.imap}/`,
        ["--user", `carol:${PASSWORDS.carol}`],
      );
      assert.equal(code, 0, err);
    });

    test("a wrong password is told from other failures", async () => {
      const { code } = await curl(`pop3://localhost:${site.ports.pop3}/`, ["--user", "bob:no"]);
      assert.equal(code, 67, "CURLE_LOGIN_DENIED");
    });
  });

  describe("imapflow", () => {
    for (const [listener, secure] of [["imap", false], ["imaps", true]] as const) {
      test(`lists, appends, fetches and idles over ${secure ? "TLS" : "STARTTLS"}`, async () => {
        const client = new ImapFlow({
          host: "127.0.0.1",
          port: site.ports[listener],
          secure,
          auth: { user: "bob", pass: PASSWORDS.bob },
          tls: { ca: site.ca, servername: "localhost" },
          logger: false,
        });
        await client.connect();
        try {
          assert.ok(client.secureConnection, "the connection is encrypted");
          const folders = await client.list();
          assert.ok(folders.some(({ path }) => path === "INBOX"));
          const appended = await client.append("INBOX", Buffer.from(MESSAGE, "latin1"), ["\\Seen"]);
          assert.ok(appended);
          const lock = await client.getMailboxLock("INBOX");
          try {
            const newest = await client.fetchOne("*", { source: true });
            assert.ok(newest && newest.source);
            assert.equal(newest.source.toString("latin1"), MESSAGE);
            // Unasked for, from the backend to a client that only waits.
            const news = new Promise((resolve) => client.once("exists", resolve));
            void client.idle();
            await site.dovecot.deliver("bob", MESSAGE);
            await news;
          } finally {
            lock.release();
          }
        } finally {
          await client.logout();
        }
      });
    }
  });

  describe("openssl s_client -starttls", { skip: skipProgram("openssl") }, () => {
    const sessions: Record<Protocol, { input: string; expect: RegExp }> = {
      imap: {
        input: "a CAPABILITY\r\nb LOGOUT\r\n",
        expect: /^\* CAPABILITY (?!.*STARTTLS).*^b OK/ms,
      },
      pop3: { input: "CAPA\r\nQUIT\r\n", expect: /^USER\r?$(?!.*^STLS).*^\+OK/ms },
      smtp: { input: "EHLO x\r\nQUIT\r\n", expect: /^250.AUTH PLAIN(?!.*STARTTLS).*^221 /ms },
    };
    for (const protocol of PROTOCOLS) {
      test(`${protocol}: the certificate verifies and the session goes on encrypted`, async () => {
        const { out, err } = await run("openssl", [
          ...["s_client", "-starttls", protocol, "-connect", `127.0.0.1:${site.ports[protocol]}`],
          ...["-CAfile", site.caFile, "-verify_return_error", "-verify_hostname", "localhost"],
          "-ign_eof",
        ], sessions[protocol].input);
        assert.match(out, /Verify return code: 0 \(ok\)/, err);
        assert.match(out, /TLSv1\.3/);
        assert.match(out, sessions[protocol].expect);
      });
    }
  });

  for (const protocol of PROTOCOLS) {
    test(`${protocol}: what stands behind STARTTLS in the same packet is never obeyed`, async () => {
      using client = await greeted(protocol, site.ports[protocol]);
      const { command, reply } = STARTTLS[protocol];
      const injected = { imap: "i1 NOOP", pop3: "NOOP", smtp: "NOOP" }[protocol];
      client.sendRaw(`${command}\r\n${injected}\r\n`);
      assert.match(await client.line(), reply);
      await client.startTls(site.ca);
      const own = { imap: "o1 NOOP", pop3: "QUIT", smtp: "QUIT" }[protocol];
      const first = { imap: /^o1 OK/, pop3: /^\+OK/, smtp: /^221 / }[protocol];
      client.send(own);
      assert.match(await client.line(), first);
      if (protocol !== "imap") assert.equal(await client.closed(), "");
    });
  }

  test("commands pipelined behind a login reach the backend in order", async () => {
    using client = await LineClient.connect(site.ports.imap);
    client.sendRaw(
      `a1 LOGIN alice ${
        JSON.stringify(PASSWORDS.alice)
      }\r\na2 SELECT INBOX\r\na3 NOOP\r\na4 LOGOUT\r\n`,
    );
    const lines = (await client.closed()).split("\r\n").filter((line) => /^a\d/.test(line));
    assert.deepEqual(lines.map((line) => line.slice(0, 5)), ["a1 OK", "a2 OK", "a3 OK", "a4 OK"]);
  });

  test("POP3: a session from USER to QUIT", async () => {
    using client = await greeted("pop3", site.ports.pop3);
    assert.match(await logIn(client, "pop3", "alice", PASSWORDS.alice), /^\+OK/);
    assert.match(await client.ask("STAT"), /^\+OK 1 \d+$/);
    assert.match(await client.ask("RETR 99"), /^-ERR/);
    client.send("RETR 1");
    const lines = await client.lines(/^\.$/);
    assert.equal(lines.at(-2), "the end");
    assert.match(await client.ask("QUIT"), /^\+OK/);
    assert.equal(await client.closed(), "");
  });
});

// --- below --------------------------------------------------------------------------------------

function curl(url: string, options: readonly string[]) {
  return run("curl", [
    ...["--silent", "--show-error", "--max-time", "20", "--cacert", site.caFile],
    ...[...options, url],
  ]);
}

/** Delivery put trace headers in front. */
function withoutDeliveryHeaders(message: string): string {
  return message.slice(message.indexOf("From: sender@"));
}
