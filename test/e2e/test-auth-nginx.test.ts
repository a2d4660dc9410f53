/**
 * What `test-auth` sends is, byte for byte, what the mail module of a real nginx sends for the same client:
 * each case is a login at nginx whose auth server is a recorder, and the same question put to the
 * recorder by the command.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { testAuthority } from "../support/ca.ts";
import { LineClient } from "../support/clients.ts";
import { type Nginx, skipWithoutNginx, startNginx } from "../support/nginx.ts";
import { freePort, skipWithout, temporaryFolder } from "../support/process.ts";
import { type Recorder, shell, startRecorder, testAuth } from "./test-auth-run.ts";

const DENIED = "HTTP/1.0 200 OK\r\nAuth-Status: No\r\nAuth-Wait: 1\r\n\r\n";
const PASSWORD = 'correct %41 horse "battery" \\ staple+=&';
/** Each challenge is another one, `<R.T@NAME>`, and with it the digest. */
const VARYING = /^(Auth-Salt: )<\d+\.\d+@[\w.-]+>\r$|^(Auth-Pass: )[0-9a-f]{32}\r$/gm;

type Port = "imap" | "pop3" | "smtp" | "imaps" | "headers";

interface Case {
  readonly name: string;
  readonly port: Port;
  /** What the client says behind the greeting; a function is given the last line. */
  readonly says: readonly (string | ((line: string) => string))[];
  readonly argv: readonly string[];
  readonly password?: string;
  readonly url?: string;
}

const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");
const plain = (user: string, password: string) => base64(`\0${user}\0${password}`);
const cram = (user: string, password: string) => (line: string) => {
  const salt = Buffer.from(line.replace(/^(?:\+|334) /, ""), "base64").toString("latin1");
  return base64(`${user} ${createHmac("md5", password).update(salt).digest("hex")}`);
};
const NONE = ["--method", "none", "--smtp-from", "<a@x.test> SIZE=5", "--smtp-to", "b@y.test"];

const CASES: readonly Case[] = [
  {
    name: "IMAP LOGIN",
    port: "imap",
    says: [`a1 LOGIN john "${PASSWORD.replace(/["\\]/g, "\\$&")}"`],
    argv: ["-u", "john", "--protocol", "imap"],
  },
  {
    name: "AUTHENTICATE PLAIN, UTF-8",
    port: "imap",
    says: ["a1 AUTHENTICATE PLAIN", plain("jürgen müller", "ключ пароль")],
    argv: ["-u", "jürgen müller"],
    password: "ключ пароль",
  },
  {
    name: "IMAP CRAM-MD5",
    port: "imap",
    says: ["a1 AUTHENTICATE CRAM-MD5", cram("john", PASSWORD)],
    argv: ["-u", "john", "--method", "cram-md5"],
  },
  {
    name: "IMAP EXTERNAL",
    port: "imap",
    says: ["a1 AUTHENTICATE EXTERNAL", base64("john")],
    argv: ["-u", "john", "--method", "external"],
  },
  {
    name: "POP3 USER and PASS",
    port: "pop3",
    says: ["USER john", `PASS ${PASSWORD}`],
    argv: ["-u", "john", "--protocol", "pop3"],
  },
  {
    name: "the second attempt",
    port: "pop3",
    says: ["USER john", "PASS other", "USER john", `PASS ${PASSWORD}`],
    argv: ["-u", "john", "--protocol", "pop3", "--attempt", "2"],
  },
  {
    name: "APOP",
    port: "pop3",
    says: ["APOP john 0123456789abcdef0123456789abcdef"],
    argv: ["-u", "john", "--method", "apop"],
  },
  {
    name: "SMTP AUTH LOGIN",
    port: "smtp",
    says: ["EHLO me.test", "AUTH LOGIN", base64("john"), base64(PASSWORD)],
    argv: ["-u", "john", "--protocol", "smtp", "--method", "login"],
  },
  {
    name: "SMTP without a login",
    port: "smtp",
    says: ["EHLO me.test", "MAIL FROM:<a@x.test> SIZE=5", "RCPT TO:<b@y.test>"],
    argv: [...NONE, "--helo", "me.test"],
  },
  {
    name: "SMTP without a login, HELO",
    port: "smtp",
    says: ["HELO me.test", "MAIL FROM:<>", "RCPT TO:<b@y.test>"],
    argv: ["--method", "none", "--smtp-to", "<b@y.test>", "--helo", "me.test"],
  },
  {
    name: "a client on TLS",
    port: "imaps",
    says: ["a1 LOGIN john secret-word"],
    argv: ["-u", "john", "--ssl", "TLSv1.3/TLS_AES_256_GCM_SHA384"],
    password: "secret-word",
  },
  {
    name: "configured headers, and a query",
    port: "headers",
    says: [`a1 LOGIN john secret-word`],
    argv: ["-u", "john", "--header", "X-Key: two words", "--header", "X-Other: é"],
    password: "secret-word",
    url: "/auth?a=b&c=%20",
  },
];

