/**
 * `probe` as a program against servers that are broken in one way each: what it finds, how long it takes
 * to give up, its exit status for people and for Nagios; and what its outputs are worth to their readers.
 */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { runtime } from "#runtime";
import { unix } from "../../src/net/address.ts";
import { selfSigned, testAuthority, unknownAuthority } from "../support/ca.ts";
import { type Outcome, run } from "../support/clients.ts";
import {
  type Hang,
  type MailServer,
  type Misbehaviour,
  startMailServer,
} from "../support/mail-server.ts";
import {
  commandUnderTest,
  freePort,
  skipWithout,
  startChild,
  temporaryFolder,
} from "../support/process.ts";

const PASSWORD = "do-not-show-me";
const ENV = ["env", `DOORPOST_PASSWORD=${PASSWORD}`];

let folder: string;
let ca: readonly string[];
before(async () => {
  folder = temporaryFolder("broken");
  writeFileSync(join(folder, "ca.pem"), (await testAuthority()).certificate);
  ca = ["--ca", join(folder, "ca.pem")];
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function probe(args: readonly string[]): Promise<Outcome & { readonly ms: number }> {
  const [program, ...first] = [...ENV, ...commandUnderTest()];
  const began = performance.now();
  const ran = await run(program!, [...first, "probe", ...args, ...ca], "");
  assert.ok(!`${ran.out}${ran.err}`.includes(PASSWORD), "the password is shown");
  return { ...ran, ms: performance.now() - began };
}

const good = async () => (await testAuthority()).issue();
const hidden = { cleartext: ["IMAP4rev1", "LOGINDISABLED"] } as const;

interface Broken {
  readonly what: string;
  readonly server: () => Promise<Misbehaviour>;
  readonly args?: readonly string[];
  /** The findings, in order; errors have an exclamation mark. */
  readonly finds: readonly string[];
  /** Exit statuses; 1 and by severity without it. */
  readonly status?: readonly [people: number, nagios: number];
}

const tls = async (certificate: ReturnType<typeof good>, more: Partial<Misbehaviour> = {}) => {
  const usual = { protocol: "imap", implicit: true } as const;
  return { ...usual, certificate: await certificate, ...more } as Misbehaviour;
};
const leaf = async (options: Parameters<typeof selfSigned>[0]) =>
  (await testAuthority()).issue(options);

const CASES: readonly Broken[] = [
  { what: "nothing is wrong", server: () => tls(good()), finds: [], status: [0, 0] },
  {
    what: "expired",
    server: () => tls(leaf({ validity: "expired" })),
    finds: ["certificate-expired!"],
  },
  {
    what: "a week left",
    server: () => tls(leaf({ validity: "soon" })),
    finds: ["certificate-expires-soon"],
    // Below --crit's seven days, by hours.
    status: [1, 2],
  },
  {
    what: "wrong name",
    server: () => tls(leaf({ names: ["other.example"] })),
    finds: ["certificate-name!"],
  },
  { what: "self-signed", server: () => tls(selfSigned()), finds: ["certificate-chain!"] },
  {
    what: "an authority that nobody knows",
    server: () => tls(unknownAuthority().then((authority) => authority.issue())),
    finds: ["certificate-chain!"],
  },
  {
    what: "no STARTTLS",
    server: () => Promise.resolve({ protocol: "smtp", cleartext: ["PIPELINING"] }),
    args: ["--starttls", "require"],
    finds: ["starttls-missing!"],
  },
  {
    what: "no TLS on a TLS port",
    server: () => Promise.resolve({ protocol: "imap" }),
    args: ["TLS"],
    finds: ["tls-failed!"],
  },
  ...(["imap", "pop3", "smtp"] as const).map((protocol): Broken => ({
    what: `${protocol}: STARTTLS injection`,
    server: async () => ({
      protocol,
      certificate: await good(),
      injectable: true,
      cleartext: protocol === "imap" ? hidden.cleartext : ["UIDL"],
      secured: protocol === "imap" ? ["IMAP4rev1"] : ["UIDL"],
    }),
    args: ["--check-injection"],
    finds: ["starttls-injection!"],
  })),
  {
    what: "an open relay",
    server: () => Promise.resolve({ protocol: "smtp", relays: true, cleartext: ["PIPELINING"] }),
    args: ["--relay-to", "victim@elsewhere.example", "--starttls", "never"],
    finds: ["open-relay!"],
  },
  {
    what: "a refusal that repeats the password",
    server: () => tls(good(), { parrot: true }),
    args: ["-u", "alice"],
    finds: ["login-failed!"],
  },
  {
    what: "another protocol",
    server: () => Promise.resolve({ protocol: "imap", greeting: "220 I am SMTP" }),
    finds: ["protocol-error!"],
  },
];

function urlOf({ protocol, implicit }: Misbehaviour, server: MailServer, secure = false): string {
  return `${protocol}${implicit || secure ? "s" : ""}://127.0.0.1:${server.port}`;
}

describe("each kind of broken server", () => {
  for (const { what, server: make, args = [], finds, status } of CASES) {
    test(`${what}: ${finds.join(", ") || "fine"}`, async () => {
      const behaviour = await make();
      await using server = await startMailServer(runtime, behaviour);
      const url = urlOf(behaviour, server, args[0] === "TLS");
      const more = args.filter((word) => word !== "TLS");
      const json = await probe([url, ...more, "--format", "json"]);
      const [report] = JSON.parse(json.out).reports;
      const found = report.findings.filter(({ severity }: { severity: string }) =>
        severity !== "info"
      );
      assert.deepEqual(
        found.map(({ id, severity }: { id: string; severity: string }) =>
          `${id}${severity === "error" ? "!" : ""}`
        ),
        finds,
      );
      const grave = finds.some((id) => id.endsWith("!"));
      const [people, forNagios] = status ?? [1, grave ? 2 : 1];
      assert.equal(json.code, people);
      const nagios = await probe([url, ...more, "--format", "nagios"]);
      assert.equal(nagios.code, forNagios, nagios.out);
    });
  }
});

describe("silence at each step ends with --timeout, and says where", () => {
  const HANGS: readonly (readonly [Hang, RegExp, number])[] = [
    ["greeting", /waiting for the greeting/, 3],
    ["capabilities", /waiting for the reply to CAPABILITY/, 1],
    ["starttls", /waiting for the reply to STARTTLS/, 1],
    ["handshake", /shaking hands for TLS/, 1],
    ["login", /waiting for the reply to AUTHENTICATE/, 1],
    ["logout", /waiting for the reply to LOGOUT/, 1],
  ];
  const bounded = async (behaviour: Misbehaviour, where: RegExp, status: number) => {
    await using server = await startMailServer(runtime, behaviour);
    const ran = await probe([urlOf(behaviour, server), "-u", "alice", "--timeout", "1"]);
    assert.match(ran.out, /^x .* no answer within 1 s while /m);
    assert.match(ran.out.replace(/\s+/g, " "), where);
    assert.equal(ran.code, status);
    assert.ok(ran.ms < 8_000, `${ran.ms} ms`);
  };
  for (const [hangs, where, status] of HANGS) {
    test(hangs, async () => {
      await bounded({ protocol: "imap", certificate: await good(), hangs }, where, status);
    });
  }

  test("byte by byte, for ever", async () => {
    await bounded({ protocol: "imap", drips: 100 }, /waiting for the greeting/, 3);
  });

  test("each check that was asked for", async () => {
    const behaviour = { protocol: "imap", certificate: await good(), hangs: "handshake" } as const;
    await using server = await startMailServer(runtime, behaviour);
    const checks = ["--tls-scan", "--check-injection", "--timeout", "1"];
    const ran = await probe([urlOf(behaviour, server), ...checks]);
    assert.equal(ran.code, 1);
    assert.ok(ran.ms < 15_000, `${ran.ms} ms`);
  });
});

describe("openssl as a server", { skip: skipWithout("openssl") }, () => {
  async function against(more: readonly string[], args: readonly string[]) {
    const leaf = await good();
    const [certificate, key] = [join(folder, "leaf.pem"), join(folder, "leaf.key")];
    writeFileSync(certificate, leaf.certificate);
    writeFileSync(key, leaf.key);
    const port = await freePort();
    const files = ["-cert", certificate, "-key", key, "-CAfile", ca[1]!];
    // With -www it leaves its standard input alone, whose end would be the end of it.
    const child = startChild("openssl", [
      "s_server",
      "-www",
      "-accept",
      `${port}`,
      ...files,
      ...more,
    ]);
    await child.said(/ACCEPT/);
    const url = `imaps://localhost:${port}`;
    const ran = await probe([url, "-4", "--timeout", "2", "--format", "json", ...args]);
    await child.stop();
    const [report] = JSON.parse(ran.out).reports;
    return { report, ids: report.findings.map(({ id }: { id: string }) => id) };
  }

  test("it demands a client certificate", async () => {
    const { ids } = await against(["-Verify", "1", "-verify_return_error"], []);
    assert.deepEqual(ids, ["client-certificate-required"]);
  });

  test("TLS 1.0 alone: no handshake, but its versions are found", async () => {
    const old = ["-tls1", "-cipher", "ALL:@SECLEVEL=0"];
    const { ids, report } = await against(old, ["--tls-scan"]);
    assert.deepEqual(ids, ["tls-failed", "tls-version-old", "tls-version-missing"]);
    const offered = report.versions.map(({ offered }: { offered: boolean }) => offered);
    assert.deepEqual(offered, [true, false, false, false]);
  });
});

test("unix sockets, for a target and to connect to", async () => {
  const path = join(folder, "imap.sock");
  const server = await startMailServer(runtime, { protocol: "imap", ...hidden }, unix(path));
  for (
    const args of [[`imap://unix:${path}`], ["imap://mail.example", "--connect-to", `unix:${path}`]]
  ) {
    const ran = await probe([...args, "--starttls", "never"]);
    assert.equal(ran.code, 0, ran.out);
    assert.ok(ran.out.includes(`unix:${path}`));
  }
  await server[Symbol.asyncDispose]();
});

// --- outputs -------------------------------------------------------------------------------------

/**
 * Prometheus' text format 0.0.4, as strictly as promtool reads it: HELP and TYPE once and before the
 * samples of a metric, which stand together; names and labels of the grammar; no series twice.
 */
function readPrometheus(text: string): Map<string, Map<string, number>> {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const metrics = new Map<string, Map<string, number>>();
  let current = "";
  let typed = false;
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment) {
      const [, word, name, rest] = comment;
      if (word === "HELP") {
        assert.ok(!metrics.has(name), `${name} is in two places`);
        metrics.set(name, new Map());
        [current, typed] = [name, false];
      } else {
        assert.ok(name === current && !typed && /^(?:gauge|counter|untyped)$/.test(rest), line);
        typed = true;
      }
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)$/
      .exec(line);
    assert.ok(sample, `no sample: ${line}`);
    const [, name, labels, value] = sample;
    assert.ok(name === current && typed, `out of place: ${line}`);
    assert.ok(Number.isFinite(Number(value)), line);
    assert.ok(!metrics.get(name)!.has(labels), `twice: ${line}`);
    metrics.get(name)!.set(labels, Number(value));
  }
  return metrics;
}

