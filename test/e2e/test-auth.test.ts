/** `test-auth` as a process, against a real HTTP server and on to a real Dovecot. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { allow, type AuthServer, deny, startAuthServer } from "../support/auth-server.ts";
import { type Dovecot, startDovecot } from "../support/dovecot.ts";
import { commandUnderTest, skipWithout } from "../support/process.ts";

const PASSWORDS = { alice: 'correct %41 horse "battery" \\ staple+=&', bob: "Tr0ub4dor-and-3" };
const SKIP = skipWithout("dovecot");

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function testAuth(argv: readonly string[], password: string): Promise<Ran> {
  const [command, ...words] = [...commandUnderTest(), "test-auth", ...argv];
  const child = spawn(command!, [...words, "--password-stdin"], { stdio: "pipe", timeout: 60_000 });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  child.stdin.end(password);
  return new Promise((resolve) =>
    child.on("close", (status) => {
      assert.ok(!(out + err).includes(password), "the password is shown");
      resolve({ status, out, err });
    })
  );
}

describe("test-auth", { skip: SKIP }, () => {
  let dovecot: Dovecot;
  let auth: AuthServer;

  before(async () => {
    dovecot = await startDovecot(PASSWORDS);
    auth = await startAuthServer(({ user, password, protocol }) => {
      const known = PASSWORDS[user as keyof typeof PASSWORDS];
      if (password !== known) return deny("Invalid login or password", { "Auth-Wait": "3" });
      return allow(protocol === "pop3" ? dovecot.pop3 : dovecot.imap);
    });
  });
  after(async () => {
    await auth?.[Symbol.asyncDispose]();
    await dovecot?.[Symbol.asyncDispose]();
  });

  for (const protocol of ["imap", "pop3"]) {
    for (const [user, password] of Object.entries(PASSWORDS)) {
      test(`${user} is followed into the mailbox over ${protocol}`, async () => {
        const argv = ["--url", auth.url, "-u", user, "--protocol", protocol, "--login"];
        const ran = await testAuth(argv, password);
        assert.match(ran.out, /^ALLOWED /m, ran.err);
        assert.match(ran.out, /^LOGGED IN /m);
        assert.equal(ran.status, 0);
      });
    }
  }

  test("a wrong password", async () => {
    const ran = await testAuth(["--url", auth.url, "-u", "bob"], "wrong-one");
    assert.match(ran.out, /^DENIED {2}Invalid login or password; the client may retry after 3 s$/m);
    assert.equal(ran.status, 1);
  });

  test("a backend that does not know the password", async () => {
    auth.decide = () => allow(dovecot.imap);
    const ran = await testAuth(["--url", auth.url, "-u", "bob", "--login"], "wrong-two");
    auth.reset();
    assert.match(ran.out, /^NOT LOGGED IN .*\[AUTHENTICATIONFAILED\]/m);
    assert.equal(ran.status, 1);
  });

  test("the suite passes, within a minute", async () => {
    const ran = await testAuth(["--url", auth.url, "-u", "alice", "--suite"], PASSWORDS.alice);
    assert.equal(ran.status, 0, ran.out + ran.err);
    assert.match(ran.out, /^\d+ passed$/m);
  });

  test("a server that hangs", async () => {
    auth.decide = () => "hang";
    const ran = await testAuth(["--url", auth.url, "-u", "bob", "--timeout", "200"], "x-password");
    auth.reset();
    assert.match(ran.out, /^UNREACHABLE {2}no answer in time$/m);
    assert.equal(ran.status, 3);
  });

  test("a server that closes without an answer", async () => {
    auth.decide = () => "close";
    const ran = await testAuth(["--url", auth.url, "-u", "bob"], "x-password");
    auth.reset();
    assert.equal(ran.status, 4);
  });

  test("many at once", async () => {
    const argv = ["--url", auth.url, "-u", "bob", "--repeat", "100", "--concurrency", "10"];
    const ran = await testAuth([...argv, "--format", "json"], PASSWORDS.bob);
    assert.equal(JSON.parse(ran.out).decisions.allowed, 100);
    assert.equal(ran.err, "");
  });
});
