/** Reading PROXY headers: what a load balancer may say, what an attacker may say, in any pieces. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ByteString, concat, decode, encode } from "../../../src/core/bytes.ts";
import { PROXY_HEADER } from "../../../src/core/limits.ts";
import { formatEndpoint } from "../../../src/net/address.ts";
import { parseProxyHeader } from "../../../src/net/proxy-header.ts";

/** `source > destination`, `-` for no addresses, the reason, or `more`. */
function read(bytes: Uint8Array): string {
  const header = parseProxyHeader(bytes);
  if (header.is === "more") return "more";
  if (header.is === "broken") return header.why;
  const { addresses } = header;
  return addresses
    ? `${formatEndpoint(addresses.source)} > ${formatEndpoint(addresses.destination)}`
    : "-";
}

/** Every prefix must want more; the whole, with whatever stands behind it, must read as `expected`. */
function readsInPieces(header: Uint8Array, expected: string): void {
  for (let size = 0; size < header.length; size++) {
    assert.equal(read(header.subarray(0, size)), "more", `the first ${size} bytes`);
  }
  for (const behind of ["", "\r\n", "EHLO x\r\n", "\x16\x03\x01\x02", "PROXY TCP4 1.1.1.1"]) {
    const bytes = concat([header, encode(behind)]);
    assert.equal(read(bytes), expected);
    const result = parseProxyHeader(bytes);
    assert.equal(result.is === "header" && decode(bytes, result.size), behind, "bytes behind");
  }
}

const LONG6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe";

