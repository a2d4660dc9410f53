/** What an auth server may answer, and what a session makes of it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HeadReader } from "../../../src/auth/head.ts";
import { Answer, inspectResponse } from "../../../src/auth/response.ts";
import { encode } from "../../../src/core/bytes.ts";
import { AUTH_FAILURE_TEXT, AUTH_RESPONSE, AUTH_WAIT_MS } from "../../../src/core/limits.ts";
import { ip } from "../../../src/net/address.ts";
import type { Attempt, Verdict } from "../../../src/session/machine.ts";

type Who = Pick<Attempt, "protocol" | "method">;
const IMAP: Who = { protocol: "imap", method: "plain" };
const SMTP: Who = { protocol: "smtp", method: "plain" };

/** The verdict, the fault, or "more" when the blank line has not come; passwords revealed. */
function outcome(pieces: readonly string[], who: Who = IMAP): unknown {
  const answer = new Answer();
  const head = new HeadReader(answer);
  for (const piece of pieces) {
    if (!head.done) head.push(encode(piece));
  }
  if (head.fault !== null) return head.fault;
  return head.done ? plain(answer.verdict(who)) : "more";
}

function plain(verdict: Verdict): unknown {
  if (verdict.is !== "allow" || verdict.password === undefined) return verdict;
  return { ...verdict, password: verdict.password.reveal() };
}

function answer(...headers: string[]): string {
  return ["HTTP/1.0 200 OK", ...headers, "", ""].join("\r\n");
}

const allow = { is: "allow", target: ip("10.0.0.5", 143) };
const OK = ["Auth-Status: OK", "Auth-Server: 10.0.0.5", "Auth-Port: 143"];
const deny = (text: string, code: string | null = null, waitMs: number | null = null) => ({
  is: "deny",
  text,
  code,
  waitMs,
});
const broken = (why: string) => ({ is: "broken", why });
const INVALID = "sent invalid header in response";

describe("reading the head", () => {
  const cases: [string, string, unknown][] = [
    ["plain", answer(...OK), allow],
    ["LF line ends", answer(...OK).replaceAll("\r\n", "\n"), allow],
    ["mixed line ends", answer(...OK).replace("\r\n", "\n"), allow],
    ["the status code decides nothing", answer(...OK).replace("200 OK", "500 No"), allow],
    ["a status line of any content", answer(...OK).replace("1.0 200 OK", "\x00 garbage"), allow],
    ["no status line at all", [...OK, "", ""].join("\r\n"), allow],
    ["names in any case", answer(...OK.map((line) => line.toUpperCase())), allow],
    ["unknown headers", answer("Date: now", ...OK, "X: y:z"), allow],
    ["spaces around values", answer(...OK.map((l) => l.replace(": ", ":   ") + "  ")), allow],
    ["no space behind the colon", answer(...OK.map((line) => line.replace(": ", ":"))), allow],
    ["a name without colon", answer("X-Flag", ...OK), allow],
    ["repeated: the last counts", answer("Auth-Port: 1", "Auth-Server: x", ...OK), allow],
    ["a body is not read", answer(...OK) + "\r\nAuth-Status: no\r\n\r\n", allow],
    ["CR without LF in the status line", "HTTP/1.0 200\rOK\r\n\r\n", "sent invalid response"],
    ["CR without LF in a value", answer("X: a\rb", ...OK), INVALID],
    ["CR without LF at the end", answer(...OK, "X: a\r"), INVALID],
    ["garbage", "\x16\x03\x01\x02\x00\n", INVALID],
    ["an HTML page", "<html>\r\n", INVALID],
    ["underscore in a header name", answer("Auth_Status: OK", ...OK), INVALID],
    ["folded header", answer("X-Long: a", " b", ...OK), INVALID],
    ["folded with a tab", answer("X-Long: a", "\tb", ...OK), INVALID],
    ["space before the colon", answer("Auth-Status : OK"), INVALID],
    ["a name that begins with a hyphen", answer("-X: a", ...OK), INVALID],
    ["no name", answer(": a", ...OK), INVALID],
    ["lower-case http/ is no status line", "http/1.0 200 OK\r\n\r\n", INVALID],
    ["no blank line yet", answer(...OK).slice(0, -2), "more"],
    ["nothing", "", "more"],
  ];
  for (const [name, bytes, expected] of cases) {
    test(name, () => {
      assert.deepEqual(outcome([bytes]), expected);
      assert.deepEqual(outcome([...bytes]), expected, "byte by byte");
    });
  }

  test("the head may fill the cap to the last byte", () => {
    const filler = (size: number) => {
      const rest = answer(...OK, "X-Filler: ").length;
      return answer(...OK, "X-Filler: " + "x".repeat(size - rest));
    };
    const tooLong = `sent too long response: no empty line within ${AUTH_RESPONSE} bytes`;
    assert.equal(filler(AUTH_RESPONSE).length, AUTH_RESPONSE);
    assert.deepEqual(outcome([filler(AUTH_RESPONSE)]), allow);
    assert.deepEqual(outcome([...filler(AUTH_RESPONSE)]), allow);
    assert.equal(outcome([filler(AUTH_RESPONSE + 1)]), tooLong);
    assert.equal(outcome([...filler(AUTH_RESPONSE + 1)]), tooLong);
    assert.equal(outcome(["x".repeat(10 * AUTH_RESPONSE)]), tooLong, "one endless line");
    assert.deepEqual(outcome([answer(...OK) + "b".repeat(2 * AUTH_RESPONSE)]), allow, "a body");
  });

  test("any split gives the same result", () => {
    const line = fc.constantFrom(
      "HTTP/1.1 200 OK",
      "Auth-Status: OK",
      "Auth-Status: WAIT",
      "Auth-Status: no",
      "Auth-Status:",
      "Auth-Server: 10.0.0.5",
      "Auth-Port: 143",
      "Auth-Wait: 3",
      "Bad_Name: x",
      " folded",
      "a\rb",
      "",
    );
    const end = fc.constantFrom("\r\n", "\n", "\r", "");
    const bytes = fc.array(fc.tuple(line, end), { maxLength: 8 }).map((all) => all.flat().join(""));
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200), { maxLength: 6 }), (whole, cuts) => {
        const at = [
          0,
          ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b),
          whole.length,
        ];
        const pieces = at.slice(1).map((to, i) => whole.slice(at[i], to));
        assert.deepEqual(outcome(pieces), outcome([whole]));
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes at all end in a verdict, a fault or a wish for more", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const head = new HeadReader(new Answer());
      assert.ok(head.push(bytes) <= bytes.length);
    }));
  });
});

