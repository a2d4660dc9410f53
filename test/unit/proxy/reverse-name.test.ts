/** A client's reverse name: every row of the table, with its log lines, and names that attack. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat, encode } from "../../../src/core/bytes.ts";
import type { LogEvent } from "../../../src/core/log.ts";
import { type Endpoint, ip, unix } from "../../../src/net/address.ts";
import { Resolver } from "../../../src/net/resolver.ts";
import { reverseNameOf, TEMPUNAVAIL, UNAVAILABLE } from "../../../src/proxy/reverse-name.ts";
import {
  address,
  DnsRuntime,
  FORMERR,
  label,
  message,
  type NameServer,
  NOTIMP,
  NS1,
  NXDOMAIN,
  pointer,
  record,
  REFUSED,
  SERVFAIL,
  wireName,
} from "../../support/dns.ts";

const CLIENT = ip("192.0.2.1", 40000);
const CLIENT6 = ip("2001:db8::1", 40000);
const TIMEOUT = 30_000;

type Answer = readonly Uint8Array[] | number | null;

/** Records, an RCODE, or silence, to each kind of question. */
interface Zone {
  readonly ptr: Answer;
  readonly a?: Answer;
  readonly aaaa?: Answer;
}

function serverOf({ ptr, a = [], aaaa = [] }: Zone): NameServer {
  return (query, reply) => {
    const answer = query.type === "PTR" ? ptr : query.type === "A" ? a : aaaa;
    if (answer === null) return;
    reply(message(query, typeof answer === "number" ? { rcode: answer } : { answers: answer }));
  };
}

async function lookUp(zone: Zone, client: Endpoint = CLIENT, ipv4 = true) {
  const runtime = new DnsRuntime();
  runtime.serve(NS1, serverOf(zone));
  const settings = { servers: [NS1], valid: null, ipv4, ipv6: true };
  const events: LogEvent[] = [];
  let name: string | undefined;
  reverseNameOf(client, new Resolver(runtime, settings, TIMEOUT), (event) => events.push(event))
    .then((found) => name = found);
  await runtime.advance(2 * TIMEOUT);
  const log = events.map(({ level, message, doing }) => `${level}: ${message} while ${doing}`);
  return { name, log, asked: runtime.asked.map((line) => line.split(" ").slice(1).join(" ")) };
}

const PTR = [pointer("Mail.Example")];
const ASKED = "PTR 1.2.0.192.in-addr.arpa";
const NO_ADDRESS = (why: string) =>
  `error: 192.0.2.1 could not be resolved (${why}) while in resolving client address`;
const NO_NAME = (why: string) =>
  `error: "Mail.Example" could not be resolved (${why}) while in resolving client hostname`;

describe("the reverse name", () => {
  const rows: readonly (readonly [what: string, Zone, name: string, log: readonly string[]])[] = [
    ["PTR NXDOMAIN", { ptr: NXDOMAIN }, UNAVAILABLE, [NO_ADDRESS("3: Host not found")]],
    ["PTR empty", { ptr: [] }, UNAVAILABLE, [NO_ADDRESS("3: Host not found")]],
    ["PTR FORMERR", { ptr: FORMERR }, TEMPUNAVAIL, [NO_ADDRESS("1: Format error")]],
    ["PTR SERVFAIL", { ptr: SERVFAIL }, TEMPUNAVAIL, [NO_ADDRESS("2: Server failure")]],
    ["PTR NOTIMP", { ptr: NOTIMP }, TEMPUNAVAIL, [NO_ADDRESS("4: Unimplemented")]],
    ["PTR REFUSED", { ptr: REFUSED }, TEMPUNAVAIL, [NO_ADDRESS("5: Operation refused")]],
    ["PTR time-out", { ptr: null }, TEMPUNAVAIL, [NO_ADDRESS("110: Operation timed out")]],
    [
      "forward NXDOMAIN",
      { ptr: PTR, a: NXDOMAIN },
      UNAVAILABLE,
      [NO_NAME("3: Host not found")],
    ],
    ["forward empty", { ptr: PTR }, UNAVAILABLE, [NO_NAME("3: Host not found")]],
    [
      "forward SERVFAIL",
      { ptr: PTR, a: SERVFAIL },
      TEMPUNAVAIL,
      [NO_NAME("2: Server failure")],
    ],
    [
      "forward REFUSED",
      { ptr: PTR, a: REFUSED },
      TEMPUNAVAIL,
      [NO_NAME("5: Operation refused")],
    ],
    ["forward time-out", { ptr: PTR, a: null }, TEMPUNAVAIL, [NO_NAME("110: Operation timed out")]],
    ["forward elsewhere", { ptr: PTR, a: [address(null, "192.0.2.2")] }, UNAVAILABLE, []],
    [
      "forward of the other family",
      { ptr: PTR, aaaa: [address(null, "2001:db8::1")] },
      UNAVAILABLE,
      [NO_NAME("3: Host not found")],
    ],
    ["a match", { ptr: PTR, a: [address(null, "192.0.2.1")] }, "mail.example", []],
    [
      "a match among others",
      { ptr: PTR, a: [address(null, "192.0.2.2"), address(null, "192.0.2.1")], aaaa: null },
      "mail.example",
      [],
    ],
    [
      "several names: the first",
      { ptr: [...PTR, pointer("b.example")], a: [address(null, "192.0.2.1")] },
      "mail.example",
      [],
    ],
  ];
  for (const [what, zone, name, log] of rows) {
    test(`${what}: ${name}`, async () => {
      const result = await lookUp(zone);
      assert.deepEqual([result.name, result.log], [name, log]);
      const asksForward = Array.isArray(zone.ptr) && zone.ptr.length > 0;
      const forward = asksForward ? ["A Mail.Example"] : [];
      assert.deepEqual([...new Set(result.asked)], [ASKED, ...forward]);
    });
  }

  test("of an IPv6 client", async () => {
    const zone = { ptr: PTR, a: NXDOMAIN, aaaa: [address(null, "2001:db8::1")] };
    const { name, asked } = await lookUp(zone, CLIENT6);
    assert.equal(name, "mail.example");
    assert.equal(asked[1], "AAAA Mail.Example");
    assert.match(asked[0], /^PTR 1\.0\.0\..*\.8\.b\.d\.0\.1\.0\.0\.2\.ip6\.arpa$/);
  });

  test("of a client whose family is off", async () => {
    const { name, log, asked } = await lookUp({ ptr: PTR }, CLIENT, false);
    assert.deepEqual([name, log, asked], [UNAVAILABLE, [], [ASKED]]);
  });

  test("of a unix client is not asked for", async () => {
    const { name, log, asked } = await lookUp({ ptr: PTR }, unix("/run/x"));
    assert.deepEqual([name, log, asked], [TEMPUNAVAIL, [], []]);
  });
});

