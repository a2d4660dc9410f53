/** `test-auth` as a process, against a real HTTP server and on to a real Dovecot. */

import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { allow, type AuthServer, deny, startAuthServer } from "../support/auth-server.ts";
import { type Dovecot, startDovecot } from "../support/dovecot.ts";
import { type Postfix, skipWithoutPostfix, startPostfix } from "../support/postfix.ts";
import { commandUnderTest, skipWithout } from "../support/process.ts";

const PASSWORDS = { alice: 'correct %41 horse "battery" \\ staple+=&', bob: "Tr0ub4dor-and-3" };
const SKIP = skipWithout("dovecot");

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

async function testAuth(argv: readonly string[], password: string): Promise<Ran> {
  const [command, ...words] = [...commandUnderTest(), "test-auth", ...argv, "--password-stdin"];
  const ran = await ended(spawn(command!, words, { stdio: "pipe", timeout: 60_000 }), password);
  assert.ok(!(ran.out + ran.err).includes(password), "the password is shown");
  return ran;
}

/** Not `spawnSync`: the auth server answers in this process. */
function ended(child: ChildProcessWithoutNullStreams, input: string): Promise<Ran> {
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => err += text);
  child.stdin.on("error", () => {}).end(input);
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, out, err })));
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

  test("the curl command asks the same", { skip: skipWithout("curl") }, async () => {
    const header = ["--header", "X-Key: two words"];
    const argv = ["--url", auth.url, "-u", "o'hara \\ 50%", "--method", "cram-md5", ...header];
    await testAuth(argv, "x-password");
    const ours = auth.last().headers;
    const { out } = await testAuth([...argv, "--curl"], "x-password");
    assert.match(out, /^# AUTH_PASS: /m);
    const env = { ...process.env, AUTH_PASS: "digest", X_KEY: "two words" };
    const done = await ended(spawn("sh", ["-s"], { env, stdio: "pipe", timeout: 10_000 }), out);
    assert.match(done.out, /Auth-Status: Invalid login/, done.err);
    // The challenge is a new one each time, and with it the digest.
    const same = (headers: Readonly<Record<string, string>>) => ({
      ...headers,
      "auth-salt": "",
      "auth-pass": "",
    });
    assert.deepEqual(same(auth.last().headers), same(ours));
    assert.equal(auth.last().headers["auth-pass"], "digest");
  });

  test("many at once", async () => {
    const argv = ["--url", auth.url, "-u", "bob", "--repeat", "100", "--concurrency", "10"];
    const ran = await testAuth([...argv, "--format", "json"], PASSWORDS.bob);
    assert.equal(JSON.parse(ran.out).decisions.allowed, 100);
    assert.equal(ran.err, "");
  });
});

describe("test-auth --method none", { skip: SKIP || skipWithoutPostfix() }, () => {
  let dovecot: Dovecot;
  let postfix: Postfix;
  let auth: AuthServer;

  before(async () => {
    dovecot = await startDovecot(PASSWORDS);
    postfix = await startPostfix(dovecot);
    auth = await startAuthServer(() => allow(postfix.smtp));
  });
  after(async () => {
    await auth?.[Symbol.asyncDispose]();
    await postfix?.[Symbol.asyncDispose]();
    await dovecot?.[Symbol.asyncDispose]();
  });

  test("introduces sender and recipient to a real Postfix", async () => {
    const envelope = [
      "--smtp-from",
      "a@mail.test",
      "--smtp-to",
      "bob@mail.test",
      "--helo",
      "me.test",
    ];
    const argv = ["--url", auth.url, "--method", "none", ...envelope, "--login"];
    const ran = await testAuth(argv, "not-needed");
    assert.match(ran.out, /^-> RCPT TO:<bob@mail\.test>\n<- \d{3} /m, ran.out + ran.err);
    assert.match(ran.out, /^READY /m);
    assert.equal(ran.status, 0);
    assert.equal(auth.last().headers["auth-smtp-to"], "RCPT TO:<bob@mail.test>");
  });
});
