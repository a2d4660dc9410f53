/** Each rule fires on its own bad example and nowhere in its good one. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type CertificateFacts, lint, type Rule, type Subject } from "../../../src/lint/rule.ts";
import type { Granted } from "../../../src/lint/granted.ts";
import { RULES } from "../../../src/lint/rules.ts";
import { settingsOf } from "../../support/settings.ts";

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

const VALID: CertificateFacts = {
  names: ["mail.example.com"],
  notBefore: NOW - DAY,
  notAfter: NOW + 365 * DAY,
};

const PLENTY: Granted = {
  openFiles: 1024,
  somaxconn: 4096,
  ports: [32_768, 60_999],
  fixedFiles: null,
  alone: null,
};

/** What the machine is like where a rule's bad example stands, and where the good one does. */
const MACHINES: Readonly<Record<string, readonly [Partial<Subject>, Partial<Subject>]>> = {
  "world-readable-secret": [{ mode: () => 0o644 }, { mode: () => 0o640 }],
  "certificate-expiry": [
    { certificate: () => ({ ...VALID, notAfter: NOW + 7 * DAY }) },
    { certificate: () => VALID },
  ],
  "certificate-name": [
    { certificate: () => ({ ...VALID, names: ["www.example.com"] }) },
    { certificate: () => ({ ...VALID, names: ["*.example.com"] }) },
  ],
  "unsupported-here": [
    { granted: { ...PLENTY, alone: "it has no processes" } },
    { granted: { ...PLENTY, alone: "it has no processes" } },
  ],
};

function subject(toml: string, machine: Partial<Subject> = {}): Subject {
  return {
    settings: settingsOf(toml),
    file: "test.toml",
    sources: ["test.toml"],
    granted: PLENTY,
    workers: 1,
    mode: () => 0o640,
    certificate: () => VALID,
    now: NOW,
    ...machine,
  };
}

function fires(rule: Rule, toml: string, machine?: Partial<Subject>): string[] {
  return lint([rule], subject(toml, machine)).map(({ message }) => message);
}

for (const rule of RULES) {
  const [bad, good] = MACHINES[rule.id] ?? [];
  describe(rule.id, () => {
    test("fires on its bad example", () => assert.equal(fires(rule, rule.bad, bad).length, 1));
    test("is silent on its good one", () => assert.deepEqual(fires(rule, rule.good, good), []));
    test("its good example pleases every other rule it does not talk about", () => {
      const found = lint(RULES, subject(rule.good, good)).filter(({ severity }) =>
        severity === "error"
      );
      assert.deepEqual(found, []);
    });
  });
}

const TLS = 'ssl_certificate = "data:c"\nssl_certificate_key = "data:k"\n';

describe("more of the same", () => {
  const rule = (id: string) => RULES.find((each) => each.id === id)!;
  const server = (lines: string, top = "") =>
    `server_name = "mail.example.com"\nauth_http = "127.0.0.1:9/"\n${top}\n[[server]]\n${lines}`;

  const TABLE: readonly (readonly [id: string, toml: string, findings: number])[] = [
    ["cleartext-login", server('listen = "127.0.0.1:143"'), 0],
    ["cleartext-login", server('listen = "unix:/run/imap"\nprotocol = "imap"'), 0],
    ["cleartext-login", server('listen = ["143", "[::]:143", "127.0.0.1:10143"]'), 2],
    ["cleartext-login", server('listen = "25"\nsmtp_auth = ["none"]'), 0],
    [
      "chunking-advertised",
      server('listen = "25"\nsmtp_capabilities = ["chunking", "BINARYMIME"]'),
      2,
    ],
    ["chunking-advertised", server('listen = "143"', 'smtp_capabilities = ["CHUNKING"]'), 0],
    [
      "capability-contradiction",
      server('listen = "110"\npop3_capabilities = ["USER", "SASL PLAIN"]'),
      1,
    ],
    [
      "capability-contradiction",
      server('listen = "25"\nsmtp_capabilities = ["AUTH PLAIN", "STARTTLS"]'),
      2,
    ],
    ["auth-http-cleartext", server('listen = "143"').replace("127.0.0.1:9", "auth.example.com"), 1],
    ["auth-http-cleartext", server('listen = "143"').replace("127.0.0.1:9", "localhost"), 0],
    ["auth-http-cleartext", server('listen = "143"').replace("127.0.0.1:9/", "unix:/run/auth"), 0],
    ["weak-ciphers", server('listen = "127.0.0.1:993 ssl"', TLS + 'ssl_ciphers = "ALL:!RC4"'), 1],
    ["weak-ciphers", server('listen = "127.0.0.1:143"', 'ssl_ciphers = "ALL"'), 0],
    ["timeouts", server('listen = "143"\nproxy_timeout = "10m"'), 1],
    ["timeouts", server('listen = "110"\nproxy_timeout = "10m"'), 0],
    ["timeouts", server('listen = "143"\ntimeout = 0'), 1],
    ["cleartext-passwords-needed", server('listen = "110"\npop3_auth = ["apop", "cram-md5"]'), 1],
  ];
  for (const [id, toml, findings] of TABLE) {
    test(`${id}: ${findings} in ${JSON.stringify(toml.split("[[server]]\n")[1])}`, () => {
      assert.equal(fires(rule(id), toml).length, findings);
    });
  }
});

test("one directive for several servers is one finding", () => {
  const both = '[[server]]\nlisten = "25"\n[[server]]\nlisten = "587"\n';
  const toml = `auth_http = "127.0.0.1:9/"\nsmtp_capabilities = ["CHUNKING"]\n${both}`;
  const found = lint(RULES, subject(toml)).filter((each) => each.rule === "chunking-advertised");
  assert.equal(found.length, 1);
  assert.equal(found[0].at.line, 2);
});

test("ids are unique and in kebab-case", () => {
  const ids = RULES.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
});
