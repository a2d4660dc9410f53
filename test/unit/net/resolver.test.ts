/** The resolver: whom it asks, whom it believes, what it remembers, how it fails. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../src/core/bytes.ts";
import { DNS_ASKING, DNS_CACHE, DNS_MESSAGE, DNS_RETRY_MS } from "../../../src/core/limits.ts";
import { ip } from "../../../src/net/address.ts";
import {
  type Resolved,
  Resolver,
  type ResolverSettings,
  reverseName,
  sameAddress,
} from "../../../src/net/resolver.ts";
import { ONE_BYTE } from "../../../src/runtime/memory.ts";
import {
  address,
  DnsRuntime,
  FORMERR,
  message,
  type NameServer,
  NS1,
  NS2,
  NS6,
  NXDOMAIN,
  pointer,
  type Query,
  REFUSED,
  SERVFAIL,
  uint16,
} from "../../support/dns.ts";

const TIMEOUT = 30_000;
const TRUNCATED = 0x8380;

const found = (...values: string[]): Resolved => ({ is: "found", values });
const failed = (code: number, text: string): Resolved => ({ is: "failed", code, text });
const NOT_FOUND = failed(3, "Host not found");
const SERVER_FAILURE = failed(2, "Server failure");
const TIMED_OUT = failed(110, "Operation timed out");

function setUp(
  servers: Readonly<Record<string, NameServer>> = {},
  settings: Partial<ResolverSettings> = {},
  timeout = TIMEOUT,
) {
  const runtime = new DnsRuntime();
  for (const [host, server] of Object.entries(servers)) runtime.serve(ip(host, 53), server);
  const at = settings.servers ?? Object.keys(servers).map((host) => ip(host, 53));
  const all = { valid: null, ipv4: true, ipv6: false, ...settings, servers: at };
  return { runtime, resolver: new Resolver(runtime, all, timeout) };
}

/** The result once the clock has moved, with how long that took. */
async function after(runtime: DnsRuntime, ask: Promise<Resolved>, longest = TIMEOUT + 1000) {
  const start = runtime.clock.monotonic();
  let result: Resolved | undefined;
  ask.then((resolved) => result = resolved);
  await runtime.settle();
  while (result === undefined && runtime.clock.monotonic() - start < longest) {
    await runtime.advance(100);
  }
  return { result, ms: runtime.clock.monotonic() - start };
}

const says = (...values: string[]): NameServer => (query, reply) =>
  reply(message(query, {
    answers: values.map((value) => query.type === "PTR" ? pointer(value) : address(null, value)),
  }));
const refuses = (rcode: number): NameServer => (query, reply) => reply(message(query, { rcode }));
const silent: NameServer = () => {};
const HOST1 = "192.0.2.53";
const HOST2 = "192.0.2.54";

