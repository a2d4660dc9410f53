/** Where a target leads: look-ups, families, and `--connect-to`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatEndpoint } from "../../../src/net/address.ts";
import { endpointsOf, type ProbeOptions } from "../../../src/probe/options.ts";
import { parseConnectTo, parseTarget, type Target } from "../../../src/probe/target.ts";

const BOTH = ["2001:db8::1", "192.0.2.1"];
const lookup = (name: string) => Promise.resolve(name === "mail.test" ? BOTH : ["192.0.2.9"]);

type Case = readonly [url: string, family: 4 | 6 | null, to: string | null, expected: string[]];
const CASES: readonly Case[] = [
  ["imap://mail.test", null, null, ["[2001:db8::1]:143", "192.0.2.1:143"]],
  ["imap://mail.test", 4, null, ["192.0.2.1:143"]],
  ["imap://mail.test", 6, null, ["[2001:db8::1]:143"]],
  ["imap://other.test", 6, null, []],
  ["imap://192.0.2.5:99", null, null, ["192.0.2.5:99"]],
  ["imap://mail.test", null, "backend:1143", ["192.0.2.9:1143"]],
  ["imap://192.0.2.5:99", null, "backend", ["192.0.2.9:99"]],
  ["imap://mail.test", null, "unix:/run/x", ["unix:/run/x"]],
  ["imap://unix:/run/y", null, null, ["unix:/run/y"]],
];
for (const [url, family, to, expected] of CASES) {
  test(`${url}, family ${family}, --connect-to ${to}`, async () => {
    const connectTo = to === null ? null : parseConnectTo(to) as ProbeOptions["connectTo"];
    const found = await endpointsOf(parseTarget(url) as Target, { family, connectTo }, lookup);
    assert.deepEqual(found.map(formatEndpoint), expected);
  });
}
