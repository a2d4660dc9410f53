/** A secret does not become text by accident, whichever way it is shown. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { format, inspect } from "node:util";
import { NO_SECRET, Secret } from "../../../src/core/secret.ts";

const value = "correct horse";
const secret = new Secret(value);

const WAYS: Readonly<Record<string, () => string>> = {
  "a template": () => `${secret}`,
  "concatenation": () => "" + secret,
  "String": () => String(secret),
  "JSON": () => JSON.stringify({ secret }),
  "inspect": () => inspect(secret),
  "inspect, nested and deep": () => inspect({ a: [{ secret }] }, { depth: 9, showHidden: true }),
  "format %s": () => format("%s", secret),
  "format %o": () => format("%o", secret),
  "format %j": () => format("%j", secret),
  "an error's message": () => new Error(`failed for ${secret}`).stack ?? "",
  "keys and values": () => JSON.stringify([Object.entries(secret), Object.keys(secret)]),
  "a copy": () => JSON.stringify({ ...secret }),
  "a clone": () => inspect(structuredClone(secret)),
  "toLocaleString": () => secret.toLocaleString(),
};

describe("Secret", () => {
  for (const [way, shown] of Object.entries(WAYS)) {
    test(`${way} does not show it`, () => assert.doesNotMatch(shown(), /correct|horse/));
  }

  test("text forms say that there is one", () => {
    assert.equal(`${secret}`, "[secret]");
    assert.equal(JSON.stringify(secret), '"[secret]"');
    assert.equal(inspect(secret), "[secret]");
  });

  test("reveal and length give what was put in", () => {
    assert.equal(secret.reveal(), value);
    assert.equal(secret.length, value.length);
    assert.equal(NO_SECRET.reveal(), "");
  });
});
