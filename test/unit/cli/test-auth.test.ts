/**
 * `test-auth` as a command, over a network in memory: what it sends, says and exits with; that machine
 * formats keep to their schema; and that no form of output ever has a secret in it.
 */

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Ajv } from "ajv";
import { BugTrap } from "../../../src/cli/bugs.ts";
import { run } from "../../../src/cli/run.ts";
import { NetError } from "../../../src/core/errors.ts";
import { ROOT } from "../../support/source.ts";
import { answer, type AuthWorld, authWorld, header, type Serve } from "../probe/auth-world.ts";
import {
  allow,
  ask,
  deny,
  HEADER_SECRET,
  honest,
  PASSWORD,
  testAuth,
  URL,
} from "./test-auth-world.ts";

describe("exit status and decision", () => {
  const cases: readonly (readonly [string, Serve, string[], number, RegExp])[] = [
    ["allowed", honest, [], 0, /^ALLOWED {2}john -> 192\.0\.2\.1:143$/m],
    ["renamed", () => allow({ "Auth-User": "new" }), [], 0, /143 as new$/m],
    ["denied", () => deny, [], 1, /^DENIED {2}Invalid login; the client may retry after 3 s$/m],
    [
      "for good",
      () => answer({ "Auth-Status": "No" }),
      [],
      1,
      /^DENIED {2}No; the connection closes$/m,
    ],
    ["wait", () => answer({ "Auth-Status": "WAIT", "Auth-Wait": "2" }), [], 1, /^WAIT .* 2 s$/m],
    ["no status", () => answer({}), [], 4, /^BROKEN {2}no Auth-Status$/m],
    ["a host name", () => allow({ "Auth-Server": "mx" }), [], 4, /^BROKEN .*"mx"$/m],
    ["no HTTP at all", () => "HTTP/what\r\n???\r\n", [], 4, /^BROKEN {2}invalid header/m],
    ["closed", () => "", [], 4, /^BROKEN {2}it closed the connection$/m],
    [
      "refused",
      () => new NetError("ECONNREFUSED", "Cannot connect: connection refused"),
      [],
      3,
      /^UNREACHABLE .*refused$/m,
    ],
    ["expected denial", () => deny, ["--expect", "denied"], 0, /^met +denied/m],
    ["unexpected success", honest, ["--expect", "denied"], 1, /^MISSED +denied/m],
    ["time alone proves nothing", () => deny, ["--expect", "within=9s"], 1, /^met +within/m],
    ["where to", honest, ["--expect=server=192.0.2.1:143", "--expect=user=john"], 0, /^met +user/m],
  ];
  for (const [name, serve, argv, status, words] of cases) {
    test(name, async () => {
      const ran = await ask(serve, ...argv);
      assert.match(ran.out, words);
      assert.equal(ran.status, status);
    });
  }

  test("a name without address", async () => {
    const ran = await testAuth(["--url", "http://nosuch.invalid/", "-u", "x"], authWorld(honest));
    assert.equal(ran.status, 3);
    assert.match(ran.out, /UNREACHABLE {2}Cannot resolve/);
  });
});

