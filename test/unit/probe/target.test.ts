/** What can be probed, and what the words for it are refused for. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ip, unix } from "../../../src/net/address.ts";
import { covers } from "../../../src/probe/certificates.ts";
import { clientHello, readAnswer } from "../../../src/probe/hello.ts";
import { listenerTarget, parseConnectTo, parseTarget } from "../../../src/probe/target.ts";

const GOOD: readonly (readonly [string, string | null, number, string, boolean])[] = [
  ["imap://mail.example.com", "mail.example.com", 143, "imap", false],
  ["IMAPS://mail.example.com/", "mail.example.com", 993, "imap", true],
  ["pop3://[::1]:1110", "::1", 1110, "pop3", false],
  ["pop3s://192.0.2.1", "192.0.2.1", 995, "pop3", true],
  ["smtp://mx", "mx", 25, "smtp", false],
  ["smtps://mx", "mx", 465, "smtp", true],
  ["submission://mx", "mx", 587, "smtp", false],
  ["submissions://mx:65535", "mx", 65535, "smtp", true],
  ["imap://unix:/run/imap.sock", null, 0, "imap", false],
];
for (const [url, host, port, protocol, implicitTls] of GOOD) {
  test(`target ${url}`, () => {
    const target = parseTarget(url);
    assert.ok(typeof target !== "string", String(target));
    assert.deepEqual(
      [target.host, target.port, target.protocol, target.implicitTls],
      [host, port, protocol, implicitTls],
    );
  });
}

const BAD: readonly (readonly [string, RegExp])[] = [
  ["mail.example.com", /it is no URL/],
  ["http://mail.example.com", /the scheme is one of imap, imaps/],
  ["constructor://x", /the scheme is one of/],
  ["imap://", /HOST:PORT/],
  ["imap://a:b", /HOST:PORT/],
  ["imap://a:0", /port 0 is not/],
  ["imap://a:65536", /port 65536 is not/],
  ["imap://::1", /HOST:PORT/],
  ["imap://[x]:1", /HOST:PORT|no IPv6/],
  ["imap://alice:secret@a", /never on a command line/],
];
for (const [url, why] of BAD) {
  test(`no target: ${url}`, () => {
    const said = parseTarget(url);
    assert.ok(typeof said === "string");
    assert.match(said, why);
    assert.doesNotMatch(said, /secret/);
  });
}

test("where to connect instead", () => {
  assert.deepEqual(parseConnectTo("10.0.0.1:1143"), { host: "10.0.0.1", port: 1143 });
  assert.deepEqual(parseConnectTo("backend"), { host: "backend", port: null });
  assert.deepEqual(parseConnectTo("[::1]:99"), { host: "::1", port: 99 });
  assert.deepEqual(parseConnectTo("[::1]"), { host: "::1", port: null });
  assert.deepEqual(parseConnectTo("unix:/x"), unix("/x"));
  assert.equal(typeof parseConnectTo("a b"), "string");
});

test("a listener on a wildcard is reached by loopback, under the server's name", () => {
  const target = listenerTarget({
    protocol: "imap",
    ssl: true,
    at: ip("0.0.0.0", 993),
    name: "mail.example.com",
    behindProxy: true,
  });
  assert.deepEqual([target.url, target.host], ["imaps://127.0.0.1:993", "mail.example.com"]);
  assert.deepEqual(target.at, ip("127.0.0.1", 993));
  assert.equal(target.behindProxy, true);
});

const NAMES: readonly (readonly [string, string, boolean])[] = [
  ["mail.example.com", "MAIL.example.com", true],
  ["*.example.com", "mail.example.com", true],
  ["*.example.com", "a.mail.example.com", false],
  ["*.example.com", "example.com", false],
  ["*.example.com", ".example.com", false],
  ["::1", "0:0:0:0:0:0:0:1", true],
  ["127.0.0.1", "127.0.0.1", true],
  ["*.0.0.1", "127.0.0.1", false],
];
for (const [name, host, expected] of NAMES) {
  test(`a certificate for ${name} ${expected ? "covers" : "does not cover"} ${host}`, () => {
    assert.equal(covers(name, host), expected);
  });
}

// --- our own ClientHello ---------------------------------------------------------------------------

const RANDOM = new Uint8Array(32).fill(7);

test("a ClientHello's lengths add up, and it names host and version", () => {
  const hello = clientHello("TLSv1.3", RANDOM, "mail.test");
  assert.equal((hello[3] << 8) | hello[4], hello.length - 5);
  assert.equal((hello[6] << 16) | (hello[7] << 8) | hello[8], hello.length - 9);
  const text = String.fromCharCode(...hello);
  assert.ok(text.includes("mail.test"));
  assert.ok(text.includes("\x00\x2b\x00\x03\x02\x03\x04"));
  assert.equal(clientHello("TLSv1", RANDOM, null)[10], 1);
});

/** A ServerHello of the given version, with extensions behind it. */
function serverHello(minor: number, extensions: readonly number[] = []): Uint8Array {
  const tail = extensions.length > 0 ? [0, extensions.length, ...extensions] : [];
  const body = [3, minor, ...RANDOM, 0, 0x13, 0x01, 0, ...tail];
  const handshake = [2, 0, 0, body.length, ...body];
  return Uint8Array.of(22, 3, 3, 0, handshake.length, ...handshake);
}

const ANSWERS: readonly (readonly [string, Uint8Array, unknown])[] = [
  ["TLS 1.0", serverHello(1), { is: "choice", version: "TLSv1" }],
  ["TLS 1.2", serverHello(3), { is: "choice", version: "TLSv1.2" }],
  ["TLS 1.2, other extensions", serverHello(3, [0xff, 1, 0, 1, 0]), {
    is: "choice",
    version: "TLSv1.2",
  }],
  ["TLS 1.3", serverHello(3, [0, 43, 0, 2, 3, 4]), { is: "choice", version: "TLSv1.3" }],
  ["an alert", Uint8Array.of(21, 3, 1, 0, 2, 2, 70), { is: "alert", number: 70 }],
  ["text", new TextEncoder().encode("* BYE no TLS here"), { is: "other" }],
];
for (const [what, bytes, expected] of ANSWERS) {
  test(`an answer of ${what}, once it has all come`, () => {
    assert.deepEqual(readAnswer(bytes), expected);
    assert.equal(readAnswer(bytes.subarray(0, 4)), null);
  });
}
