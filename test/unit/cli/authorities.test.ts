/** Whom `probe` trusts: the option, the two variables, the system. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { authorities } from "../../../src/cli/authorities.ts";
import { FileError } from "../../../src/core/errors.ts";
import { FakeFiles, FakeHost } from "../observe/fakes.ts";

const FILES = { own: "OWN", extra: "EXTRA", ca: "CA", "/etc/ssl/certs/ca-certificates.crt": "SYS" };

const CASES:
  readonly (readonly [string | undefined, string, string, readonly string[] | undefined])[] = [
    [undefined, "", "", undefined],
    [undefined, "own", "", ["OWN"]],
    [undefined, "", "extra", ["SYS", "EXTRA"]],
    [undefined, "own", "extra", ["OWN", "EXTRA"]],
    ["ca", "own", "extra", ["CA"]],
  ];
for (const [named, own, extra, expected] of CASES) {
  test(`--ca ${named}, SSL_CERT_FILE "${own}", NODE_EXTRA_CA_CERTS "${extra}"`, () => {
    const host = new FakeHost();
    host.variables.set("SSL_CERT_FILE", own);
    host.variables.set("NODE_EXTRA_CA_CERTS", extra);
    assert.deepEqual(authorities(named, { files: new FakeFiles(FILES), host }), expected);
  });
}

test("a file that is not there is an error, never trust in less", () => {
  const host = new FakeHost();
  host.variables.set("SSL_CERT_FILE", "nosuch");
  assert.throws(() => authorities(undefined, { files: new FakeFiles(FILES), host }), FileError);
});
