/** The requests of nginx's auth_http protocol, byte for byte. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { prepareRequest, showRequest, writeRequest } from "../../../src/auth/request.ts";
import { Secret } from "../../../src/core/secret.ts";
import { ip, unix } from "../../../src/net/address.ts";
import type { Attempt } from "../../../src/session/machine.ts";
import { attempt, certificate, PASSWORD, settings, text, tls } from "./attempts.ts";

type Settings = Parameters<typeof settings>[0];

function request(change: Partial<Attempt>, config: Settings = {}, version: "1.0" | "1.1" = "1.0") {
  return text(writeRequest(prepareRequest(settings(config)), attempt(change), version));
}

function shown(change: Partial<Attempt>, config: Settings = {}): string {
  return showRequest(prepareRequest(settings(config)), attempt(change), "1.0").join("\n");
}

function lines(...all: string[]): string {
  return all.join("\r\n") + "\r\n\r\n";
}

const smtpPeer = { address: ip("192.0.2.7", 40001), host: "client.example", proxied: null };
const envelope = { helo: "client.example", from: "MAIL FROM:<a@b>  SIZE=10", to: "rcpt to:<c@d>" };

describe("whole requests", () => {
  const cases: [string, Partial<Attempt>, Settings, string][] = [
    [
      "IMAP LOGIN",
      {},
      {},
      lines(
        "GET /auth HTTP/1.0",
        "Host: 127.0.0.1",
        "Auth-Method: plain",
        "Auth-User: alice",
        `Auth-Pass: ${PASSWORD}`,
        "Auth-Protocol: imap",
        "Auth-Login-Attempt: 1",
        "Client-IP: 192.0.2.7",
      ),
    ],
    [
      "POP3 APOP, third attempt",
      {
        protocol: "pop3",
        method: "apop",
        password: new Secret("c4c9334bac560ecc979e58001b3e22fb"),
        salt: "<1896.697170952@mail.example>",
        attempt: 3,
      },
      {},
      lines(
        "GET /auth HTTP/1.0",
        "Host: 127.0.0.1",
        "Auth-Method: apop",
        "Auth-User: alice",
        "Auth-Pass: c4c9334bac560ecc979e58001b3e22fb",
        "Auth-Salt: <1896.697170952@mail.example>",
        "Auth-Protocol: pop3",
        "Auth-Login-Attempt: 3",
        "Client-IP: 192.0.2.7",
      ),
    ],
    [
      "SMTP without login, through a PROXY header, over TLS, with configured headers",
      {
        protocol: "smtp",
        method: "none",
        user: "",
        envelope,
        tls: tls(),
        peer: {
          ...smtpPeer,
          proxied: { source: ip("198.51.100.1", 5555), destination: ip("203.0.113.9", 25) },
        },
      },
      { auth_http_header: [["X-Key", "k"], ["Host", "other"]] },
      lines(
        "GET /auth HTTP/1.0",
        "Host: 127.0.0.1",
        "Auth-Method: none",
        "Auth-User: ",
        "Auth-Pass: ",
        "Auth-Protocol: smtp",
        "Auth-Login-Attempt: 1",
        "Client-IP: 192.0.2.7",
        "Client-Host: client.example",
        "Proxy-Protocol-Addr: 198.51.100.1",
        "Proxy-Protocol-Port: 5555",
        "Proxy-Protocol-Server-Addr: 203.0.113.9",
        "Proxy-Protocol-Server-Port: 25",
        "Auth-SMTP-Helo: client.example",
        "Auth-SMTP-From: MAIL FROM:<a@b>  SIZE=10",
        "Auth-SMTP-To: rcpt to:<c@d>",
        "Auth-SSL: on",
        "Auth-SSL-Protocol: TLSv1.3",
        "Auth-SSL-Cipher: TLS_AES_256_GCM_SHA384",
        "X-Key: k",
        "Host: other",
      ),
    ],
    [
      "IMAP EXTERNAL with a client certificate",
      {
        method: "external",
        password: new Secret(""),
        tls: tls({ peer: certificate() }),
      },
      { ssl_verify_client: "on", auth_http_pass_client_cert: true },
      lines(
        "GET /auth HTTP/1.0",
        "Host: 127.0.0.1",
        "Auth-Method: external",
        "Auth-User: alice",
        "Auth-Pass: ",
        "Auth-Protocol: imap",
        "Auth-Login-Attempt: 1",
        "Client-IP: 192.0.2.7",
        "Auth-SSL: on",
        "Auth-SSL-Protocol: TLSv1.3",
        "Auth-SSL-Cipher: TLS_AES_256_GCM_SHA384",
        "Auth-SSL-Verify: SUCCESS",
        "Auth-SSL-Subject: O=Org\\, Inc,CN=alice",
        "Auth-SSL-Issuer: CN=Test CA",
        "Auth-SSL-Serial: 0A1B",
        "Auth-SSL-Fingerprint: a9993e364706816aba3e25717850c26c9cd0d89d",
        "Auth-SSL-Cert: -----BEGIN%20CERTIFICATE-----%0AMIIB+/=%0A-----END%20CERTIFICATE-----%0A",
      ),
    ],
  ];
  for (const [name, change, config, expected] of cases) {
    test(name, () => assert.equal(request(change, config), expected));
  }

  test("HTTP/1.1 differs in the version and in nothing else", () => {
    assert.equal(request({}, {}, "1.1"), request({}).replace("HTTP/1.0", "HTTP/1.1"));
  });

  test("the same attempt asked again (WAIT) keeps its digest and its number", () => {
    const digest = attempt({ method: "cram-md5", salt: "<1.2@x>", attempt: 2 });
    const prepared = prepareRequest(settings());
    assert.deepEqual(writeRequest(prepared, digest, "1.0"), writeRequest(prepared, digest, "1.0"));
    assert.match(
      text(writeRequest(prepared, digest, "1.0")),
      new RegExp(`Auth-Pass: ${PASSWORD}\r`),
    );
  });
});

describe("escaping of user and password", () => {
  const cases: [string, string, string][] = [
    ["space and percent", "a b%c", "a%20b%25c"],
    ["controls, upper-case hex", "\x00\t\x1f\r\n", "%00%09%1F%0D%0A"],
    ["0x7F and above stay raw", "\x7f\x80\xc3\xbc\xff", "\x7f\x80\xc3\xbc\xff"],
    ["nothing else is touched", "+&=?#\"'\\:;@", "+&=?#\"'\\:;@"],
    ["already escaped text is escaped again", "%20", "%2520"],
  ];
  for (const [name, value, wire] of cases) {
    test(name, () => {
      const got = request({ user: value, password: new Secret(value) });
      assert.ok(got.includes(`\r\nAuth-User: ${wire}\r\nAuth-Pass: ${wire}\r\nAuth-Protocol`), got);
    });
  }
});

describe("lines that come and go", () => {
  const has = (wanted: RegExp, change: Partial<Attempt>, config: Settings = {}) =>
    assert.match(request(change, config), wanted);
  const lacks = (unwanted: RegExp, change: Partial<Attempt>, config: Settings = {}) =>
    assert.doesNotMatch(request(change, config), unwanted);

  test("Auth-Salt only with a digest", () => {
    has(/\r\nAuth-Salt: <1\.2@x>\r\nAuth-Protocol/, { method: "cram-md5", salt: "<1.2@x>" });
    lacks(/Auth-Salt/, { method: "plain", salt: "<1.2@x>" });
    lacks(/Auth-Salt/, { method: "external", salt: "<1.2@x>" });
  });

  test("Client-Host for SMTP alone, whatever the method", () => {
    has(/\r\nClient-IP: 192\.0\.2\.7\r\nClient-Host: client\.example\r\n/, {
      protocol: "smtp",
      peer: smtpPeer,
    });
    lacks(/Client-Host/, { protocol: "imap", peer: smtpPeer });
  });

  test("Client-IP of IPv6 and unix clients", () => {
    has(/\r\nClient-IP: 2001:db8::1\r\n/, {
      peer: { address: ip("2001:db8::1", 1), host: "", proxied: null },
    });
    has(/\r\nClient-IP: unix:\r\n/, {
      peer: { address: unix("/x"), host: "", proxied: null },
    });
  });

  test("an envelope only with method none; an empty HELO is sent", () => {
    has(/\r\nAuth-SMTP-Helo: \r\nAuth-SMTP-From/, {
      protocol: "smtp",
      method: "none",
      envelope: { ...envelope, helo: "" },
    });
    lacks(/Auth-SMTP/, { protocol: "smtp", method: "plain", envelope });
  });

  test("certificate lines only when ssl_verify_client is not off", () => {
    const withCertificate = { tls: tls({ peer: certificate() }) };
    lacks(/Auth-SSL-(Verify|Subject|Cert)/, withCertificate, { auth_http_pass_client_cert: true });
    has(/\r\nAuth-SSL-Verify: NONE\r\n/, { tls: tls() }, { ssl_verify_client: "optional" });
    lacks(/Auth-SSL-Cert/, withCertificate, { ssl_verify_client: "on" });
  });

  test("a failed verification says why; empty values are left out", () => {
    const verify = { ok: false, code: "18", text: "self-signed certificate" };
    const peer = certificate({ issuer: "", pem: "a\r\nb" });
    const config = {
      ssl_verify_client: "optional_no_ca",
      auth_http_pass_client_cert: true,
    } as const;
    has(
      /\r\nAuth-SSL-Verify: FAILED:self-signed certificate\r\n/,
      { tls: tls({ verify, peer }) },
      config,
    );
    lacks(/Auth-SSL-Issuer/, { tls: tls({ verify, peer }) }, config);
    has(/\r\nAuth-SSL-Cert: a%0Ab%0A\r\n/, { tls: tls({ verify, peer }) }, config);
  });

  test("a query without a path is asked for as /?", () => {
    const auth_http = { ...settings().auth_http, uri: "?x=1", host: "[::1]" };
    assert.ok(request({}, { auth_http }).startsWith("GET /?x=1 HTTP/1.0\r\nHost: [::1]\r\n"));
  });

  test("the URI goes out as UTF-8", () => {
    const auth_http = { ...settings().auth_http, uri: "/\u00fc" };
    assert.ok(request({}, { auth_http }).startsWith("GET /\xc3\xbc HTTP/1.0\r\n"));
  });
});

describe("credentials that do not belong to the method", () => {
  test("method none sends neither user nor password, however crafted (CVE-2025-53859)", () => {
    for (const crafted of ["%".repeat(300), "\x00".repeat(300), "\xff", " "]) {
      const got = request({
        protocol: "smtp",
        method: "none",
        user: crafted,
        password: new Secret(crafted),
        envelope,
      });
      assert.ok(got.includes("\r\nAuth-User: \r\nAuth-Pass: \r\nAuth-Protocol: smtp\r\n"), got);
    }
  });

  test("EXTERNAL never sends the password of an earlier attempt", () => {
    assert.match(request({ method: "external" }), /\r\nAuth-User: alice\r\nAuth-Pass: \r\n/);
  });
});

describe("what clients say stays within its line", () => {
  /** Every character, those above 0xFF included: cut to a byte, U+010A would be a line feed. */
  const anything = fc.string({
    unit: fc.integer({ min: 0, max: 0x17f }).map((n) => String.fromCharCode(n)),
  });
  const names = (wire: string) => wire.split("\r\n").map((line) => line.replace(/:.*$/s, ""));

  test("the header names are the same whatever the values are, and no CR or LF stands alone", () => {
    const config: Settings = { ssl_verify_client: "on", auth_http_pass_client_cert: true };
    const build = (value: string) =>
      (["none", "plain", "apop"] as const).map((method) =>
        request({
          protocol: "smtp",
          method,
          user: value,
          password: new Secret(value),
          salt: value,
          envelope: { helo: value, from: value, to: value },
          peer: {
            address: ip(value, 1),
            host: value,
            proxied: { source: ip(value, 2), destination: ip(value, 3) },
          },
          tls: tls({
            protocol: `p${value}`,
            cipher: `c${value}`,
            sni: value,
            verify: { ok: false, code: "1", text: value },
            peer: certificate({
              subject: `s${value}`,
              issuer: `i${value}`,
              serial: `n${value}`,
              fingerprint: `f${value}`,
              pem: value,
            }),
          }),
        }, config)
      );
    const plain = build("x").map(names);
    fc.assert(
      fc.property(anything, (value) => {
        const wires = build(value);
        // The request line has no colon and is the same in all.
        assert.deepEqual(wires.map(names), plain);
        for (const wire of wires) {
          assert.doesNotMatch(wire.replaceAll("\r\n", ""), /[\r\n\x00]/);
          assert.equal(wire.indexOf("\r\n\r\n"), wire.length - 4);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("text that is no byte string goes out as UTF-8", () => {
    const peer = certificate({ subject: "CN=\u010a\u20ac" });
    assert.match(
      request({ tls: tls({ peer }) }, { ssl_verify_client: "on" }),
      /\r\nAuth-SSL-Subject: CN=\xc4\x8a\xe2\x82\xac\r\n/,
    );
  });
});

describe("the request as it may be shown", () => {
  test("masks the password, the digest, configured values and the query", () => {
    const config: Settings = {
      auth_http: { ...settings().auth_http, uri: "/auth?key=hush" },
      auth_http_header: [["X-Key", "hush"], ["X-Two", "a\r\nX-Three: hush"]],
    };
    for (const method of ["plain", "apop", "cram-md5"] as const) {
      const got = shown({ method, salt: "<1.2@x>" }, config);
      assert.match(got, /\nAuth-Pass: \*\*\*\*\n/);
      assert.match(got, /\nX-Key: \*\*\*\*\nX-Two: \*\*\*\*$/);
      assert.match(got, /^GET \/auth\?\*\*\*\* HTTP\/1\.0\n/);
      assert.ok(!got.includes(PASSWORD) && !got.includes("hush"), got);
    }
  });

  test("does not tell an empty password from a long one", () => {
    assert.equal(shown({ password: new Secret("") }), shown({}));
  });

  test("shows that EXTERNAL and none send no password", () => {
    assert.match(shown({ method: "external" }), /\nAuth-Pass: \n/);
  });
});

describe("headers that would garble a kept connection", () => {
  const cases: [readonly (readonly [string, string])[], boolean][] = [
    [[["X-Key", "k"]], true],
    [[["connection", "close"]], false],
    [[["Host", "other"]], false],
    [[["Content-Length", "5"]], false],
    [[["X-Key", "k\r\n\r\nGET / HTTP/1.1"]], false],
  ];
  for (const [headers, may] of cases) {
    test(`${JSON.stringify(headers)}: ${may ? "kept" : "HTTP/1.0 alone"}`, () => {
      const config = settings({ auth_http_header: headers });
      assert.equal(prepareRequest(config).mayPersist, may);
    });
  }
});
