/** `probe` on a terminal: the live view of --watch, its plain lines elsewhere, and the bar of many targets. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import pico from "picocolors";
import { runtime } from "#runtime";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { type History, liveText } from "../../../src/cli/probe-watch.ts";
import { run } from "../../../src/cli/run.ts";
import type { Host, Runtime } from "../../../src/net/ports.ts";
import type { Report } from "../../../src/probe/model.ts";
import { testAuthority } from "../../support/ca.ts";
import { startMailServer } from "../../support/mail-server.ts";
import { FakeFiles, FakeHost } from "../observe/fakes.ts";

const plain = { colors: pico.createColors(false), columns: 80, verbose: false };

function report(target: string, outcome: Report["outcome"], totalMs: number): Report {
  const message = "127.0.0.1:143: Connection refused";
  return {
    target,
    scheme: "imap",
    address: null,
    addresses: [],
    outcome,
    totalMs,
    greeting: null,
    steps: [],
    capabilities: { cleartext: null, tls: null, loggedIn: null },
    tls: null,
    login: null,
    messages: null,
    versions: null,
    checks: { injection: null, relay: null },
    findings: outcome === "fine" ? [] : [{ id: "unreachable", severity: "error", message }],
    transcript: [],
  };
}

const HISTORIES: readonly History[] = [
  {
    target: "imaps://mail.example.com",
    running: false,
    last: report("imaps://mail.example.com", "fine", 12.34),
    outcomes: ["fine", "fine", "fine"],
    times: [10, 12.34, 14],
  },
  {
    target: "imap://10.0.0.5",
    running: true,
    last: report("imap://10.0.0.5", "unreachable", 3),
    outcomes: ["fine", "findings", "unreachable"],
    times: [8, 9],
  },
];

const STATE = {
  round: 3,
  seconds: 5,
  now: Date.UTC(2026, 10, 21, 9, 5, 7),
  histories: HISTORIES,
  direct: null,
  changes: [
    { at: Date.UTC(2026, 10, 21, 9, 5, 1), text: "imap://10.0.0.5: fine -> findings slow-step" },
    {
      at: Date.UTC(2026, 10, 21, 9, 5, 6),
      text: "imap://10.0.0.5: findings slow-step -> unreachable",
    },
  ],
};

describe("the live view", () => {
  test("of several: times, rounds, changes, and what is wrong", () => {
    assert.equal(
      liveText(STATE, plain),
      `doorpost probe  every 5 s, round 3, 09:05:07 UTC
  target                        now     mean     most  rounds
+ imaps://mail.example.com  12.3 ms  12.1 ms  14.0 ms  +++
> imap://10.0.0.5                 -   8.5 ms   9.0 ms  +!x

Changes
09:05:06  imap://10.0.0.5: findings slow-step -> unreachable
09:05:01  imap://10.0.0.5: fine -> findings slow-step

imap://10.0.0.5
error[unreachable]: 127.0.0.1:143: Connection refused
`,
    );
  });

  test("fits any width, and colour changes nothing but colour", () => {
    const long = { ...HISTORIES[0], target: `imaps://${"a".repeat(90)}.example.com` };
    const state = { ...STATE, histories: [long, ...HISTORIES] };
    for (const columns of [50, 80, 132]) {
      const text = liveText(state, { ...plain, columns });
      assert.deepEqual(text.split("\n").filter((line) => line.length > columns), []);
      const coloured = liveText(state, { ...plain, columns, colors: pico.createColors(true) });
      assert.notEqual(coloured, text);
      // deno-lint-ignore no-control-regex
      assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), text);
    }
  });

  test("of one: all that is known of it", () => {
    const text = liveText({ ...STATE, histories: [HISTORIES[1]], changes: [] }, plain);
    assert.match(text, /\n\nimap:\/\/10\.0\.0\.5\n\nerror\[unreachable\]/);
  });
});

/** Interrupted when `enough` says so of what was written. */
class Watched extends FakeHost {
  readonly enough: (out: string) => boolean;
  rows = 10;

