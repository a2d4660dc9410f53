/**
 * `probe` as a program against real servers that speak TLS: Dovecot, Postfix, nginx's mail module, and a
 * server that staples OCSP responses. What it says of them is held against what they were told to be.
 */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer, type Server } from "node:tls";
import { allow, type AuthServer, deny, startAuthServer } from "../support/auth-server.ts";
import { type Leaf, testAuthority } from "../support/ca.ts";
import { type Outcome, run } from "../support/clients.ts";
import { type Dovecot, startDovecot } from "../support/dovecot.ts";
import { type Nginx, skipWithoutNginx, startNginx } from "../support/nginx.ts";
import { type Postfix, skipWithoutPostfix, startPostfix } from "../support/postfix.ts";
import {
  commandUnderTest,
  freePort,
  runProgram,
  skipWithout,
  temporaryFolder,
} from "../support/process.ts";

const SKIP = skipWithout("dovecot");
const SKIP_SMTP = skipWithoutPostfix();
const SKIP_NGINX = SKIP !== false ? SKIP : skipWithoutNginx();

const USERS = { alice: "correct horse", bob: "battery staple" } as const;

let folder: string;
let leaf: Leaf;
let dovecot: Dovecot;
let postfix: Postfix | null = null;
let nginx: Nginx | null = null;
let auth: AuthServer;
const ports: Record<string, number> = {};

before(async () => {
  if (SKIP !== false) return;
  folder = temporaryFolder("probe");
  const middle = await (await testAuthority()).intermediate("Probe Issuing");
  leaf = await middle.issue();
  writeFileSync(join(folder, "cert.pem"), leaf.certificate);
  writeFileSync(join(folder, "key.pem"), leaf.key, { mode: 0o600 });
  writeFileSync(join(folder, "ca.pem"), (await testAuthority()).certificate);
  const client = await (await testAuthority()).issue({ usage: "client", commonName: "bob" });
  writeFileSync(join(folder, "client.pem"), client.certificate);
  writeFileSync(join(folder, "client.key"), client.key);
  dovecot = await startDovecot(
    USERS,
    `
ssl = yes
ssl_cert = <${folder}/cert.pem
ssl_key = <${folder}/key.pem
ssl_min_protocol = TLSv1.2
login_trusted_networks = 127.0.0.1
ssl_ca = <${folder}/ca.pem
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
auth_mechanisms = plain login scram-sha-256 external
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
`,
  );
  if (SKIP_SMTP === false) {
    postfix = await startPostfix(
      dovecot,
      `
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = ${folder}/cert.pem
smtpd_tls_key_file = ${folder}/key.pem
`,
    );
  }
  auth = await startAuthServer(({ user, password, protocol }) => {
    if (USERS[user as "alice"] !== password) return deny("no");
    return allow({ imap: dovecot.imap, pop3: dovecot.pop3, smtp: postfix?.smtp ?? 1 }[protocol]!);
  });
  if (SKIP_NGINX === false) nginx = await startNginx(temporaryFolder("probe-nginx"), await conf());
});

