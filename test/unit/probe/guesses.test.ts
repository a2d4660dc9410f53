/** What a server that is not what it was taken for is guessed to be. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, test } from "node:test";
import { runtime } from "#runtime";
import { guessBackend } from "../../../src/probe/guesses.ts";
import type { Finding } from "../../../src/probe/model.ts";
import { probe } from "../../../src/probe/probe.ts";
import type { Target } from "../../../src/probe/target.ts";
import { OPTIONS, targetOf } from "../../support/probing.ts";

type Scheme = Target["scheme"];

/** The finding about a server that greets so, or hangs up (null), or says nothing (""). */
async function about(
  scheme: Scheme,
  greeting: string | null,
  more: Partial<typeof OPTIONS> = {},
): Promise<{ readonly finding: Finding; readonly port: number }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (greeting === null) socket.end();
    else if (scheme.endsWith("s")) socket.once("data", () => socket.write(greeting));
    else socket.write(Buffer.from(greeting, "latin1"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const target = targetOf(`${scheme}://127.0.0.1:${port}`);
  const report = await probe(runtime, target, { ...OPTIONS, timeoutMs: 150, ...more });
  server.close();
  const finding = report.findings.find(({ severity }) => severity === "error");
  assert.ok(finding, "nothing was found");
  return { finding, port };
}

describe("a greeting tells", () => {
  const CASES: readonly (readonly [Scheme, string, string])[] = [
    ["imap", "220 mx.example ESMTP\r\n", "that is SMTP: smtp://127.0.0.1:PORT"],
    ["imap", "554 5.7.1 no\r\n", "that is SMTP: smtp://127.0.0.1:PORT"],
    ["pop3", "* OK IMAP4 ready\r\n", "that is IMAP: imap://127.0.0.1:PORT"],
    ["smtp", "+OK POP3 ready\r\n", "that is POP3: pop3://127.0.0.1:PORT"],
    ["pop3", "220 FTP server ready\r\n", "that is FTP"],
    ["imap", "SSH-2.0-OpenSSH_9.2\r\n", "that is SSH"],
    ["submission", "HTTP/1.1 400 Bad Request\r\n\r\n", "that is HTTP"],
    [
      "imap",
      "\x15\x03\x01\x00\x02\x02\x16\r\n",
      "it speaks TLS from the first byte: imaps://127.0.0.1:PORT",
    ],
  ];
  for (const [scheme, greeting, expected] of CASES) {
    test(`${scheme}: ${JSON.stringify(greeting)}`, async () => {
      const { finding, port } = await about(scheme, greeting);
      assert.equal(finding.id, "protocol-error");
      assert.ok(
        finding.message.endsWith(`; ${expected.replace("PORT", `${port}`)}`),
        finding.message,
      );
    });
  }

  test("of what nobody knows nothing is said", async () => {
    const { finding } = await about("imap", "hello\r\n");
    assert.equal(finding.message, `the server's reply is not IMAP: "hello"`);
  });
});

test("silence: something is waited for", async () => {
  const { finding, port } = await about("pop3", "");
  assert.equal(finding.id, "timeout");
  assert.equal(
    finding.message,
    "no answer within 0.15 s while waiting for the greeting; perhaps it wants TLS from the first " +
      `byte (pop3s://127.0.0.1:${port}), or a PROXY header (--proxy-protocol v1)`,
  );
});

test("it hangs up: it wants something, or somebody else", async () => {
  const { finding } = await about("smtp", null);
  assert.equal(finding.id, "protocol-error");
  assert.match(
    finding.message,
    /closed the connection; perhaps it wants TLS .*, or a PROXY header/,
  );
  assert.match(finding.message, /, or nobody from our address$/);
});

test("it hangs up on a PROXY header: it may want none", async () => {
  const { finding } = await about("imap", null, { proxyProtocol: "v2" });
  assert.match(finding.message, /, or no PROXY header, or nobody from our address$/);
});

test("an answer to a ClientHello that is no TLS: it begins without", async () => {
  const { finding, port } = await about("imaps", "* BAD invalid command, and some more words\r\n");
  assert.equal(finding.id, "tls-failed");
  const guess = `; perhaps it begins without TLS (imap://127.0.0.1:${port})`;
  assert.ok(finding.message.endsWith(guess), finding.message);
});

describe("a backend that would not have us", () => {
  const CASES: readonly (readonly [string | null, boolean, string | null])[] = [
    [
      null,
      false,
      "perhaps it wants TLS from the first byte, or a PROXY header (proxy_protocol on)",
    ],
    [
      null,
      true,
      "perhaps it wants TLS from the first byte, or no PROXY header (proxy_protocol off)",
    ],
    ["* OK ready", false, null],
    ["something else", false, null],
    ["220 mx ESMTP", false, "that is SMTP"],
    ["HTTP/1.1 400 Bad Request", false, "that is HTTP"],
  ];
  for (const [greeting, proxied, expected] of CASES) {
    test(`${greeting ?? "silence"}, proxy_protocol ${proxied ? "on" : "off"}`, () => {
      assert.equal(guessBackend(greeting, "imap", proxied), expected);
    });
  }
});
