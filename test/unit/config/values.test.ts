/** What each directive's words come to in a server, and nginx's sentence for words that come to nothing. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerDirective } from "../../../src/config/settings.ts";
import { complaintsAbout, HOSTNAME, serverOf } from "./support.ts";

describe("a directive gives its setting", () => {
  const cases: readonly (readonly [string, ServerDirective, unknown])[] = [
    ["xclient OFF;", "xclient", false],
    ["timeout 1m30s;", "timeout", 90_000],
    ["timeout 500ms;", "timeout", 500],
    ["ssl_session_timeout 1M;", "ssl_session_timeout", 2_592_000_000],
    ["proxy_buffer 8K;", "proxy_buffer", 8192],
    ["pop3_client_buffer 128;", "pop3_client_buffer", 128],
    ["max_errors 0;", "max_errors", 0],
    ["proxy_protocol V2;", "proxy_protocol", "v2"],
    ["starttls Only; ssl_certificate a; ssl_certificate_key b;", "starttls", "only"],
    // Sets have nginx's order, whatever the file's.
    ["imap_auth external plain;", "imap_auth", ["plain", "external"]],
    ["smtp_auth none; smtp_auth LOGIN;", "smtp_auth", ["login", "none"]],
    ["ssl_protocols TLSv1.3 TLSv1;", "ssl_protocols", ["TLSv1", "TLSv1.3"]],
    // Lists have the file's.
    ['smtp_capabilities "SIZE 1" DSN; smtp_capabilities DSN;', "smtp_capabilities", [
      "SIZE 1",
      "DSN",
      "DSN",
    ]],
    ["server_name mx.example;", "server_name", "mx.example"],
    ['server_name "";', "server_name", HOSTNAME.toLowerCase()],
    ["server_name .example.org mx.example.org;", "server_name", "mx.example.org"],
    ["ssl_crl crl.pem;", "ssl_crl", "/etc/doorpost/crl.pem"],
    ["ssl_crl /crl.pem;", "ssl_crl", "/crl.pem"],
    ['ssl_crl "";', "ssl_crl", null],
    ["ssl_certificate a; ssl_certificate data:PEM;", "ssl_certificate", [
      "/etc/doorpost/a",
      "data:PEM",
    ]],
    ["auth_http_header A 1; auth_http_header A 2;", "auth_http_header", [["A", "1"], ["A", "2"]]],
    ["ssl_session_cache off;", "ssl_session_cache", { is: "off" }],
    ["ssl_session_cache builtin;", "ssl_session_cache", {
      is: "cache",
      builtin: 20480,
      shared: null,
    }],
    ["ssl_session_cache builtin:10 shared:M:32k;", "ssl_session_cache", {
      is: "cache",
      builtin: 10,
      shared: { name: "M", size: 32768 },
    }],
    ["set_real_ip_from 10.1.0.0/16; set_real_ip_from unix:;", "set_real_ip_from", [
      { is: "range", base: Uint8Array.of(10, 1, 0, 0), bits: 16 },
      { is: "unix" },
    ]],
    ["set_real_ip_from ns.example.com;", "set_real_ip_from", [
      { is: "range", base: Uint8Array.of(192, 0, 2, 53), bits: 32 },
    ]],
    ["resolver off;", "resolver", null],
    ["resolver 127.0.0.1 [::1]:5353 ns.example.com valid=1m ipv6=off;", "resolver", {
      servers: [
        { is: "ip", address: "127.0.0.1", port: 53 },
        { is: "ip", address: "::1", port: 5353 },
        { is: "ip", address: "192.0.2.53", port: 53 },
      ],
      valid: 60_000,
      ipv4: true,
      ipv6: false,
    }],
    ["error_log stderr;", "error_log", [{ destination: { is: "stderr" }, level: "error" }]],
    ["error_log mail.log debug_mail debug_core;", "error_log", [
      { destination: { is: "file", path: "/etc/doorpost/mail.log" }, level: "debug" },
    ]],
    [
      "error_log syslog:server=ns.example.com,facility=mail,severity=info,nohostname warn;",
      "error_log",
      [
        {
          destination: {
            is: "syslog",
            server: { is: "ip", address: "192.0.2.53", port: 514 },
            facility: "mail",
            tag: "doorpost",
            nohostname: true,
          },
          level: "warn",
        },
      ],
    ],
  ];
  for (const [text, name, value] of cases) {
    test(text, async () => assert.deepEqual((await serverOf(text))[name], value));
  }

  test("text for the wire is a byte string of its UTF-8", async () => {
    const server = await serverOf("smtp_capabilities X-é; auth_http_header Ä ö;");
    assert.deepEqual(server.smtp_capabilities, ["X-\xc3\xa9"]);
    assert.deepEqual(server.auth_http_header, [["\xc3\x84", "\xc3\xb6"]]);
  });
});

describe("auth_http", () => {
  const ip = { is: "ip", address: "127.0.0.1", port: 9000 };
  const cases: readonly (readonly [string, unknown, string, string])[] = [
    ["127.0.0.1:9000/auth", ip, "127.0.0.1", "/auth"],
    ["http://127.0.0.1:9000/auth?x=1", ip, "127.0.0.1", "/auth?x=1"],
    ["127.0.0.1:9000", ip, "127.0.0.1", "/"],
    ["127.0.0.1:9000?x=/y", ip, "127.0.0.1", "/?x=/y"],
    ["localhost", { is: "name", host: "localhost", port: 80 }, "localhost", "/"],
    ["[::1]:81/a", { is: "ip", address: "::1", port: 81 }, "[::1]", "/a"],
    ["[0::1]", { is: "ip", address: "::1", port: 80 }, "[0::1]", "/"],
    ["unix:/run/a.sock", { is: "unix", path: "/run/a.sock" }, "localhost", "/"],
    ["unix:/run/a.sock:/auth", { is: "unix", path: "/run/a.sock" }, "localhost", "/auth"],
    ["http://unix:/run/a.sock:/x:y", { is: "unix", path: "/run/a.sock" }, "localhost", "/x:y"],
  ];
  for (const [text, at, host, uri] of cases) {
    test(text, async () => {
      const { auth_http } = await serverOf(`auth_http ${text};`);
      assert.deepEqual(auth_http, { tls: false, at, host, uri, text });
    });
  }

  const faulty: readonly (readonly [string, string])[] = [
    ["127.0.0.1:0", 'invalid port in auth_http "127.0.0.1:0"'],
    ["127.0.0.1:x/", 'invalid port in auth_http "127.0.0.1:x/"'],
    ["127.0.0.1:65536", 'invalid port in auth_http "127.0.0.1:65536"'],
    ["/auth", 'no host in auth_http "/auth"'],
    [":80", 'no host in auth_http ":80"'],
    ["[::1", 'invalid host in auth_http "[::1"'],
    ["[::g]:80", 'invalid IPv6 address in auth_http "[::g]:80"'],
    ["nowhere.example.com", 'host not found in auth_http "nowhere.example.com"'],
    ["unix:", 'no path in the unix domain socket in auth_http "unix:"'],
    ["HTTP://127.0.0.1/", 'invalid port in auth_http "HTTP://127.0.0.1/"'],
    ["http://127.0.0.1:x/", 'invalid port in auth_http "127.0.0.1:x/"'],
  ];
  for (const [text, message] of faulty) {
    test(`${text} is refused`, async () => {
      assert.deepEqual(await complaintsAbout(`auth_http ${text};`), [`error: ${message}`]);
    });
  }

  test("https is refused by name", async () => {
    const [complaint] = await complaintsAbout("auth_http https://auth.example.com/;");
    assert.match(complaint, /^error: https is not supported/);
  });
});

describe("words that come to nothing are answered in nginx's words", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["xclient yes;", 'invalid value "yes" in "xclient" directive, it must be "on" or "off"'],
    ["xclient on off;", 'invalid number of arguments in "xclient" directive'],
    ["timeout;", 'invalid number of arguments in "timeout" directive'],
    ["timeout 1x;", '"timeout" directive invalid value'],
    ["ssl_session_timeout 500ms;", '"ssl_session_timeout" directive invalid value'],
    ["proxy_buffer 1g;", '"proxy_buffer" directive invalid value'],
    ["proxy_buffer 0;", '"proxy_buffer" directive invalid value'],
    ["max_errors five;", '"max_errors" directive invalid number'],
    ["starttls yes;", 'invalid value "yes"'],
    ["imap_auth oauth;", 'invalid value "oauth"'],
    ["protocol POP3;", 'unknown protocol "POP3"'],
    ["auth_http_header X;", 'invalid number of arguments in "auth_http_header" directive'],
    ["ssl_session_cache shared:M;", 'invalid session cache "shared:M"'],
    ["ssl_session_cache shared:M:31k;", 'session cache "shared:M:31k" is too small'],
    ["resolver valid=1s;", "no name servers defined"],
    ["resolver 127.0.0.1 valid=x;", "invalid parameter: valid=x"],
    ["resolver nowhere.example.com;", 'host not found in resolver "nowhere.example.com"'],
    ["set_real_ip_from not/a/range;", 'host not found in set_real_ip_from "not/a/range"'],
    ["error_log stderr info warn;", 'duplicate log level "warn"'],
    ["error_log syslog:facility=mail;", "no syslog server specified"],
    ["error_log syslog:server=127.0.0.1,facility=post;", 'unknown syslog facility "post"'],
    ["error_log syslog:server=127.0.0.1,colour=red;", 'unknown syslog parameter "colour=red"'],
    ["error_log syslog:server=127.0.0.1,severity=loud;", 'unknown syslog severity "loud"'],
    ["error_log syslog:server=127.0.0.1,tag=a,tag=b;", 'duplicate syslog "tag"'],
    [
      `error_log syslog:server=127.0.0.1,tag=${"a".repeat(33)};`,
      "syslog tag length exceeds 32",
    ],
    ['server_name "a b";', 'invalid name in "server_name" directive'],
    ["ssl_certificate_key store:file:x;", 'keys of the form "store:" are not supported'],
  ];
  for (const [text, message] of cases) {
    test(text, async () => assert.deepEqual(await complaintsAbout(text), [`error: ${message}`]));
  }
});

describe("what works with a warning", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["imap_auth plain plain;", /duplicate value "plain"/],
    ["set_real_ip_from 10.0.0.1/8;", /low address bits of 10.0.0.1\/8 are meaningless/],
    ["timeout 60000;", /60000 seconds: 16 hours 40 minutes/],
    ["ssl_protocols SSLv3 TLSv1.2;", /SSLv3 is broken/],
    ["error_log memory:32m debug;", /logs in memory are not supported/],
    ["ssl off;", /"ssl" is an old directive/],
    ["so_keepalive off;", /"so_keepalive" is an old directive/],
    ["auth apop;", /"auth" is an old directive/],
    ["resolver off 127.0.0.1;", /"127.0.0.1" is ignored behind "off"/],
    ["server_name *.example.com;", /"example.com" is used/],
  ];
  for (const [text, warning] of cases) {
    test(text, async () => {
      const complaints = await complaintsAbout(text);
      assert.equal(complaints.length, 1);
      assert.match(complaints[0], /^warning: /);
      assert.match(complaints[0], warning);
    });
  }

  test("honest seconds are not taken for milliseconds", async () => {
    assert.deepEqual(await complaintsAbout("proxy_timeout 86400; timeout 3600;"), []);
  });
});
