/** PROXY headers for backends, byte by byte, and read back by our own reader. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decode, encode } from "../../../src/core/bytes.ts";
import { PROXY_HEADER, PROXY_TLV } from "../../../src/core/limits.ts";
import { type Endpoint, formatEndpoint, ip, unix } from "../../../src/net/address.ts";
import type { Certificate, TlsInfo } from "../../../src/net/ports.ts";
import { crc32c, encodeProxyHeader } from "../../../src/net/proxy-encode.ts";
import { parseProxyHeader } from "../../../src/net/proxy-header.ts";

const V4 = ip("192.0.2.1", 54321);
const V4_LOCAL = ip("198.51.100.2", 143);
const V6 = ip("2001:db8::1", 54321);
const V6_LOCAL = ip("2001:db8::2", 143);
const UNIX = unix("/run/doorpost.sock");

describe("version 1", () => {
  const cases: readonly (readonly [client: Endpoint, local: Endpoint, line: string])[] = [
    [V4, V4_LOCAL, "PROXY TCP4 192.0.2.1 198.51.100.2 54321 143\r\n"],
    [V6, V6_LOCAL, "PROXY TCP6 2001:db8::1 2001:db8::2 54321 143\r\n"],
    [
      ip("0.0.0.0", 0),
      ip("255.255.255.255", 65535),
      "PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n",
    ],
    // A client that a balancer announced by IPv6, on our IPv4 socket, and the other way round.
    [V6, V4_LOCAL, "PROXY TCP6 2001:db8::1 ::ffff:198.51.100.2 54321 143\r\n"],
    [V4, V6_LOCAL, "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 54321 143\r\n"],
    [
      ip("::ffff:192.0.2.1", 54321),
      ip("::ffff:198.51.100.2", 143),
      "PROXY TCP4 192.0.2.1 198.51.100.2 54321 143\r\n",
    ],
    [UNIX, UNIX, "PROXY UNKNOWN\r\n"],
    [UNIX, V4_LOCAL, "PROXY UNKNOWN\r\n"],
    [V4, UNIX, "PROXY UNKNOWN\r\n"],
  ];
  for (const [client, local, line] of cases) {
    test(line.trim(), () => {
      const header = encodeProxyHeader("on", client, local);
      assert.equal(decode(header), line);
      assert.equal(parseProxyHeader(header).is, "header");
      assert.deepEqual(encodeProxyHeader("on", client, local, TLS), header, "TLS changes nothing");
    });
  }
});

const CERTIFICATE: Certificate = {
  subject: "CN=bob",
  issuer: "CN=ca",
  serial: "01",
  fingerprint: "00",
  pem: "",
  notBefore: 0,
  notAfter: 0,
  names: [],
  commonName: "bob",
};
const TLS: TlsInfo = {
  protocol: "TLSv1.3",
  cipher: "TLS_AES_256_GCM_SHA384",
  alpn: null,
  sni: null,
  verify: { ok: false, code: "20", text: "unable to get local issuer certificate" },
  peer: null,
  resumed: false,
};

interface Shown {
  /** Version and command, family and transport. */
  readonly kind: string;
  /** Addresses and ports, in hex. */
  readonly addresses: string;
  /** `type=value`, the value as text or, in an SSL TLV, flags, verify result and the parts within. */
  readonly tlvs: readonly string[];
}

/** Takes a version 2 header to pieces, and checks its length and its checksum. */
function shown(header: Uint8Array): Shown {
  assert.equal(decode(header, 0, 12), "\r\n\r\n\0\r\nQUIT\n");
  assert.equal(header.length, 16 + uint16(header, 14), "the length field");
  const parsed = parseProxyHeader(header);
  assert.equal(parsed.is === "header" && parsed.size, header.length, "our own reader");
  const addresses = header[13] === 0 ? 0 : header[13] === 0x11 ? 12 : 36;
  const { tlvs, checksum } = withoutChecksum(tlvsOf(header.subarray(16 + addresses)));
  const zeroed = header.slice();
  zeroed.fill(0, header.length - 4);
  assert.equal(checksum, (slowCrc(zeroed) >>> 0).toString(16).padStart(8, "0"));
  return {
    kind: hex(header.subarray(12, 14)),
    addresses: hex(header.subarray(16, 16 + addresses)),
    tlvs: tlvs.map(([type, value]) => type === 0x20 ? sslText(value) : tlvText(type, value)),
  };
}

type Tlv = readonly [type: number, value: Uint8Array];

function tlvsOf(bytes: Uint8Array): Tlv[] {
  const found: Tlv[] = [];
  for (let at = 0; at < bytes.length; at += 3 + uint16(bytes, at + 1)) {
    found.push([bytes[at], bytes.subarray(at + 3, at + 3 + uint16(bytes, at + 1))]);
  }
  return found;
}

function withoutChecksum(tlvs: Tlv[]): { tlvs: Tlv[]; checksum: string } {
  const [type, value] = tlvs.pop()!;
  assert.equal(type, 3, "the checksum is the last");
  return { tlvs, checksum: hex(value) };
}

function sslText(value: Uint8Array): string {
  const parts = tlvsOf(value.subarray(5)).map(([type, part]) => tlvText(type, part));
  return [`20=${hex(value.subarray(0, 1))} ${hex(value.subarray(1, 5))}`, ...parts].join(" ");
}

