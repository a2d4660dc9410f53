/** Certificates as text: RFC 2253 names in OpenSSL's escaping, serials, times, PEM, malformed bytes. */

import assert from "node:assert/strict";
import { describe as suite, it } from "node:test";
import { concat, encode } from "../../../src/core/bytes.ts";
import { TlsSettingError } from "../../../src/net/ports.ts";
import {
  certificatesOf,
  describeDer,
  formatDistinguishedName,
  inspectPem,
  verifyResult,
} from "../../../src/runtime/certificate.ts";
import { elementAt } from "../../../src/core/der.ts";
import { testAuthority } from "../../support/ca.ts";

function tlv(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = concat(parts);
  const n = content.length;
  const length = n < 128 ? [n] : n < 256 ? [0x81, n] : [0x82, n >> 8, n & 255];
  return concat([Uint8Array.of(tag, ...length), content]);
}

const sequence = (...parts: Uint8Array[]) => tlv(0x30, ...parts);

function oid(text: string): Uint8Array {
  const [first, second, ...rest] = text.split(".").map(Number);
  const bytes = [40 * first + second, ...rest].flatMap((arc) => {
    const septets = [arc & 0x7f];
    for (arc = Math.floor(arc / 128); arc > 0; arc = Math.floor(arc / 128)) {
      septets.unshift((arc & 0x7f) | 0x80);
    }
    return septets;
  });
  return tlv(0x06, Uint8Array.from(bytes));
}

const UTF8 = 0x0c;
const PRINTABLE = 0x13;
const T61 = 0x14;
const IA5 = 0x16;
const BMP = 0x1e;
const INTEGER = 0x02;

type Attribute = readonly [type: string, tag: number, value: string | Uint8Array];

