/**
 * Every way to log in, at all three protocols: LOGIN, USER/PASS, APOP (RFC 1939), SASL PLAIN (RFC 4616),
 * LOGIN and CRAM-MD5 (RFC 2195); what the auth server is told; and wrong passwords, with and without
 * Auth-Wait.
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, describe, test } from "node:test";
import { allow, deny, later } from "../support/auth-server.ts";
import { LineClient } from "../support/clients.ts";
import {
  base64,
  cramAnswer,
  greeted,
  logIn,
  logOut,
  type Protocol,
  PROTOCOLS,
  quoted,
  REPLIES,
  unbase64,
} from "./dialogue.ts";
import {
  assertDescriptorsBack,
  descriptorsAtRest,
  logged,
  PASSWORDS,
  SKIP,
  SKIP_SMTP,
  type User,
  useSite,
  WRONG_PASSWORD,
} from "./site.ts";

const site = useSite();
const skipFor = (protocol: Protocol) => protocol === "smtp" ? SKIP_SMTP : SKIP;

/** The protocol's own command to start a SASL exchange, and how it marks a challenge. */
const AUTH = { imap: "a1 AUTHENTICATE", pop3: "AUTH", smtp: "AUTH" } as const;
const CHALLENGE = { imap: /^\+ (.*)$/, pop3: /^\+ (.*)$/, smtp: /^334 (.*)$/ } as const;

interface Way {
  readonly name: string;
  readonly method: string;
  run(client: LineClient, protocol: Protocol, user: User, password: string): Promise<string>;
}

const WAYS: readonly Way[] = [
  {
    name: "the plain command",
    method: "plain",
    run: (client, protocol, user, password) => logIn(client, protocol, user, password),
  },
  {
    name: "SASL PLAIN with initial response",
    method: "plain",
    run: (client, protocol, user, password) =>
      finish(client, protocol, `${AUTH[protocol]} PLAIN ${base64(`\0${user}\0${password}`)}`),
  },
  {
    name: "SASL PLAIN after a challenge",
    method: "plain",
    async run(client, protocol, user, password) {
      assert.equal(await challenge(client, protocol, `${AUTH[protocol]} PLAIN`), "");
      return await finish(client, protocol, base64(`\0${user}\0${password}`));
    },
  },
  {
    name: "SASL LOGIN",
    method: "plain",
    async run(client, protocol, user, password) {
      assert.equal(
        unbase64(await challenge(client, protocol, `${AUTH[protocol]} LOGIN`)),
        "Username:",
      );
      assert.equal(unbase64(await challenge(client, protocol, base64(user))), "Password:");
      return await finish(client, protocol, base64(password));
    },
  },
  {
    name: "SASL CRAM-MD5",
    method: "cram-md5",
    async run(client, protocol, user, password) {
      const asked = await challenge(client, protocol, `${AUTH[protocol]} CRAM-MD5`);
      assert.match(unbase64(asked), /^<\d+\.\d+@mail\.test>$/);
      return await finish(client, protocol, cramAnswer(asked, user, password));
    },
  },
];

describe("logging in", { skip: SKIP }, () => {
  beforeEach(() => site.auth.reset());

  for (const protocol of PROTOCOLS) {
    describe(protocol, { skip: skipFor(protocol) }, () => {
      for (const { name, method, run } of WAYS) {
        for (const user of Object.keys(PASSWORDS) as User[]) {
          test(`${name}: ${user}`, async () => {
            using client = await greeted(protocol, site.ports[protocol]);
            assert.match(await run(client, protocol, user, PASSWORDS[user]), REPLIES[protocol].ok);
            await assertAtBackend(client, protocol);
            const question = site.auth.last();
            assert.equal(site.auth.questions.length, 1);
            assert.deepEqual(
              [question.user, question.method, question.protocol, question.attempt],
              [user, method, protocol, 1],
            );
            await logOut(client, protocol);
          });
        }

        test(`${name}: a wrong password`, async () => {
          using client = await greeted(protocol, site.ports[protocol]);
          const reply = await run(client, protocol, "bob", WRONG_PASSWORD);
          assert.match(reply, REPLIES[protocol].no);
          assert.ok(reply.endsWith(" Invalid login or password"), reply);
          assert.equal(await client.closed(), "", "without Auth-Wait the connection is closed");
        });
      }
    });
  }

  test("pop3: APOP", async () => {
    using client = await LineClient.connect(site.ports.pop3);
    const salt = /<.*>/.exec(await client.line())![0];
    const digest = createHash("md5").update(salt + PASSWORDS.bob).digest("hex");
    assert.match(await client.ask(`APOP bob ${digest}`), /^\+OK/);
    assert.deepEqual([site.auth.last().method, site.auth.last().headers["auth-salt"]], [
      "apop",
      salt,
    ]);
    await assertAtBackend(client, "pop3");
  });

  test("imap: literals, synchronising and not", async () => {
    using client = await greeted("imap", site.ports.imap);
    client.send("a1 LOGIN {3}");
    assert.match(await client.line(), /^\+ /);
    client.send(`bob {${PASSWORDS.bob.length}+}`);
    client.send(PASSWORDS.bob);
    assert.match((await client.lines(/^a1 /)).at(-1)!, /^a1 OK/);
  });

  test("Auth-User and Auth-Pass are what the backend gets", async () => {
    site.auth.decide = (question) =>
      allow(site.backend(question), { "Auth-User": "alice", "Auth-Pass": PASSWORDS.alice });
    using client = await greeted("imap", site.ports.imap);
    assert.match(await logIn(client, "imap", "somebody", WRONG_PASSWORD), /^a1 OK/);
  });

  test("the auth server is told about TLS, and nothing about it in the clear", async () => {
    using plain = await greeted("imap", site.ports.imap);
    await logIn(plain, "imap", "bob", PASSWORDS.bob);
    assert.equal(site.auth.last().headers["auth-ssl"], undefined);
    using secure = await greeted("imap", site.ports.imap);
    secure.send("s1 STARTTLS");
    await secure.line();
    await secure.startTls(site.ca);
    await logIn(secure, "imap", "bob", PASSWORDS.bob);
    const { headers } = site.auth.last();
    assert.deepEqual(
      [headers["auth-ssl"], headers["auth-ssl-protocol"], headers["client-ip"]],
      ["on", "TLSv1.3", "127.0.0.1"],
    );
    assert.match(headers["auth-ssl-cipher"]!, /^TLS_/);
  });
});

