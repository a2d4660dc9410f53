/** Where the body of an answer ends, and that anything doubtful ends the connection instead. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BodySkipper, type Framing, Measure, type Skipped } from "../../../src/auth/body.ts";
import { encode } from "../../../src/core/bytes.ts";
import { AUTH_BODY } from "../../../src/core/limits.ts";

function framing(status: string, ...headers: [string, string][]): Framing | null {
  const measure = new Measure();
  measure.status(status);
  for (const [name, value] of headers) measure.header(name, value);
  return measure.result();
}

const length = (length: number) => ({ is: "length", length });

describe("the length of a body", () => {
  const ok = "HTTP/1.1 200 OK";
  const cases: [string, string, [string, string][], unknown][] = [
    ["Content-Length", ok, [["Content-Length", "12"]], length(12)],
    ["zero", ok, [["content-length", "0"]], length(0)],
    ["chunked", ok, [["Transfer-Encoding", "Chunked"]], { is: "chunked" }],
    ["204 has none", "HTTP/1.1 204 No Content", [], length(0)],
    ["304 has none", "HTTP/1.1 304", [["Content-Length", "9"]], length(0)],
    [
      "keep-alive changes nothing",
      ok,
      [["Connection", "keep-alive"], ["Content-Length", "1"]],
      length(1),
    ],
    ["no length: up to the close", ok, [], null],
    ["Connection: close", ok, [["Connection", "close"], ["Content-Length", "1"]], null],
    ["close within a list", ok, [["Connection", "TE , Close"], ["Content-Length", "1"]], null],
    ["HTTP/1.0", "HTTP/1.0 200 OK", [["Content-Length", "1"]], null],
    ["a status line that is none", "HTTP/1.1 OK", [["Content-Length", "1"]], null],
    ["1xx is no answer", "HTTP/1.1 100 Continue", [["Content-Length", "0"]], null],
    ["two lengths", ok, [["Content-Length", "1"], ["Content-Length", "1"]], null],
    ["a list of lengths", ok, [["Content-Length", "1, 1"]], null],
    ["a signed length", ok, [["Content-Length", "+1"]], null],
    ["a length beyond the cap", ok, [["Content-Length", String(AUTH_BODY + 1)]], null],
    ["length and coding", ok, [["Content-Length", "1"], ["Transfer-Encoding", "chunked"]], null],
    ["another coding", ok, [["Transfer-Encoding", "gzip, chunked"]], null],
  ];
  for (const [name, status, headers, expected] of cases) {
    test(name, () => assert.deepEqual(framing(status, ...headers), expected));
  }
});

function skip(body: Framing, pieces: readonly string[]): Skipped {
  const skipper = new BodySkipper(body);
  let result: Skipped = skipper.push(encode(""), 0);
  for (const piece of pieces) {
    if (result === "bad") break;
    result = skipper.push(encode(piece), 0);
  }
  return result;
}

describe("skipping a body", () => {
  const chunked: Framing = { is: "chunked" };
  const cases: [string, Framing, string, Skipped][] = [
    ["none", { is: "length", length: 0 }, "", "end"],
    ["whole", { is: "length", length: 4 }, "body", "end"],
    ["not yet whole", { is: "length", length: 4 }, "bod", "more"],
    ["bytes that nobody asked for", { is: "length", length: 4 }, "bodyHTTP/1.1", "bad"],
    ["no chunk", chunked, "0\r\n\r\n", "end"],
    ["two chunks", chunked, "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "end"],
    ["line ends within a chunk", chunked, "4\r\n\r\n\r\n\r\n0\r\n\r\n", "end"],
    ["extension and trailer", chunked, "1;a=b\r\nx\r\n00\r\nX: y\r\nZ: 1\r\n\r\n", "end"],
    ["a space behind the size", chunked, "1 \r\nx\r\n0\r\n\r\n", "end"],
    ["not yet whole", chunked, "1\r\nx\r\n0\r\n", "more"],
    ["a size that is none", chunked, "g\r\n", "bad"],
    ["no size", chunked, "\r\n", "bad"],
    ["a negative size", chunked, "-1\r\n", "bad"],
    ["a size beyond the cap", chunked, "FFFFFFFF\r\n", "bad"],
    ["endless zeros", chunked, "000000000", "bad"],
    ["LF alone behind the size", chunked, "1\nx", "bad"],
    ["a chunk longer than its size", chunked, "1\r\nxy\r\n", "bad"],
    ["bytes behind the end", chunked, "0\r\n\r\nH", "bad"],
    ["more trailer than the cap", chunked, "0\r\n" + "X: y\r\n".repeat(AUTH_BODY), "bad"],
  ];
  for (const [name, body, bytes, expected] of cases) {
    test(`${body.is}: ${name}`, () => {
      assert.equal(skip(body, [bytes]), expected);
      if (bytes.length < 1000) assert.equal(skip(body, [...bytes]), expected, "byte by byte");
    });
  }

  test("chunked: any split of any chunks gives the same end", () => {
    const chunk = fc.string({ minLength: 1, maxLength: 20, unit: "binary-ascii" });
    fc.assert(fc.property(fc.array(chunk), fc.nat(300), (chunks, cut) => {
      const whole = chunks.map((data) => `${data.length.toString(16)}\r\n${data}\r\n`).join("") +
        "0\r\n\r\n";
      assert.equal(skip(chunked, [whole.slice(0, cut), whole.slice(cut)]), "end");
      assert.equal(skip(chunked, [whole + "x"]), "bad");
    }));
  });
});
