/** `test-auth --suite`: servers that get something wrong are found out, and it ends in time. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { NetError } from "../../../src/core/errors.ts";
import { answer, type AuthWorld, authWorld, header, type Serve } from "../probe/auth-world.ts";
import { allow, deny, honest, PASSWORD, type Ran, testAuth, URL } from "./test-auth-world.ts";

/** A `<testsuite>` as the XML reader gives it. */
interface Suite {
  readonly "@_name": string;
  readonly "@_tests": string;
  readonly "@_failures": string;
  readonly testcase: readonly { readonly "@_name": string; readonly failure?: unknown }[];
}

describe("--suite", () => {
  const JOHN = ["--url", URL, "-u", "john", "--suite"];
  const failures = (out: string) =>
    out.split("\n").filter((line) => line.startsWith("  FAIL")).map((line) =>
      line.slice(8).split("  ")[0]
    );

  test("an honest server passes", async () => {
    const ran = await testAuth(JOHN, authWorld(honest));
    assert.deepEqual(failures(ran.out), []);
    assert.equal(ran.status, 0);
  });
  test("one that decodes twice is found", async () => {
    const twice: Serve = (sent) => {
      const decoded = decodeURIComponentTwice(header(sent, "Auth-Pass"));
      return header(sent, "Auth-User") === "john" && decoded === PASSWORD
        ? allow()
        : honest(sent, "");
    };
    const ran = await testAuth(JOHN, authWorld(twice));
    assert.ok(failures(ran.out).includes("right password, its first letter as an escape"));
    assert.equal(ran.status, 1);
  });
  test("one that does not undo escapes is found, and why", async () => {
    const raw: Serve = (sent) =>
      header(sent, "Auth-User") === "john" && header(sent, "Auth-Pass") === PASSWORD
        ? allow()
        : deny;
    const { out } = await testAuth(JOHN, authWorld(raw));
    assert.ok(failures(out).includes("right password"));
    assert.match(out, /denied where allowed was expected \(imap\); perhaps %HH is not undone/);
  });
  test("one that trims, ignores case, or lets EXTERNAL in is found", async () => {
    const lax: Serve = (sent) => {
      if (header(sent, "Auth-Method") === "external") return allow();
      const pass = header(sent, "Auth-Pass").replace(/(%20)+$/, "").toLowerCase();
      return header(sent, "Auth-User") === "john" && pass === "s3cret%201" ? allow() : deny;
    };
    const found = failures((await testAuth(JOHN, authWorld(lax))).out);
    for (const name of ["with a space behind", "other case", "external without a certificate"]) {
      assert.ok(found.some((each) => each.endsWith(name)), `${name} in ${found}`);
    }
  });
  test("one that echoes the decoded user is found", async () => {
    const echo: Serve = (sent) => {
      const user = decodeURIComponentTwice(header(sent, "Auth-User"));
      return deny.replace("\r\n\r\n", `\r\nX-User: ${user}\r\n\r\n`);
    };
    const found = failures((await testAuth(["--url", URL, "--suite"], authWorld(echo))).out);
    assert.ok(found.includes("line end in the user"), String(found));
  });
  test("one that is not there ends it with 3", async () => {
    const gone: Serve = () => new NetError("ECONNREFUSED", "refused");
    assert.equal((await testAuth(JOHN, authWorld(gone))).status, 3);
  });
  test("one that hangs ends it soon", async () => {
    const world = authWorld(() => null);
    const { status, out } = await suiteIn(world, 20_000);
    assert.equal(status, 3);
    assert.match(out, /^UNREACHABLE {2}no answer in time$/m);
  });
  test("one that begins to hang ends it within a minute", async () => {
    let asked = 0;
    const { status, out } = await suiteIn(authWorld(() => asked++ < 3 ? deny : null), 60_000);
    assert.equal(status, 1);
    assert.match(out, /skipped$/m);
  });

  /** Runs it while the clock turns, for no longer than that. */
  async function suiteIn(world: AuthWorld, mostMs: number): Promise<Ran> {
    const { clock } = world;
    const begun = clock.ms;
    let over = false;
    const running = testAuth(JOHN, world).finally(() => over = true);
    while (!over) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      clock.turn(1000);
    }
    assert.ok(clock.ms - begun <= mostMs, `${clock.ms - begun} ms`);
    return await running;
  }

  test("one that says WAIT must decide in the end", async () => {
    let waits = 0;
    const wait = answer({ "Auth-Status": "WAIT", "Auth-Wait": "1" });
    const undecided: Serve = (sent) => header(sent, "Auth-Pass") === "" ? deny : wait;
    const patient: Serve = (sent, at) => waits++ % 2 === 0 ? wait : honest(sent, at);
    const name = "an undecided login is decided in the end";
    const never = await suiteIn(authWorld(undecided), 60_000);
    assert.ok(failures(never.out).some((each) => each.startsWith(name)), never.out);
    const world = authWorld((sent, at) =>
      header(sent, "Auth-Login-Attempt") === "1" ? patient(sent, at) : honest(sent, at)
    );
    assert.ok(!failures((await suiteIn(world, 60_000)).out).includes(name));
  });
  test("a wait that outlasts every client is found", async () => {
    const { out } = await testAuth(JOHN, authWorld(() => deny.replace("3", "3600")));
    assert.match(out, /^ +Auth-Wait of 3600 s outlasts the client's connection$/m);
  });
  test("without a user no right login is tried", async () => {
    const ran = await testAuth(["--url", URL, "--suite"], authWorld(honest));
    assert.equal(ran.status, 0);
    assert.doesNotMatch(ran.out, /right password/);
  });

  const CASES = `[[case]]
user = "john"
password = "${PASSWORD}"
expect = "allowed"
[[case]]
name = "jane may not"
user = "jane"
password = "another-secret"
expect = "denied"
`;
  test("cases of a file are asked too", async () => {
    const world = authWorld(honest, { "cases.toml": CASES });
    const ran = await testAuth(["--url", URL, "--suite", "cases.toml"], world);
    assert.match(ran.out, /^file\n {2}ok {4}john, allowed .*\n {2}ok {4}jane may not /m);
    assert.doesNotMatch(ran.out, /another-secret/);
  });
  test("a case says where it must lead, and an envelope is one too", async () => {
    const routes: Serve = (sent) =>
      header(sent, "Auth-SMTP-To") === "RCPT TO:<b@x.test>"
        ? allow({ "Auth-Server": "192.0.2.7", "Auth-Port": "25" })
        : honest(sent, "");
    const text = `[[case]]
user = "john"
password = "${PASSWORD}"
expect = "allowed"
server = "192.0.2.9:143"
[[case]]
method = "none"
from = "a@x.test"
to = "b@x.test"
expect = "allowed"
server = "192.0.2.7:25"
`;
    const world = authWorld(routes, { "cases.toml": text });
    const { out } = await testAuth(["--url", URL, "--suite", "cases.toml"], world);
    assert.match(out, /^ +sent to 192\.0\.2\.1:143 where 192\.0\.2\.9:143 was expected$/m);
    assert.match(out, /^ {2}ok {4}a@x\.test to b@x\.test, allowed /m);
  });
  for (
    const [name, text, words] of [
      ["no address", CASES.replace('"jane"', '"jane"\nserver = "mx:143"'), /server is no address/],
      ["a login for none", CASES.replace('"john"', '"john"\nmethod = "none"'), /from is missing/],
      [
        "a sender",
        CASES.replace('"john"', '"john"\nfrom = "a@b"'),
        /from does not go with .*plain/,
      ],
      ["not TOML", `password = "${PASSWORD}" oops`, /cases\.toml:1:\d+: not TOML/],
      ["a slip", CASES.replace("expect", "expct"), /unknown key "expct"\n.*"expect"/],
      ["a missing key", CASES.replace('user = "john"\n', ""), /case 1: user is missing/],
      ["a wrong word", CASES.replace('"denied"', '"no"'), /case 2: expect is one of/],
    ] as const
  ) {
    test(`a file with ${name} is refused before anything is asked`, async () => {
      const world = authWorld(honest, { "cases.toml": text });
      const ran = await testAuth(["--url", URL, "--suite", "cases.toml"], world);
      assert.equal(ran.status, 2);
      assert.match(ran.err, words);
      assert.deepEqual(world.written, []);
    });
  }

  test("JUnit is XML, and counts what it holds", async () => {
    const lax: Serve = () => allow();
    const file = CASES.replace("jane may not", `<jane> & 'co'`);
    const world = authWorld(lax, { "cases.toml": file });
    const { out } = await testAuth([...JOHN, "cases.toml", "--format", "junit"], world);
    assert.equal(XMLValidator.validate(out), true);
    const groups = ["testsuite", "testcase"];
    const reader = new XMLParser({
      ignoreAttributes: false,
      htmlEntities: true,
      isArray: (name) => groups.includes(name),
    });
    const suites: Suite[] = reader.parse(out).testsuites.testsuite;
    for (const { testcase, ...counts } of suites) {
      assert.equal(Number(counts["@_tests"]), testcase.length);
      const failed = testcase.filter(({ failure }) => failure !== undefined);
      assert.equal(Number(counts["@_failures"]), failed.length);
    }
    const last = suites.at(-1)!;
    assert.equal(last["@_name"], "file");
    assert.equal(last.testcase.at(-1)!["@_name"], "<jane> & 'co'");
    assert.equal(last["@_failures"], "1");
  });
});

function decodeURIComponentTwice(text: string): string {
  const once = (each: string) =>
    each.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return once(once(text));
}
