/** The demo's auth server: verdicts of the `auth_http` protocol, and the HTTP that carries them. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encode } from "../../../src/core/bytes.ts";
import { DEMO_AUTH_REQUEST } from "../../../src/core/limits.ts";
import { AuthConversation, percentDecode, type Targets } from "../../../src/demo/auth-server.ts";
import { inPieces, Talk } from "./talk.ts";

const TARGETS: Targets = new Map([
  ["imap", { is: "ip", address: "127.0.0.1", port: 50143 }],
  ["pop3", { is: "ip", address: "127.0.0.1", port: 50110 }],
  ["smtp", { is: "ip", address: "127.0.0.1", port: 50025 }],
]);

function start(): Talk {
  return new Talk((outlet) => new AuthConversation(TARGETS, outlet));
}

function request(headers: Readonly<Record<string, string>>, version = "1.1"): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`GET /auth HTTP/${version}`, "Host: localhost", ...lines, "", ""].join("\r\n");
}

const GOOD = {
  "Auth-Method": "plain",
  "Auth-User": "demo@example.com",
  "Auth-Pass": "doorpost",
  "Auth-Protocol": "imap",
};

/** The Auth- headers of the answer to a question. */
function verdict(changes: Readonly<Record<string, string>>): Record<string, string> {
  const said = start().say(request({ ...GOOD, ...changes }));
  assert.ok(said.startsWith("HTTP/1.1 200 OK\r\n"), said);
  return Object.fromEntries(
    said.split("\r\n").filter((line) => line.startsWith("Auth-")).map((line) => line.split(": ")),
  );
}

describe("the right login", () => {
  for (const [protocol, port] of [["imap", "50143"], ["pop3", "50110"], ["smtp", "50025"]]) {
    test(`is sent to the ${protocol} server`, () => {
      assert.deepEqual(verdict({ "Auth-Protocol": protocol }), {
        "Auth-Status": "OK",
        "Auth-Server": "127.0.0.1",
        "Auth-Port": port,
      });
    });
  }

  test("may come percent-encoded", () => {
    const encoded = { "Auth-User": "demo%40example.com", "Auth-Pass": "%64oorpost" };
    assert.equal(verdict(encoded)["Auth-Status"], "OK");
  });

  test("may come with header names of any case", () => {
    const said = start().say(
      request({ "AUTH-METHOD": "plain", "auth-user": "demo@example.com" }).slice(0, -2) +
        "auth-Pass:doorpost\r\nAuth-protocol:  imap  \r\n\r\n",
    );
    assert.match(said, /Auth-Status: OK/);
  });
});

describe("a wrong login", () => {
  const denied = { "Auth-Status": "Invalid login or password", "Auth-Wait": "3" };
  const cases: [title: string, changes: Record<string, string>, Record<string, string>][] = [
    ["by password", { "Auth-Pass": "Doorpost" }, denied],
    ["by user", { "Auth-User": "root" }, denied],
    ["with a password that would match undecoded", { "Auth-Pass": "doorpost%20" }, denied],
    ["with no password", { "Auth-Pass": "" }, denied],
    ["by a method that needs the password here", { "Auth-Method": "cram-md5" }, denied],
    ["by a certificate", { "Auth-Method": "external" }, denied],
    [
      "gets a reply code for SMTP",
      { "Auth-Protocol": "smtp", "Auth-Pass": "x" },
      { ...denied, "Auth-Error-Code": "535 5.7.8" },
    ],
    [
      "that is none is asked for one",
      { "Auth-Protocol": "smtp", "Auth-Method": "none" },
      { "Auth-Status": "Authentication required", "Auth-Error-Code": "530 5.7.0" },
    ],
    ["for a server that is not there", { "Auth-Protocol": "sieve" }, {
      "Auth-Status": "Unknown protocol",
    }],
  ];
  for (const [title, changes, headers] of cases) {
    test(title, () => assert.deepEqual(verdict(changes), headers));
  }
});

