/** Any bytes to whatever reads a stranger's bytes: it never throws, and more bytes change no answer. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat, decode, encode } from "../../src/core/bytes.ts";
import { PROXY_HEADER } from "../../src/core/limits.ts";
import { type Endpoint, formatAddress, ip, normaliseAddress } from "../../src/net/address.ts";
import { readReply } from "../../src/net/dns-message.ts";
import { encodeProxyHeader } from "../../src/net/proxy-encode.ts";
import { parseProxyHeader } from "../../src/net/proxy-header.ts";
import { ImapReader } from "../../src/wire/imap.ts";
import { Reader } from "../../src/wire/reader.ts";
import { decodeBase64, parseCramMd5, parsePlain } from "../../src/wire/sasl.ts";
import { remainder, trimmed, words } from "../../src/wire/words.ts";
import { byteStrings } from "../support/machines.ts";

const RUNS = { numRuns: 1000 };
const anything = fc.uint8Array({ maxLength: 200 });

describe("a PROXY header", () => {
  const beginnings = [
    "",
    "PROXY ",
    "PROXY TCP4 1.2.3.4 5.6.7.8 1",
    "\r\n\r\n\0\r\nQUIT\n",
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x20",
  ];
  const headers = fc.tuple(fc.constantFrom(...beginnings), anything)
    .map(([beginning, bytes]) => concat([encode(beginning), bytes]));

  test("is read once it is there, and more bytes change nothing", () => {
    fc.assert(
      fc.property(headers, (bytes) => {
        let settled: ReturnType<typeof parseProxyHeader> | null = null;
        for (let size = 0; size <= bytes.length; size++) {
          const header = parseProxyHeader(bytes.subarray(0, size));
          if (settled) assert.equal(header.is, settled.is);
          if (settled?.is === "header") assert.deepEqual(header, settled);
          if (header.is === "header") assert.ok(header.size <= size && header.size <= PROXY_HEADER);
          if (header.is !== "more") settled ??= header;
        }
      }),
      RUNS,
    );
  });

  test("is an answer at last: nobody can keep it waiting", () => {
    fc.assert(
      fc.property(headers, (bytes) => {
        const long = concat([bytes, new Uint8Array(PROXY_HEADER)]);
        assert.notEqual(parseProxyHeader(long).is, "more");
      }),
      RUNS,
    );
  });

  test("of our own making says who the client is, in either version", () => {
    const address = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    ).map((bytes) => normaliseAddress(formatAddress(bytes)));
    const endpoint = fc.tuple(address, fc.nat(65535)).map(([at, port]) => ip(at, port));
    const version = fc.constantFrom("on", "v2" as const);
    fc.assert(
      fc.property(version, endpoint, endpoint, (version, source, destination) => {
        const bytes = encodeProxyHeader(version, source, destination);
        const header = parseProxyHeader(concat([bytes, encode("EHLO x\r\n")]));
        const addresses: { source: Endpoint; destination: Endpoint } = { source, destination };
        assert.deepEqual(header, { is: "header", size: bytes.length, addresses });
      }),
      RUNS,
    );
  });
});

describe("never throws", () => {
  test("the line reader and what cuts words", () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 5 }), fc.nat(100), (chunks, cap) => {
        const reader = new Reader();
        for (const chunk of chunks) {
          reader.add(chunk);
          for (
            let line = reader.line(cap);
            line !== null && line !== "long";
            line = reader.line(cap)
          ) {
            const text = reader.text(line);
            assert.ok(text.length <= cap);
            for (const word of words(text, 3)) assert.ok(!word.includes(" "));
            assert.ok(text.endsWith(remainder(text)));
            assert.ok(text.startsWith(trimmed(text)));
          }
        }
      }),
      RUNS,
    );
  });

  test("the IMAP reader", () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 5 }), fc.nat(100), (chunks, cap) => {
        const reader = new ImapReader(["LOGIN"]);
        for (const chunk of chunks) {
          reader.add(chunk);
          for (
            let item = reader.next(cap);
            item !== null && item.is !== "long";
            item = reader.next(cap)
          );
        }
      }),
      RUNS,
    );
  });

  test("SASL messages", () => {
    fc.assert(
      fc.property(byteStrings(200), (text) => {
        decodeBase64(text);
        parsePlain(text);
        parseCramMd5(text);
      }),
      RUNS,
    );
  });

  test("DNS answers", () => {
    const question = { id: 0, type: "A", name: "a.b" } as const;
    const asked = encode("\x01a\x01b\0\0\x01\0\x01");
    fc.assert(
      fc.property(anything, fc.nat(15), (bytes, rcode) => {
        const header = Uint8Array.of(0, 0, 0x80, rcode, 0, 1, 0, 9, 0, 0, 0, 0);
        readReply(bytes, question);
        const reply = readReply(concat([header, asked, bytes]), question);
        assert.ok(reply !== null, decode(bytes));
        if (reply.is === "answer") assert.ok(reply.values.length > 0 && reply.ttl >= 0);
      }),
      RUNS,
    );
  });
});
