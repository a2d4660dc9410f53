/** `test-auth` as a process: against a real HTTP server and on to real Dovecot, Postfix and our own `serve`. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allow, type AuthServer, deny, startAuthServer } from "../support/auth-server.ts";
import { type Dovecot, startDovecot } from "../support/dovecot.ts";
import { type Postfix, skipWithoutPostfix, startPostfix } from "../support/postfix.ts";
import {
  commandUnderTest,
  freePort,
  type Proxy,
  skipWithout,
  startProxy,
  temporaryFolder,
} from "../support/process.ts";
import { shell, testAuth } from "./test-auth-run.ts";

const PASSWORDS = { alice: 'correct %41 horse "battery" \\ staple+=&', bob: "Tr0ub4dor-and-3" };
const SKIP = skipWithout("dovecot");

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
    const ran = await testAuth(
      ["--url", auth.url, "-u", "bob", "--timeout", "200ms"],
      "x-password",
    );
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
    const done = await shell(out, { AUTH_PASS: "digest", X_KEY: "two words" });
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

  test("a backend that wants a PROXY header gets the configuration's", async () => {
    const folder = temporaryFolder("test-auth");
    const file = join(folder, "nginx.conf");
    const server = "server { listen 127.0.0.1:1143; protocol imap; proxy_protocol on; }";
    writeFileSync(file, `events {} mail { auth_http ${auth.url.slice(7)}; ${server} }`);
    auth.decide = () => allow(dovecot.imapBehindProxy);
    const argv = ["-c", file, "-u", "bob", "--client-ip", "192.0.2.7", "--login"];
    const { out, err, status } = await testAuth(argv, PASSWORDS.bob);
    auth.reset();
    rmSync(folder, { recursive: true });
    assert.match(out, /^-> PROXY TCP4 192\.0\.2\.7 127\.0\.0\.1 \d+ 1143$/m, err);
    assert.match(out, /^LOGGED IN /m);
    assert.equal(status, 0);
    assert.match(dovecot.log(), /rip=192\.0\.2\.7/);
  });

  test("a token goes to the backend as a password, which is said", async () => {
    auth.decide = ({ method }) =>
      method === "xoauth2"
        ? allow(dovecot.imap)
        : deny("No", { "Auth-Error-SASL": "eyJzdCI6MX0=" });
    const argv = ["--url", auth.url, "-u", "bob", "--login"];
    const good = await testAuth([...argv, "--method", "xoauth2"], PASSWORDS.bob);
    const { headers } = auth.last();
    const bad = await testAuth([...argv, "--method", "oauthbearer"], PASSWORDS.bob);
    auth.reset();
    assert.equal(headers["auth-method"], "xoauth2");
    assert.equal(headers["auth-pass"], PASSWORDS.bob);
    assert.equal(headers["auth-user"], "bob");
    assert.match(good.out, /^warning\[auth-pass-token\] .*the token as a\s+password/m);
    assert.match(good.out, /^-> a1 LOGIN "bob" "\*{4}"$/m);
    assert.match(good.out, /^LOGGED IN /m);
    assert.equal(good.status, 0);
    assert.match(bad.out.replace(/\s+/g, " "), /DENIED No; .* before that it is told \{"st":1\}/);
    assert.equal(bad.status, 1);
  });

  test("digests, when the auth server gives the backend's password", async () => {
    auth.decide = ({ protocol }) =>
      allow(protocol === "pop3" ? dovecot.pop3 : dovecot.imap, { "Auth-Pass": PASSWORDS.bob });
    for (const method of ["apop", "cram-md5", "external"]) {
      const argv = ["--url", auth.url, "-u", "bob", "--method", method, "--login"];
      const { out, status } = await testAuth(argv, "another-one");
      assert.match(out, /^ALLOWED .*with another password$/m);
      assert.match(out, /^LOGGED IN /m);
      assert.ok(!out.includes(PASSWORDS.bob));
      assert.equal(status, 0);
    }
    auth.reset();
  });

  test("no form of output has the password in it", async () => {
    const password = "geh eim%-Würd\\ig";
    const forms = [password, encodeURIComponent(password), password.replace(/%/g, "%25")];
    const escaped = password.replace(/%/g, "%25").replace(/ /g, "%20");
    const base64 = Buffer.from(password).toString("base64");
    const plain = Buffer.from(`\0bob\0${password}`).toString("base64");
    // A server that repeats everything, and a backend that refuses.
    auth.decide = ({ headers }) =>
      allow(dovecot.imap, { "X-Echo": headers["auth-pass"]!, "X-Base": base64, "Auth-Pass": "x" });
    const all = [[], ["--raw"], ["--format=json"], ["--login"], ["--login", "--format=json"]];
    const more = [["--suite"], ["--suite", "--format=json"], ["--suite", "--format=junit"]];
    const others = [["--curl"], ["--repeat=3"], ["--repeat=3", "--format=json", "--expect=denied"]];
    for (const words of [...all, ...more, ...others]) {
      const ran = await testAuth(["--url", auth.url, "-u", "bob", ...words], password);
      assert.ok(ran.status !== 2, ran.err);
      for (const form of [...forms, escaped, base64, plain]) {
        assert.ok(!(ran.out + ran.err).includes(form), `${words}: ${form}\n${ran.out}`);
      }
    }
    auth.reset();
  });

  test("the prompt does not echo", { skip: skipWithout("script") }, async () => {
    const command = [...commandUnderTest(), "test-auth", "--url", auth.url, "-u", "bob"];
    const words = command.map((word) => `'${word}'`).join(" ");
    const child = spawn("script", ["-qec", words, "/dev/null"], { stdio: "pipe", timeout: 30_000 });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const asked = out.includes("Password of bob: ");
      out += text;
      if (!asked && out.includes("Password of bob: ")) child.stdin.write(`${PASSWORDS.bob}\n`);
    });
    const status = await new Promise((resolve) => child.on("close", resolve));
    assert.match(out, /ALLOWED/);
    assert.equal(auth.last().password, PASSWORDS.bob);
    assert.ok(!out.includes(PASSWORDS.bob));
    assert.equal(status, 0);
  });

  test("many at once", async () => {
    const argv = ["--url", auth.url, "-u", "bob", "--repeat", "100", "--concurrency", "10"];
    const ran = await testAuth([...argv, "--format", "json"], PASSWORDS.bob);
    assert.equal(JSON.parse(ran.out).decisions.allowed, 100);
    assert.equal(ran.err, "");
  });
});

describe("test-auth and SMTP backends", { skip: SKIP || skipWithoutPostfix() }, () => {
  let dovecot: Dovecot;
  let postfix: Postfix;
  let auth: AuthServer;
  const folder = temporaryFolder("test-auth");

  before(async () => {
    dovecot = await startDovecot(PASSWORDS);
    postfix = await startPostfix(dovecot);
    auth = await startAuthServer(() => allow(postfix.smtp));
  });
  after(async () => {
    await auth?.[Symbol.asyncDispose]();
    await postfix?.[Symbol.asyncDispose]();
    await dovecot?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test("introduces sender and recipient to a real Postfix", async () => {
    const envelope = "--smtp-from a@mail.test --smtp-to bob@mail.test --helo me.test".split(" ");
    const argv = ["--url", auth.url, "--method", "none", ...envelope, "--login"];
    const ran = await testAuth(argv, "not-needed");
    assert.match(ran.out, /^-> RCPT TO:<bob@mail\.test>\n<- \d{3} /m, ran.out + ran.err);
    assert.match(ran.out, /^READY /m);
    assert.equal(ran.status, 0);
    assert.equal(auth.last().headers["auth-smtp-to"], "RCPT TO:<bob@mail.test>");
  });

  for (const [xclient, smtpAuth] of [[true, false], [false, true], [false, false]] as const) {
    test(`with the configuration's xclient ${xclient} and proxy_smtp_auth ${smtpAuth}`, async () => {
      const file = join(folder, "doorpost.toml");
      const settings = `xclient = ${xclient}\nproxy_smtp_auth = ${smtpAuth}\n`;
      const server = `[[server]]\nlisten = "127.0.0.1:2525"\nprotocol = "smtp"\n`;
      writeFileSync(
        file,
        `auth_http = "${auth.url}"\nserver_name = "mx.test"\n${settings}${server}`,
      );
      const argv = ["-c", file, "-u", "bob", "--client-ip", "192.0.2.7", "--login"];
      const { out, err, status } = await testAuth(argv, PASSWORDS.bob);
      assert.match(out, /^-> EHLO mx\.test$/m, err);
      assert.equal(/^-> XCLIENT ADDR=192\.0\.2\.7 LOGIN=bob NAME=/m.test(out), xclient);
      assert.equal(/^-> AUTH PLAIN \*{4}\n<- 235 /m.test(out), smtpAuth, out);
      assert.match(out, smtpAuth ? /^READY {2}logged in; /m : /^READY {2}no login there/m);
      assert.equal(status, 0);
    });
  }
});

describe("test-auth and our own serve", { skip: SKIP }, () => {
  let dovecot: Dovecot;
  let auth: AuthServer;
  let proxy: Proxy;
  let port: number;

  before(async () => {
    dovecot = await startDovecot(PASSWORDS);
    auth = await startAuthServer(({ user, password }) =>
      password === PASSWORDS[user as keyof typeof PASSWORDS] ? allow(dovecot.imap) : deny("No")
    );
    port = await freePort();
    proxy = await startProxy(
      `auth_http = "${auth.url}"\nauth_http_header = [["X-Key", "shared-secret"]]\n` +
        `[[server]]\nlisten = "127.0.0.1:${port}"\nprotocol = "imap"\n`,
    );
  });
  after(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await auth?.[Symbol.asyncDispose]();
    await dovecot?.[Symbol.asyncDispose]();
  });

  test("its configuration is all that is needed", async () => {
    const argv = ["-c", join(proxy.folder, "doorpost.toml"), "-u", "alice", "--login"];
    const { out, err, status } = await testAuth(argv, PASSWORDS.alice);
    assert.match(out, /X-Key: \*{4}/, err);
    assert.equal(auth.last().headers["x-key"], "shared-secret");
    assert.match(out, /^LOGGED IN /m);
    assert.equal(status, 0);
  });
  test("a method that it does not offer is a warning", async () => {
    const argv = ["-c", join(proxy.folder, "doorpost.toml"), "-u", "bob", "--method", "cram-md5"];
    const { out } = await testAuth(argv, PASSWORDS.bob);
    assert.match(out, /^warning\[method-not-offered\] imap_auth does not have cram-md5/m);
  });
  test("it is a backend like any other", async () => {
    await using front = await startAuthServer(() => allow(port));
    const ran = await testAuth(["--url", front.url, "-u", "bob", "--login"], PASSWORDS.bob);
    assert.match(ran.out, /^<- \* OK IMAP4 ready$/m, ran.err);
    assert.match(ran.out, /^LOGGED IN /m);
    assert.equal(auth.last().user, "bob");
    const wrong = await testAuth(["--url", front.url, "-u", "bob", "--login"], "wrong-four");
    assert.match(wrong.out, /^NOT LOGGED IN .*No/m);
    assert.equal(wrong.status, 1);
  });
});
