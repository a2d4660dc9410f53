/** `test-auth` as a process, and answers of every kind: the words, the warnings and the exit status. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort } from "../support/process.ts";
import { type Ran, type Recorder, startRecorder, testAuth } from "./test-auth-run.ts";

const PASSWORD = "Tr0ub4dor and-3";

function answer(headers: readonly string[], status = "HTTP/1.0 200 OK", body = ""): string {
  return [status, ...headers, "", body].join("\r\n");
}
const WHERE = ["Auth-Server: 198.51.100.1", "Auth-Port: 143"];
const OK = ["Auth-Status: OK", ...WHERE];
const NO = ["Auth-Status: Invalid login or password", "Auth-Wait: 3"];

interface Case {
  readonly name: string;
  readonly answer: string;
  readonly argv?: readonly string[];
  readonly status: number;
  /** In the output, whose lines are joined. */
  readonly words: RegExp;
  readonly warnings?: readonly string[];
}

const CASES: readonly Case[] = [
  { name: "allowed", answer: answer(OK), status: 0, words: /ALLOWED john -> 198\.51\.100\.1:143 / },
  {
    name: "renamed",
    answer: answer([...OK, "Auth-User: newname"]),
    status: 0,
    words: /ALLOWED john -> 198\.51\.100\.1:143 as newname /,
  },
  {
    name: "denied",
    answer: answer(NO),
    status: 1,
    words: /DENIED Invalid login or password; the client may retry after 3 s /,
  },
  {
    name: "no Auth-Wait",
    answer: answer(["Auth-Status: No"]),
    status: 1,
    words: /DENIED No; the connection closes /,
    warnings: ["auth-wait-missing"],
  },
  {
    name: "WAIT",
    answer: answer(["Auth-Status: WAIT", "Auth-Wait: 5"]),
    status: 1,
    words: /WAIT .* 5 s /,
  },
  { name: "no Auth-Status", answer: answer(WHERE), status: 4, words: /BROKEN no Auth-Status / },
  {
    name: "a host name",
    answer: answer(["Auth-Status: OK", "Auth-Server: mail.test", "Auth-Port: 143"]),
    status: 4,
    words: /BROKEN invalid server address: "mail\.test" /,
    warnings: ["auth-server-name"],
  },
  {
    name: "no Auth-Port",
    answer: answer(["Auth-Status: OK", "Auth-Server: 198.51.100.1"]),
    status: 4,
    words: /BROKEN no server or port /,
    warnings: ["auth-port-missing"],
  },
  {
    name: "a port of TLS",
    answer: answer(["Auth-Status: OK", "Auth-Server: 198.51.100.1", "Auth-Port: 995"]),
    status: 0,
    words: /ALLOWED john -> 198\.51\.100\.1:995 /,
    warnings: ["auth-tls-port"],
  },
  {
    name: "a whole web application",
    answer: answer(
      ["auth-status: OK", ...WHERE, "Auth-Sever: x", "Set-Cookie: id=abcdef", "Content-Length: 5"],
      "HTTP/1.1 500 Internal Server Error",
      "Oops\n",
    ),
    status: 0,
    words: /Set-Cookie: \*{4} .*ALLOWED /,
    warnings: [
      "auth-http-status",
      "auth-header-case",
      "auth-header-unknown",
      "auth-set-cookie",
      "auth-body",
    ],
  },
  ...["apop", "cram-md5", "external"].map((method): Case => ({
    name: `${method} without Auth-Pass`,
    answer: answer(OK),
    argv: ["--method", method],
    status: 4,
    words: /BROKEN no password /,
    warnings: ["auth-pass-missing"],
  })),
  {
    name: "another protocol",
    answer: "SSH-2.0-OpenSSH_9.2\r\n",
    status: 4,
    words: /SSH-2\.0-OpenSSH_9\.2 .*BROKEN invalid header/,
    warnings: ["auth-status-line"],
  },
  {
    name: "an underscore in a name",
    answer: answer(["Auth_Status: OK", "Auth_Pass: backend-word", ...WHERE]),
    status: 4,
    words: /Auth_Status: OK Auth_Pass: \*{4} .*BROKEN invalid header/,
  },
  {
    name: "a folded header",
    answer: answer(["Auth-Status: OK", "Auth-Pass: backend-\r\n continued", ...WHERE]),
    status: 4,
    words: /Auth-Pass: \*{4} \*{4} Auth-Server: 198\.51\.100\.1 .*BROKEN invalid header/,
  },
  {
    name: "half an answer",
    answer: "HTTP/1.0 200 OK\r\nAuth-Sta",
    status: 4,
    words: /Auth-Sta BROKEN it closed the connection before the end of its answer /,
  },
  { name: "no answer", answer: "", status: 4, words: /BROKEN it closed the connection / },
  {
    name: "controls in the text",
    answer: answer(["Auth-Status: bad \x1b[31mred\x07", "Auth-Wait: 3"]),
    status: 1,
    words: /DENIED bad \[31mred; /,
  },
  {
    name: "everything as expected",
    answer: answer(OK),
    argv: "--expect allowed --expect server=198.51.100.1:143 --expect user=john --expect within=5s"
      .split(" "),
    status: 0,
    words: /met allowed .* met server=198\.51\.100\.1:143 .* met user=john .* met within=5s /,
  },
  {
    name: "a refusal as expected",
    answer: answer(NO),
    argv: ["--expect", "denied"],
    status: 0,
    words: /met denied /,
  },
  {
    name: "another server than expected",
    answer: answer(OK),
    argv: ["--expect=server=[2001:db8::1]:143"],
    status: 1,
    words: /MISSED server=\[2001:db8::1\]:143 \(198\.51\.100\.1:143\) /,
  },
  {
    name: "an expectation of a broken server",
    answer: "",
    argv: ["--expect", "denied"],
    status: 4,
    words: /BROKEN .*MISSED denied \(broken\) /,
  },
];

describe("answers of auth servers", () => {
  let server: Recorder;
  before(async () => void (server = await startRecorder("")));
  after(() => server?.[Symbol.asyncDispose]());

  function ask(...argv: string[]): Promise<Ran> {
    return testAuth(
      ["--url", `http://127.0.0.1:${server.port}/auth`, "-u", "john", ...argv],
      PASSWORD,
    );
  }

  for (const each of CASES) {
    test(each.name, async () => {
      server.answer = each.answer;
      const { out, err, status } = await ask(...(each.argv ?? []));
      assert.match(out.replace(/\s+/g, " "), each.words, err);
      const found = [...out.matchAll(/^warning\[([a-z-]+)\]/gm)].map(([, rule]) => rule!);
      for (const rule of each.warnings ?? []) {
        assert.ok(found.includes(rule), `${rule} in ${found}`);
      }
      assert.ok(out.split("\n").every((line) => line.length <= 80), out);
      assert.doesNotMatch(out, /\x1b|backend-|continued|abcdef/);
      assert.equal(status, each.status);
    });
  }

  test("nobody there", async () => {
    const argv = ["--url", `http://127.0.0.1:${await freePort()}/`, "-u", "john"];
    const { out, status } = await testAuth(argv, PASSWORD);
    assert.match(out, /^UNREACHABLE .*connection refused$/m);
    assert.match(out, /not sent$/m);
    assert.equal(status, 3);
  });

  test("the suite ends soon when nobody is there", async () => {
    const argv = ["--url", `http://127.0.0.1:${await freePort()}/`, "-u", "john", "--suite"];
    const { out, status } = await testAuth(argv, PASSWORD);
    assert.match(out, /^UNREACHABLE .*connection refused\n$/);
    assert.equal(status, 3);
  });

  test("cases of a file, as JUnit", async () => {
    const folder = mkdtempSync(join(tmpdir(), "doorpost-cases-"));
    const file = join(folder, "cases.toml");
    writeFileSync(
      file,
      `[[case]]\nname = "<jane> & co"\nuser = "jane"\npassword = "x-secret"\nexpect = "denied"\n`,
    );
    server.answer = answer(NO);
    const url = `http://127.0.0.1:${server.port}/auth`;
    const { out, status } = await testAuth(
      ["--url", url, "--suite", file, "--format=junit"],
      PASSWORD,
    );
    rmSync(folder, { recursive: true });
    assert.match(
      out,
      /<testcase classname="file" name="&#60;jane&#62; &#38; co" time="[\d.]+"\/>/,
    );
    assert.doesNotMatch(out, /x-secret|<failure/);
    assert.equal(status, 0);
  });
});
