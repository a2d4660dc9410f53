/** `serve --init`: the starter loads as it stands, every comment that is a directive loads as well. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { BugTrap } from "../../../src/cli/bugs.ts";
import type { Context } from "../../../src/cli/command.ts";
import { STARTER, writeStarter } from "../../../src/cli/starter.ts";
import { openTerminal } from "../../../src/cli/terminal.ts";
import { load } from "../../../src/config/load.ts";
import { type FakeRuntime, fakeRuntime } from "../observe/fakes.ts";

const CERTIFICATES = {
  "/etc/ssl/mail.example.com.pem": "certificate",
  "/etc/ssl/private/mail.example.com.key": "key",
};

function contextOf(runtime: FakeRuntime): Context {
  const { host } = runtime;
  return { runtime, terminal: openTerminal(host, "never"), bugs: new BugTrap(host) };
}

const VERSIONS: readonly [string, string, readonly string[]][] = [
  ["as it stands", STARTER, ["imap 143", "imap 993", "smtp 587", "smtp 465"]],
  [
    "with every commented directive",
    STARTER.replace(/^#(?=[^\s:])/gm, ""),
    ["imap 143", "imap 993", "pop3 995", "smtp 587", "smtp 465"],
  ],
];

for (const [name, text, servers] of VERSIONS) {
  test(`the starter loads without findings: ${name}`, async () => {
    const source = { path: "doorpost.toml", text };
    const { settings, diagnostics } = await load(source, fakeRuntime(CERTIFICATES));
    assert.deepEqual(diagnostics, []);
    const found = settings?.servers.map(({ protocol, listen }) => {
      const [at] = listen[0].at;
      return `${protocol} ${at.is === "ip" ? at.port : at.path}`;
    });
    assert.deepEqual(found, servers);
  });
}

test("no login in clear text: STARTTLS is required, or TLS implicit", async () => {
  const source = { path: "doorpost.toml", text: STARTER };
  const { settings } = await load(source, fakeRuntime(CERTIFICATES));
  for (const { listen, starttls } of settings!.servers) {
    assert.ok(starttls === "only" || listen.every((each) => each.ssl));
  }
});

test("the lines to adapt are marked, and fit an editor", () => {
  assert.equal(STARTER.match(/^# CHANGE: /gm)?.length, 4);
  assert.deepEqual(STARTER.split("\n").filter((line) => line.length > 96), []);
});

test("the file is written for its owner and group, and never over another", () => {
  const runtime = fakeRuntime();
  assert.equal(writeStarter("doorpost.toml", contextOf(runtime)), 0);
  assert.equal(runtime.files.contents.get("doorpost.toml"), STARTER);
  assert.equal(runtime.files.modes.get("doorpost.toml"), 0o640);
  assert.equal(writeStarter("doorpost.toml", contextOf(runtime)), 1);
  assert.match(runtime.host.err, /Cannot write "doorpost\.toml": it exists already\n/);
});

test("a folder that may not be written to is named with the reason", () => {
  const runtime = fakeRuntime();
  runtime.files.faults.set("/etc/x.toml", "EACCES");
  assert.equal(writeStarter("/etc/x.toml", contextOf(runtime)), 1);
  assert.equal(
    runtime.host.err,
    'doorpost: error: Cannot write "/etc/x.toml": Permission denied\n',
  );
});

test("- is standard output", () => {
  const runtime = fakeRuntime();
  assert.equal(writeStarter("-", contextOf(runtime)), 0);
  assert.equal(runtime.host.out, STARTER);
});
