/** `probe` against servers that behave, and against each kind that does not. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runtime } from "#runtime";
import { Secret } from "../../../src/core/secret.ts";
import { type Endpoint, ip, unix } from "../../../src/net/address.ts";
import type { ConnectOptions, Receiver, Runtime, TlsVersion } from "../../../src/net/ports.ts";
import type { Report } from "../../../src/probe/model.ts";
import type { ProbeOptions } from "../../../src/probe/options.ts";
import { probe } from "../../../src/probe/probe.ts";
import { selfSigned, testAuthority, unknownAuthority } from "../../support/ca.ts";
import { type Hang, type Misbehaviour, startMailServer } from "../../support/mail-server.ts";
import { OPTIONS, targetOf } from "../../support/probing.ts";

const PASSWORD = "do-not-show-me";
const LOGIN = { user: "alice", password: new Secret(PASSWORD) };

async function probed(
  behaviour: Misbehaviour,
  options: Partial<ProbeOptions> = {},
  scheme: string = behaviour.protocol + (behaviour.implicit ? "s" : ""),
): Promise<Report & { readonly logins: readonly string[] }> {
  await using server = await startMailServer(runtime, behaviour);
  const ca = [(await testAuthority()).certificate];
  const target = targetOf(`${scheme}://127.0.0.1:${server.port}`);
  const report = await probe(runtime, target, { ...OPTIONS, ca, ...options });
  return { ...report, logins: [...server.logins] };
}

const good = async () => (await testAuthority()).issue();
/** Without what the server heard, which is the test's own. */
const shownOf = ({ logins: _, ...report }: Report & { logins: readonly string[] }) =>
  JSON.stringify(report);
const ids = ({ findings }: Report) => findings.map(({ id }) => id);
const hidden = {
  imap: ["IMAP4rev1", "LOGINDISABLED"],
  pop3: ["UIDL"],
  smtp: ["PIPELINING"],
} as const;
const PROTOCOLS = ["imap", "pop3", "smtp"] as const;

describe("a server that behaves", () => {
  for (const protocol of PROTOCOLS) {
    test(`${protocol}: STARTTLS, login, no findings`, async () => {
      const certificate = await good();
      const secured = protocol === "imap"
        ? ["IMAP4rev1", "SASL-IR", "AUTH=PLAIN"]
        : protocol === "pop3"
        ? ["UIDL", "USER", "SASL PLAIN"]
        : ["PIPELINING", "AUTH PLAIN"];
      const report = await probed(
        { protocol, certificate, cleartext: hidden[protocol], secured },
        { login: LOGIN, injection: true, fetch: true },
      );
      assert.deepEqual(report.findings, []);
      assert.match(report.checks.injection ?? "", /^safe: /);
      assert.equal(report.outcome, "fine");
      assert.equal(report.tls?.by, "starttls");
      assert.equal(report.tls?.certificate?.verified, true);
      assert.deepEqual(report.login, {
        user: "alice",
        method: "plain",
        ok: true,
        text: report.login?.text,
      });
      assert.deepEqual(report.logins, [`\0alice\0${PASSWORD}`]);
      assert.equal(report.messages, protocol === "smtp" ? null : 3);
      assert.ok(report.capabilities.tls?.includes("AUTH=PLAIN"));
      assert.ok(!shownOf(report).includes(PASSWORD));
    });

    test(`${protocol}: TLS from the first byte`, async () => {
      const report = await probed({ protocol, certificate: await good(), implicit: true });
      assert.deepEqual(ids(report), []);
      assert.equal(report.tls?.by, "implicit");
      assert.match(report.tls?.protocol ?? "", /^TLSv1\.[23]$/);
      assert.equal(report.capabilities.cleartext, null);
      assert.equal(report.steps[1].name, "TLS");
    });
  }

  test("the dialogue shows directions, TLS, and no password", async () => {
    const report = await probed({ protocol: "imap", certificate: await good() }, { login: LOGIN });
    const shown = report.transcript.map(({ mark, text }) => `${mark} ${text}`);
    assert.ok(shown.includes("<- * OK ready"));
    assert.ok(shown.includes("-> a2 STARTTLS"));
    assert.ok(shown.includes("~> a4 AUTHENTICATE PLAIN ****"), shown.join("\n"));
    assert.ok(shown.includes("<~ a4 OK welcome"));
  });
});

