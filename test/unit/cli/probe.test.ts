/** `probe` as a command: every format, held against its schema or reader; exit statuses; misuse. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv } from "ajv";
import { runtime } from "#runtime";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { run } from "../../../src/cli/run.ts";
import type { Host, Runtime } from "../../../src/net/ports.ts";
import { testAuthority } from "../../support/ca.ts";
import { type MailServer, type Misbehaviour, startMailServer } from "../../support/mail-server.ts";
import { ROOT } from "../../support/source.ts";
import { FakeFiles, FakeHost } from "../observe/fakes.ts";

const PASSWORD = "do-not-show-me";

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function doorpost(
  argv: readonly string[],
  { files = {}, password = PASSWORD, columns = 80, host = new FakeHost() }: {
    readonly files?: Readonly<Record<string, string>>;
    readonly password?: string | null;
    readonly columns?: number;
    readonly host?: FakeHost;
  } = {},
): Promise<Ran> {
  host.argv = argv;
  host.columns = columns;
  if (password !== null) host.variables.set("DOORPOST_PASSWORD", password);
  const ca = (await testAuthority()).certificate;
  const fake: Runtime = Object.assign(Object.create(runtime), {
    host: Object.assign(host, { lookup: runtime.host.lookup }) as Host,
    files: new FakeFiles({ "ca.pem": ca, ...files }),
  });
  const status = await run(fake, new BugTrap(host));
  assert.ok(!`${host.out}${host.err}`.includes(PASSWORD), "the password is shown");
  return { status, out: host.out, err: host.err };
}

async function served(behaviour: Partial<Misbehaviour> = {}): Promise<MailServer> {
  const certificate = await (await testAuthority()).issue();
  return await startMailServer(runtime, { protocol: "imap", certificate, ...behaviour });
}

/** Nothing to find, logged in. */
const GOOD = { cleartext: ["IMAP4rev1", "LOGINDISABLED"] } as const;
const CALM = ["--warn", "60000ms", "--ca", "ca.pem"];

type Json = ReturnType<typeof JSON.parse>;
const schema = JSON.parse(readFileSync(join(ROOT, "docs", "probe.schema.json"), "utf8"));
const valid = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

function assertValid(out: string): Json {
  const value: Json = JSON.parse(out);
  const good: boolean = valid(value);
  assert.ok(good, JSON.stringify(valid.errors, null, 1));
  return value;
}

