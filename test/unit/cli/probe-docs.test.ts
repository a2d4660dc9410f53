/**
 * The sessions of `probe` that the documents show are what it prints: each command line is run against
 * servers that stand for mail.example.com, and only times, dates and addresses may be other.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runtime } from "#runtime";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { run } from "../../../src/cli/run.ts";
import type { Host, Runtime } from "../../../src/net/ports.ts";
import { testAuthority } from "../../support/ca.ts";
import { type MailServer, type Misbehaviour, startMailServer } from "../../support/mail-server.ts";
import { ROOT } from "../../support/source.ts";
import { FakeFiles, FakeHost } from "../observe/fakes.ts";

const NAME = "mail.example.com";

/** By the URLs of the documents. */
const SERVERS: Readonly<Record<string, Misbehaviour>> = {
  "imap://": {
    protocol: "imap",
    cleartext: ["IMAP4rev1", "ID"],
    secured: ["IMAP4rev1", "ID", "AUTH=PLAIN", "SASL-IR"],
    alpn: ["imap"],
  },
  "imaps://": {
    protocol: "imap",
    implicit: true,
    secured: ["IMAP4rev1", "ID", "AUTH=PLAIN", "SASL-IR"],
    alpn: ["imap"],
  },
  "smtp://": { protocol: "smtp", cleartext: ["PIPELINING", "8BITMIME", "AUTH PLAIN"] },
};

interface Shown {
  readonly file: string;
  readonly command: string;
  readonly output: string;
}

/** Blocks that begin with a command line of `probe` and go on with what it prints. */
function sessions(file: string): Shown[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  const blocks = text.matchAll(/^```\w*\n\$ (doorpost probe [^\n]*)\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, command, output]) => ({ file, command, output }))
    .filter(({ output }) => output !== "");
}

/** Whatever differs from one run to the next; how lines are wrapped goes with the width of a number. */
function timeless(text: string): string {
  return text
    .replace(/\b\d+(?:\.\d+)? ?ms\b/g, "# ms")
    .replace(/\b\d{4}-\d\d-\d\d\b/g, "DATE")
    .replace(/\b\d+ (?:d\b|days)/g, "# days")
    .replace(/'certificate_days'=\d+/, "'certificate_days'=#")
    .replace(/\b\d+\.\d+\.\d+\.\d+(?::\d+)?\b/g, "ADDRESS")
    .replace(/\bTLS_[A-Z0-9_]+\b/g, "CIPHER")
    .replace(/\s{2,}(?=\S)/g, " ")
    .replace(/,O=Doorpost\\, Tests/g, ",O=Example");
}

async function printed(command: string): Promise<string> {
  const certificate = await (await (await testAuthority()).intermediate("Example Issuing"))
    .issue({ names: [NAME] });
  const servers = new Map<string, MailServer>();
  for (const [scheme, behaviour] of Object.entries(SERVERS)) {
    const tls = behaviour.protocol === "imap" && { certificate };
    servers.set(scheme, await startMailServer(runtime, { ...behaviour, ...tls }));
  }
  const host = new FakeHost();
  host.argv = [...command.split(" ").slice(1), "--ca", "ca.pem"];
  host.variables.set("DOORPOST_PASSWORD", "hidden");
  const usual: Readonly<Record<number, string>> = {
    143: "imap://",
    993: "imaps://",
    25: "smtp://",
  };
  const fake: Runtime = Object.assign(Object.create(runtime), {
    host: Object.assign(host, { lookup: () => Promise.resolve(["127.0.0.1"]) }) as Host,
    files: new FakeFiles({ "ca.pem": (await testAuthority()).certificate }),
    connect: (to: { port: number }, ...rest: [object, never]) =>
      runtime.connect(
        { is: "ip", address: "127.0.0.1", port: servers.get(usual[to.port])!.port },
        ...rest,
      ),
  });
  await run(fake, new BugTrap(host));
  for (const server of servers.values()) await server[Symbol.asyncDispose]();
  assert.equal(host.err, "");
  return host.out;
}

for (const file of ["docs/probe.md", "README.md"]) {
  for (const { command, output } of sessions(file)) {
    test(`${file}: ${command}`, async () => {
      assert.equal(timeless(await printed(command)), timeless(output));
    });
  }
}

test("there are sessions to hold against the program", () => {
  assert.ok(sessions("docs/probe.md").length >= 3);
  assert.ok(sessions("README.md").length >= 1);
});