describe("certificates", () => {
  const leaf = async (options: Parameters<typeof selfSigned>[0]) =>
    (await testAuthority()).issue(options);
  const CASES = [
    ["expired", () => leaf({ validity: "expired" }), ["certificate-expired"]],
    ["not yet valid", () => leaf({ validity: "future" }), ["certificate-not-yet-valid"]],
    ["seven days left", () => leaf({ validity: "soon" }), ["certificate-expires-soon"]],
    ["another name", () => leaf({ names: ["other.test"] }), ["certificate-name"]],
    ["self-signed", () => selfSigned(), ["certificate-chain"]],
    [
      "of an unknown authority",
      async () => (await unknownAuthority()).issue(),
      ["certificate-chain"],
    ],
    [
      "expired, for another name",
      () => leaf({ names: ["other.test"], validity: "expired" }),
      ["certificate-expired", "certificate-name"],
    ],
  ] as const;

  for (const [what, make, expected] of CASES) {
    test(what, async () => {
      const report = await probed({ protocol: "imap", certificate: await make(), implicit: true });
      assert.deepEqual(ids(report), expected);
      assert.equal(report.outcome, "findings");
    });
  }
});

describe("TLS", () => {
  test("no STARTTLS is a warning, and an error where it is required", async () => {
    const severity = async (starttls: "auto" | "require" | "never") => {
      const { findings } = await probed({ protocol: "smtp", cleartext: ["PIPELINING"] }, {
        starttls,
      });
      return findings.map((each) => `${each.id} ${each.severity}`);
    };
    assert.deepEqual(await severity("auto"), ["starttls-missing warning"]);
    assert.deepEqual(await severity("require"), ["starttls-missing error"]);
    assert.deepEqual(await severity("never"), []);
  });

  test("a plain server on a TLS port is no TLS server, and not unreachable", async () => {
    const report = await probed({ protocol: "imap" }, {}, "imaps");
    assert.deepEqual(ids(report), ["tls-failed"]);
    assert.equal(report.outcome, "findings");
  });

  for (const protocol of PROTOCOLS) {
    test(`${protocol}: passwords without TLS`, async () => {
      const report = await probed({ protocol, certificate: await good() });
      assert.deepEqual(ids(report), ["cleartext-login"]);
    });

    test(`${protocol}: a command injected before STARTTLS is run`, async () => {
      const behaviour = { protocol, certificate: await good(), injectable: true } as const;
      const report = await probed({ ...behaviour, cleartext: hidden[protocol] }, {
        injection: true,
      });
      assert.ok(ids(report).includes("starttls-injection"), ids(report).join());
    });
  }

  test("capabilities that disagree", async () => {
    const report = await probed({
      protocol: "imap",
      certificate: await good(),
      cleartext: ["IMAP4rev1", "IDLE", "LOGINDISABLED"],
      secured: ["IMAP4rev1", "QUOTA", "AUTH=PLAIN", "STARTTLS"],
    });
    assert.deepEqual(ids(report), ["capabilities-disagree", "starttls-still-offered"]);
    assert.match(report.findings[0].message, /only before TLS: IDLE; only under TLS: QUOTA/);
  });

  test("each version is tried by itself", async () => {
    const scan = async (versions: readonly TlsVersion[]) => {
      const report = await probed(
        { protocol: "imap", certificate: await good(), implicit: true, versions },
        { tlsScan: true },
      );
      const offered = report.versions?.filter((each) => each.offered).map((each) => each.version);
      return [offered, ids(report)];
    };
    assert.deepEqual(await scan(["TLSv1.2", "TLSv1.3"]), [["TLSv1.2", "TLSv1.3"], []]);
    assert.deepEqual(await scan(["TLSv1.3"]), [["TLSv1.3"], []]);
    assert.deepEqual(await scan(["TLSv1.2"]), [["TLSv1.2"], ["tls-version-missing"]]);
  });

  const able = (["tls-protocols-old", "tls-protocols-old-by-default"] as const)
    .map((feature) => runtime.supports(feature)).find((each) => each !== true);
  test("old versions are found, whatever we speak ourselves", { skip: able ?? false }, async () => {
    const versions = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
    const report = await probed(
      { protocol: "pop3", certificate: await good(), implicit: true, versions },
      { tlsScan: true },
    );
    assert.deepEqual(report.versions?.filter((each) => each.offered).length, 4);
    assert.deepEqual(ids(report), ["tls-version-old"]);
  });
});

