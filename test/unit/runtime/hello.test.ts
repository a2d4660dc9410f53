/** Which keys a ClientHello can verify (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.4.1). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { concat } from "../../../src/core/bytes.ts";
import { acceptsKey } from "../../../src/runtime/deno/hello.ts";

const word = (value: number) => Uint8Array.of(value >> 8, value & 255);
const words = (values: readonly number[]) => concat([new Uint8Array(0), ...values.map(word)]);

/** A vector: its length in `size` bytes, then the bytes. */
function vector(size: 1 | 2 | 3, ...parts: Uint8Array[]): Uint8Array {
  const body = concat([new Uint8Array(0), ...parts]);
  const length = [body.length >> 16, (body.length >> 8) & 255, body.length & 255].slice(3 - size);
  return concat([Uint8Array.from(length), body]);
}

function extension(type: number, body: Uint8Array): Uint8Array {
  return concat([word(type), vector(2, body)]);
}

function clientHello(suites: readonly number[], schemes: readonly number[] | null): Uint8Array {
  const name = extension(0, vector(2, Uint8Array.of(0), vector(2, new Uint8Array(9).fill(0x61))));
  const algorithms = schemes ? [extension(13, vector(2, words(schemes)))] : [];
  const body = [
    word(0x0303),
    new Uint8Array(32).fill(7),
    vector(1, new Uint8Array(32)),
    vector(2, words(suites)),
    vector(1, Uint8Array.of(0)),
    vector(2, name, ...algorithms),
  ];
  return concat([Uint8Array.of(22, 3, 1), vector(2, Uint8Array.of(1), vector(3, ...body))]);
}

const TLS13 = 0x1301;
const ECDHE_ECDSA = 0xc02b;
const ECDHE_RSA = 0xc02f;
const ECDSA_P256 = 0x0403;
const RSA_PSS = 0x0804;
const RSA_PKCS1 = 0x0401;
const ED25519 = 0x0807;

describe("a ClientHello accepts the keys", () => {
  const cases: readonly {
    readonly what: string;
    readonly suites: readonly number[];
    readonly schemes: readonly number[];
    readonly keys: readonly string[];
  }[] = [
    {
      what: "of both kinds, TLS 1.3",
      suites: [TLS13],
      schemes: [RSA_PSS, ECDSA_P256],
      keys: ["rsa", "ec"],
    },
    {
      what: "whose signatures it knows, TLS 1.3",
      suites: [TLS13],
      schemes: [RSA_PSS],
      keys: ["rsa"],
    },
    { what: "of Edwards curves, TLS 1.3", suites: [TLS13], schemes: [ED25519], keys: ["ed25519"] },
    {
      what: "that its suites name, TLS 1.2",
      suites: [ECDHE_RSA],
      schemes: [RSA_PKCS1, ECDSA_P256],
      keys: ["rsa"],
    },
    {
      what: "that its suites name, TLS 1.2, ECDSA",
      suites: [ECDHE_ECDSA],
      schemes: [RSA_PKCS1, ECDSA_P256],
      keys: ["ec"],
    },
    {
      what: "of no kind, without a suite in common",
      suites: [0x0005],
      schemes: [RSA_PKCS1],
      keys: [],
    },
  ];
  for (const { what, suites, schemes, keys } of cases) {
    it(what, () => {
      const hello = clientHello(suites, schemes);
      const accepted = ["rsa", "ec", "ed25519"].filter((type) => acceptsKey(hello, type));
      assert.deepEqual(accepted, keys);
    });
  }
});

it("a kind of key that is not known is not ruled out", () => {
  assert.equal(acceptsKey(clientHello([TLS13], [RSA_PSS]), "rsa-pss"), true);
  assert.equal(acceptsKey(clientHello([TLS13], [RSA_PSS]), "toString"), true);
});

it("a ClientHello that is cut short anywhere rules nothing out", () => {
  const hello = clientHello([TLS13], [RSA_PSS]);
  for (let end = 0; end < hello.length; end++) {
    assert.equal(acceptsKey(hello.subarray(0, end), "ec"), true, `cut at ${end}`);
  }
});

it("bytes that are no ClientHello rule nothing out", () => {
  for (const text of ["a LOGIN bob secret\r\n", "\x16\x03\x01", "\x16\x03\x01\xff\xff\x01"]) {
    assert.equal(acceptsKey(new TextEncoder().encode(text), "ec"), true);
  }
});

it("lengths that lie end in no knowledge, never in an exception", () => {
  const hello = clientHello([TLS13, ECDHE_RSA], [RSA_PSS, ECDSA_P256]);
  for (let at = 0; at < hello.length; at++) {
    for (const value of [0, 1, 127, 255]) {
      const bent = Uint8Array.from(hello);
      bent[at] = value;
      assert.equal(typeof acceptsKey(bent, "rsa"), "boolean");
    }
  }
});