function tlvText(type: number, value: Uint8Array): string {
  return `${hex(Uint8Array.of(type))}=${decode(value)}`;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** By polynomial division, bit for bit. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * 0x82f63b78);
  }
  return ~crc;
}

describe("version 2", () => {
  const four = "c0000201" + "c6336402" + "d431" + "008f";
  const six = (source: string, destination: string) => `${source}${destination}d431008f`;
  const [client6, local6] = [
    "20010db8000000000000000000000001",
    "20010db8000000000000000000000002",
  ];
  const [client4, local4] = [
    "00000000000000000000ffffc0000201",
    "00000000000000000000ffffc6336402",
  ];
  const cases: readonly (readonly [Endpoint, Endpoint, kind: string, addresses: string])[] = [
    [V4, V4_LOCAL, "2111", four],
    [V6, V6_LOCAL, "2121", six(client6, local6)],
    [V6, V4_LOCAL, "2121", six(client6, local4)],
    [V4, V6_LOCAL, "2121", six(client4, local6)],
    [ip("::ffff:192.0.2.1", 54321), ip("::ffff:198.51.100.2", 143), "2111", four],
    [ip("::ffff:192.0.2.1", 54321), V6_LOCAL, "2121", six(client4, local6)],
    [UNIX, UNIX, "2000", ""],
    [UNIX, V4_LOCAL, "2000", ""],
    [V4, UNIX, "2000", ""],
  ];
  for (const [client, local, kind, addresses] of cases) {
    test(`${formatEndpoint(client)} at ${formatEndpoint(local)}`, () => {
      assert.deepEqual(shown(encodeProxyHeader("v2", client, local)), {
        kind,
        addresses,
        tlvs: [],
      });
    });
  }

  test("a checksum known from elsewhere (RFC 3720 appendix B.4)", () => {
    assert.equal(crc32c(encode("123456789")), 0xe3069283);
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(0)), 0);
  });
});

describe("version 2 for a client on TLS", () => {
  const bare = "21=TLSv1.3 23=TLS_AES_256_GCM_SHA384";
  const cases:
    readonly (readonly [what: string, tls: Partial<TlsInfo>, tlvs: readonly string[]])[] = [
      ["nothing more is known", {}, [`20=01 00000001 ${bare}`]],
      ["server name and ALPN", { sni: "mail.example", alpn: "imap" }, [
        "02=mail.example",
        "01=imap",
        `20=01 00000001 ${bare}`,
      ]],
      ["no names are no TLVs", { sni: "", alpn: "" }, [`20=01 00000001 ${bare}`]],
      [
        "a certificate that verified",
        { peer: CERTIFICATE, verify: { ok: true, code: "0", text: "ok" } },
        ["20=07 00000000 21=TLSv1.3 22=bob 23=TLS_AES_256_GCM_SHA384"],
      ],
      [
        "a certificate of an earlier connection",
        { peer: CERTIFICATE, verify: { ok: true, code: "0", text: "ok" }, resumed: true },
        ["20=05 00000000 21=TLSv1.3 22=bob 23=TLS_AES_256_GCM_SHA384"],
      ],
      ["resumed, no certificate", { resumed: true }, [`20=01 00000001 ${bare}`]],
      [
        "a certificate that did not verify (optional_no_ca)",
        { peer: { ...CERTIFICATE, commonName: "" }, verify: { ok: false, code: "18", text: "" } },
        [`20=07 00000012 ${bare}`],
      ],
      [
        "a verdict without OpenSSL's number",
        { peer: { ...CERTIFICATE, commonName: "" }, verify: { ok: false, code: "ERR", text: "" } },
        [`20=07 00000001 ${bare}`],
      ],
      [
        "our own certificate",
        { own: { signature: "RSA-SHA256", key: "RSA2048" } },
        [`20=01 00000001 ${bare} 24=RSA-SHA256 25=RSA2048`],
      ],
      [
        "a name outside ASCII is UTF-8",
        { peer: { ...CERTIFICATE, commonName: "Zoë" } },
        ["20=07 00000014 21=TLSv1.3 22=Zo\xc3\xab 23=TLS_AES_256_GCM_SHA384"],
      ],
    ];
  for (const [what, tls, tlvs] of cases) {
    test(what, () => {
      const header = shown(encodeProxyHeader("v2", V4, V4_LOCAL, { ...TLS, ...tls }));
      assert.deepEqual(header.tlvs, tlvs);
    });
  }

  test("a unix client's TLS is told too", () => {
    const { kind, tlvs } = shown(encodeProxyHeader("v2", UNIX, UNIX, TLS));
    assert.deepEqual([kind, tlvs], ["2000", [`20=01 00000001 ${bare}`]]);
  });

  test("names of any size cannot break the header, nor one name become another", () => {
    for (const size of [PROXY_TLV, PROXY_TLV + 1, 70_000]) {
      const name = "n".repeat(size);
      const tls = { ...TLS, sni: name, alpn: name, peer: { ...CERTIFICATE, commonName: name } };
      const header = encodeProxyHeader("v2", V4, V4_LOCAL, tls);
      assert.ok(header.length <= PROXY_HEADER);
      const said = shown(header).tlvs.join(" ").split(name).length - 1;
      assert.equal(said, size > PROXY_TLV ? 0 : 3);
    }
  });
});
