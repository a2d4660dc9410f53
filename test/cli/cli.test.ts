/**
 * What each command line prints, stream by stream, and its exit status: one snapshot a file in
 * `snapshots/`. A change of them is a change of the interface. UPDATE_SNAPSHOTS=1 writes them anew.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { BugTrap } from "../../src/cli/bugs.ts";
import { run } from "../../src/cli/run.ts";
import { type FakeRuntime, fakeRuntime } from "../unit/observe/fakes.ts";
import { ROOT } from "../support/source.ts";

const SNAPSHOTS = join(ROOT, "test", "cli", "snapshots");

interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly columns?: number;
}

const GOOD = `auth_http = "http://127.0.0.1:9000/auth"
[[server]]
listen = "127.0.0.1:143"
protocol = "imap"
`;

const BAD = `auth_http = "http://127.0.0.1:9000/auth"
timeuot = "60s"
auth_http_header = [["X-Auth-Key", "do-not-show-me", "x"]]
[[server]]
listen = ["127.0.0.1:143"]
protocol = "imap4"
starttls = "on"
`;

const NGINX = `events {}
mail {
    auth_http 127.0.0.1:9000/auth;
    auth_http_header X-Auth-Key do-not-show-me extra;
    server {
        listen 127.0.0.1:143
        protocol imap;
    }
}
`;

/** Comments at every place, an explicit default, a block that is passed over. */
const COMMENTED = `# The proxy of example.com.

worker_processes 2; # one a core
# packaged
load_module modules/ngx_mail_module.so;
events { worker_connections 64; }
mail {
    auth_http 127.0.0.1:9000/auth; # see auth.py
    timeout 60s;

    # IMAP
    server {
        listen 127.0.0.1:143; # v4
        listen [::1]:143;     # v6
        # starttls only;
    }
}
`;

const UNWISE = `auth_http = "http://127.0.0.1:9000/auth"
smtp_capabilities = ["CHUNKING"]
[[server]]
listen = ["127.0.0.1:587", "127.0.0.1:587"]
protocol = "smtp"
smtp_auth = ["none"]
`;

/** A system that grants less than the configuration wants. */
const TIGHT = {
  "/proc/sys/net/core/somaxconn": "128\n",
  "/proc/sys/net/ipv4/ip_local_port_range": "40000 40999\n",
  "big.toml": `worker_connections = 20000\n${GOOD}`,
};

const LINTED = UNWISE.replace(', "127.0.0.1:587"', "");