describe("asking", () => {
  test("the names of an address", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: says("mail.example") });
    assert.deepEqual(await resolver.names("192.0.2.1"), found("mail.example"));
    assert.deepEqual(await resolver.names("2001:db8::1"), found("mail.example"));
    assert.deepEqual(runtime.asked, [
      "192.0.2.53:53 PTR 1.2.0.192.in-addr.arpa",
      `192.0.2.53:53 PTR 1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`,
    ]);
  });

  const families: readonly (readonly [ipv4: boolean, ipv6: boolean, asked: string, Resolved])[] = [
    [true, false, "A", found("192.0.2.1")],
    [false, true, "AAAA", found("2001:db8::1")],
    [true, true, "A AAAA", found("192.0.2.1", "2001:db8::1")],
  ];
  for (const [ipv4, ipv6, types, expected] of families) {
    test(`the addresses of a name: ${types}`, async () => {
      const server: NameServer = (query, reply) =>
        says(query.type === "A" ? "192.0.2.1" : "2001:db8::1")(query, reply);
      const { runtime, resolver } = setUp({ [HOST1]: server }, { ipv4, ipv6 });
      assert.deepEqual(await resolver.addresses("mail.example"), expected);
      assert.equal(runtime.asked.map((line) => line.split(" ")[1]).join(" "), types);
    });
  }

  test("of one family alone, where only those matter", async () => {
    const server: NameServer = (query, reply) => {
      if (query.type === "A") says("192.0.2.1")(query, reply);
    };
    const { resolver } = setUp({ [HOST1]: server }, { ipv6: true });
    assert.deepEqual(await resolver.addresses("mail.example", 4), found("192.0.2.1"));
    const off = setUp({ [HOST1]: server });
    assert.deepEqual(await off.resolver.addresses("mail.example", 6), found());
    assert.equal(off.runtime.opened, 0);
  });

  test("one family alone is enough; a failure that may pass counts more than no such name", async () => {
    const server = (a: NameServer, aaaa: NameServer): NameServer => (query, reply) =>
      (query.type === "A" ? a : aaaa)(query, reply);
    const cases: readonly (readonly [NameServer, NameServer, Resolved])[] = [
      [refuses(SERVFAIL), says("2001:db8::1"), found("2001:db8::1")],
      [says("192.0.2.1"), refuses(NXDOMAIN), found("192.0.2.1")],
      [refuses(NXDOMAIN), refuses(SERVFAIL), SERVER_FAILURE],
      [refuses(REFUSED), refuses(NXDOMAIN), failed(5, "Operation refused")],
      [refuses(NXDOMAIN), refuses(NXDOMAIN), NOT_FOUND],
    ];
    for (const [a, aaaa, expected] of cases) {
      const { resolver } = setUp({ [HOST1]: server(a, aaaa) }, { ipv6: true });
      assert.deepEqual(await resolver.addresses("mail.example"), expected);
    }
  });

  test("a server with an IPv6 address, in whatever form it was configured", async () => {
    for (const host of ["2001:db8::53", "2001:DB8:0:0::53"]) {
      const { runtime, resolver } = setUp({}, { servers: [ip(host, 53)] });
      runtime.serve(NS6, says("192.0.2.1"));
      assert.deepEqual(await resolver.addresses("mail.example"), found("192.0.2.1"));
    }
  });

  test("what is no name or address is not asked for", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: says("192.0.2.1") });
    for (const name of ["", "a..b", "a.", `${"a".repeat(64)}.b`, "a".repeat(254)]) {
      assert.deepEqual(await resolver.addresses(name), failed(1, "Format error"));
    }
    for (const address of ["", "mail.example", "fe80::1%eth0", "1.2.3"]) {
      assert.deepEqual(await resolver.names(address), failed(1, "Format error"));
    }
    assert.equal(runtime.opened, 0);
  });

  test("without any server", async () => {
    const { resolver } = setUp();
    assert.deepEqual(await resolver.names("192.0.2.1"), SERVER_FAILURE);
  });
});

describe("failures", () => {
  const codes: readonly (readonly [rcode: number, Resolved])[] = [
    [FORMERR, failed(1, "Format error")],
    [SERVFAIL, SERVER_FAILURE],
    [NXDOMAIN, NOT_FOUND],
    [4, failed(4, "Unimplemented")],
    [REFUSED, failed(5, "Operation refused")],
    [9, failed(9, "Unknown error")],
  ];
  for (const [rcode, expected] of codes) {
    test(`RCODE ${rcode} of the only server is final`, async () => {
      const { runtime, resolver } = setUp({ [HOST1]: refuses(rcode) });
      assert.deepEqual(await resolver.names("192.0.2.1"), expected);
      assert.equal(runtime.asked.length, 1);
      assert.equal(runtime.open, 0);
    });
  }

  test("NXDOMAIN is every server's answer, the others are asked about the rest", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: refuses(NXDOMAIN), [HOST2]: says("a.example") });
    assert.deepEqual(await resolver.names("192.0.2.1"), NOT_FOUND);
    assert.equal(runtime.asked.length, 1);
    for (const rcode of [FORMERR, SERVFAIL, REFUSED]) {
      const { resolver } = setUp({ [HOST1]: refuses(rcode), [HOST2]: says("a.example") });
      assert.deepEqual(await resolver.names("192.0.2.1"), found("a.example"));
    }
  });

  test("all servers fail", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: refuses(SERVFAIL), [HOST2]: refuses(REFUSED) });
    assert.deepEqual(await resolver.names("192.0.2.1"), failed(5, "Operation refused"));
    assert.equal(runtime.asked.length, 2);
  });

  test("a silent server is asked again until resolver_timeout", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: silent });
    const { result, ms } = await after(runtime, resolver.names("192.0.2.1"));
    assert.deepEqual(result, TIMED_OUT);
    assert.equal(ms, TIMEOUT);
    assert.equal(runtime.asked.length, TIMEOUT / DNS_RETRY_MS);
    assert.equal(runtime.open, 0, "no socket is left");
    assert.equal(runtime.clock.pending, 0, "no timer is left");
  });

  test("a short resolver_timeout is kept", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: silent }, {}, 300);
    const { result, ms } = await after(runtime, resolver.names("192.0.2.1"));
    assert.deepEqual([result, ms], [TIMED_OUT, 300]);
  });

  test("the next server is asked after a silent one", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: silent, [HOST2]: says("a.example") });
    const { result, ms } = await after(runtime, resolver.names("192.0.2.1"));
    assert.deepEqual([result, ms], [found("a.example"), DNS_RETRY_MS]);
  });

  test("a server that fails and one that is silent: the failure, soon", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: refuses(SERVFAIL), [HOST2]: silent });
    const { result, ms } = await after(runtime, resolver.names("192.0.2.1"));
    assert.deepEqual([result, ms], [SERVER_FAILURE, DNS_RETRY_MS]);
  });

  test("questions go to the servers in turn", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: says("a.example"), [HOST2]: says("b.example") });
    for (let i = 1; i <= 4; i++) await resolver.names(`192.0.2.${i}`);
    const hosts = runtime.asked.map((line) => line.split(":")[0]);
    assert.deepEqual(hosts, [HOST1, HOST2, HOST1, HOST2]);
  });

  test("no socket to be had", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: says("a.example") });
    runtime.exhausted = true;
    assert.deepEqual(await resolver.names("192.0.2.1"), SERVER_FAILURE);
    runtime.exhausted = false;
    assert.deepEqual(await resolver.names("192.0.2.1"), found("a.example"));
  });
});

