/** A log that a start could not make is found by a check. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { logFileFindings } from "../../../src/cli/log-files.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { settingsOf } from "../../support/settings.ts";

describe("a log that a start could not make is found by a check, in nginx's words", () => {
  const runtime = createMemoryRuntime({ files: { "/var/log/mail.log": "", "/etc/x.toml": "" } });
  const cases: readonly (readonly [string, string | null])[] = [
    ["stderr", null],
    ["/var/log/mail.log info", null],
    ["/var/log/new.log", null],
    ["/srv/none/new.log", 'open() "/srv/none/new.log" failed (2: No such file or directory)'],
    ["/etc/x.toml/new.log", 'open() "/etc/x.toml/new.log" failed (20: Not a directory)'],
    ["/var/log", 'open() "/var/log" failed (21: Is a directory)'],
  ];
  for (const [log, said] of cases) {
    test(log, () => {
      const settings = settingsOf(`error_log = "${log}"\nauth_http = "127.0.0.1:9"\n`);
      const findings = logFileFindings(settings, runtime.files);
      assert.deepEqual(findings.map(({ message }) => message), said === null ? [] : [said]);
    });
  }
});
