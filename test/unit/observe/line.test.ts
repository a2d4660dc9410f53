/** nginx's line form of a log event, and the two promises about it: one line, suffix intact. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { toByteString } from "../../../src/core/bytes.ts";
import { LOG_LINE } from "../../../src/core/limits.ts";
import type { LogContext, LogEvent } from "../../../src/core/log.ts";
import { formatLine, timestamp } from "../../../src/observe/line.ts";
import { NOON } from "./fakes.ts";

const STAMP = "2026/08/05 12:34:56";

const SESSION: LogContext = {
  connection: 1,
  client: "127.0.0.1",
  starttls: false,
  server: "127.0.0.1:143",
  login: "u",
  upstream: "10.0.0.5:143",
};

function line(event: Partial<LogEvent>, context?: Partial<LogContext>): string {
  const whole: LogEvent = { level: "info", message: "", ...event };
  return formatLine(whole, context && { ...SESSION, ...context }, STAMP, 12);
}

const HEAD = `${STAMP} [info] 12#0: *1 `;

const LINES: readonly [string, Partial<LogEvent>, Partial<LogContext> | undefined, string][] = [
  [
    "outside any session",
    { level: "notice", message: "reconfiguring" },
    undefined,
    `${STAMP} [notice] 12#0: reconfiguring`,
  ],
  [
    "connected: no suffix",
    { message: "client 127.0.0.1:45972 connected to 127.0.0.1:143" },
    { client: "" },
    `${HEAD}client 127.0.0.1:45972 connected to 127.0.0.1:143`,
  ],
  [
    "login failed: no backend yet",
    { message: 'client login failed: "bad"', doing: "in http auth state" },
    { upstream: "" },
    `${HEAD}client login failed: "bad" while in http auth state, client: 127.0.0.1, server: 127.0.0.1:143, login: "u"`,
  ],
  [
    "logged in",
    { message: "client logged in" },
    {},
    `${HEAD}client logged in, client: 127.0.0.1, server: 127.0.0.1:143, login: "u", upstream: 10.0.0.5:143`,
  ],
  [
    "logged in, with both connections: behind all that nginx says",
    { message: "client logged in" },
    { link: "[127.0.0.1:5-127.0.0.1:143] <=> [127.0.0.1:6-10.0.0.5:143]" },
    `${HEAD}client logged in, client: 127.0.0.1, server: 127.0.0.1:143, login: "u", upstream: 10.0.0.5:143, [127.0.0.1:5-127.0.0.1:143] <=> [127.0.0.1:6-10.0.0.5:143]`,
  ],
  [
    "errno stands before what was being done",
    {
      message: "upstream timed out",
      errno: "(110: Connection timed out)",
      doing: "connecting to upstream",
    },
    { login: "" },
    `${HEAD}upstream timed out (110: Connection timed out) while connecting to upstream, client: 127.0.0.1, server: 127.0.0.1:143, upstream: 10.0.0.5:143`,
  ],
  [
    "after STARTTLS",
    { message: "client timed out", doing: "in auth state" },
    { starttls: true, login: "", upstream: "" },
    `${HEAD}client timed out while in auth state, client: 127.0.0.1 using starttls, server: 127.0.0.1:143`,
  ],
];

for (const [name, event, context, expected] of LINES) {
  test(`line: ${name}`, () => assert.equal(line(event, context), expected));
}

test("a login cannot end the line or pose as a field", () => {
  const login = 'a\r\nb\x00"\\, client: 1.2.3.4';
  assert.ok(
    line({ message: "m" }, { login, upstream: "" })
      .endsWith('login: "a\\r\\nb\\x00\\"\\\\, client: 1.2.3.4"'),
  );
});

test("no field brings a control character into the line", () => {
  const evil = "x\n\x1b[31m\x7f";
  const made = line({ message: evil, errno: evil }, { client: evil, server: evil, upstream: evil });
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(made, /[\x00-\x1f\x7f]/);
});

test("a text of characters becomes UTF-8, a byte string stays as it is", () => {
  assert.ok(line({ message: "\u20ac" }).endsWith("\xe2\x82\xac"));
  assert.ok(line({ message: "\xc3\xbc" }).endsWith("\xc3\xbc"));
});

test("a long line loses its message's end and keeps its suffix", () => {
  const made = line({ message: "x".repeat(5000) }, {});
  assert.equal(made.length, LOG_LINE - 1, "the line end is counted too");
  assert.ok(made.startsWith(`${HEAD}xxx`));
  assert.ok(
    made.endsWith(
      'x..., client: 127.0.0.1, server: 127.0.0.1:143, login: "u", upstream: 10.0.0.5:143',
    ),
  );
});

test("a line of exactly the limit is whole", () => {
  const room = LOG_LINE - 1 - HEAD.length;
  assert.equal(line({ message: "x".repeat(room) }, { client: "" }), HEAD + "x".repeat(room));
  assert.ok(line({ message: "x".repeat(room + 1) }, { client: "" }).endsWith("x..."));
});

test("a cut never splits a UTF-8 character", () => {
  for (let pad = 0; pad < 4; pad++) {
    const made = line({ message: "x".repeat(pad) + toByteString("\u20ac".repeat(2000)) }, {});
    const message = made.slice(HEAD.length + pad, made.indexOf("..."));
    assert.equal(message.length % 3, 0);
    assert.ok(made.length <= LOG_LINE - 1);
  }
});

test("the longest login leaves room for the message", () => {
  const made = line({ message: "client login failed" }, { login: "\x01".repeat(4096) });
  assert.ok(made.includes("client login failed, client: "));
  assert.ok(made.length < LOG_LINE);
});

test("the stamp is local time, two digits each", () => {
  assert.equal(timestamp(NOON), STAMP);
  assert.equal(timestamp(new Date(2026, 0, 2, 3, 4, 5).getTime()), "2026/01/02 03:04:05");
});
