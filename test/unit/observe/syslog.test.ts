/** `error_log syslog:...`: nginx's datagram form, and a socket that comes late or never. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NetError } from "../../../src/core/errors.ts";
import { SYSLOG_QUEUE } from "../../../src/core/limits.ts";
import { type Level, SYSLOG_FACILITIES } from "../../../src/core/log.ts";
import { ip, unix } from "../../../src/net/address.ts";
import type { Datagram, DatagramOptions } from "../../../src/net/ports.ts";
import type { ErrorLog, Syslog } from "../../../src/config/settings.ts";
import { logFindings } from "../../../src/observe/log-support.ts";
import { openLogs } from "../../../src/observe/logs.ts";
import { syslogTime } from "../../../src/observe/syslog.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { settingsOf } from "../../support/settings.ts";
import { FakeDatagram, fakeRuntime } from "./fakes.ts";

const SERVER = ip("127.0.0.1", 514);

function syslog(over: Partial<Syslog> = {}, level: Level = "debug"): ErrorLog {
  const settings = { server: SERVER, facility: "local7", tag: "doorpost", nohostname: false };
  return { destination: { is: "syslog", ...settings, ...over }, level };
}

/** Lets promises that are already settled run their reactions. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

async function sent(level: Level, over: Partial<Syslog> = {}): Promise<string> {
  const runtime = fakeRuntime();
  const logs = openLogs([syslog(over)], runtime);
  await settled();
  logs.write({ level, message: "m" });
  return runtime.datagrams[0].sent[0].text;
}

const LINE = (level: Level) => `2026/08/05 12:34:56 [${level}] 4711#0: m`;

// RFC 3164 section 4.1.1: facility * 8 + severity.
const DATAGRAMS: readonly [string, Level, Partial<Syslog>, string][] = [
  ["local7.info", "info", {}, "<190>Aug  5 12:34:56 mx1 doorpost: "],
  ["mail.emerg", "emerg", { facility: "mail" }, "<16>Aug  5 12:34:56 mx1 doorpost: "],
  ["kern.debug", "debug", { facility: "kern" }, "<7>Aug  5 12:34:56 mx1 doorpost: "],
  ["a tag of one's own", "error", { tag: "edge_1" }, "<187>Aug  5 12:34:56 mx1 edge_1: "],
  ["nohostname", "error", { nohostname: true }, "<187>Aug  5 12:34:56 doorpost: "],
];

for (const [name, level, over, head] of DATAGRAMS) {
  test(`datagram: ${name}`, async () => {
    assert.equal(await sent(level, over), head + LINE(level));
  });
}

const FACILITIES: readonly [typeof SYSLOG_FACILITIES[number], number][] = [
  ["user", 1],
  ["cron", 15],
  ["local0", 16],
  ["local7", 23],
];

for (const [word, number] of FACILITIES) {
  test(`facility ${word} is ${number}`, () => {
    assert.equal(SYSLOG_FACILITIES.indexOf(word), number);
  });
}

test("the day of two digits has no space", () => {
  assert.equal(syslogTime(new Date(2026, 10, 21, 7, 8, 9).getTime()), "Nov 21 07:08:09");
});

const FAMILIES: readonly [string, Syslog["server"], DatagramOptions["family"]][] = [
  ["IPv4", SERVER, 4],
  ["IPv6", ip("::1", 514), 6],
  ["unix", unix("/dev/log"), "unix"],
];

for (const [name, server, family] of FAMILIES) {
  test(`the socket fits the server's address: ${name}`, async () => {
    const asked: DatagramOptions[] = [];
    const socket = new FakeDatagram();
    const runtime = fakeRuntime({}, (options) => {
      asked.push(options);
      return Promise.resolve(socket);
    });
    openLogs([syslog({ server })], runtime).write({ level: "info", message: "m" });
    await settled();
    assert.equal(asked[0].family, family);
    assert.deepEqual(socket.sent[0].to, server);
  });
}

test("lines written before the socket is open are sent in order, as many as fit", async () => {
  const runtime = fakeRuntime();
  const logs = openLogs([syslog()], runtime);
  for (let i = 0; i < SYSLOG_QUEUE + 5; i++) logs.write({ level: "info", message: `n${i}` });
  await settled();
  const { sent } = runtime.datagrams[0];
  assert.equal(sent.length, SYSLOG_QUEUE);
  assert.match(sent[0].text, / n0$/);
});

test("a socket that cannot be opened is said once and fails nothing", async () => {
  const why = "Cannot send to a unix socket: this runtime has no unix datagram sockets: use udp";
  const runtime = fakeRuntime({}, () => Promise.reject(new NetError("ENOTSUP", why)));
  const logs = openLogs([syslog({ server: unix("/dev/log") })], runtime);
  await settled();
  logs.write({ level: "error", message: "m" });
  assert.equal(
    runtime.host.err,
    `doorpost: Cannot log to syslog at unix:/dev/log: ${why}\n`,
  );
});

test("a unix socket that is not there is said, and written to once it is", async () => {
  const runtime = fakeRuntime();
  const logs = openLogs([syslog({ server: unix("/dev/log") })], runtime);
  await settled();
  const said = "doorpost: Cannot log to syslog at unix:/dev/log: No such file or directory\n";
  assert.equal(runtime.host.err, said);
  runtime.files.contents.set("/dev/log", "");
  logs.reopen();
  logs.write({ level: "error", message: "m" });
  await settled();
  assert.equal(runtime.host.err, said);
  assert.equal(runtime.datagrams[1].sent.length, 1);
});

describe("a runtime without unix datagrams says so, at the directive", () => {
  const runtime = createMemoryRuntime({ lacks: { "unix-datagrams": "there are none" } });
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["stderr", []],
    ["syslog:server=127.0.0.1", []],
    ["syslog:server=unix:/dev/log info", [
      "1: the log to unix:/dev/log has no effect: there are none",
    ]],
  ];
  for (const [log, said] of cases) {
    test(log, () => {
      const settings = settingsOf(`error_log = "${log}"
auth_http = "127.0.0.1:9"
[[server]]
listen = 143
`);
      const findings = logFindings(settings, runtime);
      const texts = new Set(findings.map(({ at, message }) => `${at.line}: ${message}`));
      assert.deepEqual([...texts], said);
      assert.ok(findings.every(({ severity }) => severity === "warning"));
      assert.deepEqual(logFindings(settings, createMemoryRuntime()), []);
    });
  }
});

test("reopen takes a new socket", async () => {
  const runtime = fakeRuntime();
  const logs = openLogs([syslog()], runtime);
  await settled();
  logs.reopen();
  logs.write({ level: "info", message: "m" });
  await settled();
  assert.equal(runtime.datagrams[0].closed, true);
  assert.equal(runtime.datagrams[1].sent.length, 1);
});

test("a socket that opens after the log was closed is closed too", async () => {
  const late = new FakeDatagram();
  let open: (socket: Datagram) => void = () => {};
  const runtime = fakeRuntime({}, () => new Promise((resolve) => open = resolve));
  const logs = openLogs([syslog()], runtime);
  logs.close();
  open(late);
  await settled();
  assert.equal(late.closed, true);
});
