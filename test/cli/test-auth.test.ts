/**
 * What `test-auth` prints, stream by stream, and its exit status, as `cli.test.ts` does it, over a network in
 * memory where no time passes. UPDATE_SNAPSHOTS=1 writes the snapshots anew.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { BugTrap } from "../../src/cli/bugs.ts";
import { run } from "../../src/cli/run.ts";
import { NetError } from "../../src/core/errors.ts";
import { ROOT } from "../support/source.ts";
import { answer, authWorld, header, type Serve } from "../unit/probe/auth-world.ts";

const SNAPSHOTS = join(ROOT, "test", "cli", "snapshots");
const PASSWORD = "do-not-show-me";
const BACKEND = "198.51.100.1:143";
const ASK = ["--url", "http://127.0.0.1:9000/auth?key=do-not-show-me", "--user", "john"];

const allow = (more: Readonly<Record<string, string>> = {}) =>
  answer({ "Auth-Status": "OK", "Auth-Server": "198.51.100.1", "Auth-Port": "143", ...more });
const deny = answer({ "Auth-Status": "Invalid login or password", "Auth-Wait": "3" });

const honest: Serve = (sent, at) => {
  if (at === BACKEND) return sent && `* 2 EXISTS\r\na1 OK [READ-WRITE] Logged in\r\n`;
  if (!sent.endsWith("\r\n\r\n")) return null;
  const right = header(sent, "Auth-User") === "john" && header(sent, "Auth-Pass") === PASSWORD &&
    header(sent, "Auth-Method") === "plain";
  return right ? allow({ "Auth-User": "newname" }) : deny;
};
const unwise: Serve = () =>
  answer({
    "auth-status": "OK",
    "Auth-Server": "mail.example.com",
    "Auth-Port": "993",
    "Auth-Sever": "x",
    "Auth-Pass": PASSWORD,
    "Set-Cookie": "session=do-not-show-me",
  }, "500 Internal Server Error") + "<html>Oops</html>\n";
const lax: Serve = (sent) => sent.endsWith("\r\n\r\n") ? allow() : null;
const gone: Serve = () => new NetError("ECONNREFUSED", "Cannot connect to 127.0.0.1:9000: refused");

interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly serve?: Serve;
}

const CASES: readonly Case[] = [
  { name: "help", argv: ["--help"] },
  { name: "allowed", argv: ASK },
  { name: "allowed-colour", argv: [...ASK, "--color=always"] },
  { name: "denied", argv: ASK, serve: () => deny },
  { name: "unwise", argv: ASK, serve: unwise },
  { name: "unwise-colour", argv: [...ASK, "--color=always"], serve: unwise },
  { name: "raw", argv: [...ASK, "--raw", "--header", "X-Key: do-not-show-me"], serve: unwise },
  { name: "json", argv: [...ASK, "--format", "json"], serve: unwise },
  { name: "unreachable", argv: ASK, serve: gone },
  { name: "login", argv: [...ASK, "--login"] },
  { name: "curl", argv: [...ASK, "--curl", "--header", "X-Key: do-not-show-me"] },
  { name: "expect", argv: [...ASK, "--expect", "allowed", "--expect", "server=192.0.2.1:143"] },
  { name: "repeat", argv: [...ASK, "--repeat", "20", "--concurrency", "4"] },
  { name: "suite", argv: [...ASK, "--suite"] },
  { name: "suite-lax", argv: [...ASK, "--suite"], serve: lax },
  { name: "suite-junit", argv: [...ASK, "--suite", "--format", "junit"], serve: lax },
  { name: "suite-json", argv: [...ASK, "--suite", "--format", "json"] },
  { name: "usage", argv: ["--url", "http://127.0.0.1:9000/auth"] },
];

for (const each of CASES) {
  test(`doorpost test-auth (${each.name})`, async () => {
    const shown = await transcript(each);
    const path = join(SNAPSHOTS, `test-auth-${each.name}.txt`);
    if (process.env.UPDATE_SNAPSHOTS === "1") writeFileSync(path, shown);
    assert.ok(existsSync(path), `no snapshot ${path}: run with UPDATE_SNAPSHOTS=1`);
    assert.equal(shown, readFileSync(path, "utf8"));
  });
}

async function transcript({ argv, serve = honest }: Case): Promise<string> {
  const world = authWorld(serve, {}, (at) => at === BACKEND ? "* OK IMAP4rev1 ready\r\n" : null);
  const { host } = world;
  host.variables.set("DOORPOST_PASSWORD", PASSWORD);
  host.argv = ["test-auth", ...argv];
  const status = await run(world, new BugTrap(host));
  assert.doesNotMatch(host.out + host.err, /do-not-show-me/, "a secret is shown");
  const command = argv.map((word) => word.replace(PASSWORD, "KEY")).join(" ");
  const visible = (text: string) => text.replaceAll("\x1b", "<ESC>");
  return [
    `$ doorpost test-auth ${command}`,
    "--- stdout",
    visible(host.out),
    "--- stderr",
    visible(host.err),
    `--- exit ${status}`,
    "",
  ].join("\n");
}

/** Where the sessions that documents show took place, as far as the documents say. */
const SHOWN: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ["README.md", "--user john --login", {
    Server: "BaseHTTP/0.6 Python/3.11.7",
    Date: "Sat, 21 Nov 2026 11:34:29 GMT",
    "Auth-Status": "OK",
    "Auth-Server": "127.0.0.1",
    "Auth-Port": "10143",
  }],
  ["docs/test-auth.md", "--url http://127.0.0.1:9000/auth --user john", {
    "Auth-Status": "OK",
    "Auth-Server": "198.51.100.1",
    "Auth-Port": "993",
  }],
];
const DOVECOT = "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ " +
  "AUTH=PLAIN] Dovecot ready.\r\n";

for (const [page, command, headers] of SHOWN) {
  test(`${page} shows what is printed`, async () => {
    const text = readFileSync(join(ROOT, page), "utf8");
    // The README goes by the configuration that it shows.
    const [, config = ""] = /```toml\n(server_name[^`]*)```/.exec(text) ?? [];
    const [, shown] = text.split(`$ doorpost test-auth ${command}\n`);
    const serve: Serve = (sent, at) => {
      if (at.endsWith(":10143")) return sent && "a1 OK Logged in\r\n";
      return sent.endsWith("\r\n\r\n") ? answer(headers) : null;
    };
    const files = { "/etc/doorpost/doorpost.toml": config };
    const world = authWorld(serve, files, (at) => at.endsWith(":10143") ? DOVECOT : null);
    world.host.variables.set("DOORPOST_PASSWORD", PASSWORD);
    world.host.argv = ["test-auth", ...command.split(" ")];
    await run(world, new BugTrap(world.host));
    // No time passes in memory; how long each step took is the only thing that may differ.
    const timeless = (words: string) => words.replace(/ +(?=\S.* ms)|[\d.]+ ms/g, " ");
    assert.equal(timeless(shown!.split("```")[0]!), timeless(world.host.out));
  });
}