describe("the request", () => {
  const sentBy = async (...argv: string[]) => (await ask(honest, ...argv)).world.written[0].text;

  test("is nginx's, in its order", async () => {
    assert.equal(
      await sentBy(
        "--client-ip",
        "2001:db8::7",
        "--attempt",
        "4",
        "--protocol",
        "smtp",
        "--ssl",
        "TLSv1.2/AES128-SHA",
        "--header",
        `X-Key: ${HEADER_SECRET}`,
      ),
      "GET /auth HTTP/1.0\r\nHost: 127.0.0.1\r\nAuth-Method: plain\r\nAuth-User: john\r\n" +
        "Auth-Pass: s3cret%201\r\nAuth-Protocol: smtp\r\nAuth-Login-Attempt: 4\r\n" +
        "Client-IP: 2001:db8::7\r\nClient-Host: [UNAVAILABLE]\r\nAuth-SSL: on\r\n" +
        `Auth-SSL-Protocol: TLSv1.2\r\nAuth-SSL-Cipher: AES128-SHA\r\nX-Key: ${HEADER_SECRET}\r\n\r\n`,
    );
  });

  test("CRAM-MD5 is the HMAC of the salt", async () => {
    const sent = await sentBy("--method", "cram-md5");
    const salt = header(sent, "Auth-Salt");
    assert.match(salt, /^<\d+\.\d+@\S+>$/);
    assert.equal(header(sent, "Auth-Pass"), createHmac("md5", PASSWORD).update(salt).digest("hex"));
  });

  test("APOP is the hash of salt and password, over POP3", async () => {
    const sent = await sentBy("--method", "apop");
    const salt = header(sent, "Auth-Salt");
    assert.equal(header(sent, "Auth-Protocol"), "pop3");
    const expected = createHash("md5").update(salt + PASSWORD).digest("hex");
    assert.equal(header(sent, "Auth-Pass"), expected);
  });

  test("LOGIN is plain to an auth server", async () => {
    assert.equal(header(await sentBy("--method", "login"), "Auth-Method"), "plain");
  });

  test("method none sends the client's own lines", async () => {
    const sent = await sentBy(
      "--method",
      "none",
      "--smtp-from",
      "a@b.c",
      "--smtp-to",
      "rcpt to:<d@e.f> X=Y",
      "--helo",
      "me",
    );
    assert.equal(header(sent, "Auth-SMTP-From"), "MAIL FROM:<a@b.c>");
    assert.equal(header(sent, "Auth-SMTP-To"), "rcpt to:<d@e.f> X=Y");
    assert.equal(header(sent, "Auth-SMTP-Helo"), "me");
    assert.equal(header(sent, "Auth-Pass"), "");
  });

  test("HTTP/1.1 when asked for", async () => {
    assert.match(await sentBy("--http", "1.1"), /^GET \/auth HTTP\/1\.1\r\n/);
  });
});

describe("the password", () => {
  const passwordSent = async (argv: string[], prepare: (world: AuthWorld) => void) => {
    const world = authWorld(() => deny, { pw: "from-file\n" });
    prepare(world);
    const ran = await testAuth(["--url", URL, "-u", "x", ...argv], world);
    return header(ran.world.written[0].text, "Auth-Pass");
  };

  test("from a file, less the line end", async () => {
    assert.equal(await passwordSent(["--password-file", "pw"], () => {}), "from-file");
  });
  test("from standard input", async () => {
    assert.equal(
      await passwordSent(["--password-stdin"], ({ host }) => host.input = "p w\n"),
      "p%20w",
    );
  });
  test("from the prompt when nothing else is said", async () => {
    const world = authWorld(() => deny);
    const { host } = world;
    host.argv = ["test-auth", "--url", URL, "-u", "x"];
    host.askSecret = () => Promise.resolve("typed-one");
    await run(world, new BugTrap(host));
    assert.equal(header(world.written[0].text, "Auth-Pass"), "typed-one");
    assert.doesNotMatch(host.out + host.err, /typed-one/);
  });
  test("a server that repeats it is masked", async () => {
    const echo = answer({ "Auth-Status": `Bad password "${PASSWORD}"`, "X-Echo": "s3cret%201" });
    for (const more of [[], ["--raw"], ["--format", "json"]]) {
      const ran = await ask(() => `${echo}body ${PASSWORD}`, ...more);
      assert.match(ran.out, /Bad password/);
    }
  });
  test("Auth-Pass and cookies are masked", async () => {
    const ran = await ask(() => allow({ "Auth-Pass": "backendpw", "Set-Cookie": "id=backendpw" }));
    assert.doesNotMatch(ran.out, /backendpw/);
    assert.match(ran.out, /with another password/);
  });
});