describe("Auth-Status", () => {
  const cases: [string, string[], unknown][] = [
    ["OK", OK, allow],
    ["ok in lower case is a failure text", ["Auth-Status: ok", ...OK.slice(1)], deny("ok")],
    ["OK with a tab behind it", ["Auth-Status: OK\t", ...OK.slice(1)], deny("OK\t")],
    ["wait in lower case", ["Auth-Status: wait"], deny("wait")],
    [
      "a failure text",
      ["Auth-Status: Invalid login or password"],
      deny("Invalid login or password"),
    ],
    ["UTF-8 in it passes", ["Auth-Status: n\xc3\xb6"], deny("n\xc3\xb6")],
    ["OK, then a failure", [...OK, "Auth-Status: no"], deny("no")],
    ["a failure, then OK", ["Auth-Status: no", ...OK], deny("no")],
    ["two failures: the last", ["Auth-Status: a", "Auth-Status: b"], deny("b")],
    ["a failure beats WAIT", ["Auth-Status: no", "Auth-Status: WAIT"], deny("no")],
    ["WAIT beats OK", ["Auth-Status: WAIT", ...OK], { is: "retry", waitMs: 1000 }],
    ["none", OK.slice(1), broken("did not send Auth-Status")],
    ["no header at all", [], broken("did not send Auth-Status")],
    ["empty", ["Auth-Status:", ...OK.slice(1)], broken("sent empty Auth-Status")],
    ["empty beats OK", [...OK, "Auth-Status:   "], broken("sent empty Auth-Status")],
    ["a failure beats empty", ["Auth-Status:", "Auth-Status: no"], deny("no")],
    ["nothing but controls is empty", ["Auth-Status: \x00\x07"], broken("sent empty Auth-Status")],
  ];
  for (const [name, headers, expected] of cases) {
    test(name, () => {
      assert.deepEqual(outcome([answer(...headers)]), expected);
      assert.deepEqual(outcome([answer(...headers)], SMTP), expected, "SMTP alike");
    });
  }
});