/** One set an entry; several attributes in an entry make it multi-valued. */
function nameOf(...sets: readonly (readonly Attribute[])[]): Uint8Array {
  return sequence(
    ...sets.map((set) =>
      tlv(
        0x31,
        ...set.map(([type, tag, value]) =>
          sequence(oid(type), tlv(tag, typeof value === "string" ? bytesOf(value) : value))
        ),
      )
    ),
  );
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

const CN = "2.5.4.3";
const O = "2.5.4.10";

const NAMES: readonly { what: string; name: Uint8Array; text: string }[] = [
  { what: "no attribute", name: nameOf(), text: "" },
  {
    what: "the most specific part first",
    name: nameOf([["2.5.4.6", PRINTABLE, "DE"]], [[O, UTF8, "Org"]], [[CN, UTF8, "bob"]]),
    text: "CN=bob,O=Org,C=DE",
  },
  {
    what: "a comma inside a value",
    name: nameOf([[CN, UTF8, "Test CA"]], [[O, UTF8, "Org, Inc"]]),
    text: "O=Org\\, Inc,CN=Test CA",
  },
  {
    what: "every special character",
    name: nameOf([[CN, UTF8, 'a,b+c"d\\e<f>g;h=i']]),
    text: 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h=i',
  },
  { what: "spaces at both ends", name: nameOf([[CN, UTF8, " x y "]]), text: "CN=\\ x y\\ " },
  { what: "a single space", name: nameOf([[CN, UTF8, " "]]), text: "CN=\\ " },
  {
    what: "a number sign is special in front only",
    name: nameOf([[CN, UTF8, "#1#"]]),
    text: "CN=\\#1#",
  },
  {
    what: "bytes outside ASCII in hex",
    name: nameOf([[CN, UTF8, "jürgen ✓"]]),
    text: "CN=j\\C3\\BCrgen \\E2\\9C\\93",
  },
  {
    what: "controls in hex: no line can be broken",
    name: nameOf([[CN, UTF8, "a\r\nb\0\x7f"]]),
    text: "CN=a\\0D\\0Ab\\00\\7F",
  },
  {
    what: "two bytes a character",
    name: nameOf([[CN, BMP, Uint8Array.of(0x00, 0x41, 0x00, 0xfc)]]),
    text: "CN=A\\C3\\BC",
  },
  {
    what: "T61 read as Latin-1",
    name: nameOf([[CN, T61, Uint8Array.of(0x41, 0xfc)]]),
    text: "CN=A\\C3\\BC",
  },
  {
    what: "several values in one part, joined and reversed as well",
    name: nameOf([[CN, UTF8, "y"], ["2.5.4.11", UTF8, "x"]], [[O, UTF8, "Org"]]),
    text: "O=Org,OU=x+CN=y",
  },
  {
    what: "domain components, user and mail address",
    name: nameOf(
      [["0.9.2342.19200300.100.1.25", IA5, "com"]],
      [["0.9.2342.19200300.100.1.1", UTF8, "bob"]],
      [["1.2.840.113549.1.9.1", IA5, "a@b.c"]],
    ),
    text: "emailAddress=a@b.c,UID=bob,DC=com",
  },
  {
    what: "an unknown type: its number, its value in hex",
    name: nameOf([["1.2.3.4.5", UTF8, "x"]]),
    text: "1.2.3.4.5=#0C0178",
  },
  {
    what: "a value that is no string, in hex",
    name: nameOf([[CN, INTEGER, Uint8Array.of(5)]]),
    text: "CN=#020105",
  },
  {
    what: "half a character of two bytes, in hex",
    name: nameOf([[CN, BMP, Uint8Array.of(0x41)]]),
    text: "CN=#1E0141",
  },
];

suite("a name as RFC 2253 text, escaped as OpenSSL does", () => {
  for (const { what, name, text } of NAMES) {
    it(what, () => assert.equal(formatDistinguishedName(name, elementAt(name, 0)), text));
  }
});

interface Parts {
  readonly version?: boolean;
  readonly serial?: Uint8Array;
  readonly times?: readonly [tag: number, text: string][];
  readonly subject?: Uint8Array;
  readonly extensions?: Uint8Array;
}

const UTC = 0x17;
const GENERALIZED = 0x18;

/** As much of a certificate as is read; nothing in it is signed. */
function certificate(parts: Parts = {}): Uint8Array {
  const { version = true, serial = Uint8Array.of(1), subject = nameOf([[CN, UTF8, "x"]]) } = parts;
  const times = parts.times ?? [[UTC, "240102030405Z"], [UTC, "260102030405Z"]];
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const fields = [
    ...(version ? [tlv(0xa0, tlv(INTEGER, Uint8Array.of(2)))] : []),
    tlv(INTEGER, serial),
    algorithm,
    nameOf([[CN, UTF8, "issuer"]]),
    sequence(...times.map(([tag, text]) => tlv(tag, encode(text)))),
    subject,
    sequence(algorithm, tlv(0x03, Uint8Array.of(0))),
    ...(parts.extensions ? [tlv(0xa3, sequence(parts.extensions))] : []),
  ];
  return sequence(sequence(...fields), algorithm, tlv(0x03, Uint8Array.of(0)));
}

function alternativeNames(...names: Uint8Array[]): Uint8Array {
  return sequence(oid("2.5.29.17"), tlv(0x04, sequence(...names)));
}

suite("a certificate's fields", () => {
  const serials: readonly [what: string, serial: readonly number[], text: string][] = [
    ["upper-case hex in whole bytes", [0x0a, 0xbc], "0ABC"],
    ["the sign byte is no digit", [0x00, 0xff], "FF"],
    ["zero", [0x00], "00"],
    ["negative", [0xff, 0x01], "-FF"],
    ["twenty bytes", Array(20).fill(0x11), "11".repeat(20)],
  ];
  for (const [what, serial, text] of serials) {
    it(`serial: ${what}`, () => {
      assert.equal(describeDer(certificate({ serial: Uint8Array.from(serial) })).serial, text);
    });
  }

  const times: readonly [tag: number, text: string, iso: string][] = [
    [UTC, "491231235959Z", "2049-12-31T23:59:59Z"],
    [UTC, "500101000000Z", "1950-01-01T00:00:00Z"],
    [GENERALIZED, "99991231235959Z", "9999-12-31T23:59:59Z"],
  ];
  for (const [tag, text, iso] of times) {
    it(`time: ${text}`, () => {
      const seen = describeDer(certificate({ times: [[tag, text], [tag, text]] }));
      assert.equal(seen.notBefore, Date.parse(iso));
      assert.equal(seen.notAfter, Date.parse(iso));
    });
  }

  it("X.509 v1, which has neither version nor extensions", () => {
    const seen = describeDer(certificate({ version: false }));
    assert.deepEqual([seen.subject, seen.issuer, seen.serial], ["CN=x", "CN=issuer", "01"]);
    assert.deepEqual(seen.names, []);
  });

  it("names: DNS and IP addresses, no others", () => {
    const extensions = alternativeNames(
      tlv(0x82, encode("mail.example.com")),
      tlv(0x81, encode("bob@example.com")),
      tlv(0x87, Uint8Array.of(192, 0, 2, 1)),
      tlv(0x87, Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, ...Array(11).fill(0), 1])),
      tlv(0x87, Uint8Array.of(1, 2, 3)),
    );
    const { names } = describeDer(certificate({ extensions }));
    assert.deepEqual(names, ["mail.example.com", "192.0.2.1", "2001:db8::1"]);
  });

  it("the common name is readable text, the first of several", () => {
    const subject = nameOf([[CN, UTF8, "jürgen"]], [[CN, UTF8, "other"]]);
    assert.equal(describeDer(certificate({ subject })).commonName, "jürgen");
    assert.equal(describeDer(certificate({ subject: nameOf() })).commonName, "");
  });

  it("depth is there when it is known", () => {
    assert.equal("depth" in describeDer(certificate()), false);
    assert.equal(describeDer(certificate(), 2).depth, 2);
  });
});

