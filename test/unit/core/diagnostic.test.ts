/** The nearest known word: a slip of the fingers is recognised, another word is not suggested. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nearest } from "../../../src/core/diagnostic.ts";

const DIRECTIVES = [
  "listen",
  "protocol",
  "server_name",
  "starttls",
  "ssl_certificate",
  "ssl_certificate_key",
  "auth_http",
  "auth_http_header",
  "imap_auth",
  "pop3_auth",
  "smtp_auth",
  "timeout",
  "xclient",
  "on",
  "off",
];

const FOUND: readonly [string, string][] = [
  ["lisen", "listen"],
  ["listten", "listen"],
  ["lsiten", "listen"],
  ["Listen", "listen"],
  ["servername", "server_name"],
  ["server-name", "server_name"],
  ["start_tls", "starttls"],
  ["ssl_certifcate", "ssl_certificate"],
  ["ssl_certificate_kye", "ssl_certificate_key"],
  ["auth_htpp", "auth_http"],
  ["imap_aut", "imap_auth"],
  ["tiemout", "timeout"],
  ["no", "on"],
  ["offf", "off"],
  ["xclinet", "xclient"],
];

const NOT_FOUND = ["", "x", "yes", "worker_rlimit_nofile", "root", "zz", "gzip"];

describe("nearest", () => {
  for (const [slip, word] of FOUND) {
    test(`"${slip}" is meant to be "${word}"`, () => assert.equal(nearest(slip, DIRECTIVES), word));
  }

  for (const word of NOT_FOUND) {
    test(`"${word}" is near nothing`, () => assert.equal(nearest(word, DIRECTIVES), undefined));
  }

  test("of equally near words the first", () => {
    assert.equal(nearest("smap_auth", ["imap_auth", "smtp_auth"]), "imap_auth");
    assert.equal(nearest("cat", ["bat", "rat"]), "bat");
  });

  test("nothing is near to nothing", () => assert.equal(nearest("listen", []), undefined));

  test("long words cost little: a limit ends the comparison", () => {
    const long = "a".repeat(2000);
    assert.equal(nearest(long, ["listen", "b".repeat(10)]), undefined);
  });
});
