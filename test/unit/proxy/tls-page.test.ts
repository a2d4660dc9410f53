/** The generated page of TLS directives and runtimes: fresh, and true to the needs. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SSL } from "../../../src/config/directives/ssl.ts";
import { tlsPage } from "../../../src/proxy/tls/page.ts";
import { TLS_LACKS } from "../../../src/runtime/tls/lacks.ts";
import { ROOT } from "../../support/source.ts";

const { bun, deno, node } = TLS_LACKS;

test("docs/tls-runtimes.md is what the needs and the runtimes say", () => {
  const page = tlsPage(Object.keys(SSL), { Bun: bun, Deno: deno, Node: node });
  const stale = "run `bun build.ts --target reference`";
  assert.equal(readFileSync(join(ROOT, "docs/tls-runtimes.md"), "utf8"), page, stale);
});

describe("the page", () => {
  const rows = (directive: string, lacks: Readonly<Record<string, string>>) =>
    tlsPage([directive], { One: lacks, Two: {} }).split("\n")
      .filter((line) => line.startsWith("| `"));

  test("a directive that needs nothing special holds everywhere", () => {
    assert.deepEqual(rows("ssl_certificate", { "tls-crl": "none" }), [
      "| `ssl_certificate` | | yes | yes | |",
    ]);
  });

  test("what is lacking is said in the runtime's words, with its severity", () => {
    assert.deepEqual(rows("ssl_crl", { "tls-crl": "no lists here" }), [
      "| `ssl_crl` | | no: no lists here | yes | error |",
    ]);
  });

  test("a special use has a row of its own", () => {
    assert.deepEqual(rows("ssl_session_tickets", { "tls-tickets-off": "tickets, always" }), [
      "| `ssl_session_tickets` | otherwise | yes | yes | |",
      "| `ssl_session_tickets` | `off` | no: tickets, always | yes | error |",
    ]);
  });

  test("where there is nothing, there is no more of it", () => {
    assert.deepEqual(rows("ssl_session_ticket_key", { "tls-ticket-keys": "no keys" }), [
      "| `ssl_session_ticket_key` | | no: no keys | yes | warning |",
      "| `ssl_session_ticket_key` | several | no: no keys | yes | warning |",
    ]);
  });

  test("a value that may be harmless is judged", () => {
    assert.match(rows("ssl_ciphers", { "tls-ciphers": "fixed" })[0]!, /\| error or warning \|$/);
  });
});