const CASES: readonly Case[] = [
  { name: "nothing", argv: [] },
  { name: "help", argv: ["--help"] },
  { name: "help-colour", argv: ["--help", "--color", "always"] },
  { name: "serve-help", argv: ["serve", "--help"] },
  { name: "check-config-help", argv: ["check-config", "-h"] },
  { name: "probe-help", argv: ["probe", "--help"] },
  { name: "probe-nothing", argv: ["probe"] },
  { name: "probe-no-url", argv: ["probe", "mail.example.com"] },
  { name: "probe-nagios-unknown", argv: ["probe", "http://x", "--format", "nagios"] },
  { name: "probe-unresolved", argv: ["probe", "imap://nosuch.invalid"] },
  { name: "probe-unresolved-json", argv: ["probe", "imap://nosuch.invalid", "--format=json"] },
  {
    name: "probe-unresolved-nagios",
    argv: ["probe", "imap://nosuch.invalid", "--format=nagios", "--color=always"],
  },
  {
    name: "probe-unresolved-several",
    argv: ["probe", "imap://nosuch.invalid", "smtps://other.invalid:1465", "--color=always"],
  },
  { name: "completions-unknown", argv: ["completions", "fsh"] },
  { name: "man-help", argv: ["man", "--help"] },
  { name: "version", argv: ["--version"] },
  { name: "unknown-command", argv: ["chek-config", "x"] },
  { name: "unknown-option", argv: ["serve", "--confg", "x"] },
  { name: "unknown-option-colour", argv: ["serve", "--confg", "x", "--color=always"] },
  { name: "serve-without-config", argv: ["serve"] },
  { name: "serve-excluding", argv: ["serve", "--demo", "--config", "x"] },
  { name: "serve-missing", argv: ["serve", "--config", "nosuch.toml"] },
  { name: "serve-bad", argv: ["serve", "-c", "bad.toml"], files: { "bad.toml": BAD } },
  { name: "serve-init", argv: ["serve", "--init", "my mail.toml"] },
  { name: "serve-init-exists", argv: ["serve", "--init", "a.toml"], files: { "a.toml": "x" } },
  { name: "check-good", argv: ["check-config", "a.toml"], files: { "a.toml": GOOD } },
  {
    name: "check-usual-place",
    argv: ["check-config"],
    files: { "/etc/doorpost/doorpost.toml": GOOD },
  },
  { name: "check-bad", argv: ["check-config", "bad.toml"], files: { "bad.toml": BAD } },
  {
    name: "check-bad-colour",
    argv: ["check-config", "bad.toml", "--color=always"],
    files: { "bad.toml": BAD },
  },
  { name: "check-nginx", argv: ["check-config", "nginx.conf"], files: { "nginx.conf": NGINX } },
  { name: "check-stdin", argv: ["check-config", "-"], input: NGINX },
  { name: "check-missing", argv: ["check-config", "nosuch.toml"] },
  { name: "check-nothing", argv: ["check-config"] },
  ...(["json", "github", "gitlab", "sarif", "junit", "checkstyle"] as const).map((format) => ({
    name: `check-format-${format}`,
    argv: ["check-config", `--format=${format}`, "bad.toml", "unwise.toml", "a.toml"],
    files: { "bad.toml": BAD, "unwise.toml": UNWISE, "a.toml": GOOD },
  })),
  { name: "check-related", argv: ["check-config", "a.toml"], files: { "a.toml": UNWISE } },
  { name: "check-lint", argv: ["check-config", "a.toml"], files: { "a.toml": LINTED } },
  {
    name: "check-strict",
    argv: ["check-config", "--strict", "--color=always", "a.toml"],
    files: { "a.toml": LINTED },
  },
  {
    name: "check-rule",
    argv: ["check-config", "--strict", "--rule", "chunking-advertised", "a.toml"],
    files: { "a.toml": LINTED },
  },
  {
    name: "check-skip-rule",
    argv: [
      "check-config",
      "--strict",
      "--skip-rule=chunking-advertised",
      "--skip-rule=smtp-none-on-submission",
      "a.toml",
    ],
    files: { "a.toml": LINTED },
  },
  { name: "check-rule-unknown", argv: ["check-config", "--rule", "chunking-advertized", "a"] },
  { name: "check-limits", argv: ["check-config", "big.toml"], files: TIGHT },
  { name: "check-narrow", argv: ["check-config", "big.toml"], files: TIGHT, columns: 50 },
  {
    name: "check-several",
    argv: ["check-config", "a.toml", "b.toml"],
    files: { "a.toml": GOOD, "b.toml": LINTED },
  },
  { name: "check-empty", argv: ["check-config", "a.toml"], files: { "a.toml": "" } },
  { name: "check-syntax", argv: ["check-config", "--syntax", "toml", "-"], input: GOOD },
  {
    name: "check-dashes",
    argv: ["check-config", "--strict", "--", "-strange.toml"],
    files: { "-strange.toml": GOOD },
  },
  ...(["toml", "nginx", "json", "effective"] as const).map((what) => ({
    name: `check-print-${what}`,
    argv: ["check-config", "--print", what, "nginx.conf"],
    files: { "nginx.conf": COMMENTED },
  })),
  {
    name: "check-print-bad",
    argv: ["check-config", "--print=toml", "bad.toml"],
    files: { "bad.toml": BAD },
  },
  { name: "check-print-two", argv: ["check-config", "--print=toml", "a", "b"] },
  { name: "check-print-format", argv: ["check-config", "--print=effective", "--format=json", "a"] },
  { name: "check-schema-file", argv: ["check-config", "--schema", "a.toml"] },
  { name: "check-format-unknown", argv: ["check-config", "--format", "jsn", "a"] },
  { name: "check-value-missing", argv: ["check-config", "a", "--format"] },
  { name: "check-flag-value", argv: ["check-config", "--strict=yes", "a"] },
  { name: "check-twice", argv: ["check-config", "a", "--config", "b"] },
];

for (const each of CASES) {
  test(`doorpost ${each.argv.join(" ")} (${each.name})`, async () => {
    const shown = await transcript(each);
    const path = join(SNAPSHOTS, `${each.name}.txt`);
    if (process.env.UPDATE_SNAPSHOTS === "1") writeFileSync(path, shown);
    assert.ok(existsSync(path), `no snapshot ${path}: run with UPDATE_SNAPSHOTS=1`);
    assert.equal(shown, readFileSync(path, "utf8"));
    assert.doesNotMatch(shown, /do-not-show-me/, "a secret is shown");
  });
}

async function transcript({ argv, files = {}, input = "", columns = 80 }: Case): Promise<string> {
  const runtime = withCwd(fakeRuntime(files));
  const { host } = runtime;
  host.argv = argv;
  host.input = input;
  host.columns = columns;
  const status = await run(runtime, new BugTrap(host));
  const command = `$ doorpost ${
    argv.map((word) => word.includes(" ") ? `'${word}'` : word).join(" ")
  }`;
  // Escapes are spelled out, so that a snapshot can be read and mailed.
  const visible = (text: string) => text.replaceAll("\x1b", "<ESC>");
  return [
    command,
    `--- stdout`,
    visible(host.out),
    `--- stderr`,
    visible(host.err),
    `--- exit ${status}`,
    "",
  ].join("\n");
}

/** Relative names are found in the fake's folder under the name that they were given. */
function withCwd(runtime: FakeRuntime): FakeRuntime {
  for (const [path, text] of [...runtime.files.contents]) {
    if (!path.startsWith("/")) runtime.files.contents.set(`${runtime.host.cwd}/${path}`, text);
  }
  return runtime;
}