after(async () => {
  await nginx?.[Symbol.asyncDispose]();
  await postfix?.[Symbol.asyncDispose]();
  await dovecot?.[Symbol.asyncDispose]();
  await auth?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function conf(): Promise<string> {
  const servers: Readonly<Record<string, string>> = {
    imap: "starttls only; protocol imap;",
    imaps: "protocol imap;",
    pop3: "starttls only; protocol pop3;",
    pop3s: "protocol pop3;",
    smtps: "protocol smtp; smtp_auth plain;",
    behind: "protocol imap;",
  };
  const blocks: string[] = [];
  for (const [name, body] of Object.entries(servers)) {
    ports[name] = await freePort();
    const ssl = name.endsWith("s") ? " ssl" : name === "behind" ? " proxy_protocol" : "";
    blocks.push(`server { listen 127.0.0.1:${ports[name]}${ssl}; ${body} }\n`);
  }
  return `events {}
mail {
  server_name mail.test; auth_http ${auth.url.replace(/^http:\/\//, "")};
  ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
  ssl_protocols TLSv1.2 TLSv1.3; set_real_ip_from 127.0.0.1;
  ${blocks.join("")}}
`;
}

async function probe(args: readonly string[], input = ""): Promise<Outcome> {
  const [program, ...first] = commandUnderTest();
  const ran = await run(program!, [...first, "probe", ...args], input);
  for (const secret of Object.values(USERS)) {
    assert.ok(!`${ran.out}${ran.err}`.includes(secret), "a password is shown");
  }
  return ran;
}

async function reported(args: readonly string[], input = "") {
  const ca = args.includes("--ca") ? [] : ["--ca", join(folder, "ca.pem")];
  const calm = [...ca, "--format", "json", "--warn", "60000ms"];
  const ran = await probe([...args, ...calm], input);
  assert.equal(ran.err, "");
  const { reports, ...rest } = JSON.parse(ran.out);
  const [report] = reports;
  const ids = report.findings.map(({ id }: { id: string }) => id);
  return { report, ids, status: ran.code, ...rest };
}

const ALICE = ["-u", "alice", "--password-stdin"];

/** What every one of these servers has: a good certificate below an intermediate that it sends. */
function assertGoodTls({ tls }: { tls: ReturnType<typeof JSON.parse> }): void {
  assert.match(`${tls.protocol} ${tls.cipher}`, /^TLSv1\.3 TLS_AES_\d+_GCM_SHA\d+$/);
  assert.equal(tls.certificate.verified, true);
  assert.equal(tls.certificate.serial, leaf.serial);
  assert.deepEqual(tls.certificate.names, ["localhost", "127.0.0.1", "::1"]);
  assert.deepEqual(tls.chain.map(({ subject }: { subject: string }) => subject.split(",")[0]), [
    "CN=Probe Issuing",
  ]);
  assert.deepEqual([tls.ocsp.stapled, tls.ocsp.required], [false, false]);
}

describe("Dovecot", { skip: SKIP }, () => {
  for (const protocol of ["imap", "pop3"] as const) {
    test(`${protocol}: STARTTLS, login, message count, no injection, versions`, async () => {
      const url = `${protocol}://localhost:${dovecot[protocol]}`;
      const checks = ["-4", "--fetch", "--check-injection", "--tls-scan", "--starttls", "require"];
      const { report, ids } = await reported([url, ...ALICE, ...checks], USERS.alice);
      // Passwords are taken in the clear from networks that it trusts.
      assert.deepEqual(ids, ["cleartext-login"]);
      assertGoodTls(report);
      assert.equal(report.tls.by, "starttls");
      const { method, ok } = report.login;
      assert.deepEqual([method, ok, report.messages], ["scram-sha-256", true, 0]);
      const offered = report.versions.filter(({ offered }: { offered: boolean }) => offered);
      assert.deepEqual(offered.map(({ version }: { version: string }) => version), [
        "TLSv1.2",
        "TLSv1.3",
      ]);
    });

    test(`${protocol}: is told who the client is`, async () => {
      const url = `${protocol}://127.0.0.1:${dovecot[protocol]}`;
      const who = ["--xclient", "ADDR=192.0.2.77"];
      const { report } = await reported([url, ...ALICE, ...who], USERS.alice);
      assert.equal(report.login.ok, true);
      assert.match(
        dovecot.log(),
        new RegExp(`${protocol}-login: Info: Login.*rip=192\\.0\\.2\\.77,`),
      );
    });
  }

  test("a client certificate is the login", async () => {
    const show = ["--cert", join(folder, "client.pem"), "--key", join(folder, "client.key")];
    const url = `imap://localhost:${dovecot.imap}`;
    const { report, ids } = await reported([url, "-u", "bob", "--method", "external", ...show]);
    assert.deepEqual([report.login.method, report.login.ok], ["external", true]);
    assert.deepEqual(ids, ["cleartext-login"]);
  });

  test("behind a PROXY header of another client", async () => {
    const url = `imap://127.0.0.1:${dovecot.imapBehindProxy}`;
    for (
      const [source, seen] of [["v1:192.0.2.8", "192.0.2.8"], ["v2:[2001:db8::8]:9", "2001:db8::8"]]
    ) {
      const { report } = await reported(
        [url, ...ALICE, "--proxy-protocol", source!],
        USERS.alice,
      );
      assert.equal(report.login.ok, true);
      assert.ok(dovecot.log().includes(`rip=${seen},`), `no rip=${seen}`);
    }
  });

  test("its own difference to itself is none", async () => {
    const url = `imap://localhost:${dovecot.imap}`;
    const { direct } = await reported([url, ...ALICE, "--direct", url], USERS.alice);
    const { extraMs: _, steps, ...difference } = direct.difference;
    const cipher = direct.report.tls.cipher;
    assert.deepEqual(difference, {
      proxyOnly: [],
      backendOnly: [],
      loggedIn: { proxyOnly: [], backendOnly: [] },
      sameCertificate: true,
      tls: { proxy: `TLSv1.3 ${cipher}`, backend: `TLSv1.3 ${cipher}` },
    });
    assert.ok(steps.some(({ name }: { name: string }) => name === "login"));
  });
});

describe("Postfix", { skip: SKIP_SMTP }, () => {
  test("STARTTLS, its ALPN, login under TLS alone, no relaying, no injection", async () => {
    const url = `submission://localhost:${postfix!.smtp}`;
    const { report, ids, status } = await reported([
      ...[url, "-4", ...ALICE, "--helo", "probe.test"],
      ...["--check-injection", "--relay-to", "someone@elsewhere.example"],
    ], USERS.alice);
    assert.deepEqual(ids, []);
    assert.equal(status, 0);
    assertGoodTls(report);
    assert.deepEqual([report.login.method, report.login.ok], ["scram-sha-256", true]);
    assert.ok(!report.capabilities.cleartext.includes("AUTH=PLAIN"));
    assert.ok(report.capabilities.tls.includes("AUTH=PLAIN"));
  });
});

describe("nginx", { skip: SKIP_NGINX }, () => {
  for (const name of ["imap", "imaps", "pop3", "pop3s", "smtps"] as const) {
    const skip = name === "smtps" ? SKIP_SMTP : false;
    test(`${name}: TLS, ALPN, login through to the backend`, { skip }, async () => {
      const url = `${name}://localhost:${ports[name]}`;
      // Postfix as a backend wants TLS before a password: nginx has none for it and logs in by XCLIENT.
      const { report, ids } = await reported(
        [url, "-4", ...ALICE, "--check-injection"],
        USERS.alice,
      );
      assert.deepEqual(ids, [], JSON.stringify(report.findings));
      assertGoodTls(report);
      assert.equal(report.tls.alpn, name.replace(/s$/, ""));
      assert.equal(report.login.ok, true);
    });
  }

  test("refuses a protocol that is not its own", async () => {
    const { ids } = await reported([`imaps://localhost:${ports.imaps}`, "--alpn", "http/1.1"]);
    assert.deepEqual(ids, ["alpn-refused"]);
  });

  test("is told by a PROXY header who the client is, and asks the auth server so", async () => {
    const url = `imap://127.0.0.1:${ports.behind}`;
    await reported([url, ...ALICE, "--proxy-protocol", "v1:192.0.2.9"], USERS.alice);
    assert.equal(auth.questions.at(-1)?.headers["client-ip"], "192.0.2.9");
  });

  test("beside the backend: the same mailbox, another certificate state, slower", async () => {
    const { direct } = await reported([
      ...[`imaps://localhost:${ports.imaps}`, "-4", ...ALICE],
      ...["--direct", `imap://localhost:${dovecot.imap}`],
    ], USERS.alice);
    const { difference } = direct;
    assert.equal(difference.sameCertificate, true);
    assert.deepEqual(difference.loggedIn, { proxyOnly: [], backendOnly: [] });
    assert.ok(difference.backendOnly.includes("IDLE"));
  });
});

describe("trust", { skip: SKIP }, () => {
  const verified = async (env: Readonly<Record<string, string>>) => {
    const [program, ...first] = commandUnderTest();
    const url = `imap://localhost:${dovecot.imap}`;
    const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const args = [...words, program!, ...first, "probe", url, "-4", "--format", "json"];
    return JSON.parse((await run("env", args, "")).out).reports[0].tls.certificate.verified;
  };

  test("SSL_CERT_FILE and NODE_EXTRA_CA_CERTS name authorities", async () => {
    assert.equal(await verified({}), false);
    assert.equal(await verified({ SSL_CERT_FILE: join(folder, "ca.pem") }), true);
    assert.equal(await verified({ NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") }), true);
  });
});

// --- OCSP ----------------------------------------------------------------------------------------

describe("a server that staples", { skip: SKIP !== false ? SKIP : skipWithout("openssl") }, () => {
  const servers: Server[] = [];
  let responses: Readonly<Record<"good" | "revoked", Buffer>>;
  let certificate: { readonly cert: string; readonly key: string };

  before(() => {
    const made = makeResponses(join(folder, "ocsp"));
    responses = made.responses;
    certificate = made.certificate;
  });
  after(() => servers.forEach((server) => server.close()));

  async function stapling(
    response: Buffer | null,
    version: "TLSv1.2" | "TLSv1.3" = "TLSv1.3",
  ): Promise<string> {
    const versions = { minVersion: version, maxVersion: version } as const;
    const server = createServer({ ...certificate, ...versions }, (socket) => {
      socket.on("error", () => {});
      socket.write("* OK ready\r\n");
      socket.on("data", (bytes) => {
        for (const line of bytes.toString().split("\r\n").filter(Boolean)) {
          const capability = /CAPABILITY/.test(line) ? "* CAPABILITY IMAP4rev1\r\n" : "";
          socket.write(`${capability}${line.split(" ")[0]} OK done\r\n`);
        }
      });
    });
    server.on("OCSPRequest", (_c, _i, answer) => answer(null, response!));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `imaps://localhost:${(server.address() as AddressInfo).port}`;
  }

  const ca = () => ["-4", "--ca", join(folder, "ocsp", "root.pem")];

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`good, in ${version}`, async () => {
      const { report, ids } = await reported([await stapling(responses.good, version), ...ca()]);
      assert.deepEqual(ids, []);
      const { stapled, status, required, nextUpdate } = report.tls.ocsp;
      assert.deepEqual([report.tls.protocol, stapled, status, required], [
        version,
        true,
        "good",
        true,
      ]);
      assert.ok(Date.parse(nextUpdate) > Date.now());
    });
  }

  test("revoked", async () => {
    const { ids, status } = await reported([await stapling(responses.revoked), ...ca()]);
    assert.deepEqual([ids, status], [["ocsp-revoked"], 1]);
  });

  test("nothing, though its certificate demands it", async () => {
    const { ids } = await reported([await stapling(null), ...ca()]);
    assert.deepEqual(ids, ["ocsp-missing"]);
  });
});

/** A root, a must-staple leaf, and what the root's responder would say of it, by openssl. */
function makeResponses(at: string) {
  mkdirSync(at);
  const openssl = (...args: string[]) => runProgram("env", ["-C", at, "openssl", ...args]);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "root.key",
    "-out",
    "root.pem",
    "-days",
    "30",
    "-subj",
    "/CN=R",
  );
  openssl("req", ...key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost");
  writeFileSync(join(at, "ext"), "subjectAltName=DNS:localhost\ntlsfeature=status_request\n");
  openssl(
    ...["x509", "-req", "-in", "leaf.csr", "-CA", "root.pem", "-CAkey", "root.key"],
    ...["-set_serial", "0x77", "-days", "60", "-extfile", "ext", "-out", "leaf.pem"],
  );
  openssl("ocsp", "-issuer", "root.pem", "-cert", "leaf.pem", "-reqout", "req", "-no_nonce");
  const responses = {
    good: "V\t351231235959Z\t\t77",
    revoked: "R\t351231235959Z\t260101000000Z\t77",
  };
  const made = Object.entries(responses).map(([name, line]) => {
    writeFileSync(join(at, `${name}.txt`), `${line}\tunknown\t/CN=localhost\n`);
    openssl(
      ...["ocsp", "-index", `${name}.txt`, "-CA", "root.pem", "-rsigner", "root.pem"],
      ...["-rkey", "root.key", "-reqin", "req", "-respout", `${name}.der`, "-ndays", "5"],
    );
    return [name, readFileSync(join(at, `${name}.der`))];
  });
  const text = (name: string) => readFileSync(join(at, name), "utf8");
  return {
    responses: Object.fromEntries(made) as Record<"good" | "revoked", Buffer>,
    certificate: { cert: text("leaf.pem"), key: text("leaf.key") },
  };
}