describe("formats", () => {
  test("json is what its schema says, for all that can be asked", async () => {
    await using server = await served();
    await using backend = await served({ secured: ["IMAP4rev1", "AUTH=PLAIN", "QUOTA"] });
    const url = `imap://localhost:${server.port}`;
    const { out } = await doorpost([
      ...["probe", url, "-4", "--direct", `imap://127.0.0.1:${backend.port}`, "-u", "alice"],
      ...["--fetch", "-v", "--tls-scan", "--check-injection", "--format", "json", ...CALM],
    ]);
    const value = assertValid(out);
    assert.equal(value.reports[0].messages, 3);
    assert.deepEqual(value.direct.difference.backendOnly, ["QUOTA"]);
    assert.equal(value.direct.difference.sameCertificate, true);
  });

  test("json of a server that is not there", async () => {
    const server = await served();
    await server[Symbol.asyncDispose]();
    const { out, status } = await doorpost([
      ...["probe", `imap://127.0.0.1:${server.port}`, "--format", "json"],
    ]);
    assert.equal(assertValid(out).reports[0].outcome, "unreachable");
    assert.equal(status, 3);
  });

  test("human: timeline, certificate, verdict, within 80 columns", async () => {
    await using server = await served();
    const { out, status } = await doorpost([
      ...["probe", `imap://127.0.0.1:${server.port}`, "-u", "alice", "-v", ...CALM],
    ]);
    assert.equal(status, 1);
    assert.deepEqual(out.split("\n").filter((line) => line.length > 80 || /\s$/.test(line)), []);
    assert.match(out, /^\+ {3}greeting +\d+\.\d ms {2}ready$/m);
    assert.match(out, /^~> a4 AUTHENTICATE PLAIN \*\*\*\*$/m);
    assert.match(out, /^certificate {3}CN=localhost, issued by /m);
    assert.match(out, /^login {9}alice by plain: let in$/m);
    assert.match(out, /^warning\[cleartext-login\]: passwords are taken without TLS/m);
    assert.match(out, /^1 to look at$/m);
  });

  test("human, several: one table, one row each", async () => {
    await using server = await served(GOOD);
    await using other = await served(GOOD);
    const url = `imap://127.0.0.1:${server.port}`;
    const { out, status } = await doorpost([
      "probe",
      "--targets",
      "list",
      ...CALM,
    ], { files: { list: `# two\n${url}\n\nimap://127.0.0.1:${other.port}\n${url}\n` } });
    assert.equal(status, 0);
    assert.match(
      out,
      /^target +outcome +TLS +cert +caps +time +findings\n(?:imap:.* fine .*\n){2}$/,
    );
  });

  const NAGIOS:
    readonly (readonly [string, Partial<Misbehaviour>, readonly string[], number, RegExp])[] = [
      ["OK", GOOD, [], 0, /^MAIL OK - imap:\S+ TLSv1\.[23], certificate \d+ days, \d+ ms \| /],
      ["WARNING", {}, [], 1, /^MAIL WARNING - imap:\S+ passwords are taken without TLS/],
      ["CRITICAL by days", GOOD, ["--crit", "9999d"], 2, /^MAIL CRITICAL - /],
      ["CRITICAL by a refused login", { parrot: true }, ["-u", "alice"], 2, /^MAIL CRITICAL - /],
    ];
  for (const [what, behaviour, more, status, line] of NAGIOS) {
    test(`nagios: ${what}`, async () => {
      await using server = await served(behaviour);
      const ran = await doorpost([
        ...["probe", `imap://127.0.0.1:${server.port}`, "--format", "nagios", ...CALM, ...more],
      ]);
      assert.equal(ran.status, status);
      assert.match(ran.out, line);
      const [text, perfdata, ...rest] = ran.out.trimEnd().split(" | ");
      assert.ok(!text.includes("\n") && rest.length === 0);
      for (const value of perfdata.split(" ")) {
        assert.match(value, /^'\w[\w-]*'=-?\d+(?:\.\d+)?(?:ms)?(?:;[\d.]*:?){0,4}$/);
      }
    });
  }

  test("nagios: not reachable is CRITICAL, wrong usage UNKNOWN", async () => {
    const server = await served();
    await server[Symbol.asyncDispose]();
    const dead = ["probe", `imap://127.0.0.1:${server.port}`, "--format", "nagios"];
    assert.equal((await doorpost(dead)).status, 2);
    assert.equal((await doorpost(["probe", "mail", "--format", "nagios"])).status, 3);
  });

  test("prometheus: every line is a comment or a sample, no sample twice", async () => {
    await using server = await served();
    const { out } = await doorpost([
      ...["probe", `imap://127.0.0.1:${server.port}`, "-u", "alice", "--format", "prometheus"],
      ...CALM,
    ]);
    const lines = out.trimEnd().split("\n");
    const samples = lines.filter((line) => !line.startsWith("#"));
    for (const line of samples) {
      assert.match(line, /^doorpost_probe_\w+\{\w+="[^"]*"(?:,\w+="[^"]*")*\} -?[\d.e+-]+$/);
    }
    const names = samples.map((line) => line.slice(0, line.lastIndexOf(" ")));
    assert.equal(new Set(names).size, names.length);
    assert.match(out, /^doorpost_probe_up\{target="imap:[^"]*"\} 1$/m);
    assert.match(out, /^doorpost_probe_login_ok\{[^}]*method="plain"\} 1$/m);
    assert.match(out, /^doorpost_probe_finding\{[^}]*id="cleartext-login"[^}]*\} 1$/m);
  });

  test("load: whole logins, counted and timed", async () => {
    await using server = await served(GOOD);
    const url = `imap://127.0.0.1:${server.port}`;
    const line = ["probe", url, "-u", "alice", "--count", "7", "--concurrency", "3", ...CALM];
    const human = await doorpost(line);
    assert.equal(human.status, 0);
    assert.match(human.out, /^logins {8}7 of 7 good, 3 at once$/m);
    const { load } = assertValid((await doorpost([...line, "--format", "json"])).out);
    assert.deepEqual([load.good, load.failures], [7, {}]);
    assert.equal(server.logins.length, 14);
  });
});

