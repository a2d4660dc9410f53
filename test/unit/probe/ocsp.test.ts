/** Stapled OCSP responses: what they say, and finding out whether there is one. RFC 6960, RFC 6066. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runtime } from "#runtime";
import { concat, encode } from "../../../src/core/bytes.ts";
import { ip } from "../../../src/net/address.ts";
import type { Certificate } from "../../../src/net/ports.ts";
import { demandsStaple, readOcsp } from "../../../src/probe/ocsp.ts";
import { Place, type ProbeOptions } from "../../../src/probe/options.ts";
import { readStaple, stapleFindings } from "../../../src/probe/staple.ts";
import { Talk } from "../../../src/probe/talk.ts";
import { parseTarget, type Target } from "../../../src/probe/target.ts";
import { peekCertificate, stapledTo } from "../../../src/probe/tls13.ts";
import { testAuthority } from "../../support/ca.ts";
import { startMailServer } from "../../support/mail-server.ts";

// --- DER, as far as a response needs it ------------------------------------------------------------

function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(parts);
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return concat([Uint8Array.of(tag, ...length), content]);
}
const bytes = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (two) => parseInt(two, 16));
const time = (text: string) => der(0x18, encode(text));

const STATUS = {
  good: der(0x80),
  revoked: der(0xa1, time("20260101000000Z")),
  unknown: der(0x82),
} as const;

interface Said {
  readonly status?: keyof typeof STATUS;
  readonly serial?: string;
  readonly next?: string | null;
}

/** RFC 6960 section 4.2.1. */
function response(
  { status = "good", serial = "0A1B", next = "20991128105323Z" }: Said,
): Uint8Array {
  const algorithm = der(0x30, der(0x06, bytes("2b0e03021a")));
  const id = der(
    0x30,
    algorithm,
    der(0x04, bytes("00")),
    der(0x04, bytes("00")),
    der(2, bytes(serial)),
  );
  const nextUpdate = next === null ? [] : [der(0xa0, time(next))];
  const single = der(0x30, id, STATUS[status], time("20261121105323Z"), ...nextUpdate);
  const data = der(0x30, der(0xa2, bytes("0400")), time("20261121105323Z"), der(0x30, single));
  const basic = der(0x30, data, algorithm, der(0x03, bytes("00")));
  const wrapped = der(0x30, der(0x06, bytes("2b0601050507300101")), der(0x04, basic));
  return der(0x30, der(0x0a, bytes("00")), der(0xa0, wrapped));
}

describe("a response", () => {
  for (const status of ["good", "revoked", "unknown"] as const) {
    test(`says ${status}`, () => {
      assert.deepEqual(readOcsp(response({ status }), "0A1B"), {
        status,
        thisUpdate: "2026-11-21T10:53:23.000Z",
        nextUpdate: "2099-11-28T10:53:23.000Z",
        detail: "",
      });
    });
  }

  test("without an end", () => {
    assert.equal(readOcsp(response({ next: null }), "0A1B").nextUpdate, null);
  });

  test("serial numbers are numbers: leading zeros say nothing", () => {
    assert.equal(readOcsp(response({ serial: "00F1" }), "F1").status, "good");
  });

  test("about another certificate", () => {
    const { status, detail } = readOcsp(response({ serial: "0C" }), "0A1B");
    assert.deepEqual([status, detail], [null, "the response is about another certificate"]);
  });

  test("a responder that refuses", () => {
    const read = readOcsp(der(0x30, der(0x0a, bytes("03"))), "0A1B");
    assert.deepEqual([read.status, read.detail], [null, "the responder refused: try later"]);
  });

  test("any damage is said to be damage, never thrown", () => {
    const whole = response({});
    fc.assert(fc.property(
      fc.nat(whole.length - 1),
      fc.nat(255),
      fc.nat(whole.length),
      (at, value, length) => {
        const damaged = whole.slice();
        damaged[at] = value;
        assert.equal(typeof readOcsp(damaged.subarray(0, length), "0A1B").detail, "string");
      },
    ));
  });
});

// --- certificates ----------------------------------------------------------------------------------

