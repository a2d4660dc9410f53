/** `check-config --online` over the memory runtime: who is asked, and what is said of the answer. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkSource } from "../../../src/cli/checking.ts";
import { FAULTS } from "../../../src/lint/faults.ts";
import { decode, encode } from "../../../src/core/bytes.ts";
import { type Endpoint, ip } from "../../../src/net/address.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";

const AUTH = ip("127.0.0.1", 9000);
const OTHER = ip("127.0.0.2", 9000);
const BACKEND = ip("127.0.0.1", 2143);

const OK = (at = "2143") => `Auth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: ${at}\r\n`;
const DENY = "Auth-Status: Invalid login\r\nAuth-Wait: 3\r\n";

interface World {
  readonly runtime: ReturnType<typeof createMemoryRuntime>;
  readonly heard: string[];
}

/** Listens, says `greeting` at once and `answer` to the first request. */
async function serve(
  { runtime, heard }: World,
  at: Endpoint,
  greeting: string,
  answer = "",
): Promise<void> {
  await runtime.listen(at, {}, (connection) => {
    if (greeting !== "") connection.write(encode(greeting));
    connection.receiver = {
      data: (bytes) => {
        heard.push(decode(bytes));
        if (answer === "") return;
        connection.write(encode(answer));
        connection.end();
      },
      drain: () => {},
      end: () => connection.end(),
      close: () => {},
    };
  });
}

function http(headers: string): string {
  return `HTTP/1.0 200 OK\r\n${headers}\r\n`;
}

function world(): World {
  const runtime = createMemoryRuntime({ names: { "auth.test": ["127.0.0.1", "127.0.0.2"] } });
  return { runtime, heard: [] };
}

async function check({ runtime }: World, toml: string, protocol = "imap"): Promise<string[]> {
  const text = `server_name = "mail.example.com"\n${toml}\n[[server]]\nlisten = "127.0.0.1:9"\n` +
    `protocol = "${protocol}"\n`;
  const judging = { strict: false, only: [], skip: [], online: true, comments: false };
  const checking = checkSource({ path: "a.toml", text, syntax: "toml" }, judging, runtime);
  let checked: Awaited<typeof checking> | null = null;
  void checking.then((done) => checked = done);
  // Whoever waits for something that never comes waits for a deadline.
  for (let i = 0; i < 40 && checked === null; i++) await runtime.advance(500);
  const { diagnostics } = await checking;
  return diagnostics.map(({ severity, rule, message }) =>
    `${severity}[${rule}] ${message.replace(/in \d+ ms/, "in N ms")}`
  );
}

const URL = `auth_http = "http://127.0.0.1:9000/auth"`;
const NAME = `auth server "http://127.0.0.1:9000/auth" (imap)`;

test("a parameter that another listener's socket decides is told", async () => {
  const fault = FAULTS.find(({ id }) => id === "shared-socket")!;
  for (const [text, times] of [[fault.bad, 1], [fault.good, 0]] as const) {
    const judging = { strict: false, only: [fault.id], skip: [], online: false, comments: false };
    const { runtime } = world();
    const { diagnostics } = await checkSource(
      { path: "a.toml", text, syntax: "toml" },
      judging,
      runtime,
    );
    assert.equal(diagnostics.length, times);
  }
});

describe("the auth server", () => {
  test("that denies answers as it should", async () => {
    const here = world();
    await serve(here, AUTH, "", http(DENY));
    assert.deepEqual(await check(here, URL), [
      `info[auth-server-answers] ${NAME} did not let a made-up user in, in N ms`,
    ]);
    assert.match(here.heard[0], /^GET \/auth HTTP\/1\.0\r\n/);
    assert.match(here.heard[0], /^Auth-User: doorpost-check-config\r$/m);
  });

  test("that nobody runs is an error", async () => {
    assert.deepEqual(await check(world(), URL), [
      `error[auth-server-broken] ${NAME}: recv() failed (111: Connection refused)`,
    ]);
  });

  test("that says no Auth-Status is an error", async () => {
    const here = world();
    await serve(here, AUTH, "", http("X: y\r\n"));
    const [said] = await check(here, URL);
    assert.match(said, /^error\[auth-server-broken\] auth server .*did not send/);
  });

  test("that never answers is given up", async () => {
    const here = world();
    await serve(here, AUTH, "");
    const [said] = await check(here, URL);
    assert.match(said, /^error\[auth-server-broken\] auth server .*timed out/);
  });

  test("is asked at each address of its name", async () => {
    const here = world();
    await serve(here, AUTH, "", http(DENY));
    const said = await check(here, `auth_http = "http://auth.test:9000/auth"`);
    const url = `auth server "http://auth.test:9000/auth"`;
    assert.deepEqual(
      said.sort(),
      [
        `error[auth-server-broken] ${url} at 127.0.0.2 (imap): recv() failed ` +
        "(111: Connection refused)",
        `info[auth-server-answers] ${url} at 127.0.0.1 (imap) did not let a made-up user in, in N ms`,
        "warning[auth-http-cleartext] " + said.at(-1)!.split("] ")[1],
      ].sort(),
    );
    await serve(here, OTHER, "", http(DENY));
    const again = await check(here, `auth_http = "http://auth.test:9000/auth"`);
    assert.equal(again.filter((each) => each.startsWith("info")).length, 2);
  });
});

describe("the backend of a made-up user who was let in", () => {
  const WARNING = `warning[auth-server-allows-anybody] ${NAME} let a made-up user with a made-up ` +
    "password in, to 127.0.0.1:2143, in N ms";
  const CASES: readonly (readonly [name: string, greeting: string | null, finding: RegExp])[] = [
    [
      "greets",
      "* OK ready\r\n",
      /^info\[backend-answers\] backend 127\.0\.0\.1:2143 \(imap\) greets: \* OK ready$/,
    ],
    [
      "is another server",
      "220 mx ESMTP\r\n",
      /^error\[backend-unreachable\] .*: it greets as no imap server does: 220 mx ESMTP$/,
    ],
    [
      "is not there",
      null,
      /^error\[backend-unreachable\] .*: connect\(\) failed \(111: Connection refused\)$/,
    ],
    ["is silent", "", /^error\[backend-unreachable\] .*: no greeting came within 10 s$/],
  ];
  for (const [name, greeting, finding] of CASES) {
    test(name, async () => {
      const here = world();
      await serve(here, AUTH, "", http(OK()));
      if (greeting !== null) await serve(here, BACKEND, greeting);
      const said = await check(here, URL);
      assert.deepEqual(said.filter((each) => each.startsWith("warning")), [WARNING]);
      assert.match(said[1], finding);
    });
  }

  test("is introduced to where the configuration says so", async () => {
    const here = world();
    await serve(here, AUTH, "", http(OK()));
    await serve(here, BACKEND, "* OK ready\r\n");
    await check(here, `${URL}\nproxy_protocol = "on"`);
    assert.match(here.heard[1], /^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/);
  });
});
