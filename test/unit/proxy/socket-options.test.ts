/** Options of a socket that a listener cannot have are said: where it is shared, and where it stays open. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keptOptions, sharingFindings } from "../../../src/proxy/socket-options.ts";
import { settingsOf } from "../../support/settings.ts";

function serversOf(...listens: readonly string[]) {
  const blocks = listens.map((listen) =>
    `[[server]]\nprotocol = "imap"\nlisten = ${JSON.stringify(listen)}\n`
  );
  return settingsOf(`auth_http = "127.0.0.1:9"\n${blocks.join("")}`).servers;
}

describe("beside a wildcard on the same port", () => {
  const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["143", "127.0.0.1:143"], []],
    [["143 backlog=9", "127.0.0.1:143"], []],
    [["143 backlog=9", "127.0.0.1:143 backlog=9"], []],
    [["143", "127.0.0.1:143 backlog=9"], [
      'backlog of "127.0.0.1:143" has no effect: it shares the socket of "0.0.0.0:143"',
    ]],
    [["[::]:143", "[::1]:143 rcvbuf=8k so_keepalive=on"], [
      'rcvbuf of "[::1]:143" has no effect: it shares the socket of "[::]:143"',
      'so_keepalive of "[::1]:143" has no effect: it shares the socket of "[::]:143"',
    ]],
    // Its own socket, another port, another family.
    [["143", "127.0.0.1:143 backlog=9 bind"], []],
    [["143", "127.0.0.1:144 backlog=9"], []],
    [["143", "[::1]:143 backlog=9"], []],
    [["unix:/a", "127.0.0.1:143 backlog=9"], []],
  ];
  for (const [listens, said] of cases) {
    test(listens.join(" and "), () => {
      const findings = sharingFindings(serversOf(...listens));
      assert.deepEqual(findings.map(({ message }) => message), said);
      assert.ok(findings.every(({ severity }) => severity === "warning"));
    });
  }
});

describe("after a reload", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["127.0.0.1:143", "127.0.0.1:143", []],
    ["127.0.0.1:143 backlog=5", "127.0.0.1:144 backlog=6", []],
    ["127.0.0.1:143 backlog=5", "127.0.0.1:143 backlog=6", [
      'backlog of "127.0.0.1:143" has no effect before a restart: its socket stays open',
    ]],
    ["[::]:143", "[::]:143 ipv6only=off sndbuf=8k so_keepalive=1m::", [
      'sndbuf of "[::]:143" has no effect before a restart: its socket stays open',
      'so_keepalive of "[::]:143" has no effect before a restart: its socket stays open',
      'ipv6only of "[::]:143" has no effect before a restart: its socket stays open',
    ]],
  ];
  for (const [before, after, said] of cases) {
    test(`${before}, then ${after}`, () => {
      const [one, other] = [before, after].map((listen) => serversOf(listen));
      assert.deepEqual(keptOptions(one, other), said);
    });
  }
});
