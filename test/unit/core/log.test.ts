/** Levels and facilities stand in the order that their numbers have elsewhere. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LEVELS, SILENT, SYSLOG_FACILITIES } from "../../../src/core/log.ts";

describe("log", () => {
  test("levels by gravity are syslog's severities (RFC 5424 section 6.2.1)", () => {
    assert.deepEqual([...LEVELS], [
      "emerg",
      "alert",
      "crit",
      "error",
      "warn",
      "notice",
      "info",
      "debug",
    ]);
  });

  test("facilities stand at their numbers (RFC 3164 section 4.1.1)", () => {
    assert.equal(SYSLOG_FACILITIES.length, 24);
    assert.equal(SYSLOG_FACILITIES.indexOf("mail"), 2);
    assert.equal(SYSLOG_FACILITIES.indexOf("authpriv"), 10);
    assert.equal(SYSLOG_FACILITIES.indexOf("local0"), 16);
    assert.equal(SYSLOG_FACILITIES.indexOf("local7"), 23);
  });

  test("the silent log wants nothing at all", () => {
    for (const level of LEVELS) assert.equal(SILENT.enabled(level), false);
    SILENT.write({ level: "emerg", message: "unheard" });
  });
});