describe("failures", () => {
  const no = "Auth-Status: no";
  const cases: [string, Who, string[], unknown][] = [
    ["Auth-Wait", IMAP, [no, "Auth-Wait: 3"], deny("no", null, 3000)],
    ["Auth-Wait: 0 is none", IMAP, [no, "Auth-Wait: 0"], deny("no")],
    ["Auth-Wait: -1 is ignored", IMAP, [no, "Auth-Wait: -1"], deny("no")],
    ["Auth-Wait: 3s is ignored", IMAP, [no, "Auth-Wait: 3s"], deny("no")],
    [
      "a bad Auth-Wait leaves the good one",
      IMAP,
      [no, "Auth-Wait: 3", "Auth-Wait: x"],
      deny("no", null, 3000),
    ],
    ["Auth-Wait too large for a number", IMAP, [no, `Auth-Wait: ${"9".repeat(30)}`], deny("no")],
    ["Auth-Wait beyond reason", IMAP, [no, "Auth-Wait: 999999"], deny("no", null, AUTH_WAIT_MS)],
    ["a code for SMTP", SMTP, [no, "Auth-Error-Code: 451 4.3.0"], deny("no", "451 4.3.0")],
    ["a bare code", SMTP, [no, "Auth-Error-Code: 535"], deny("no", "535")],
    ["an empty code is the default", SMTP, [no, "Auth-Error-Code:"], deny("no")],
    ["a code that reads as success", SMTP, [no, "Auth-Error-Code: 235 2.7.0"], deny("no")],
    ["a code that goes on", SMTP, [no, "Auth-Error-Code: 535-5.7.8"], deny("no")],
    ["a code of IMAP in SMTP", SMTP, [no, "Auth-Error-Code: LIMIT"], deny("no")],
    ["a code of IMAP", IMAP, [no, "Auth-Error-Code: LIMIT"], deny("no", "LIMIT")],
    ["controls go from the text", IMAP, ["Auth-Status: a\x00b\x1b[1m\x7f"], deny("ab[1m")],
    ["controls go from the code", SMTP, [no, "Auth-Error-Code: 5\x0035"], deny("no", "535")],
    [
      "a long text is cut",
      IMAP,
      [`Auth-Status: ${"x".repeat(2000)}`],
      deny("x".repeat(AUTH_FAILURE_TEXT)),
    ],
  ];
  for (const [name, who, headers, expected] of cases) {
    test(name, () => assert.deepEqual(outcome([answer(...headers)], who), expected));
  }

  test("text and code fit in a reply line, whatever bytes they are made of", () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n));
    fc.assert(fc.property(fc.string({ unit: byte, maxLength: 40 }), (sent) => {
      for (const who of [IMAP, SMTP]) {
        const got = outcome(
          [answer("Auth-Status: x" + sent, "Auth-Error-Code: 535 " + sent)],
          who,
        );
        for (const value of Object.values(got as object)) {
          assert.ok(!/[\r\n\0]/.test(String(value)), String(value));
        }
      }
    }));
  });
});

describe("WAIT", () => {
  const cases: [string, string[], number][] = [
    ["waits as told", ["Auth-Wait: 7"], 7000],
    ["without Auth-Wait it does not loop at once", [], 1000],
    ["Auth-Wait: 0 neither", ["Auth-Wait: 0"], 1000],
  ];
  for (const [name, headers, waitMs] of cases) {
    test(
      name,
      () =>
        assert.deepEqual(outcome([answer("Auth-Status: WAIT", ...headers)]), {
          is: "retry",
          waitMs,
        }),
    );
  }
});