describe("version 1", () => {
  const accepted: readonly (readonly [line: ByteString, result: string])[] = [
    ["PROXY TCP4 192.0.2.1 198.51.100.2 54321 143\r\n", "192.0.2.1:54321 > 198.51.100.2:143"],
    ["PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", "0.0.0.0:0 > 255.255.255.255:65535"],
    ["PROXY TCP4 192.0.2.1 198.51.100.2 00080 143\r\n", "192.0.2.1:80 > 198.51.100.2:143"],
    [
      "PROXY TCP6 2001:db8::1 2001:DB8:0::2 54321 143\r\n",
      "[2001:db8::1]:54321 > [2001:db8::2]:143",
    ],
    [`PROXY TCP6 ${LONG6} ${LONG6} 65535 65535\r\n`, `[${LONG6}]:65535 > [${LONG6}]:65535`],
    // Two names of one address would be two clients to the auth server.
    ["PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2\r\n", "192.0.2.1:1 > 198.51.100.2:2"],
    ["PROXY UNKNOWN\r\n", "-"],
    ["PROXY UNKNOWN \r\n", "-"],
    [`PROXY UNKNOWN ${LONG6} ${LONG6} 65535 65535\r\n`, "-"],
    ["PROXY UNKNOWN what ever \x80\x00 stands here\r\n", "-"],
  ];
  for (const [line, result] of accepted) {
    test(JSON.stringify(line), () => readsInPieces(encode(line), result));
  }

  const refused: readonly (readonly [why: string, line: ByteString])[] = [
    ["lower case", "proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["mixed case", "Proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["family in lower case", "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["unknown in lower case", "PROXY unknown\r\n"],
    ["a longer word", "PROXY UNKNOWNS\r\n"],
    ["a family that is none", "PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["UDP", "PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["two spaces", "PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["a tab", "PROXY TCP4\t192.0.2.1 198.51.100.2 1 2\r\n"],
    ["a space before the end", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n"],
    ["one word too many", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"],
    ["one port missing", "PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n"],
    ["nothing but the word", "PROXY \r\n"],
    ["LF alone", "PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n"],
    ["UNKNOWN, LF alone", "PROXY UNKNOWN\n"],
    ["CR inside", "PROXY UNKNOWN x\ry\r\n"],
    ["CR twice", "PROXY UNKNOWN\r\r\n"],
    ["a port too large", "PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n"],
    ["a destination port too large", "PROXY TCP4 192.0.2.1 198.51.100.2 1 99999\r\n"],
    ["a port of six digits", "PROXY TCP4 192.0.2.1 198.51.100.2 000001 2\r\n"],
    ["a negative port", "PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n"],
    ["a hexadecimal port", "PROXY TCP4 192.0.2.1 198.51.100.2 0x1 2\r\n"],
    ["an octet too large", "PROXY TCP4 256.0.2.1 198.51.100.2 1 2\r\n"],
    ["a short address", "PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n"],
    ["a name", "PROXY TCP4 localhost 198.51.100.2 1 2\r\n"],
    ["IPv6 under TCP4", "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"],
    ["IPv4 under TCP6", "PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n"],
    ["mixed families", "PROXY TCP6 2001:db8::1 198.51.100.2 1 2\r\n"],
    ["mixed families, the other way", "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n"],
    ["brackets", "PROXY TCP6 [2001:db8::1] 2001:db8::2 1 2\r\n"],
    ["a zone", "PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n"],
    ["an 8-bit byte", "PROXY TCP4 192.0.2.1\xa0 198.51.100.2 1 2\r\n"],
    ["an empty line", "\n"],
    ["nearly a signature", "\r\nEHLO x\r\n"],
    ["a mail client", "EHLO mail.example\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01"],
  ];
  for (const [why, line] of refused) {
    test(`refused: ${why}`, () => {
      const [first] = line.split(/[\r\n]/);
      const shown = read(encode(line));
      assert.match(shown, /^broken header: "/);
      assert.ok(shown.length <= 'broken header: ""'.length + 4 * first.length, shown);
      assert.doesNotMatch(shown, /[\0-\x1f]/);
    });
  }

  test("refused as soon as the first byte is wrong", () => {
    assert.equal(read(encode("PROX")), "more");
    assert.equal(read(encode("PROX ")), 'broken header: "PROX "');
    assert.equal(read(encode("E")), 'broken header: "E"');
  });

  test("107 bytes are a line, one more is not", () => {
    const line = (size: number) => `PROXY UNKNOWN ${"x".repeat(size - 16)}\r\n`;
    readsInPieces(encode(line(106)), "-");
    readsInPieces(encode(line(107)), "-");
    assert.match(read(encode(line(108))), /^broken header/);
    assert.match(read(encode(line(PROXY_HEADER))), /^broken header/);
    assert.equal(read(encode(line(108).slice(0, 106))), "more");
    assert.match(read(encode(line(108).slice(0, 107))), /^broken header/);
  });
});

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const IPV4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\xd4\x31\x00\x8f";
const FROM4 = "192.0.2.1:54321 > 198.51.100.2:143";
const V6 = `\x20\x01\x0d\xb8${"\0".repeat(11)}`;
const IPV6 = `${V6}\x01${V6}\x02\xd4\x31\x00\x8f`;
const MAPPED = `${"\0".repeat(10)}\xff\xff`;

/** A header with `length` as announced, or as it is. */
function v2(versionCommand: number, family: number, body: ByteString, length = body.length) {
  const head = [versionCommand, family, length >> 8, length & 255];
  return concat([encode(SIGNATURE), Uint8Array.from(head), encode(body)]);
}

function tlv(type: number, value: ByteString, length = value.length): ByteString {
  return decode(Uint8Array.of(type, length >> 8, length & 255)) + value;
}

describe("version 2", () => {
  const accepted: readonly (readonly [what: string, header: Uint8Array, result: string])[] = [
    ["IPv4", v2(0x21, 0x11, IPV4), FROM4],
    ["IPv6", v2(0x21, 0x21, IPV6), "[2001:db8::1]:54321 > [2001:db8::2]:143"],
    [
      "IPv4-mapped IPv6",
      v2(0x21, 0x21, `${MAPPED}\xc0\x00\x02\x01${MAPPED}\xc6\x33\x64\x02\xd4\x31\x00\x8f`),
      FROM4,
    ],
    ["LOCAL", v2(0x20, 0x00, ""), "-"],
    ["LOCAL with addresses, which mean nothing", v2(0x20, 0x11, IPV4), "-"],
    ["LOCAL with garbage", v2(0x20, 0x11, "garbage"), "-"],
    ["unspecified", v2(0x21, 0x00, ""), "-"],
    ["unspecified with a TLV", v2(0x21, 0x00, tlv(4, "abc")), "-"],
    ["a datagram", v2(0x21, 0x12, IPV4), "-"],
    ["an unspecified transport", v2(0x21, 0x10, IPV4), "-"],
    ["unix", v2(0x21, 0x31, "/a".padEnd(108, "\0") + "/b".padEnd(108, "\0")), "-"],
    ["an unknown family", v2(0x21, 0x41, "?"), "-"],
    [
      "TLVs",
      v2(0x21, 0x11, IPV4 + tlv(1, "imap") + tlv(4, "") + tlv(0xea, "x".repeat(300))),
      FROM4,
    ],
    ["the longest", v2(0x21, 0x11, IPV4 + tlv(4, "\0".repeat(PROXY_HEADER - 16 - 12 - 3))), FROM4],
  ];
  for (const [what, header, result] of accepted) {
    test(what, () => readsInPieces(header, result));
  }

  const tooShort = "header is too short for its addresses";
  const noFit = "header has a TLV that does not fit";
  const refused: readonly (readonly [what: string, header: Uint8Array, why: string])[] = [
    ["version 1", v2(0x11, 0x11, IPV4), "unknown PROXY protocol version: 1"],
    ["version 3", v2(0x31, 0x11, IPV4), "unknown PROXY protocol version: 3"],
    ["command 2", v2(0x22, 0x11, IPV4), "unknown PROXY protocol command: 2"],
    ["command 15", v2(0x2f, 0x11, IPV4), "unknown PROXY protocol command: 15"],
    ["no addresses", v2(0x21, 0x11, ""), tooShort],
    ["IPv4, one byte short", v2(0x21, 0x11, IPV4.slice(1)), tooShort],
    ["IPv6, one byte short", v2(0x21, 0x21, IPV6.slice(1)), tooShort],
    ["half a TLV head", v2(0x21, 0x11, IPV4 + "\x04\x00"), noFit],
    ["a TLV that overruns by one", v2(0x21, 0x11, IPV4 + tlv(4, "abc", 4)), noFit],
    ["a TLV that overruns by far", v2(0x21, 0x11, IPV4 + tlv(4, "abc", 0xffff)), noFit],
    ["a second TLV that overruns", v2(0x21, 0x11, IPV4 + tlv(4, "") + tlv(4, "", 1)), noFit],
  ];
  for (const [what, header, why] of refused) {
    test(`refused: ${what}`, () => {
      for (let size = 0; size < 16; size++) assert.equal(read(header.subarray(0, size)), "more");
      assert.equal(read(header), why);
      assert.equal(read(concat([header, encode("EHLO x\r\n")])), why);
    });
  }

  test("refused before it has come: more than 4096 bytes", () => {
    const header = (size: number) => v2(0x21, 0x11, IPV4, size - 16);
    assert.equal(read(header(PROXY_HEADER)), "more");
    assert.equal(read(header(PROXY_HEADER + 1)), "header is too large");
    assert.equal(read(v2(0x20, 0x00, "", 0xffff)), "header is too large");
  });

  test("a signature with one wrong byte is a broken version 1 line", () => {
    for (let at = 0; at < SIGNATURE.length; at++) {
      const bytes = v2(0x21, 0x11, IPV4);
      bytes[at] ^= 0x20;
      assert.match(read(bytes), /^broken header: "/);
      assert.equal(read(bytes.subarray(0, at)), "more");
      assert.match(read(bytes.subarray(0, at + 1)), /^broken header: "/);
    }
  });
});