describe("forgeries", () => {
  const forged = (query: Query, id = query.id) =>
    message(query, { id, answers: [pointer("forged.example")] });
  const cases: readonly (readonly [what: string, NameServer])[] = [
    ["a wrong id", (query, reply) => reply(forged(query, query.id ^ 1))],
    ["a wrong question", (query, reply) =>
      reply(message(query, {
        question: concat([query.question.slice(0, -4), uint16(16), uint16(1)]),
        answers: [pointer("forged.example")],
      }))],
    ["a wrong source address", (query, reply) => reply(forged(query), NS2)],
    ["a wrong source port", (query, reply) => reply(forged(query), ip(HOST1, 54))],
    ["a unix source", (query, reply) => reply(forged(query), { is: "unix", path: "x" })],
    ["our own question", (query, reply) => reply(message(query, { flags: 0x0100 }))],
    ["nothing", (_query, reply) => reply(new Uint8Array(0))],
    ["garbage", (_query, reply) => reply(new Uint8Array(700).fill(0xff))],
    ["half an answer", (query, reply) => reply(forged(query).subarray(0, 20))],
  ];
  for (const [what, forge] of cases) {
    test(`${what} is passed over, the true answer still comes`, async () => {
      const { resolver } = setUp({
        [HOST1]: (query, reply) => {
          forge(query, reply);
          forge(query, reply);
          says("true.example")(query, reply);
        },
      });
      assert.deepEqual(await resolver.names("192.0.2.1"), found("true.example"));
    });
    test(`${what} alone is no answer`, async () => {
      const { runtime, resolver } = setUp({ [HOST1]: forge }, {}, 1000);
      const { result } = await after(runtime, resolver.names("192.0.2.1"));
      assert.deepEqual(result, TIMED_OUT);
    });
  }

  test("each try has an id and a socket of its own", async () => {
    const ids = new Set<number>();
    const { runtime, resolver } = setUp({ [HOST1]: (query) => void ids.add(query.id) });
    await after(runtime, resolver.names("192.0.2.1"));
    assert.equal(ids.size, TIMEOUT / DNS_RETRY_MS);
    assert.equal(runtime.opened, TIMEOUT / DNS_RETRY_MS);
  });

  test("an answer to an earlier try comes too late", async () => {
    const late: (() => void)[] = [];
    const { runtime, resolver } = setUp(
      {
        [HOST1]: (query, reply) => void late.push(() => reply(forged(query))),
      },
      {},
      DNS_RETRY_MS * 2,
    );
    const asking = resolver.names("192.0.2.1");
    await runtime.advance(DNS_RETRY_MS + 1);
    late[0]();
    assert.deepEqual((await after(runtime, asking)).result, TIMED_OUT);
  });
});