describe("ALPN", () => {
  for (const protocol of PROTOCOLS) {
    test(`${protocol}: its own name is offered, and what was chosen is told`, async () => {
      const alpn = ["http/1.1", protocol];
      const behaviour = { protocol, certificate: await good(), implicit: true, alpn } as const;
      const { tls } = await probed(behaviour);
      assert.deepEqual([tls?.alpn, tls?.alpnOffered], [protocol, [protocol]]);
    });
  }

  test("a server that wants none, or another", async () => {
    const behaviour = { protocol: "imap", certificate: await good(), implicit: true } as const;
    assert.equal((await probed(behaviour)).tls?.alpn, null);
    const refused = await probed({ ...behaviour, alpn: ["http/1.1"] });
    assert.deepEqual(ids(refused), ["alpn-refused"], JSON.stringify(refused.findings));
    const silent = await probed({ ...behaviour, alpn: ["http/1.1"] }, { alpn: [] });
    assert.deepEqual([ids(silent), silent.tls?.alpn], [[], null]);
  });
});

describe("chains", () => {
  const serve = async (certificate: Awaited<ReturnType<typeof good>>) =>
    await probed({ protocol: "imap", certificate, implicit: true });

  test("the intermediate certificates that were sent", async () => {
    const middle = await (await testAuthority()).intermediate("Middle");
    const report = await serve(await middle.issue());
    assert.deepEqual(ids(report), []);
    assert.match(report.tls?.chain.map(({ subject }) => subject).join() ?? "", /^CN=Middle\b/);
    assert.match(report.tls?.chain[0].issuer ?? "", /Doorpost Test Root/);
  });

  test("the intermediate was forgotten, and the finding says so", async () => {
    const middle = await (await testAuthority()).intermediate("Middle");
    const { certificate, ...rest } = await middle.issue();
    const end = certificate.indexOf("-----END CERTIFICATE-----") + 26;
    const report = await serve({ ...rest, certificate: certificate.slice(0, end) });
    assert.deepEqual(ids(report), ["certificate-chain"]);
    assert.match(report.findings[0].message, /the server sends no intermediate certificate$/);
    assert.deepEqual(report.tls?.chain, []);
  });
});

describe("who the client is", () => {
  const INTRODUCED = [
    ["imap", ["IMAP4rev1", "ID", "LOGINDISABLED"], '"x-originating-ip" "192.0.2.7"'],
    ["pop3", ["UIDL", "XCLIENT"], "XCLIENT ADDR=192.0.2.7"],
    ["smtp", ["XCLIENT NAME ADDR"], "XCLIENT ADDR=192.0.2.7"],
  ] as const;
  for (const [protocol, cleartext, heard] of INTRODUCED) {
    test(`${protocol}: is told where the server wants to know`, async () => {
      const options = { ...OPTIONS, starttls: "never", xclient: "ADDR=192.0.2.7" } as const;
      const ask = async (cleartext: readonly string[]) => {
        await using server = await startMailServer(runtime, { protocol, cleartext });
        const target = targetOf(`${protocol}://127.0.0.1:${server.port}`);
        return { report: await probe(runtime, target, options), heard: server.introductions };
      };
      const told = await ask(cleartext);
      assert.deepEqual(ids(told.report), []);
      assert.ok(told.heard.join().includes(heard), told.heard.join());
      const untold = await ask(cleartext.filter((word) => !/^(?:ID|XCLIENT)/.test(word)));
      assert.deepEqual([ids(untold.report), untold.heard], [["xclient-refused"], []]);
    });
  }
});