describe("successes", () => {
  const to = (
    address: string,
    port: string,
  ) => ["Auth-Status: OK", `Auth-Server: ${address}`, `Auth-Port: ${port}`];
  const noServer = broken("did not send server or port");
  const address = (value: string) => broken(`sent invalid server address:"${value}"`);
  const port = (value: string) => broken(`sent invalid server port:"${value}"`);
  const cases: [string, string[], unknown][] = [
    ["IPv4", to("10.0.0.5", "143"), allow],
    ["IPv6", to("2001:DB8::0:5", "143"), { is: "allow", target: ip("2001:db8::5", 143) }],
    ["a port with leading zeros", to("10.0.0.5", "00143"), allow],
    ["an address with leading zeros is not octal", to("010.0.0.5", "143"), allow],
    ["Auth-User and Auth-Pass", [...OK, "Auth-User: bob", "Auth-Pass: x%20y z"], {
      ...allow,
      user: "bob",
      password: "x%20y z",
    }],
    ["both empty", [...OK, "Auth-User:", "Auth-Pass:"], { ...allow, user: "", password: "" }],
    ["Auth-Wait means nothing", [...OK, "Auth-Wait: 9"], allow],
    ["no server", ["Auth-Status: OK", "Auth-Port: 143"], noServer],
    ["no port", ["Auth-Status: OK", "Auth-Server: 10.0.0.5"], noServer],
    ["empty server", to("", "143"), noServer],
    ["empty port", to("10.0.0.5", ""), noServer],
    ["bad address: localhost", to("localhost", "143"), address("localhost")],
    ["bad address: unix:/x", to("unix:/x", "143"), address("unix:/x")],
    ["bad address: 127.0.0.1:110", to("127.0.0.1:110", "143"), address("127.0.0.1:110")],
    ["bad address: [::1]", to("[::1]", "143"), address("[::1]")],
    ["bad address: fe80::1%eth0", to("fe80::1%eth0", "143"), address("fe80::1%eth0")],
    ["bad address is made printable", to("a\x00\x1b", "143"), address("a\\x00\\x1b")],
    ["bad port: 0", to("10.0.0.5", "0"), port("0")],
    ["bad port: 65536", to("10.0.0.5", "65536"), port("65536")],
    ["bad port: -1", to("10.0.0.5", "-1"), port("-1")],
    ["bad port: 143x", to("10.0.0.5", "143x"), port("143x")],
    ["bad port: 1e2", to("10.0.0.5", "1e2"), port("1e2")],
    ["the port's end is there", to("10.0.0.5", "65535"), {
      is: "allow",
      target: ip("10.0.0.5", 65535),
    }],
    ["address before port", to("localhost", "0"), address("localhost")],
  ];
  for (const [name, headers, expected] of cases) {
    test(name, () => assert.deepEqual(outcome([answer(...headers)]), expected));
  }

  for (const method of ["apop", "cram-md5", "external"] as const) {
    test(`${method} needs a password for the backend, but not in SMTP`, () => {
      const who: Who = { protocol: "pop3", method };
      assert.deepEqual(outcome([answer(...OK)], who), broken("did not send password"));
      assert.deepEqual(outcome([answer(...OK, "Auth-Pass:")], who), { ...allow, password: "" });
      assert.deepEqual(outcome([answer(...OK)], { protocol: "smtp", method }), allow);
    });
  }

  test("a missing server is told before a missing password, and that before a bad address", () => {
    const who: Who = { protocol: "imap", method: "apop" };
    assert.deepEqual(outcome([answer("Auth-Status: OK")], who), noServer);
    assert.deepEqual(outcome([answer(...to("x", "1"))], who), broken("did not send password"));
  });

  test("the password does not show", () => {
    const given = new Answer();
    new HeadReader(given).push(encode(answer(...OK, "Auth-Pass: hush")));
    assert.doesNotMatch(JSON.stringify(given.verdict(IMAP)) + String(given), /hush/);
  });
});

describe("an answer laid open for test-auth", () => {
  test("keeps the status line, all headers as they were spelled, and the size of the body", () => {
    const bytes = encode(
      "HTTP/1.1 403 No\r\nauth-STATUS:  no \r\nX-A\nContent-Length: 4\r\n\r\nbody",
    );
    assert.deepEqual(inspectResponse(bytes, IMAP), {
      statusLine: "HTTP/1.1 403 No",
      headers: [["auth-STATUS", "no"], ["X-A", ""], ["Content-Length", "4"]],
      bodySize: 4,
      complete: true,
      fault: null,
      framing: { is: "length", length: 4 },
      verdict: deny("no"),
    });
  });

  test("of a broken answer keeps what came before the fault", () => {
    const got = inspectResponse(encode("Auth-Status: OK\r\nBad_Name: x\r\n\r\n"), IMAP);
    assert.deepEqual(
      [got.statusLine, got.headers, got.complete, got.fault, got.verdict],
      [null, [["Auth-Status", "OK"]], false, INVALID, null],
    );
  });
});