describe("wrong usage ends with 2 and sends nothing", () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [["--url", URL], /--user NAME is missing/],
    [["--url", URL, "--config", "x", "-u", "j"], /exclude each other/],
    [["--url", "https://x:99999/", "-u", "j"], /Cannot ask "https:.*invalid port/],
    [
      ["--url", "ftp://x/?key=s3cret", "-u", "j"],
      /"ftp:\/\/x\/\?\*\*\*\*": an auth server speaks http/,
    ],
    [["--url", "http://j:s3cret 1@x/", "-u", "j"], /--url takes no user and no password/],
    [["--url", `http://x:0/?key=${HEADER_SECRET}`, "-u", "j"], /"http:\/\/x:0\/\?\*{4}"/],
    [["--url", URL, "-u", "j", "--ca", "ca.pem"], /--ca means something with https/],
    [["--url", "https://x/", "-u", "j", "--ca", "nosuch.pem"], /Cannot read .*nosuch\.pem/],
    [["--url", URL, "-u", "j", "--suite", "--method", "apop"], /--method has no place/],
    [["--url", URL, "-u", "j", "--suite", "--http", "1.1"], /--http has no place/],
    [["--url", URL, "-u", "j", "--method", "apop", "--protocol", "imap"], /belongs to pop3/],
    [["--url", URL, "-u", "j", "--expect", "alowed"], /Cannot expect "alowed"/],
    [["--url", URL, "-u", "j", "--client-ip", "here"], /no IP address/],
    [["--url", URL, "-u", "j", "--header", "no colon"], /NAME: VALUE/],
    [["--url", URL, "-u", "j", "--login", "--repeat", "2"], /exclude/],
    [["--url", URL, "-u", "j", "--format", "junit"], /--suite only/],
    [["--url", URL, "-u", "j", "extra"], /Unexpected argument/],
    [["--url", URL, "-u", "j", "--suite", "--expect", "denied"], /expectations of its own/],
    [["--url", URL, "-u", "j", "--password-file", "nosuch"], /Cannot read the password/],
    [["-u", "j"], /No configuration/],
    [["-c", "-", "--password-stdin", "-u", "j"], /both the configuration and the password/],
    [["-c", "nosuch.toml", "-u", "j"], /Cannot use nosuch\.toml/],
  ];
  for (const [argv, words] of cases) {
    test(argv.join(" "), async () => {
      const ran = await testAuth(argv, authWorld(honest));
      assert.equal(ran.status, 2);
      assert.match(ran.err, words);
      assert.equal(ran.out, "");
      assert.deepEqual(ran.world.written, []);
    });
  }
});

describe("with a configuration", () => {
  const CONFIG = `auth_http_header = [["X-Key", "${HEADER_SECRET}"]]
auth_http = "127.0.0.1:9000/imap"
[[server]]
listen = "127.0.0.1:143"
protocol = "imap"
[[server]]
listen = "127.0.0.1:110"
protocol = "pop3"
auth_http = "127.0.0.1:9001/pop3"
`;
  const withConfig = (...argv: string[]) => {
    const world = authWorld(honest, {});
    world.files.contents.set(`${world.host.cwd}/a.toml`, CONFIG);
    return testAuth(["-c", "a.toml", "-u", "john", ...argv], world);
  };

  test("from standard input, in nginx's syntax too", async () => {
    const nginx = "events {} mail { auth_http 127.0.0.1:9002/; server { listen 127.0.0.1:143; } }";
    for (const [text, to] of [[CONFIG, "127.0.0.1:9000"], [nginx, "127.0.0.1:9002"]] as const) {
      const world = authWorld(honest);
      world.host.input = text;
      const { status, err } = await testAuth(["-c", "-", "-u", "john"], world);
      assert.equal(status, 0, err);
      assert.equal(world.written[0].to, to);
    }
  });
  test("a method that its clients are not offered is a warning", async () => {
    const warned = async (...argv: string[]) =>
      /warning\[method-not-offered\]/.test((await withConfig(...argv)).out);
    assert.equal(await warned("--method", "xoauth2"), true);
    assert.equal(await warned("--method", "login"), false);
    const { out } = await ask(honest, "--method", "xoauth2");
    assert.doesNotMatch(out, /method-not-offered/);
  });
  test("asks the first server's, with its headers", async () => {
    const { world, status } = await withConfig();
    assert.equal(status, 0);
    assert.equal(world.written[0].to, "127.0.0.1:9000");
    assert.equal(header(world.written[0].text, "X-Key"), HEADER_SECRET);
  });
  test("asks the one of the protocol", async () => {
    const { world } = await withConfig("--protocol", "pop3");
    assert.equal(world.written[0].to, "127.0.0.1:9001");
  });
  test("has none of another", async () => {
    const { status, err } = await withConfig("--protocol", "smtp");
    assert.equal(status, 2);
    assert.match(err, /No server for smtp.*\n.*imap, pop3/);
  });
});