describe("logins", () => {
  test("a refusal that repeats the password does not bring it out", async () => {
    const report = await probed(
      { protocol: "smtp", certificate: await good(), parrot: true },
      { login: LOGIN },
    );
    assert.ok(ids(report).includes("login-failed"));
    const text = shownOf(report);
    assert.ok(!text.includes(PASSWORD) && !text.includes(btoa(`\0alice\0${PASSWORD}`)));
    assert.match(report.login?.text ?? "", /wrong: \*\*\*\*/);
  });

  for (const tls of [false, true]) {
    const why = tls ? "to a certificate that does not verify" : "without TLS";
    test(`over a network, no password ${why}, unless --insecure`, async () => {
      await using server = await startMailServer(runtime, {
        protocol: "imap",
        ...(tls && { certificate: await selfSigned() }),
      });
      // As if far away: where it is dialled is not where it is.
      const far: Runtime = Object.assign(Object.create(runtime), {
        connect: (_: Endpoint, ...rest: [ConnectOptions, Receiver]) =>
          runtime.connect(ip("127.0.0.1", server.port), ...rest),
      });
      const target = targetOf("imap://192.0.2.1");
      const held = await probe(far, target, { ...OPTIONS, login: LOGIN });
      assert.ok(ids(held).includes("password-withheld"));
      assert.deepEqual([held.login, server.logins], [null, []]);
      const sent = await probe(far, target, { ...OPTIONS, login: LOGIN, insecure: true });
      assert.equal(sent.login?.ok, true);
    });
  }

  test("no method is offered", async () => {
    const report = await probed(
      { protocol: "smtp", cleartext: ["PIPELINING"] },
      { login: LOGIN, starttls: "never" },
    );
    assert.deepEqual(ids(report), ["no-method"]);
    assert.deepEqual(report.logins, []);
  });
});

describe("relaying", () => {
  test("is looked for under TLS, where that is offered", async () => {
    const certificate = await good();
    await using server = await startMailServer(runtime, {
      ...{ protocol: "smtp", certificate, cleartext: ["PIPELINING"], secured: ["PIPELINING"] },
      mailUnderTls: true,
    });
    const ca = [(await testAuthority()).certificate];
    const options = { ...OPTIONS, ca, relayTo: "victim@example.org" };
    const target = targetOf(`smtp://127.0.0.1:${server.port}`);
    const open = async (starttls: "auto" | "never") =>
      (await probe(runtime, target, { ...options, starttls })).checks.relay;
    assert.equal(await open("auto"), "refused: 554 5.7.1 no relaying");
    assert.equal(await open("never"), "refused: 530 5.7.0 Must issue a STARTTLS command first");
  });

  for (const relays of [true, false]) {
    test(relays ? "an open relay" : "a closed one", async () => {
      const report = await probed(
        { protocol: "smtp", relays, cleartext: ["PIPELINING"] },
        { relayTo: "victim@example.org", starttls: "never" },
      );
      assert.deepEqual(ids(report), relays ? ["open-relay"] : []);
      assert.match(report.checks.relay ?? "", relays ? /^taken: 250/ : /^refused: 554 5\.7\.1/);
    });
  }
});

