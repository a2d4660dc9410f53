/** Each warning about an answer: one that draws it and one that does not. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { inspectResponse } from "../../../src/auth/response.ts";
import type { AuthHttpUrl } from "../../../src/config/settings.ts";
import { encode } from "../../../src/core/bytes.ts";
import { Secret } from "../../../src/core/secret.ts";
import { attemptOf } from "../../../src/probe/auth-question.ts";
import type { Secured } from "../../../src/probe/auth-tls.ts";
import { WARNING_RULES, warningsOf } from "../../../src/probe/auth-warnings.ts";
import type { AuthMethod, ProtocolName } from "../../../src/session/machine.ts";
import { ROOT } from "../../support/source.ts";

const GOOD = "Auth-Status: OK\r\nAuth-Server: 192.0.2.1\r\nAuth-Port: 143\r\n";
const DENIED = "Auth-Status: No\r\nAuth-Wait: 3\r\n";

interface Given {
  /** Header lines; behind `HTTP/1.0 200 OK`. */
  readonly lines?: string;
  readonly status?: string;
  readonly body?: string;
  readonly method?: AuthMethod;
  readonly protocol?: ProtocolName;
  readonly totalMs?: number;
  readonly host?: string;
  /** Over TLS, by a certificate that lasts so many days. */
  readonly daysLeft?: number;
}

const PAIRS: readonly (readonly [rule: string, firing: Given, silent: Given])[] = [
  ["auth-status-line", { status: "" }, {}],
  ["auth-http-status", { status: "HTTP/1.0 500 Oops\r\n" }, { status: "HTTP/1.1 204 None\r\n" }],
  ["auth-status-case", { lines: "Auth-Status: ok\r\n" }, { lines: "Auth-Status: Not ok\r\n" }],
  ["auth-server-name", { lines: GOOD.replace("192.0.2.1", "mx") }, {
    lines: GOOD.replace("192.0.2.1", "2001:db8::1"),
  }],
  ["auth-server-missing", { lines: "Auth-Status: OK\r\nAuth-Port: 143\r\n" }, { lines: DENIED }],
  ["auth-port-missing", { lines: "Auth-Status: OK\r\nAuth-Server: 192.0.2.1\r\n" }, {}],
  ["auth-tls-port", { lines: GOOD.replace("143", "993") }, { lines: GOOD.replace("143", "1993") }],
  ["auth-pass-missing", { method: "apop" }, { method: "apop", lines: `${GOOD}Auth-Pass: x\r\n` }],
  ["auth-pass-missing", { method: "cram-md5" }, { method: "plain" }],
  ["auth-pass-missing", { method: "external" }, { method: "external", lines: DENIED }],
  ["auth-pass-needless", { lines: `${DENIED}Auth-Pass: x\r\n` }, { lines: DENIED }],
  ["auth-wait-missing", { lines: "Auth-Status: No\r\n" }, { lines: DENIED }],
  ["auth-wait-missing", { lines: "Auth-Status: No\r\nAuth-Wait: 0\r\n" }, {}],
  ["auth-wait-invalid", { lines: "Auth-Status: No\r\nAuth-Wait: -1\r\n" }, { lines: DENIED }],
  ["auth-wait-ignored", { lines: `${GOOD}Auth-Wait: 3\r\n` }, { lines: DENIED }],
  ["auth-retry-unpaced", { lines: "Auth-Status: WAIT\r\n" }, {
    lines: "Auth-Status: WAIT\r\nAuth-Wait: 2\r\n",
  }],
  ["auth-error-code-unused", { lines: `${DENIED}Auth-Error-Code: 535 5.7.8\r\n` }, {
    lines: `${DENIED}Auth-Error-Code: 535 5.7.8\r\n`,
    protocol: "smtp",
  }],
  ["auth-error-code-form", { lines: `${DENIED}Auth-Error-Code: LIMIT\r\n`, protocol: "smtp" }, {
    lines: `${DENIED}Auth-Error-Code: 451 4.3.2\r\n`,
    protocol: "smtp",
  }],
  ["auth-header-case", { lines: GOOD.replace("Auth-Port", "auth-port") }, {}],
  ["auth-header-unknown", { lines: `${GOOD}Auth-Sever: x\r\n` }, { lines: `${GOOD}X-Auth: x\r\n` }],
  ["auth-header-twice", { lines: `${GOOD}Auth-Port: 144\r\n` }, {}],
  ["auth-set-cookie", { lines: `${GOOD}Set-Cookie: a=b\r\n` }, {}],
  ["auth-body", { body: "Hello" }, {}],
  ["auth-answer-size", { lines: `${GOOD}X-Long: ${"x".repeat(1100)}\r\n` }, {
    lines: `${GOOD}X-Long: ${"x".repeat(700)}\r\n`,
  }],
  ["auth-slow", { totalMs: 1500 }, { totalMs: 999 }],
  ["auth-pass-token", { method: "xoauth2" }, { method: "apop" }],
  ["auth-pass-token", { method: "oauthbearer", protocol: "smtp" }, {
    method: "oauthbearer",
    lines: `${GOOD}Auth-Pass: x\r\n`,
  }],
  ["auth-pass-missing", { method: "apop" }, { method: "xoauth2" }],
  ["auth-wait-long", { lines: "Auth-Status: No\r\nAuth-Wait: 31\r\n" }, {
    lines: "Auth-Status: No\r\nAuth-Wait: 30\r\n",
  }],
  ["auth-error-sasl-unused", { lines: `${DENIED}Auth-Error-SASL: e30=\r\n` }, {
    lines: `${DENIED}Auth-Error-SASL: e30=\r\n`,
    method: "xoauth2",
  }],
  ["auth-error-sasl-form", {
    lines: `${DENIED}Auth-Error-SASL: {"status":"401"}\r\n`,
    method: "oauthbearer",
  }, { lines: `${DENIED}Auth-Error-SASL: e30=\r\n`, method: "oauthbearer" }],
  ["auth-certificate-ends", { daysLeft: 29 }, { daysLeft: 30 }],
  ["auth-https-unserved", { daysLeft: 90 }, {}],
  ["auth-http-cleartext", { host: "192.0.2.9" }, { host: "127.0.0.1" }],
  ["auth-http-cleartext", { host: "192.0.2.9" }, { host: "192.0.2.9", daysLeft: 90 }],
];

