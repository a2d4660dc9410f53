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