describe("a name that attacks (CVE-2026-28753)", () => {
  const long = (last: number) => [63, 63, 63, last].map((size) => "n".repeat(size)).join(".");
  const names: readonly (readonly [what: string, labels: readonly string[], shown: string])[] = [
    ["spaces", ["mail example", "com"], "mail example.com"],
    ["a second XCLIENT attribute", ["x ADDR=127", "0", "0", "1"], "x ADDR=127.0.0.1"],
    ["a line break", ["x\r\nAuth-User: root", "example"], "x\\r\\nAuth-User: root.example"],
    ["LF alone", ["x\nQUIT"], "x\\nQUIT"],
    ["a line break at the end", ["mail", "example\n"], "mail.example\\n"],
    ["NUL", ["mail\0", "example"], "mail\\x00.example"],
    ["one of our own words", ["[UNAVAILABLE]"], "[UNAVAILABLE]"],
    ["another of them", ["[TEMPUNAVAIL]"], "[TEMPUNAVAIL]"],
    ["8-bit bytes", ["m\xe4il", "example"], "m\xe4il.example"],
    ["UTF-8", ["m\xc3\xa4il", "example"], "m\xc3\xa4il.example"],
    ["an underscore", ["my_host", "example"], "my_host.example"],
    ["a percent sign", ["%0d%0a"], "%0d%0a"],
    ["a quote", ['x" while', "example"], 'x" while.example'],
    ["an address", ["192.0.2.1"], "192\\\\.0\\\\.2\\\\.1"],
    ["brackets around an address", ["[192", "0", "2", "1]"], "[192.0.2.1]"],
    ["a colon", ["::1"], "::1"],
    ["a dot inside a label", ["mail.example"], "mail\\\\.example"],
    ["a dot at the end of a label", ["mail.", "example"], "mail\\\\..example"],
    ["no label at all", [], ""],
  ];
  for (const [what, labels, shown] of names) {
    test(`${what} is nobody's name`, async () => {
      const data = concat([...labels.map(label), encode("\0")]);
      const { name, log, asked } = await lookUp({ ptr: [record(null, "PTR", data)] });
      assert.equal(name, TEMPUNAVAIL);
      assert.deepEqual(log, [
        `error: 192.0.2.1 resolved to invalid host name "${shown}" while in resolving client address`,
      ]);
      assert.deepEqual(asked, [ASKED], "and is not looked up");
    });
  }

  test("253 characters are a name, 254 are not", async () => {
    const a = [address(null, "192.0.2.1")];
    assert.equal((await lookUp({ ptr: [pointer(long(61))], a })).name, long(61));
    const { name, log } = await lookUp({ ptr: [pointer(long(62))], a });
    assert.deepEqual([name, log], [TEMPUNAVAIL, [NO_ADDRESS("1: Format error")]]);
  });

  test("a hostile CNAME on the way does no harm", async () => {
    const alias = "x\r\ny z";
    const zone = {
      ptr: [
        record(null, "CNAME", wireName(alias)),
        record(alias, "PTR", wireName("mail.example")),
      ],
      a: [address(null, "192.0.2.1")],
    };
    assert.equal((await lookUp(zone)).name, "mail.example");
  });
});
