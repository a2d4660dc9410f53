/** `test-auth` run over a network in memory, for the tests of it; whatever it prints is held against the secrets. */

import assert from "node:assert/strict";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { run } from "../../../src/cli/run.ts";
import { answer, type AuthWorld, authWorld, header, type Serve } from "../probe/auth-world.ts";

export const PASSWORD = "s3cret 1";
export const HEADER_SECRET = "shared-key-value";
export const URL = "http://127.0.0.1:9000/auth";

export const allow = (more: Readonly<Record<string, string>> = {}) =>
  answer({ "Auth-Status": "OK", "Auth-Server": "192.0.2.1", "Auth-Port": "143", ...more });
export const deny = answer({ "Auth-Status": "Invalid login", "Auth-Wait": "3" });

/** Lets john in with the right password, as nginx escapes it. */
export const honest: Serve = (sent) => {
  if (!sent.endsWith("\r\n\r\n")) return null;
  const right = header(sent, "Auth-User") === "john" &&
    header(sent, "Auth-Pass") === "s3cret%201" &&
    header(sent, "Auth-Method") === "plain";
  return right ? allow() : deny;
};

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  readonly world: AuthWorld;
}

export async function testAuth(argv: readonly string[], world: AuthWorld): Promise<Ran> {
  const { host } = world;
  if (!host.variables.has("DOORPOST_PASSWORD")) host.variables.set("DOORPOST_PASSWORD", PASSWORD);
  host.argv = ["test-auth", ...argv];
  const status = await run(world, new BugTrap(host));
  for (const secret of [PASSWORD, "s3cret%201", HEADER_SECRET]) {
    assert.ok(!(host.out + host.err).includes(secret), `shows ${secret}:\n${host.out}`);
  }
  return { status, out: host.out, err: host.err, world };
}

export const ask = (serve: Serve, ...argv: string[]) =>
  testAuth(["--url", URL, "-u", "john", ...argv], authWorld(serve));
