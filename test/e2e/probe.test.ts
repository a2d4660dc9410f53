/** `probe` as a program against real servers: Dovecot, Postfix, and our own proxy in front of them. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { join } from "node:path";
import { type Outcome, run } from "../support/clients.ts";
import { commandUnderTest } from "../support/process.ts";
import { PASSWORDS, SKIP, SKIP_SMTP, useSite, WRONG_PASSWORD } from "./site.ts";

const site = useSite();

async function probe(args: readonly string[], input = ""): Promise<Outcome> {
  const [program, ...first] = commandUnderTest();
  const ran = await run(program!, [...first, "probe", ...args], input);
  for (const secret of [...Object.values(PASSWORDS), WRONG_PASSWORD]) {
    assert.ok(!`${ran.out}${ran.err}`.includes(secret), "a password is shown");
  }
  return ran;
}

/** The only report of a run; times are no matter here. */
async function reported(args: readonly string[], input = "") {
  const ran = await probe([...args, "--format", "json", "--warn", "60000ms"], input);
  assert.equal(ran.err, "");
  const { reports, ...rest } = JSON.parse(ran.out);
  const ids = reports[0].findings.map(({ id }: { id: string }) => id);
  return { report: reports[0], ids, status: ran.code, ...rest };
}

const LOGIN = ["-u", "alice", "--password-stdin"];

for (const protocol of ["imap", "pop3"] as const) {
  test(`Dovecot by ${protocol}: login in cleartext, message count`, { skip: SKIP }, async () => {
    const url = `${protocol}://127.0.0.1:${site.dovecot[protocol]}`;
    const { report, ids, status } = await reported([url, ...LOGIN, "--fetch"], PASSWORDS.alice);
    assert.deepEqual(ids, ["starttls-missing", "cleartext-login"]);
    assert.equal(report.login.ok, true);
    assert.equal(report.messages, 0);
    assert.equal(status, 1);
  });

  test(`Dovecot by ${protocol}: each method`, { skip: SKIP }, async () => {
    const url = `${protocol}://127.0.0.1:${site.dovecot[protocol]}`;
    for (const method of ["plain", "login", "command"]) {
      const { report } = await reported([url, ...LOGIN, "--method", method], PASSWORDS.alice);
      assert.deepEqual([report.login.method, report.login.ok], [method, true]);
    }
  });
}

test("Dovecot behind a PROXY header", { skip: SKIP }, async () => {
  const url = `imap://127.0.0.1:${site.dovecot.imapBehindProxy}`;
  for (const version of ["v1", "v2"]) {
    const { report } = await reported([url, "--proxy-protocol", version]);
    assert.match(report.greeting, /Dovecot ready/);
  }
});

test("a wrong password is a finding", { skip: SKIP }, async () => {
  const url = `imap://127.0.0.1:${site.dovecot.imap}`;
  const { report, ids, status } = await reported([url, ...LOGIN], WRONG_PASSWORD);
  assert.ok(ids.includes("login-failed"));
  assert.equal(report.login.ok, false);
  assert.equal(status, 1);
});

test("Postfix: login, no relaying", { skip: SKIP_SMTP }, async () => {
  const url = `smtp://127.0.0.1:${site.postfix!.smtp}`;
  const { report, ids } = await reported(
    [url, ...LOGIN, "--relay-to", "someone@elsewhere.example"],
    PASSWORDS.alice,
  );
  assert.equal(report.login.ok, true);
  assert.deepEqual(ids, ["starttls-missing", "cleartext-login"]);
});

test("Postfix by XCLIENT: another client is let in", { skip: SKIP_SMTP }, async () => {
  const url = `smtp://127.0.0.1:${site.postfix!.smtp}`;
  const { report, ids } = await reported([url, "--xclient", "ADDR=192.0.2.7 NAME=a.example"]);
  assert.deepEqual(ids, ["starttls-missing", "cleartext-login"]);
  assert.ok(report.steps.some(({ name }: { name: string }) => name === "xclient"));
});