suite("malformed certificates", () => {
  it("any cut or changed byte gives a RangeError or a certificate, never anything else", () => {
    const whole = certificate({ extensions: alternativeNames(tlv(0x82, encode("a.example"))) });
    const attempts = Array.from(whole, (_, at) => whole.subarray(0, at));
    for (const [at, byte] of whole.entries()) {
      for (const other of [0x00, 0x7f, 0x80, 0x84, 0xff, byte ^ 1]) {
        attempts.push(whole.map((old, i) => i === at ? other : old));
      }
    }
    for (const bytes of attempts) {
      try {
        describeDer(bytes);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }
  });
});

suite("PEM", () => {
  it("text around the blocks and other blocks are passed over", async () => {
    const { certificate: pem, key } = await (await testAuthority()).issue();
    const [der] = certificatesOf(pem);
    const found = certificatesOf(`subject=x\n${key}${pem}\nfree text\n${pem}`);
    assert.deepEqual(found.map((one) => one.length), [der.length, der.length]);
    assert.equal(inspectPem(`${key}${pem}`).pem, pem.endsWith("\n") ? pem : `${pem}\n`);
  });

  for (
    const [what, pem] of [
      ["nothing", ""],
      ["a key only", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
      ["no base64", "-----BEGIN CERTIFICATE-----\n****\n-----END CERTIFICATE-----\n"],
      ["no DER", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"],
    ]
  ) {
    it(`${what} is an error of the setting`, () => {
      assert.throws(() => inspectPem(pem), TlsSettingError);
    });
  }
});

suite("verify results", () => {
  const results: readonly [name: string | null, ok: boolean, line: string][] = [
    [null, true, "0:ok"],
    ["OK", true, "0:ok"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", false, "18:self-signed certificate"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", false, "21:unable to verify the first certificate"],
    ["CERT_REVOKED", false, "23:certificate revoked"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", false, "62:hostname mismatch"],
    ["NEVER_HEARD_OF", false, "1:unspecified certificate verification error"],
    ["toString", false, "1:unspecified certificate verification error"],
  ];
  for (const [name, ok, line] of results) {
    it(`${name} is ${line}`, () => {
      const { ok: seen, code, text } = verifyResult(name);
      assert.deepEqual([seen, `${code}:${text}`], [ok, line]);
    });
  }
});