describe("percent-decoding", () => {
  const cases: [string, string][] = [
    ["a%20b%25c", "a b%c"],
    ["%c3%A4", "\xc3\xa4"],
    ["a+b", "a+b"],
    ["100%", "100%"],
    ["%zz%4", "%zz%4"],
    ["%2525", "%25"],
  ];
  for (const [text, bytes] of cases) test(text, () => assert.equal(percentDecode(text), bytes));

  test("undoes what the proxy does, whatever the bytes", () => {
    const escape = (text: string) => {
      // deno-lint-ignore no-control-regex
      return text.replace(/[\x00-\x20%]/g, (char) => {
        return "%" + char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
      });
    };
    const bytes = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => {
      return String.fromCharCode(...codes);
    });
    fc.assert(fc.property(bytes, (text) => assert.equal(percentDecode(escape(text)), text)));
  });
});

describe("HTTP", () => {
  const cases: [title: string, bytes: string, status: RegExp, stays: boolean][] = [
    ["1.1 stays open", request(GOOD), /^HTTP\/1\.1 200 .*keep-alive/s, true],
    ["1.1 closes when asked", request({ ...GOOD, Connection: "close" }), /close/, false],
    ["1.0 closes", request(GOOD, "1.0"), /^HTTP\/1\.1 200 .*close/s, false],
    [
      "1.0 stays open when asked",
      request({ ...GOOD, Connection: "Keep-Alive" }, "1.0"),
      /keep-alive/,
      true,
    ],
    ["2.0 is not spoken", request(GOOD, "2.0"), /^HTTP\/1\.1 400 /, false],
    ["other methods are not known", "POST / HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 405 /, false],
    ["a line without a colon is bad", "GET / HTTP/1.1\r\nfoo\r\n\r\n", /^HTTP\/1\.1 400 /, false],
    ["nonsense is bad", "\x16\x03\x01\r\n\r\n", /^HTTP\/1\.1 400 /, false],
    [
      "a body of unknown length is not read",
      request({ ...GOOD, "Transfer-Encoding": "chunked" }),
      /^HTTP\/1\.1 501 /,
      false,
    ],
    ["a vast body is not read", request({ "Content-Length": "70000" }), /^HTTP\/1\.1 413 /, false],
    ["a length that is none is bad", request({ "Content-Length": "-1" }), /413/, false],
  ];
  for (const [title, bytes, status, stays] of cases) {
    test(title, () => {
      const talk = start();
      assert.match(talk.say(bytes), status);
      assert.equal(talk.finished, !stays);
    });
  }

  test("answers requests in a row, and passes over their bodies", () => {
    const body = request({ ...GOOD, "Content-Length": "5" }) + "hello";
    const said = start().say(body + "\r\n" + request({ ...GOOD, "Auth-Pass": "x" }) + body);
    assert.deepEqual(
      [...said.matchAll(/Auth-Status: (.*)\r/g)].map((found) => found[1]),
      ["OK", "Invalid login or password", "OK"],
    );
  });

  test("keeps nothing of one request for the next", () => {
    const said = start().say(request(GOOD) + request({ "Auth-Protocol": "imap" }));
    assert.match(said, /OK\r\n.*Invalid login or password/s);
  });

  test("takes no header without end", () => {
    const talk = start();
    const said = talk.say("GET / HTTP/1.1\r\n" + "X-Y: z\r\n".repeat(DEMO_AUTH_REQUEST / 8));
    assert.match(said, /^HTTP\/1\.1 431 /);
    assert.ok(talk.finished);
  });

  test("any split of the bytes gives the same answers", () => {
    const bytes = encode(
      request({ ...GOOD, "Content-Length": "3" }) + "abc" + request(GOOD, "1.0"),
    );
    const play = (sizes: readonly number[]) => {
      return inPieces((outlet) => new AuthConversation(TARGETS, outlet), bytes, sizes);
    };
    const whole = play([bytes.length]);
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
      assert.equal(play(sizes), whole);
    }));
  });
});