/** As much of a certificate as is looked at. */
function certificate(...extensions: readonly Uint8Array[]): string {
  const body = der(0x30, der(0x02, bytes("01")), der(0xa3, der(0x30, ...extensions)));
  const text = btoa(String.fromCharCode(...der(0x30, body)));
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
}

test("must-staple: a TLS feature of status_request (RFC 7633)", () => {
  const feature = (number: string) =>
    der(
      0x30,
      der(0x06, bytes("2b06010505070118")),
      der(0x04, der(0x30, der(0x02, bytes(number)))),
    );
  assert.equal(demandsStaple(certificate(feature("05"))), true);
  assert.equal(demandsStaple(certificate(feature("11"))), false);
  assert.equal(demandsStaple(certificate()), false);
  assert.equal(demandsStaple("no certificate"), false);
});

// --- asking a server -------------------------------------------------------------------------------

const message = (type: number, body: Uint8Array) =>
  concat([Uint8Array.of(type, 0, body.length >> 8, body.length & 255), body]);
const record = (type: number, body: Uint8Array) =>
  concat([Uint8Array.of(type, 3, 3, body.length >> 8, body.length & 255), body]);
const HELLO = message(2, concat([bytes("0303"), new Uint8Array(32), bytes("00c02b00")]));
const DONE = message(14, new Uint8Array(0));
const stapled = (ocsp: Uint8Array) =>
  message(22, concat([Uint8Array.of(1, 0, ocsp.length >> 8, ocsp.length & 255), ocsp]));

/** Answers the ClientHello with these bytes, in pieces of the size that is given. */
async function asked(flight: Uint8Array, piece = flight.length, protocol = "TLSv1.2") {
  let offered = "";
  let last = "";
  const listener = await runtime.listen(ip("127.0.0.1", 0), {}, (connection) => {
    connection.receiver = {
      data(hello) {
        const hex = Array.from(hello, (byte) => byte.toString(16).padStart(2, "0")).join("");
        if (offered !== "") return void (last = hex);
        offered = hex;
        for (let at = 0; at < flight.length; at += piece) {
          connection.write(flight.slice(at, at + piece));
        }
      },
      drain: () => {},
      end: () => connection.destroy(),
      close: () => {},
    };
  });
  const { at } = listener;
  const options = { timeoutMs: 2_000, login: null, proxyProtocol: null } as ProbeOptions;
  const place = new Place(runtime, parseTarget("imaps://localhost") as Target, options, at);
  const peer = { serial: "0A1B", pem: "" } as Certificate;
  const report = await readStaple(place, { peer, protocol });
  await listener.close();
  return { report, offered, last };
}

describe("a server", () => {
  test("that staples, however its messages are cut into records and packets", async () => {
    const messages = concat([HELLO, stapled(response({})), DONE]);
    const records = concat([
      record(22, messages.subarray(0, 61)),
      record(22, messages.subarray(61)),
    ]);
    for (const piece of [records.length, 7]) {
      const { report } = await asked(records, piece);
      assert.deepEqual([report?.stapled, report?.status, report?.detail], [true, "good", ""]);
    }
  });

  test("is asked for a staple, and left with alerts that no server minds", async () => {
    const { offered, last } = await asked(record(22, concat([HELLO, DONE])));
    assert.match(offered, /^160301.*000500050100000000/);
    assert.equal(last, "1503030002015a15030300020100");
  });

  test("that staples nothing", async () => {
    const { report } = await asked(record(22, concat([HELLO, DONE])));
    assert.deepEqual([report?.stapled, report?.detail], [false, ""]);
  });

  test("that has no TLS 1.2, or is none, leaves it open", async () => {
    const alert = await asked(record(21, bytes("0246")));
    assert.deepEqual([alert.report?.stapled, alert.report?.status], [null, null]);
    assert.equal(alert.report?.detail, "the server refuses this handshake");
    const words = await asked(encode("* BYE what?\r\n"));
    assert.equal(words.report?.detail, "the answer is not TLS");
  });
});

