/** One report, word for word in each format that people and their monitoring read. */

import assert from "node:assert/strict";
import { test } from "node:test";
import pico from "picocolors";
import { nagios, prometheus } from "../../../src/cli/probe-formats.ts";
import { humanReport, summaryTable } from "../../../src/cli/probe-human.ts";
import type { Report } from "../../../src/probe/model.ts";

const REPORT: Report = {
  target: "imap://mail.example.com",
  scheme: "imap",
  address: "192.0.2.1:143",
  addresses: ["192.0.2.1:143"],
  outcome: "findings",
  totalMs: 61.25,
  greeting: "ready",
  steps: [
    { name: "connect", ms: 1.5, ok: true, detail: "192.0.2.1:143" },
    { name: "TLS", ms: 20.25, ok: true, detail: "TLSv1.3 TLS_AES_128_GCM_SHA256" },
    { name: "login", ms: 2100, ok: false, detail: "alice by plain: go\x1b[31m away" },
  ],
  capabilities: {
    cleartext: ["IMAP4REV1", "STARTTLS"],
    tls: ["IMAP4REV1", "AUTH=PLAIN"],
    loggedIn: null,
  },
  tls: {
    by: "starttls",
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    alpn: null,
    alpnOffered: ["imap"],
    serverName: "mail.example.com",
    certificate: {
      subject: "CN=mail.example.com",
      issuer: "CN=Some Authority That Has A Very Long Name,O=Some Organisation,C=DE",
      names: ["mail.example.com"],
      serial: "0A",
      fingerprint: "00".repeat(20),
      notBefore: "2026-01-01T00:00:00.000Z",
      notAfter: "2026-12-01T00:00:00.000Z",
      daysLeft: 9,
      verified: true,
      verdict: "ok",
    },
    chain: [{
      subject: "CN=Some Authority",
      issuer: "CN=Some Root",
      notAfter: "2026-11-25T00:00:00.000Z",
      daysLeft: 3,
    }],
    ocsp: {
      stapled: true,
      status: "good",
      thisUpdate: "2026-11-20T00:00:00.000Z",
      nextUpdate: "2026-11-27T00:00:00.000Z",
      required: true,
      detail: "",
    },
  },
  login: { user: "alice", method: "plain", ok: false, text: "go away" },
  messages: null,
  versions: null,
  checks: { injection: null, relay: null },
  findings: [
    { id: "login-failed", severity: "error", message: "alice could not log in | by plain" },
    { id: "tls-version-missing", severity: "info", message: "TLSv1.3 is not offered" },
  ],
  transcript: [
    { mark: "->", text: "a1 STARTTLS" },
    { mark: "<~", text: "a2 NO go away" },
  ],
};
const plain = { colors: pico.createColors(false), columns: 80, verbose: false };

const HUMAN = `imap://mail.example.com  192.0.2.1:143
+   connect      1.5 ms  192.0.2.1:143
+   TLS         20.3 ms  TLSv1.3 TLS_AES_128_GCM_SHA256
x   login       2100 ms  alice by plain: go\ufffd[31m away

TLS           TLSv1.3 TLS_AES_128_GCM_SHA256, by STARTTLS
ALPN          imap offered, nothing chosen
certificate   CN=mail.example.com, issued by CN=Some Authority That Has A Very
              Long Name,O=Some Organisation,C=DE
              names mail.example.com
              until 2026-12-01, 9 days left
              verified
chain         CN=Some Authority, until 2026-11-25, 3 days left
OCSP          stapled: good, from 2026-11-20 until 2026-11-27, which the
              certificate demands
capabilities  IMAP4REV1 STARTTLS
  under TLS   -STARTTLS +AUTH=PLAIN
login         alice by plain: go away

error[login-failed]: alice could not log in | by plain
info[tls-version-missing]: TLSv1.3 is not offered
1 to look at
`;

test("human", () => assert.equal(humanReport(REPORT, plain), HUMAN));

test("human: -v puts the dialogue first", () => {
  const text = humanReport(REPORT, { ...plain, verbose: true });
  assert.match(text, /^imap.*\n-> a1 STARTTLS\n<~ a2 NO go away\n\n\+ /);
});

test("human: colour changes nothing but colour", () => {
  const coloured = humanReport(REPORT, { ...plain, colors: pico.createColors(true) });
  assert.notEqual(coloured, HUMAN);
  // deno-lint-ignore no-control-regex
  assert.equal(coloured.replace(/\x1b\[\d+m/g, ""), HUMAN);
});

test("human: a narrow terminal gets narrow lines", () => {
  const lines = humanReport(REPORT, { ...plain, columns: 50 }).split("\n");
  assert.deepEqual(lines.filter((line) => line.length > 50), []);
});

test("the table: findings that do not fit stand below", () => {
  const row = (columns: number) =>
    summaryTable([REPORT], { ...plain, columns }).split("\n").slice(1);
  const start = "imap://mail.example.com  findings  TLSv1.3  9 d   2     61.3 ms";
  assert.deepEqual(row(80), [`${start}  login-failed`, ""]);
  assert.deepEqual(row(70), [start, "  login-failed", ""]);
});

test("the table: a long URL gives way", () => {
  const long = { ...REPORT, target: `imap://${"a".repeat(100)}.example.com` };
  const lines = summaryTable([long, REPORT], { ...plain, columns: 80 }).split("\n");
  assert.deepEqual(lines.filter((line) => line.length > 80), []);
  assert.match(lines[1], /^imap:\/\/a+\.\.\. {2}findings/);
});

const WARN = { days: 30, ms: 1000 };
const CRIT = { days: 7, ms: 10_000 };

test("nagios: one line, no bar but its own, thresholds in the perfdata", () => {
  const { state, text } = nagios([REPORT], WARN, CRIT);
  assert.equal(state, 2);
  assert.equal(
    text,
    "MAIL CRITICAL - imap://mail.example.com: alice could not log in / by plain | " +
      "'time'=61.25ms;1000;10000;0 'certificate_days'=9;30:;7: 'connect'=1.5ms;;;0 " +
      "'TLS'=20.25ms;;;0 'login'=2100ms;;;0\n",
  );
});

test("nagios: of several the gravest leads, and each has a line", () => {
  const fine: Report = { ...REPORT, findings: [], outcome: "fine", target: "pop3://b" };
  const { state, text } = nagios([fine, REPORT], WARN, CRIT);
  assert.equal(state, 2);
  const lines = text.split("\n");
  assert.match(
    lines[0],
    /^MAIL CRITICAL - 2 servers, imap:\/\/mail\.example\.com: alice.* \| '1_time'/,
  );
  assert.match(lines[1], /^OK: pop3:\/\/b: TLSv1\.3, certificate 9 days, 61 ms$/);
  assert.match(lines[2], /^CRITICAL: imap:/);
});

test("prometheus: values in base units, labels escaped", () => {
  const text = prometheus([{ ...REPORT, target: 'imap://a"b\\c' }]);
  assert.match(text, /^doorpost_probe_duration_seconds\{target="imap:\/\/a\\"b\\\\c"\} 0\.06125$/m);
  assert.match(text, /^doorpost_probe_login_ok\{[^}]*method="plain"\} 0$/m);
  assert.match(text, /^doorpost_probe_certificate_not_after_seconds\{[^}]*\} 1796083200$/m);
});