test("prometheus: what it reads of several servers, one of them gone", async () => {
  await using server = await startMailServer(runtime, await tls(good()));
  const gone = await startMailServer(runtime, { protocol: "imap" });
  await gone[Symbol.asyncDispose]();
  const [up, down] = [`imaps://127.0.0.1:${server.port}`, `imap://127.0.0.1:${gone.port}`];
  const ran = await probe([up, down, "-u", "alice", "--tls-scan", "--format", "prometheus"]);
  assert.equal(ran.code, 3);
  const metrics = readPrometheus(ran.out);
  const reached = metrics.get("doorpost_probe_up")!;
  assert.deepEqual([...reached], [[`target="${up}"`, 1], [`target="${down}"`, 0]]);
  const ends = metrics.get("doorpost_probe_certificate_not_after_seconds")!.get(`target="${up}"`)!;
  assert.equal(ends, Math.floor((await good()).notAfter.getTime() / 1000));
  assert.equal(
    metrics.get("doorpost_probe_tls_version_offered")!.get(`target="${up}",version="TLSv1.1"`),
    0,
  );
});

/** Monitoring Plugins' guidelines, section "Performance data". */
const PERFDATA =
  /^'([^'=]+)'=(-?\d+(?:\.\d+)?)(ms|s|%|B|c)?(?:;([\d.]*:?[\d.]*))?(?:;([\d.]*:?[\d.]*))?(?:;([\d.]*))?(?:;([\d.]*))?$/;