describe("wrong passwords", { skip: SKIP }, () => {
  beforeEach(() => site.auth.reset());

  for (const protocol of PROTOCOLS) {
    test(`${protocol}: with Auth-Wait the answer waits and the session goes on`, {
      skip: skipFor(protocol),
    }, async () => {
      const before = await descriptorsAtRest(site);
      const waiting = deny("Not yet", { "Auth-Wait": "1" });
      site.auth.decide = (question) =>
        question.password === WRONG_PASSWORD ? waiting : allow(site.backend(question));
      {
        using client = await greeted(protocol, site.ports[protocol]);
        const began = Date.now();
        assert.match(await logIn(client, protocol, "bob", WRONG_PASSWORD), REPLIES[protocol].no);
        const waited = Date.now() - began;
        assert.ok(waited >= 950 && waited < 5_000, `waited ${waited} ms`);
        assert.match(await logIn(client, protocol, "bob", PASSWORDS.bob), REPLIES[protocol].ok);
        assert.deepEqual(site.auth.questions.map(({ attempt }) => attempt), [1, 2]);
        await logOut(client, protocol);
      }
      await assertDescriptorsBack(site, before);
    });

    test(
      `${protocol}: WAIT asks again, and the client only waits`,
      { skip: skipFor(protocol) },
      async () => {
        site.auth.decide = (question) =>
          site.auth.questions.length < 2
            ? deny("WAIT", { "Auth-Wait": "1" })
            : allow(site.backend(question));
        using client = await greeted(protocol, site.ports[protocol]);
        assert.match(await logIn(client, protocol, "bob", PASSWORDS.bob), REPLIES[protocol].ok);
        assert.deepEqual(site.auth.questions.map(({ attempt }) => attempt), [1, 1]);
        assert.deepEqual(site.auth.questions.map(({ password }) => password), [
          PASSWORDS.bob,
          PASSWORDS.bob,
        ]);
      },
    );
  }

  test("the refusal is logged with who and why", async () => {
    const from = site.proxy.log().length;
    using client = await greeted("imap", site.ports.imap);
    await logIn(client, "imap", "bob", WRONG_PASSWORD);
    await logged(
      site,
      /\[info\] .*client login failed: "Invalid login or password".* client: 127\.0\.0\.1.* login: "bob"/,
      from,
    );
  });

  test("smtp: Auth-Error-Code is the reply's code", async () => {
    site.auth.decide = () => deny("Try again later", { "Auth-Error-Code": "454 4.7.0" });
    using client = await greeted("smtp", site.ports.smtp);
    assert.equal(await logIn(client, "smtp", "bob", WRONG_PASSWORD), "454 4.7.0 Try again later");
  });

  test("a client that leaves while the auth server thinks costs nothing", async () => {
    const before = await descriptorsAtRest(site);
    let asked: () => void = () => {};
    const question = new Promise<void>((resolve) => asked = resolve);
    site.auth.decide = (each) => {
      asked();
      return later(300, allow(site.backend(each)));
    };
    {
      using client = await greeted("imap", site.ports.imap);
      client.send(`a1 LOGIN bob ${quoted(PASSWORDS.bob)}`);
      await question;
    }
    await assertDescriptorsBack(site, before);
  });
});

// --- below --------------------------------------------------------------------------------------

async function challenge(client: LineClient, protocol: Protocol, line: string): Promise<string> {
  const reply = await client.ask(line);
  const match = CHALLENGE[protocol].exec(reply);
  assert.ok(match, `a challenge, not ${reply}`);
  return match[1]!;
}

async function finish(client: LineClient, protocol: Protocol, line: string): Promise<string> {
  client.send(line);
  return protocol === "imap" ? (await client.lines(/^a1 |^\* BAD/)).at(-1)! : await client.line();
}

/** A command that only a backend answers. */
async function assertAtBackend(client: LineClient, protocol: Protocol): Promise<void> {
  switch (protocol) {
    case "imap":
      client.send("b1 SELECT INBOX");
      return assert.match((await client.lines(/^b1 /)).at(-1)!, /^b1 OK/);
    case "pop3":
      return assert.match(await client.ask("STAT"), /^\+OK \d+ \d+$/);
    case "smtp":
      return assert.match(await client.ask("MAIL FROM:<bob@mail.test>"), /^250 /);
  }
}
