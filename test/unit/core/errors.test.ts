/** Errors: nginx's form of an errno, and the sentence of the operating system. */

import assert from "node:assert/strict";
import { constants } from "node:os";
import { describe, test } from "node:test";
import { errnoText, FileError, NetError } from "../../../src/core/errors.ts";

describe("NetError", () => {
  const cases: readonly [string, string][] = [
    ["ECONNREFUSED", "(111: Connection refused)"],
    ["ECONNRESET", "(104: Connection reset by peer)"],
    ["ETIMEDOUT", "(110: Connection timed out)"],
    ["EADDRINUSE", "(98: Address already in use)"],
    ["EMFILE", "(24: Too many open files)"],
    ["EPROTO_OF_OURS", "(EPROTO_OF_OURS: what happened)"],
  ];
  for (const [code, errno] of cases) {
    test(`${code} in a log line`, () => {
      assert.equal(new NetError(code, "what happened").errno, errno);
    });
  }

  test("is an error with a code, a message and a name", () => {
    const error = new NetError("ECONNREFUSED", "Cannot connect");
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, error.code, error.message], [
      "NetError",
      "ECONNREFUSED",
      "Cannot connect",
    ]);
  });

  test("names that an object has from birth are no known codes", () => {
    assert.equal(new NetError("constructor", "x").errno, "(constructor: x)");
    assert.equal(errnoText("toString"), "toString");
  });
});

describe("FileError", () => {
  test("names the file and the system's sentence", () => {
    const error = new FileError("ENOENT", "/etc/doorpost.toml");
    assert.equal(error.message, '"/etc/doorpost.toml": No such file or directory');
    assert.deepEqual([error.code, error.path], ["ENOENT", "/etc/doorpost.toml"]);
    assert.equal(error.errno, "(2: No such file or directory)");
  });

  test("an unknown code stands for itself", () => {
    assert.equal(new FileError("EWEIRD", "x").message, '"x": EWEIRD');
    assert.equal(errnoText("EWEIRD"), "EWEIRD");
  });
});

test("the numbers are Linux's own", { skip: process.platform !== "linux" && "not Linux" }, () => {
  for (const [name, number] of Object.entries(constants.errno)) {
    const match = /^\((\d+):/.exec(new NetError(name, "").errno);
    if (match) assert.equal(Number(match[1]), number, name);
  }
});