  constructor(enough: (out: string) => boolean) {
    super();
    this.enough = enough;
  }

  override writeOut(text: string): void {
    super.writeOut(text);
    if (this.enough(this.out)) this.signal("SIGINT");
  }
}

async function doorpost(argv: readonly string[], host: FakeHost): Promise<number> {
  host.argv = argv;
  const ca = (await testAuthority()).certificate;
  const fake: Runtime = Object.assign(Object.create(runtime), {
    host: Object.assign(host, { lookup: runtime.host.lookup }) as Host,
    files: new FakeFiles({ "ca.pem": ca }),
  });
  return await run(fake, new BugTrap(host));
}

async function served() {
  const certificate = await (await testAuthority()).issue();
  const cleartext = ["IMAP4rev1", "LOGINDISABLED"];
  return await startMailServer(runtime, { protocol: "imap", certificate, cleartext });
}

const CALM = ["--warn", "60000ms", "--ca", "ca.pem", "--watch", "1"];

describe("--watch", () => {
  test("elsewhere than on a terminal: a line for each look, with its time", async () => {
    await using server = await served();
    const url = `imap://127.0.0.1:${server.port}`;
    const host = new Watched((out) => out.split("\n").length > 4);
    assert.equal(await doorpost(["probe", url, "imap://127.0.0.1:1", ...CALM], host), 3);
    const lines = host.out.trimEnd().split("\n").map((line) => line.replace(/^\S+ +/, "")).sort();
    assert.match(host.out, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}/);
    assert.match(lines[0], /^fine +[\d.]+ ms {2}imap:\S+ {2}TLSv1\.[23] {2}\d+ d$/);
    assert.match(lines[2], /^unreachable +[\d.]+ ms {2}imap:\S+ {2}unreachable$/);
    assert.ok(!host.out.includes("\x1b"));
  });

  test("json: one line a round, with its time", async () => {
    await using server = await served();
    const host = new Watched((out) => out.split("\n").length > 2);
    const url = `imap://127.0.0.1:${server.port}`;
    assert.equal(await doorpost(["probe", url, "--format", "json", ...CALM], host), 0);
    const rounds = host.out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(rounds.length, 2);
    for (const { time, schema } of rounds) assert.match(`${schema} ${time}`, /^1 \d{4}-.*Z$/);
  });

  test("on a terminal: one screen, written over, and never higher than the window", async () => {
    await using server = await served();
    const host = new Watched((out) => /round 2.*\n.*\n\+/.test(out));
    host.terminals.add("stdout");
    const url = `imap://127.0.0.1:${server.port}`;
    assert.equal(await doorpost(["probe", url, ...CALM, "--color", "never"], host), 0);
    const [before, ...screens] = host.out.split("\x1b[H");
    assert.equal(before, "");
    assert.ok(screens[0].startsWith("\x1b[2J"), "the first clears");
    for (const screen of screens.slice(1)) assert.ok(!screen.includes("\x1b[2J"), "flicker");
    for (const screen of screens) assert.ok(screen.trimEnd().split("\n").length < host.rows);
    assert.match(host.out, /lines more: the window is too low\)/);
  });
});

test("many targets on a terminal: a bar that names what is under way, and is wiped", async () => {
  await using server = await served();
  const urls = [`imap://127.0.0.1:${server.port}`, "imap://127.0.0.1:1"];
  const host = new FakeHost();
  host.terminals.add("stderr");
  const line = ["probe", ...urls, "--warn", "60000ms", "--ca", "ca.pem", "--color", "never"];
  await doorpost(line, host);
  assert.match(host.err, /\r\[\.{20}\] 0\/2 {2}imap:\/\/127\.0\.0\.1:\d+ imap:/);
  assert.match(host.err, /\r\[#{10}\.{10}\] 1\/2/);
  assert.ok(host.err.endsWith("\r\x1b[K"));
  assert.ok(!host.out.includes("\r"));
});