describe("truncated answers", () => {
  const cut: NameServer = (query, reply) => reply(message(query, { flags: TRUNCATED }));
  const stream = (bytes: Uint8Array) => concat([uint16(bytes.length), bytes]);
  const many = Array.from({ length: 30 }, (_, i) => `192.0.2.${i}`);
  const whole = (query: Query) => message(query, { answers: many.map((at) => address(null, at)) });

  test("are fetched again by TCP, in whatever pieces they come", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: cut });
    runtime.chunking = ONE_BYTE;
    await runtime.serveTcp(NS1, (query) => [stream(whole(query))]);
    const { result } = await after(runtime, resolver.addresses("mail.example"));
    assert.deepEqual(result, found(...many));
    assert.deepEqual(runtime.asked, [
      "192.0.2.53:53 A mail.example",
      "tcp 192.0.2.53:53 A mail.example",
    ]);
    assert.equal(runtime.clock.pending, 0);
  });

  const useless: readonly (readonly [what: string, (query: Query) => readonly Uint8Array[]])[] = [
    ["nothing", () => []],
    ["half a length", () => [Uint8Array.of(0)]],
    ["half an answer", (query) => [stream(whole(query)).subarray(0, 40)]],
    ["an empty message", () => [uint16(0)]],
    ["too long a message", () => [uint16(DNS_MESSAGE + 1), new Uint8Array(1000)]],
    ["garbage", () => [stream(new Uint8Array(300).fill(0xff))]],
    ["another id", (query) => [stream(message(query, { id: query.id ^ 1, rcode: NXDOMAIN }))]],
    ["a truncated answer again", (query) => [stream(message(query, { flags: TRUNCATED }))]],
  ];
  for (const [what, answer] of useless) {
    test(`${what} by TCP is that server's failure, and does not loop`, async () => {
      const { runtime, resolver } = setUp({ [HOST1]: cut });
      await runtime.serveTcp(NS1, answer, what === "too long a message");
      const { result, ms } = await after(runtime, resolver.addresses("mail.example"));
      assert.deepEqual([result, ms], [SERVER_FAILURE, 0]);
      assert.equal(runtime.asked.length, 2);
    });
  }

  test("nobody listens by TCP: the next server is asked, or it is a failure", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: cut, [HOST2]: says("192.0.2.1") });
    const first = await after(runtime, resolver.addresses("mail.example"));
    assert.deepEqual([first.result, first.ms], [found("192.0.2.1"), 0]);
    const alone = setUp({ [HOST1]: cut });
    const { result, ms } = await after(alone.runtime, alone.resolver.addresses("mail.example"));
    assert.deepEqual([result, ms], [SERVER_FAILURE, 0]);
  });

  test("a connection that hangs costs no more than the server's time", async () => {
    const { runtime, resolver } = setUp({
      [HOST1]: (query, reply) => void runtime.clock.after(2000, () => cut(query, reply)),
    });
    runtime.network.hang(NS1);
    const { result, ms } = await after(runtime, resolver.addresses("mail.example"));
    assert.deepEqual([result, ms], [TIMED_OUT, TIMEOUT]);
    assert.equal(runtime.asked.length, TIMEOUT / DNS_RETRY_MS);
    assert.equal(runtime.clock.pending, 0);
  });
});