function rulesOf(given: Given): readonly string[] {
  const { lines = GOOD, status = "HTTP/1.0 200 OK\r\n", body = "" } = given;
  const { method = "plain", protocol = "imap", totalMs = 5, host = "::1" } = given;
  const attempt = attemptOf({
    protocol,
    method,
    user: "john",
    password: new Secret("secret"),
    clientIp: "127.0.0.1",
    attempt: 1,
    envelope: null,
    tls: null,
    salt: "<1.2@mx>",
  }, () => new Secret("digest"));
  const answer = inspectResponse(encode(`${status}${lines}\r\n${body}`), attempt);
  const timings = { connectMs: 0, tlsMs: null, firstByteMs: 0, totalMs };
  const tls = given.daysLeft === undefined ? null : securedFor(given.daysLeft);
  const url: AuthHttpUrl = {
    tls: tls !== null,
    at: { is: "ip", address: host, port: 80 },
    host,
    uri: "/",
    text: host,
  };
  return warningsOf({ answer, attempt, timings, tls }, url).map(({ rule }) => rule);
}

function securedFor(daysLeft: number): Secured {
  const notAfter = "2031-01-01T00:00:00.000Z";
  const certificate = {
    subject: "CN=auth",
    issuer: "CN=CA",
    names: ["auth"],
    serial: "01",
    fingerprint: "00",
    notBefore: "2020-01-01T00:00:00.000Z",
    notAfter,
    daysLeft,
    verified: true,
    verdict: "ok",
  };
  return { protocol: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", certificate };
}

describe("warnings", () => {
  test("none about a good answer", () => assert.deepEqual(rulesOf({}), []));

  for (const [rule, firing, silent] of PAIRS) {
    test(`${rule}: ${JSON.stringify(firing)}`, () => {
      assert.ok(rulesOf(firing).includes(rule));
      assert.ok(!rulesOf(silent).includes(rule));
    });
  }

  test("each has its pair above", () => {
    assert.deepEqual(WARNING_RULES.filter((rule) => !PAIRS.some(([name]) => name === rule)), []);
  });

  test("each stands in docs/test-auth.md, and none else", () => {
    const page = readFileSync(join(ROOT, "docs", "test-auth.md"), "utf8");
    const listed = [...page.matchAll(/^\| `(auth-[a-z-]+)` \|/gm)].map(([, rule]) => rule);
    assert.deepEqual(listed.toSorted(), WARNING_RULES.toSorted());
  });
});
