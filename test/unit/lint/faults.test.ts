/** Each fault is found in its own bad example and not in its good one. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load } from "../../../src/config/load.ts";
import type { Fault } from "../../../src/lint/fault.ts";
import { FAULTS, RULE_IDS } from "../../../src/lint/faults.ts";
import { world } from "../config/support.ts";

/** Found with more than the reader, and tested where that is. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "shared-socket": "test/unit/cli/checking.test.ts",
  "tls-setting": "test/unit/proxy/tls.test.ts",
  "auth-server-answers": "test/unit/cli/checking.test.ts",
  "backend-answers": "test/unit/cli/checking.test.ts",
  "auth-server-broken": "test/unit/cli/checking.test.ts",
  "auth-server-allows-anybody": "test/unit/cli/checking.test.ts",
  "backend-unreachable": "test/unit/cli/checking.test.ts",
};

async function found({ syntax }: Fault, text: string): Promise<readonly string[]> {
  const name = syntax === "nginx" ? "doorpost.conf" : "doorpost.toml";
  // One character a byte, so that an example can hold what is no UTF-8.
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const path = `/etc/doorpost/${name}`;
  const files = { [path]: bytes, "/etc/doorpost/mail.crt": "", "/etc/doorpost/mail.key": "" };
  const ca = { "/etc/doorpost/clients-ca.pem": "" };
  const { diagnostics } = await load({ path }, world({ ...files, ...ca }));
  return diagnostics.map(({ rule, severity }) => `${severity} ${rule}`);
}

for (const fault of FAULTS.filter(({ id }) => !(id in ELSEWHERE))) {
  describe(fault.id, () => {
    const line = `${fault.severity} ${fault.id}`;
    test("is found in its bad example", async () => {
      const all = await found(fault, fault.bad);
      assert.ok(all.includes(line), all.join(", "));
    });
    test("is not in its good one, nor is any error", async () => {
      const all = await found(fault, fault.good);
      assert.deepEqual(all.filter((each) => each === line || each.startsWith("error")), []);
    });
  });
}

test("ids are unique and in kebab-case", () => {
  assert.equal(new Set(RULE_IDS).size, RULE_IDS.length);
  for (const id of RULE_IDS) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
});