describe("the cache", () => {
  const counted = (ttl: number) => {
    const server = { questions: 0 };
    const answers: NameServer = (query, reply) => {
      server.questions++;
      reply(message(query, { answers: [pointer(`n${server.questions}.example`, ttl)] }));
    };
    return { server, answers };
  };

  const lifetimes: readonly (readonly [ttl: number, valid: number | null, ms: number])[] = [
    [60, null, 60_000],
    [1, null, 1000],
    [60, 10_000, 10_000],
    [1, 10_000, 10_000],
  ];
  for (const [ttl, valid, ms] of lifetimes) {
    test(`TTL ${ttl} s, valid ${valid}: kept for ${ms} ms`, async () => {
      const { server, answers } = counted(ttl);
      const { runtime, resolver } = setUp({ [HOST1]: answers }, { valid });
      assert.deepEqual(await resolver.names("192.0.2.1"), found("n1.example"));
      await runtime.advance(ms - 1);
      assert.deepEqual(await resolver.names("192.0.2.1"), found("n1.example"));
      await runtime.advance(1);
      assert.deepEqual(await resolver.names("192.0.2.1"), found("n2.example"));
      assert.equal(server.questions, 2);
    });
  }

  for (const [ttl, valid] of [[0, null], [60, 0]] as const) {
    test(`TTL ${ttl} s, valid ${valid}: not kept`, async () => {
      const { server, answers } = counted(ttl);
      const { resolver } = setUp({ [HOST1]: answers }, { valid });
      await resolver.names("192.0.2.1");
      await resolver.names("192.0.2.1");
      assert.equal(server.questions, 2);
    });
  }

  test("knows names in any letter case, and types apart", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: says("192.0.2.1") });
    await resolver.addresses("Mail.Example");
    await resolver.addresses("mAIL.eXAMPLE");
    assert.equal(runtime.asked.length, 1);
    await resolver.names("192.0.2.1").catch(() => {});
    assert.equal(runtime.asked.length, 2);
  });

  test("keeps no failure", async () => {
    let rcode = SERVFAIL;
    const { resolver } = setUp({ [HOST1]: (query, reply) => refuses(rcode)(query, reply) });
    assert.deepEqual(await resolver.names("192.0.2.1"), SERVER_FAILURE);
    rcode = NXDOMAIN;
    assert.deepEqual(await resolver.names("192.0.2.1"), NOT_FOUND);
  });

  test("a renewed answer is not the oldest any more", async () => {
    const nth = (i: number) => `10.0.${i >> 8}.${i & 255}`;
    const ttl = (name: string) => name === "1.0.0.10.in-addr.arpa" ? 1 : 60;
    const { runtime, resolver } = setUp({
      [HOST1]: (query, reply) =>
        reply(message(query, { answers: [pointer("a.example", ttl(query.name))] })),
    });
    for (let i = 0; i < DNS_CACHE; i++) await resolver.names(nth(i));
    await runtime.advance(1000);
    for (const address of [nth(1), "10.1.0.0", "10.1.0.1"]) await resolver.names(address);
    const before = runtime.asked.length;
    await resolver.names(nth(1));
    assert.equal(runtime.asked.length, before);
  });

  test("is bounded: the oldest answers make room", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: says("a.example") });
    const nth = (i: number) => `10.0.${i >> 8}.${i & 255}`;
    for (let i = 0; i < DNS_CACHE; i++) await resolver.names(nth(i));
    await resolver.names(nth(0));
    assert.equal(runtime.asked.length, DNS_CACHE, "all are kept");
    await resolver.names("10.1.0.0");
    await resolver.names(nth(1));
    assert.equal(runtime.asked.length, DNS_CACHE + 1);
    await resolver.names(nth(0));
    assert.equal(runtime.asked.length, DNS_CACHE + 2, "the oldest is not");
  });
});

describe("a crowd", () => {
  test("asks once", async () => {
    const held: (() => void)[] = [];
    const { runtime, resolver } = setUp({
      [HOST1]: (query, reply) => void held.push(() => says("a.example")(query, reply)),
    });
    const asking = [1, 2, 3].map(() => resolver.names("192.0.2.1"));
    const other = resolver.names("192.0.2.2");
    await runtime.settle();
    assert.equal(held.length, 2);
    held.forEach((answer) => answer());
    assert.deepEqual(await Promise.all([...asking, other]), Array(4).fill(found("a.example")));
  });

  test("asks once after a failure too, and then anew", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: refuses(SERVFAIL) });
    await Promise.all([resolver.names("192.0.2.1"), resolver.names("192.0.2.1")]);
    assert.equal(runtime.asked.length, 1);
    await resolver.names("192.0.2.1");
    assert.equal(runtime.asked.length, 2);
  });

  test("cannot open sockets without bound", async () => {
    const { runtime, resolver } = setUp({ [HOST1]: silent }, {}, 1000);
    const asking = Array.from(
      { length: DNS_ASKING + 5 },
      (_, i) => resolver.names(`10.0.${i >> 8}.${i & 255}`),
    );
    await runtime.settle();
    assert.equal(runtime.open, DNS_ASKING);
    await runtime.advance(1000);
    const results = await Promise.all(asking);
    assert.equal(results.filter((result) => result.is === "failed" && result.code === 2).length, 5);
    assert.equal(runtime.open, 0);
  });
});

describe("addresses", () => {
  const reversed: readonly (readonly [address: string, name: string])[] = [
    ["192.0.2.1", "1.2.0.192.in-addr.arpa"],
    ["255.0.10.9", "9.10.0.255.in-addr.arpa"],
    ["::1", `1.${"0.".repeat(31)}ip6.arpa`],
    ["2001:db8:89ab:cdef::", `${"0.".repeat(16)}f.e.d.c.b.a.9.8.8.b.d.0.1.0.0.2.ip6.arpa`],
    ["mail.example", ""],
  ];
  for (const [address, name] of reversed) {
    test(`the reverse name of ${address}`, () => assert.equal(reverseName(address), name));
  }

  test("are the same however they are written", () => {
    assert.ok(sameAddress("2001:db8::1", "2001:0DB8:0:0::0:1"));
    assert.ok(sameAddress("192.0.2.1", "192.0.2.1"));
    assert.ok(!sameAddress("192.0.2.1", "192.0.2.2"));
    assert.ok(!sameAddress("192.0.2.1", "::192.0.2.1"));
    assert.ok(!sameAddress("", ""));
  });
});