describe("test-auth and nginx", { skip: skipWithoutNginx() }, () => {
  let nginx: Nginx;
  let recorder: Recorder;
  const ports = {} as Record<Port, number>;

  before(async () => {
    recorder = await startRecorder(DENIED);
    for (const name of ["imap", "pop3", "smtp", "imaps", "headers"] as const) {
      ports[name] = await freePort();
    }
    const folder = temporaryFolder("nginx");
    const { certificate, key } = await (await testAuthority()).issue();
    writeFileSync(join(folder, "cert.pem"), certificate);
    writeFileSync(join(folder, "key.pem"), key);
    nginx = await startNginx(folder, conf());
  });
  after(async () => {
    await nginx?.[Symbol.asyncDispose]();
    await recorder?.[Symbol.asyncDispose]();
  });

  function conf(): string {
    const auth = `127.0.0.1:${recorder.port}`;
    return `events { worker_connections 64; }
mail {
  server_name mail.test;
  auth_http ${auth}/auth;
  imap_auth plain login cram-md5 external;
  pop3_auth plain apop cram-md5;
  smtp_auth plain login cram-md5 none;
  ssl_protocols TLSv1.3;
  ssl_certificate cert.pem;
  ssl_certificate_key key.pem;
  server { listen 127.0.0.1:${ports.imap}; protocol imap; }
  server { listen 127.0.0.1:${ports.pop3}; protocol pop3; }
  server { listen 127.0.0.1:${ports.smtp}; protocol smtp; }
  server { listen 127.0.0.1:${ports.imaps} ssl; protocol imap; }
  server {
    listen 127.0.0.1:${ports.headers}; protocol imap;
    auth_http ${auth}/auth?a=b&c=%20;
    auth_http_header X-Key "two words";
    auth_http_header X-Other é;
  }
}
`;
  }

  /** Plays the client; what nginx sent because of it, the last when there were several. */
  async function nginxSends({ port, says }: Case): Promise<string> {
    recorder.requests.length = 0;
    const lines = port === "imaps" ? tlsLines(ports[port]) : await tcpLines(ports[port]);
    let last = await lines.next();
    for (const word of says) {
      lines.send(typeof word === "string" ? word : word(last));
      last = await lines.next();
    }
    lines.close();
    return recorder.requests.at(-1)!;
  }

  async function weSend({ argv, password = PASSWORD, url = "/auth" }: Case, ...more: string[]) {
    recorder.requests.length = 0;
    const words = ["--url", `http://127.0.0.1:${recorder.port}${url}`, ...argv, ...more];
    const ran = await testAuth(words, password);
    return { ran, sent: recorder.requests.at(-1) };
  }

  const same = (request: string) => request.replaceAll(VARYING, "$1$2*\r");

  for (const each of CASES) {
    test(`${each.name}: the same bytes`, async () => {
      const expected = await nginxSends(each);
      const { ran, sent } = await weSend(each);
      assert.equal(ran.status, 1, ran.out + ran.err);
      assert.equal(same(sent!), same(expected));
    });
  }

  for (const each of CASES) {
    test(`${each.name}: so does the curl command`, { skip: skipWithout("curl") }, async () => {
      const { sent } = await weSend(each);
      const { ran } = await weSend(each, "--curl");
      const value = (name: string) => new RegExp(`^${name}: (.*)\\r$`, "m").exec(sent!)?.[1] ?? "";
      // A byte string: what a shell hands on must be the bytes, not their UTF-8.
      const bytes = (name: string) => Buffer.from(value(name), "latin1").toString("utf8");
      recorder.requests.length = 0;
      const done = await shell(ran.out, {
        AUTH_PASS: bytes("Auth-Pass"),
        AUTH_QUERY: "a=b&c=%20",
        X_KEY: bytes("X-Key"),
        X_OTHER: bytes("X-Other"),
      });
      assert.equal(done.status, 0, done.err);
      // curl writes no space behind the name of an empty header.
      const loosely = (request: string) => same(request).replaceAll(": \r", ":\r");
      assert.equal(loosely(recorder.requests.at(-1)!), loosely(sent!));
    });
  }
});

interface Lines {
  next(): Promise<string>;
  send(line: string): void;
  close(): void;
}

async function tcpLines(port: number): Promise<Lines> {
  const client = await LineClient.connect(port);
  return {
    next: async () => (await client.lines(/^(?!\* CAP|250-)/)).at(-1)!,
    send: (line) => client.send(line),
    close: () => client[Symbol.dispose](),
  };
}

function tlsLines(port: number): Lines {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
  socket.setEncoding("latin1").on("error", () => {});
  const arrived: string[] = [];
  let wake = () => {};
  socket.on("data", (text: string) => {
    arrived.push(text);
    wake();
  });
  return {
    async next() {
      while (arrived.length === 0) await new Promise<void>((resolve) => wake = resolve);
      return arrived.shift()!;
    },
    send: (line) => socket.write(`${line}\r\n`),
    close: () => socket.destroy(),
  };
}