describe("a name with several addresses", () => {
  /** `mail.test` has the server's address, and before or behind it one where nobody is. */
  async function resolved(addresses: (live: string, dead: string) => readonly string[], more = {}) {
    await using server = await startMailServer(runtime, { protocol: "imap", ...HIDDEN });
    const host = Object.assign(Object.create(runtime.host), {
      lookup: () => Promise.resolve(addresses("127.0.0.1", "127.0.0.2")),
    });
    const named: Runtime = Object.assign(Object.create(runtime), { host });
    const target = targetOf(`imap://mail.test:${server.port}`);
    return await probe(named, target, { ...OPTIONS, starttls: "never", ...more });
  }
  const HIDDEN = { cleartext: hidden.imap };

  for (const first of [true, false]) {
    test(`the dead one ${first ? "first" : "last"}: each is tried, the dead one is told`, async () => {
      const report = await resolved((live, dead) => first ? [dead, live] : [live, dead]);
      assert.deepEqual(ids(report), ["address-unreachable"]);
      assert.match(report.findings[0].message, /^127\.0\.0\.2:\d+: Connection refused$/);
      assert.match(report.address ?? "", /^127\.0\.0\.1:/);
      assert.equal(report.addresses.length, 2);
      assert.equal(report.steps.filter(({ name }) => name === "connect").length, 2);
      assert.equal(report.steps.at(-1)?.name, "logout");
    });
  }

  test("of one family alone", async () => {
    const none = await resolved((live) => [live], { family: 6 });
    assert.equal(none.findings[0].message, "mail.test has no IPv6 address");
    assert.deepEqual(ids(await resolved((live) => ["::2", live], { family: 4 })), []);
  });

  test("nobody at any of them", async () => {
    const report = await resolved((_, dead) => [dead]);
    assert.deepEqual([ids(report), report.outcome], [["unreachable"], "unreachable"]);
  });
});

test("a unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doorpost-probe-"));
  const path = join(folder, "imap.sock");
  const server = await startMailServer(runtime, { protocol: "imap" }, unix(path));
  const report = await probe(runtime, targetOf(`imap://unix:${path}`), OPTIONS);
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  assert.equal(report.address, `unix:${path}`);
  assert.deepEqual(ids(report), ["starttls-missing", "cleartext-login"]);
});

describe("silence", () => {
  const HANGS: readonly (readonly [Hang, string])[] = [
    ["greeting", "unreachable"],
    ["capabilities", "findings"],
    ["starttls", "findings"],
    ["handshake", "findings"],
    ["login", "findings"],
    ["logout", "findings"],
  ];
  for (const [hangs, outcome] of HANGS) {
    test(`at ${hangs}: the probe gives up, and says where`, async () => {
      const report = await probed(
        { protocol: "imap", certificate: await good(), hangs },
        { timeoutMs: 150, login: LOGIN },
      );
      assert.ok(ids(report).includes("timeout"), ids(report).join());
      assert.equal(report.outcome, outcome);
      assert.equal(report.steps.at(-1)?.ok, false);
      assert.match(report.steps.at(-1)?.detail ?? "", /^no answer within 0\.15 s while /);
    });
  }

  test("byte by byte for ever: the deadline is of the whole reply", async () => {
    const report = await probed({ protocol: "imap", drips: 20 }, { timeoutMs: 200 });
    assert.deepEqual(ids(report), ["timeout"]);
    assert.ok(report.totalMs < 5_000);
  });

  test("nobody listens", async () => {
    const server = await startMailServer(runtime, { protocol: "imap" });
    await server[Symbol.asyncDispose]();
    const report = await probe(runtime, targetOf(`imap://127.0.0.1:${server.port}`), OPTIONS);
    assert.deepEqual(ids(report), ["unreachable"]);
    assert.equal(report.outcome, "unreachable");
    assert.equal(report.address, null);
  });

  test("a greeting of another protocol", async () => {
    const report = await probed({ protocol: "imap", greeting: "220 I am SMTP" });
    assert.deepEqual(ids(report), ["protocol-error"]);
  });

  test("a server that turns clients away", async () => {
    const report = await probed({ protocol: "smtp", greeting: "554 go away" });
    assert.deepEqual(ids(report), ["refused"]);
  });
});