test("load: an interruption shows what was measured until then", async () => {
  await using server = await served(GOOD);
  const host = new FakeHost();
  host.terminals.add("stderr");
  host.writeErr = (text) => {
    if (/\d+\/50/.test(text)) host.signal("SIGINT");
  };
  const url = `imap://127.0.0.1:${server.port}`;
  const { out, status } = await doorpost(["probe", url, "--count", "50", ...CALM], { host });
  const [, good, count] = /^sessions {6}(\d+) of (\d+) good/m.exec(out) ?? [];
  assert.equal(good, count);
  assert.ok(Number(count) > 0 && Number(count) < 50, out);
  assert.equal(status, 0);
});

describe("--watch", () => {
  /** Interrupted at its second result. */
  class Watched extends FakeHost {
    results = 0;

    override writeOut(text: string): void {
      super.writeOut(text);
      if (text.startsWith("MAIL") && ++this.results === 2) this.signal("SIGINT");
    }
  }

  test("looks again until it is interrupted, and ends with the last status", async () => {
    await using server = await served(GOOD);
    const url = `imap://127.0.0.1:${server.port}`;
    const host = new Watched();
    const line = ["probe", url, "--format", "nagios", "--watch", "1", ...CALM];
    const { out, status } = await doorpost(line, { host });
    assert.equal(out.match(/^MAIL OK/gm)?.length, 2);
    assert.equal(status, 0);
  });
});

describe("a configuration's listeners", () => {
  test("are the targets, with what each of them speaks", async () => {
    await using server = await served(GOOD);
    const toml = `auth_http = "http://127.0.0.1:9/auth"
server_name = "localhost"
[[server]]
listen = "127.0.0.1:${server.port}"
protocol = "imap"
`;
    const { out, status } = await doorpost([
      ...["probe", "--config", "a.toml", "--format", "json", ...CALM],
    ], { files: { "a.toml": toml, "/home/post master/a.toml": toml } });
    const [report] = assertValid(out).reports;
    assert.equal(report.target, `imap://127.0.0.1:${server.port}`);
    assert.equal(report.tls.serverName, "localhost");
    assert.equal(status, 0);
  });
});

describe("misuse is told, and is status 2", () => {
  const CASES: readonly (readonly [string, RegExp])[] = [
    ["probe", /No target/],
    ["probe mail.example.com", /Cannot probe "mail\.example\.com": it is no URL/],
    ["probe imap://alice:hunter2@mail", /Cannot probe "imap:\/\/\*\*\*\*@mail"/],
    ["probe imap://x -4 -6", /--ipv4 and --ipv6 exclude each other/],
    ["probe imap://x --fetch", /--fetch needs --user/],
    ["probe imap://x --cert a", /--cert and --key go together/],
    ["probe imap://x --ca nosuch.pem", /Cannot read "nosuch\.pem"/],
    ["probe imap://x --direct smtp://y", /--direct speaks smtp, the target imap/],
    ["probe imap://x --warn soon", /Option --warn cannot be "soon"/],
    ["probe imap://x imap://y --count 2", /--count takes one target/],
    ["probe imap://x --count 2 --format nagios", /--count has no --format nagios/],
    ["probe imap://x --config nosuch.toml", /Cannot use nosuch\.toml/],
    ["probe imap://x -u alice", /No password, and no terminal to ask for it/],
  ];
  for (const [line, message] of CASES) {
    test(line, async () => {
      const ran = await doorpost(line.split(" "), { password: null });
      assert.equal(ran.status === 3 || ran.status === 2, true);
      assert.match(ran.err, message);
      assert.equal(ran.out, "");
      assert.doesNotMatch(ran.err, /hunter2/);
    });
  }
});

test("docs/probe.md explains every finding of the schema, and no other", () => {
  const page = readFileSync(join(ROOT, "docs", "probe.md"), "utf8");
  const explained = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1]);
  const { findings } = schema.definitions.report.properties;
  assert.deepEqual(explained.sort(), [...findings.items.properties.id.enum].sort());
});
