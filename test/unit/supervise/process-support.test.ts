/** Directives of the whole process on runtimes that can obey them, and on those that cannot. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Feature, Runtime } from "../../../src/net/ports.ts";
import { processFindings } from "../../../src/supervise/process-support.ts";
import { settingsOf } from "../../support/settings.ts";

const SERVER = `auth_http = "127.0.0.1:9000/auth"\n[[server]]\nlisten = "127.0.0.1:143"\n`;

function said(directives: string, lacking: readonly Feature[]): readonly string[] {
  const able: Pick<Runtime, "supports" | "host"> = {
    supports: (feature) => lacking.includes(feature) ? "not here" : true,
    host: {} as Runtime["host"],
  };
  const found = processFindings(settingsOf(`${directives}\n${SERVER}`), able as Runtime);
  return found.map(({ at, severity, message }) => `${at.line}:${at.column} ${severity} ${message}`);
}

describe("what a runtime cannot do for the process", () => {
  const cases: readonly (readonly [directives: string, lacking: Feature[], said: string[]])[] = [
    [`user = "mail"`, [], []],
    [`user = "mail"`, ["set-user"], [`1:1 error Cannot become user "mail": not here`]],
    [``, ["set-user", "spawn"], []],
    [`worker_processes = 1`, ["spawn"], []],
    [`worker_processes = "auto"`, ["spawn"], []],
    [`worker_processes = 4`, [], []],
    [`worker_processes = 4`, ["spawn"], ["1:1 error Cannot start 4 worker processes: not here"]],
  ];
  for (const [directives, lacking, expected] of cases) {
    test(`${directives || "nothing"} without ${lacking.join(", ") || "lack"}`, () => {
      assert.deepEqual(said(directives, lacking), expected);
    });
  }
});