test("nagios: one line of text, perfdata with thresholds behind the bar", async () => {
  await using server = await startMailServer(runtime, await tls(good()));
  const limits = ["--warn", "20d,30000ms", "--crit", "5d,60000ms"];
  const ran = await probe([`imaps://127.0.0.1:${server.port}`, "--format", "nagios", ...limits]);
  assert.equal(ran.code, 0);
  const [text, perfdata, ...rest] = ran.out.trimEnd().split(" | ");
  assert.match(text!, /^MAIL OK - [^|\n]+$/);
  assert.deepEqual(rest, []);
  const read = perfdata!.split(" ").map((word) => PERFDATA.exec(word));
  assert.ok(read.every((match) => match !== null), perfdata);
  const thresholds = Object.fromEntries(read.map((match) => [match![1], match!.slice(4, 6)]));
  assert.deepEqual(thresholds["time"], ["30000", "60000"]);
  assert.deepEqual(thresholds["certificate_days"], ["20:", "5:"]);
});

describe("a terminal of 80 columns", { skip: skipWithout("script") }, () => {
  async function onTerminal(args: readonly string[], more: readonly string[] = []) {
    const command = [...commandUnderTest(), "probe", ...args, ...ca].join(" ");
    const sized = `stty cols 80 rows 24; ${command}`;
    const asAtHome = ["-u", "NO_COLOR", "-u", "FORCE_COLOR", "TERM=xterm", ...more];
    return (await run("env", [...asAtHome, "script", "-qec", sized, "/dev/null"], "")).out;
  }
  // deno-lint-ignore no-control-regex
  const uncoloured = (text: string) => text.replace(/\x1b\[[\d;]*m/g, "");

  test("colours, no line too long; none with NO_COLOR", async () => {
    await using server = await startMailServer(runtime, await tls(good()));
    const url = `imaps://127.0.0.1:${server.port}`;
    const text = await onTerminal([url]);
    assert.ok(text.includes("\x1b[32m"), "a good step is green");
    const lines = uncoloured(text).split(/\r?\n/);
    assert.deepEqual(lines.filter((line) => line.length > 80), []);
    const plain = await onTerminal([url], ["NO_COLOR=1"]);
    // Not "no escapes": `deno run` wipes its own line before the program begins.
    assert.equal(uncoloured(plain), plain);
  });

  test("many servers: a bar while it works, and then the table alone", async () => {
    await using server = await startMailServer(runtime, await tls(good()));
    const silent = { protocol: "imap", hangs: "greeting" } as const;
    await using slow = await startMailServer(runtime, silent);
    const urls = [`imaps://127.0.0.1:${server.port}`, `imap://127.0.0.1:${slow.port}`];
    const text = uncoloured(await onTerminal([...urls, "--timeout", "1"]));
    assert.match(text, /\r\[#{10}\.{10}\] 1\/2 {2}imap:\/\/127\.0\.0\.1:\d+\x1b\[K/);
    assert.match(text.slice(text.lastIndexOf("\x1b[K")), /^\x1b\[Ktarget +outcome/);
  });
});