describe("a server that speaks TLS 1.3", () => {
  /** The certificates of a Certificate message (RFC 8446 section 4.4.2), as PEM's base64. */
  function certificatesIn(body: Uint8Array): string[] {
    const found: string[] = [];
    for (let at = 4 + body[0]; at < body.length;) {
      const end = at + 3 + (body[at] << 16 | body[at + 1] << 8 | body[at + 2]);
      found.push(btoa(String.fromCharCode(...body.subarray(at + 3, end))));
      at = end + 2 + (body[end] << 8 | body[end + 1]);
    }
    return found;
  }

  for (const key of ["ecdsa", "rsa"] as const) {
    test(`its certificates are seen through the encryption (${key})`, async () => {
      const middle = await (await testAuthority()).intermediate("Seen");
      const certificate = await middle.issue({ key });
      await using server = await startMailServer(runtime, {
        ...{ protocol: "imap", implicit: true, certificate, versions: ["TLSv1.3"] },
      });
      const at = ip("127.0.0.1", server.port);
      const talk = await Talk.connect(runtime, at, { timeoutMs: 2_000 });
      const body = await peekCertificate(talk, runtime.random(32), "localhost");
      assert.ok(typeof body !== "string", String(body));
      const sent = [...certificate.certificate.matchAll(/CERTIFICATE-----([^-]+)-----END/g)];
      assert.deepEqual(certificatesIn(body), sent.map(([, text]) => text.replace(/\s/g, "")));
      assert.equal(stapledTo(body), null);
    });
  }

  test("a Certificate message with a response, and with other extensions", () => {
    const extension = (type: number, data: Uint8Array) =>
      concat([Uint8Array.of(0, type, 0, data.length), data]);
    const staple = extension(5, concat([Uint8Array.of(1, 0, 0, 3), bytes("010203")]));
    const entry = (...extensions: readonly Uint8Array[]) => {
      const all = concat(extensions);
      return concat([bytes("000002aabb"), Uint8Array.of(0, all.length), all]);
    };
    const body = (...entries: readonly Uint8Array[]) => concat([bytes("00000000"), ...entries]);
    assert.deepEqual(stapledTo(body(entry(extension(18, bytes("00")), staple))), bytes("010203"));
    assert.equal(stapledTo(body(entry(), entry(staple))), null);
    assert.equal(stapledTo(new Uint8Array(0)), null);
  });

  test("a server that is none, or breaks off, leaves it open", async () => {
    const hello = (share: string) =>
      record(
        22,
        message(
          2,
          concat([bytes("0303"), new Uint8Array(32).fill(7), bytes("00130100"), bytes(share)]),
        ),
      );
    const ANSWERS: readonly (readonly [Uint8Array, RegExp])[] = [
      [record(21, bytes("0228")), /refuses this handshake/],
      [encode("* BYE what?\r\n"), /not TLS 1\.3/],
      [record(22, HELLO), /another cipher/],
      [hello("000a0033000600170002ffff"), /no point of P-256/],
      [hello("0006002b00020304"), /not TLS 1\.3/],
    ];
    for (const [answer, detail] of ANSWERS) {
      const { report } = await asked(answer, answer.length, "TLSv1.3");
      assert.equal(report?.stapled, null);
      assert.match(report?.detail ?? "", detail);
    }
  });
});

test("findings", () => {
  const now = Date.UTC(2026, 10, 22);
  const judge = (said: Said, more = {}) => {
    const report = { stapled: true, required: false, ...readOcsp(response(said), "0A1B"), ...more };
    return stapleFindings(report, now).map(({ id, severity }) => `${id} ${severity}`);
  };
  assert.deepEqual(judge({}), []);
  assert.deepEqual(judge({ status: "revoked" }), ["ocsp-revoked error"]);
  assert.deepEqual(judge({ status: "unknown" }), ["ocsp-unusable warning"]);
  assert.deepEqual(judge({ serial: "0C" }), ["ocsp-unusable warning"]);
  assert.deepEqual(judge({ next: "20261121120000Z" }), ["ocsp-stale warning"]);
  assert.deepEqual(judge({}, { stapled: false }), []);
  assert.deepEqual(judge({}, { stapled: false, required: true }), ["ocsp-missing error"]);
  assert.deepEqual(judge({}, { stapled: null, required: true }), []);
});