describe("--login", () => {
  const backend = (...replies: string[]): [Serve, (at: string) => string | null] => {
    let next = 0;
    return [
      (sent, at) => at === "192.0.2.1:143" ? sent && replies[next++] : honest(sent, at),
      (at) => at === "192.0.2.1:143" ? "* OK hello\r\n" : null,
    ];
  };
  const goOn = ([serve, greeting]: ReturnType<typeof backend>) =>
    testAuth(["--url", URL, "-u", "john", "--login"], authWorld(serve, {}, greeting));

  test("shows the dialogue, masked", async () => {
    const ran = await goOn(backend("a1 OK done\r\n"));
    assert.equal(ran.status, 0);
    assert.match(ran.out, /<- \* OK hello\n-> a1 LOGIN "john" "\*{4}"\n<- a1 OK done\n\nLOGGED IN/);
  });
  test("a backend that refuses, and repeats the password", async () => {
    const ran = await goOn(backend(`a1 NO not with ${PASSWORD}\r\n`));
    assert.equal(ran.status, 1);
    assert.match(ran.out, /<- a1 NO not with \*{4}\n\nNOT LOGGED IN/);
  });
  test("a backend of another protocol", async () => {
    const [serve] = backend();
    const ran = await goOn([serve, (at) => at === "192.0.2.1:143" ? "220 mx ESMTP\r\n" : null]);
    assert.equal(ran.status, 1);
    assert.match(ran.out, /\n\nNOT LOGGED IN .*: "220 mx ESMTP"; that is SMTP\n/);
  });
  test("a backend that is not there", async () => {
    const gone: Serve = (sent, at) =>
      at === "192.0.2.1:143" ? new NetError("ECONNREFUSED", "refused") : honest(sent, at);
    const ran = await goOn([gone, () => null]);
    assert.equal(ran.status, 3);
    assert.match(ran.out, /UNREACHABLE/);
  });
});

describe("--curl", () => {
  test("sends nothing, asks for no password and shows no secret", async () => {
    const world = authWorld(honest);
    world.host.variables.set("DOORPOST_PASSWORD", "not-needed");
    const ran = await testAuth([
      "--url",
      "unix:/run/a.sock:/auth?key=shared-key-value",
      "-u",
      "o'hara\\",
      "--curl",
      "--header",
      `X-Key: ${HEADER_SECRET}`,
    ], world);
    assert.equal(ran.status, 0);
    assert.deepEqual(world.written, []);
    assert.match(ran.out, /-H 'Auth-User: o'\\''hara\\' \\\n/);
    assert.match(ran.out, /-H 'X-Key: '"\$X_KEY"/);
    assert.match(ran.out, /--unix-socket '\/run\/a\.sock'/);
    assert.match(ran.out, /'http:\/\/localhost\/auth\?'"\$AUTH_QUERY"\n$/);
  });
});

describe("--format json keeps to docs/test-auth.schema.json", () => {
  const schema = JSON.parse(readFileSync(join(ROOT, "docs", "test-auth.schema.json"), "utf8"));
  const { $schema: _dialect, $id: _id, ...rules } = schema;
  const valid = new Ajv({ strict: false }).compile(rules);
  const gone: Serve = () => new NetError("ECONNREFUSED", "refused");
  const cases: readonly (readonly [string, Serve, string[]])[] = [
    ["allowed", honest, ["--expect", "allowed"]],
    ["denied", () => deny, []],
    ["wait", () => answer({ "Auth-Status": "WAIT" }), []],
    ["broken", () => answer({}), []],
    ["unreachable", gone, []],
    ["load", honest, ["--repeat", "5", "--concurrency", "2", "--expect", "within=1s"]],
    ["load of nothing", gone, ["--repeat", "2"]],
    ["suite", honest, ["--suite"]],
    ["failing suite", () => allow(), ["--suite"]],
    ["login", (sent, at) => at === "192.0.2.1:143" ? sent && "a1 NO\r\n" : honest(sent, at), [
      "--login",
      "--timeout",
      "50ms",
    ]],
  ];
  for (const [name, serve, argv] of cases) {
    test(name, async () => {
      const world = authWorld(serve, {}, (at) => at === "192.0.2.1:143" ? "* OK\r\n" : null);
      const ran = await testAuth(["--url", URL, "-u", "john", "--format", "json", ...argv], world);
      const value = JSON.parse(ran.out);
      assert.ok(valid(value) as boolean, JSON.stringify(valid.errors, null, 1));
      assert.equal(value.exit, ran.status);
    });
  }
});

describe("--repeat", () => {
  test("asks so often, with progress on a terminal only", async () => {
    const world = authWorld(honest);
    world.host.terminals.add("stderr");
    const ran = await testAuth(["--url", URL, "-u", "john", "--repeat", "20"], world);
    assert.equal(ran.world.written.length, 20);
    assert.match(ran.out, /^20 allowed$/m);
    assert.match(ran.err, /\d+\/20/);
    const piped = await ask(honest, "--repeat", "20");
    assert.equal(piped.err, "");
  });
});