for (const protocol of ["imap", "pop3", "smtp"] as const) {
  const skip = protocol === "smtp" ? SKIP_SMTP : SKIP;
  for (const tls of [false, true]) {
    const name = tls ? `${protocol}s` as const : protocol;
    test(`our proxy by ${name}: TLS, login, no injection`, { skip }, async () => {
      const { report, ids, status } = await reported([
        ...[`${name}://localhost:${site.ports[name]}`, "-4", "--ca", site.caFile, ...LOGIN],
        ...["--check-injection", "--tls-scan"],
      ], PASSWORDS.alice);
      // The site allows logins without TLS; nothing else is to be said.
      assert.deepEqual(ids, tls ? [] : ["cleartext-login"], JSON.stringify(report.findings));
      assert.equal(report.login.ok, true);
      assert.equal(report.tls.certificate.verified, true);
      const offered = report.versions.filter(({ offered }: { offered: boolean }) => offered);
      assert.deepEqual(offered.map(({ version }: { version: string }) => version), [
        "TLSv1.2",
        "TLSv1.3",
      ]);
      assert.equal(status, tls ? 0 : 1);
    });
  }
}

test("our proxy by cram-md5 and apop", { skip: SKIP }, async () => {
  for (const [name, method] of [["imap", "cram-md5"], ["pop3", "apop"]] as const) {
    const url = `${name}://127.0.0.1:${site.ports[name]}`;
    const args = [url, "-u", "bob", "--password-stdin", "--method", method, "--ca", site.caFile];
    const { report } = await reported(args, PASSWORDS.bob);
    assert.deepEqual([report.login.method, report.login.ok], [method, true]);
  }
});

test("the proxy and the backend behind it, compared", { skip: SKIP }, async () => {
  const { direct } = await reported([
    ...[`imap://127.0.0.1:${site.ports.imap}`, "--ca", site.caFile],
    ...["--direct", `imap://127.0.0.1:${site.dovecot.imap}`],
  ]);
  assert.ok(direct.difference.backendOnly.includes("SASL-IR"));
  assert.equal(direct.difference.sameCertificate, null);
});

test("every listener of the proxy's configuration", { skip: SKIP }, async () => {
  const file = join(site.proxy.folder, "probe.toml");
  const listeners = Object.entries(site.ports).map(([name, port]) =>
    `[[server]]\nlisten = "127.0.0.1:${port}${name.endsWith("s") ? " ssl" : ""}"\n` +
    `protocol = "${name.replace(/s$/, "")}"\n`
  );
  const head = 'server_name = "localhost"\nauth_http = "127.0.0.1:9/auth"\n' +
    'ssl_certificate = "cert.pem"\nssl_certificate_key = "key.pem"\n';
  writeFileSync(file, head + listeners.join(""));
  const ran = await probe(["--config", file, "--ca", site.caFile, "--format", "json"]);
  const { reports } = JSON.parse(ran.out);
  assert.equal(reports.length, 6);
  for (const { greeting } of reports) assert.notEqual(greeting, null);
});

test("many logins, and none of them fails", { skip: SKIP }, async () => {
  const ran = await probe([
    ...[`imaps://localhost:${site.ports.imaps}`, "-4", "--ca", site.caFile, ...LOGIN],
    ...["--count", "20", "--concurrency", "5", "--format", "json"],
  ], PASSWORDS.alice);
  const { load } = JSON.parse(ran.out);
  assert.deepEqual([load.good, load.failures, ran.code], [20, {}, 0]);
});

test("the password from a file, the certificate not trusted", { skip: SKIP }, async () => {
  const file = join(site.proxy.folder, "password");
  writeFileSync(file, `${PASSWORDS.bob}\n`);
  const { report, ids } = await reported([
    ...[`imaps://127.0.0.1:${site.ports.imaps}`, "-u", "bob", "--password-file", file],
  ]);
  assert.deepEqual(ids, ["certificate-chain"]);
  assert.equal(report.login.ok, true);
});
