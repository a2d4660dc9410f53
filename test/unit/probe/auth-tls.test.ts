/** Which certificates of auth servers are trusted, and what is said of the others. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encode } from "../../../src/core/bytes.ts";
import { NetError } from "../../../src/core/errors.ts";
import { AuthAddresses } from "../../../src/auth/names.ts";
import type { Certificate, Connection, Receiver, TlsInfo } from "../../../src/net/ports.ts";
import { AuthLine } from "../../../src/probe/auth-exchange.ts";
import { distrust, handshakeFailure } from "../../../src/probe/auth-tls.ts";
import { ip } from "../../../src/net/address.ts";
import { fakeRuntime } from "../observe/fakes.ts";

const NOW = Date.UTC(2030, 0, 15);
const OK: TlsInfo["verify"] = { ok: true, code: "0", text: "ok" };
const SELF: TlsInfo["verify"] = { ok: false, code: "18", text: "self-signed certificate" };
const EXPIRED: TlsInfo["verify"] = { ok: false, code: "10", text: "certificate has expired" };

const CERTIFICATE: Certificate = {
  subject: "CN=auth.test",
  issuer: "CN=CA",
  serial: "01",
  fingerprint: "00",
  pem: "",
  notBefore: Date.UTC(2029, 0, 1),
  notAfter: Date.UTC(2031, 0, 1),
  names: ["auth.test"],
  commonName: "auth.test",
};

describe("a certificate", () => {
  const ended = { ...CERTIFICATE, notAfter: Date.UTC(2030, 0, 14) };
  const cases:
    readonly (readonly [string, Certificate | null, TlsInfo["verify"], string | null])[] = [
      ["is good", CERTIFICATE, OK, null],
      ["is there", null, OK, "it showed no certificate"],
      [
        "is from a known authority",
        CERTIFICATE,
        SELF,
        "the certificate is not trusted: self-signed certificate (18)",
      ],
      ["has not ended", ended, EXPIRED, "the certificate expired on 2030-01-14"],
      [
        "has begun",
        { ...CERTIFICATE, notBefore: NOW + 1 },
        { ok: false, code: "9", text: "certificate is not yet valid" },
        "the certificate is not valid before 2030-01-15",
      ],
      [
        "is for that host",
        { ...CERTIFICATE, names: ["mx.test"] },
        OK,
        "the certificate does not cover auth.test: it is for mx.test",
      ],
      [
        "has one fault at most",
        { ...ended, names: [] },
        SELF,
        "the certificate expired on 2030-01-14; the certificate does not cover auth.test: it is for " +
        "no name at all; the certificate is not trusted: self-signed certificate (18)",
      ],
      // The library's clock may be ahead of ours.
      [
        "pleases the library, too",
        CERTIFICATE,
        EXPIRED,
        "the certificate is not trusted: certificate has expired (10)",
      ],
    ];
  for (const [what, peer, verify, words] of cases) {
    test(what, () => assert.equal(distrust({ peer, verify }, "auth.test", NOW), words));
  }
});

test("a server that speaks plain HTTP is guessed", () => {
  assert.match(handshakeFailure("wrong version number"), /perhaps it speaks http only$/);
  assert.equal(handshakeFailure("TLS handshake failed: x"), "the TLS handshake failed: x");
  assert.doesNotMatch(handshakeFailure("alert handshake failure"), /perhaps/);
});

describe("over TLS", () => {
  const INFO: TlsInfo = {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    alpn: null,
    sni: null,
    verify: OK,
    peer: { ...CERTIFICATE, notBefore: 0, notAfter: 1e15 },
    resumed: false,
  };

  /** A line to a server whose handshake the test decides. */
  function dial() {
    const runtime = fakeRuntime();
    const written: Uint8Array[] = [];
    const names: (string | undefined)[] = [];
    let server: Receiver | null = null;
    let settle: { resolve(info: TlsInfo): void; reject(error: Error): void } | null = null;
    runtime.connect = (_to, _options, receiver) => {
      server = receiver;
      return {
        write: (bytes: Uint8Array) => (written.push(bytes), true),
        destroy: () => {},
        startTls(_context: unknown, options: { readonly serverName?: string }) {
          names.push(options.serverName);
          return new Promise((resolve, reject) => settle = { resolve, reject });
        },
      } as unknown as Connection;
    };
    const at = { is: "name", host: "auth.test", port: 443 } as const;
    const url = { tls: true, at, host: "auth.test", uri: "/", text: "https://auth.test/" };
    const secure = { context: { tlsContext: "client" } as const, host: "auth.test" };
    const addresses = new AuthAddresses(url, runtime);
    const place = { runtime, addresses, timeoutMs: 5_000, secure };
    const line = new AuthLine(place, { at: ip("192.0.2.1", 443), peer: "192.0.2.1:443" });
    return { line, runtime, written, names, server: server!, settle: () => settle! };
  }

  test("nothing is sent before the certificate is found good; each stage has its time", async () => {
    const { line, runtime: { clock }, written, names, server, settle } = dial();
    const asked = line.ask(encode("GET"));
    clock.turn(2);
    server.open?.();
    assert.deepEqual([written, names], [[], ["auth.test"]]);
    clock.turn(3);
    settle().resolve(INFO);
    await Promise.resolve();
    assert.equal(written.length, 1);
    clock.turn(4);
    server.data(encode("HTTP/1.1 204 No Content\r\nAuth-Status: OK\r\n\r\n"));
    const { timings, tls, failure } = await asked;
    assert.deepEqual(timings, { connectMs: 2, tlsMs: 3, firstByteMs: 4, totalMs: 9 });
    assert.equal(tls?.protocol, "TLSv1.3");
    assert.equal(failure, null);
    assert.equal(line.reusable, true);
    const again = line.ask(encode("GET"));
    assert.equal(written.length, 2);
    server.data(encode("HTTP/1.1 204 No Content\r\nAuth-Status: OK\r\n\r\n"));
    assert.deepEqual((await again).timings, {
      connectMs: 0,
      tlsMs: 0,
      firstByteMs: 0,
      totalMs: 0,
    });
  });

  test("nor to a certificate that is not trusted", async () => {
    const { line, written, server, settle } = dial();
    const asked = line.ask(encode("GET"));
    server.open?.();
    settle().resolve({ ...INFO, verify: SELF });
    const { failure, tls } = await asked;
    assert.equal(failure?.stage, "securing");
    assert.match(failure!.why, /self-signed/);
    assert.equal(tls?.cipher, INFO.cipher);
    assert.deepEqual(written, []);
  });

  test("one that answers unasked is not believed, and not asked again either", async () => {
    const { line, written, server, settle } = dial();
    const asked = line.ask(encode("GET"));
    server.open?.();
    server.data(encode("HTTP/1.1 204 No Content\r\nAuth-Status: OK\r\n\r\n"));
    settle().resolve({ ...INFO, verify: SELF });
    assert.equal((await asked).failure?.stage, "securing");
    assert.equal(line.reusable, false);
    const { failure, bytes } = await line.ask(encode("GET"));
    assert.deepEqual([failure?.stage, bytes.length, written], ["securing", 0, []]);
  });

  test("a handshake that fails tells more than the close behind it", async () => {
    const { line, written, server, settle } = dial();
    const asked = line.ask(encode("GET"));
    server.open?.();
    server.close(new NetError("EPROTO", "broken"));
    settle().reject(new NetError("EPROTO", "alert handshake failure"));
    const { failure } = await asked;
    const why = "the TLS handshake failed: alert handshake failure";
    assert.deepEqual(failure, { stage: "securing", why });
    assert.deepEqual(written, []);
  });

  test("a handshake that takes too long", async () => {
    const { line, runtime, server } = dial();
    const asked = line.ask(encode("GET"));
    server.open?.();
    runtime.clock.turn(5_000);
    const why = "no answer in time to the TLS handshake";
    assert.deepEqual((await asked).failure, { stage: "securing", why });
  });
});
