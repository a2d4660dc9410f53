/** Addresses in text and bytes: RFC 4291 section 2.2, RFC 5952, RFC 4632. */

import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { describe, test } from "node:test";
import {
  addressOf,
  type Endpoint,
  formatAddress,
  formatEndpoint,
  inCidr,
  ip,
  mask,
  normaliseAddress,
  parseAddress,
  parseCidr,
  unix,
} from "../../../src/net/address.ts";

function hex(bytes: Uint8Array | null): string | null {
  return bytes && Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

describe("parseAddress", () => {
  const good: readonly [string, string][] = [
    ["0.0.0.0", "00000000"],
    ["127.0.0.1", "7f000001"],
    ["255.255.255.255", "ffffffff"],
    // As in nginx: decimal, not octal.
    ["010.0.0.09", "0a000009"],
    ["::", "00".repeat(16)],
    ["::1", "00".repeat(15) + "01"],
    ["1::", "0001" + "00".repeat(14)],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["2001:DB8:0:0:8:800:200C:417A", "20010db80000000000080800200c417a"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
    ["1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201"],
    ["::192.0.2.1", "000000000000000000000000c0000201"],
  ];
  for (const [text, bytes] of good) {
    test(`${text} is ${bytes}`, () => assert.equal(hex(parseAddress(text)), bytes));
  }

  const bad = [
    "",
    " ",
    "localhost",
    "127.0.0",
    "127.0.0.0.1",
    "127.0.0.256",
    "127.0.0.1 ",
    "127.0.0.-1",
    "127.0.0.1e0",
    "0x7f.0.0.1",
    "1..2.3",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:",
    "12345::",
    "g::",
    "[::1]",
    "fe80::1%eth0",
    "::1.2.3",
    "::1.2.3.4:5",
    "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::ffff:1.2.3.256",
    "1:".repeat(10_000),
  ];
  for (const text of bad) {
    test(`${JSON.stringify(text.slice(0, 40))} is none`, () => {
      assert.equal(parseAddress(text), null);
    });
  }

  test("agrees with the system about what is a literal", () => {
    for (const text of [...good.map(([text]) => text), ...bad]) {
      // Node takes zones and no leading zeros, we the other way round.
      if (text.includes("%") || /^0\d/.test(text)) continue;
      assert.equal(parseAddress(text) !== null, isIPv4(text) || isIPv6(text), text);
    }
  });
});

describe("formatAddress", () => {
  /** RFC 5952 sections 4.1 to 4.3, its own examples among them. */
  const cases: readonly [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8::AAAA", "2001:db8::aaaa"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"],
    ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
  ];
  for (const [text, canonical] of cases) {
    test(`${text} is ${canonical}`, () => {
      assert.equal(formatAddress(parseAddress(text)!), canonical);
      assert.deepEqual(parseAddress(canonical), parseAddress(text));
    });
  }
});

describe("normaliseAddress", () => {
  const cases: readonly [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["::ffff:0:192.0.2.1", "::ffff:0:c000:201"],
    ["::192.0.2.1", "::c000:201"],
    ["2001:DB8:0::1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
    ["no address", "no address"],
    ["no:address", "no:address"],
    ["", ""],
  ];
  for (const [text, normal] of cases) {
    test(`${JSON.stringify(text)} is ${JSON.stringify(normal)}`, () => {
      assert.equal(normaliseAddress(text), normal);
    });
  }
});

describe("endpoints as text", () => {
  const cases: readonly [Endpoint, string, string][] = [
    [ip("127.0.0.1", 143), "127.0.0.1:143", "127.0.0.1"],
    [ip("::1", 993), "[::1]:993", "::1"],
    [unix("/run/doorpost.sock"), "unix:/run/doorpost.sock", "unix:"],
  ];
  for (const [at, whole, address] of cases) {
    test(whole, () => {
      assert.equal(formatEndpoint(at), whole);
      assert.equal(addressOf(at), address);
    });
  }
});

describe("ranges", () => {
  const cases: readonly [range: string, inside: string[], outside: string[]][] = [
    ["10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], [
      "11.0.0.0",
      "9.255.255.255",
    ]],
    ["10.1.2.3/8", ["10.200.0.1"], ["11.1.2.3"]],
    ["192.0.2.128/25", ["192.0.2.128", "192.0.2.255"], ["192.0.2.127", "192.0.3.128"]],
    ["192.0.2.7", ["192.0.2.7"], ["192.0.2.6", "::1"]],
    ["192.0.2.7/32", ["192.0.2.7"], ["192.0.2.6"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::1", "::"]],
    ["::/0", ["::1", "2001:db8::1"], ["1.2.3.4", "::ffff:1.2.3.4"]],
    ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::1"]],
    ["::1", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "127.0.0.1"]],
    ["fe80::/10", ["fe80::1", "febf::1", "fe80::1%eth0"], ["fec0::1"]],
  ];
  for (const [text, inside, outside] of cases) {
    test(`${text} holds ${inside.join(", ")} and not ${outside.join(", ")}`, () => {
      const range = parseCidr(text)!;
      for (const address of inside) assert.equal(inCidr(ip(address, 1), range), true, address);
      for (const address of outside) assert.equal(inCidr(ip(address, 1), range), false, address);
      assert.equal(inCidr(unix("/x"), range), false);
    });
  }

  test("unix: holds every unix socket and no address", () => {
    const range = parseCidr("unix:")!;
    assert.equal(inCidr(unix("/run/a.sock"), range), true);
    assert.equal(inCidr(ip("127.0.0.1", 1), range), false);
  });

  test("what is no address is in no range", () => {
    assert.equal(inCidr(ip("localhost", 1), parseCidr("0.0.0.0/0")!), false);
  });

  for (
    const text of ["", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129"]
      .concat(["10.0.0.0/255.0.0.0", "10.0.0.0/ 8", "10/8", "all", "unix:/run/x", "10.0.0.0/0008"])
  ) {
    test(`${JSON.stringify(text)} is no range`, () => assert.equal(parseCidr(text), null));
  }

  test("mask keeps the leading bits and nothing else", () => {
    const ones = new Uint8Array(4).fill(255);
    for (let bits = 0; bits <= 32; bits++) {
      const kept = [...mask(ones, bits)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
      assert.equal(kept, "1".repeat(bits) + "0".repeat(32 - bits));
    }
  });
});
