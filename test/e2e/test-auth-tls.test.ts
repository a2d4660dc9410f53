/** `test-auth` and auth servers behind `https://`: whom it trusts, and what it says of those whom not. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlain, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { Ajv } from "ajv";
import { type Leaf, selfSigned, testAuthority, unknownAuthority } from "../support/ca.ts";
import { skipWithout } from "../support/process.ts";
import { ROOT } from "../support/source.ts";
import { listening, shell, testAuth } from "./test-auth-run.ts";

const PASSWORD = "Tr0ub4dor and %3";
/** Milliseconds; for the server that hangs, too. */
const TIMEOUT = "3s";
const ALLOWED = "HTTP/1.1 200 OK\r\nAuth-Status: OK\r\nAuth-Server: 192.0.2.1\r\n" +
  "Auth-Port: 143\r\nContent-Length: 0\r\n\r\n";

/** Servers by name; the certificate is what is special about each. */
const LEAVES = {
  good: async () => (await testAuthority()).issue(),
  rsa: async () => (await testAuthority()).issue({ key: "rsa" }),
  soon: async () => (await testAuthority()).issue({ validity: "soon" }),
  expired: async () => (await testAuthority()).issue({ validity: "expired" }),
  future: async () => (await testAuthority()).issue({ validity: "future" }),
  other: async () => (await testAuthority()).issue({ names: ["other.test", "*.other.test"] }),
  worse: async () => (await testAuthority()).issue({ validity: "expired", names: ["other.test"] }),
  stranger: async () => (await unknownAuthority()).issue(),
  self: () => selfSigned(),
  via: async () => (await (await testAuthority()).intermediate()).issue(),
} satisfies Readonly<Record<string, () => Promise<Leaf>>>;
type Name = keyof typeof LEAVES;

describe("test-auth over TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "doorpost-test-auth-"));
  const ca = join(folder, "ca.pem");
  const ports = {} as Record<Name, number>;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  /** Of the newest connection: its SNI and what was asked over it. */
  let seen: { readonly name: string; text: string } | null = null;

  before(async () => {
    writeFileSync(ca, (await testAuthority()).certificate);
    writeFileSync(join(folder, "other.pem"), (await unknownAuthority()).certificate);
    for (const name of Object.keys(LEAVES) as Name[]) {
      const { certificate: cert, key } = await LEAVES[name]();
      const server = createServer({ cert, key }, serve);
      server.on("tlsClientError", () => {});
      await start(server, name);
    }
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  function serve(socket: TLSSocket): void {
    const name = (socket as TLSSocket & { servername?: string | false }).servername || "";
    const mine = { name, text: "" };
    seen = mine;
    socket.on("error", () => {});
    socket.setEncoding("latin1").on("data", (bytes: string) => {
      mine.text += bytes;
      if (mine.text.endsWith("\r\n\r\n")) socket.end(ALLOWED);
    });
  }

  async function start(server: Server, name: Name): Promise<void> {
    ports[name] = await plain(server);
  }

  async function plain(server: Server): Promise<number> {
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    });
    servers.push(server);
    return await listening(server);
  }

  async function ask(url: string, argv: readonly string[] = [], env = {}) {
    seen = null;
    return await testAuth(["--url", url, "-u", "jo hn", "--timeout", TIMEOUT, ...argv], PASSWORD, {
      SSL_CERT_FILE: "",
      NODE_EXTRA_CA_CERTS: "",
      ...env,
    });
  }
  const url = (name: Name, host = "localhost") => `https://${host}:${ports[name]}/auth?k=v`;
  const trusting = ["--ca", ca];

  for (const name of ["good", "rsa", "via"] as const) {
    test(`a certificate to be trusted: ${name}`, async () => {
      const { out, err, status } = await ask(url(name), trusting);
      assert.match(out, /^ALLOWED {2}jo hn -> 192\.0\.2\.1:143$/m, err);
      assert.match(
        out,
        /^-> GET .* connect [\d.]+ ms {2}TLS [\d.]+ ms$|^ +\S+ {2}connect .* TLS /m,
      );
      assert.match(out, /^ {3}TLSv1\.3 TLS_\w+, certificate of localhost/m);
      assert.match(out, /^warning\[auth-https-unserved\]/m);
      assert.equal(status, 0);
      assert.equal(seen!.name, "localhost", "SNI");
      assert.match(
        seen!.text,
        /^GET \/auth\?k=v HTTP\/1\.0\r\nHost: localhost\r\nAuth-Method: plain/,
      );
      assert.match(seen!.text, /\r\nAuth-User: jo%20hn\r\nAuth-Pass: Tr0ub4dor%20and%20%253\r\n/);
    });
  }

  test("an address is compared with the certificate, and not sent as a name", async () => {
    const { status } = await ask(url("good", "127.0.0.1"), trusting);
    assert.equal(status, 0);
    assert.equal(seen!.name, "");
  });

  const refused: readonly (readonly [Name, RegExp])[] = [
    ["expired", /^UNREACHABLE {2}the certificate expired on \d{4}-\d\d-\d\d$/m],
    ["future", /^UNREACHABLE {2}the certificate is not valid before \d{4}-\d\d-\d\d$/m],
    [
      "other",
      /^UNREACHABLE {2}the certificate does not cover localhost: it is for other\.test,\s+\*\.other\.test$/m,
    ],
    ["stranger", /^UNREACHABLE {2}the certificate is not trusted: unable to/m],
    ["self", /^UNREACHABLE {2}the certificate is not trusted: self-signed certificate \(18\)/m],
  ];
  for (const [name, words] of refused) {
    test(`a certificate to be refused: ${name}; nothing is asked`, async () => {
      const { out, status, err } = await ask(url(name), trusting);
      assert.match(out, words, err);
      assert.match(out, /not sent/);
      assert.equal(status, 3);
      assert.equal(seen?.text ?? "", "");
    });
  }

  test("every fault of a certificate is told", async () => {
    const { out } = await ask(url("worse"), trusting);
    assert.match(out, /^UNREACHABLE {2}the certificate expired on /m);
    assert.match(out, /does not\s+cover localhost/);
  });

  test("one that ends soon is a warning", async () => {
    const { out, status } = await ask(url("soon"), trusting);
    assert.match(out, /^warning\[auth-certificate-ends\] .*ends in\s+[67] days,\s+on\s+\d{4}-/m);
    assert.equal(status, 0);
  });

  for (const variable of ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"]) {
    test(`authorities from ${variable}`, async () => {
      assert.equal((await ask(url("good"), [], { [variable]: ca })).status, 0);
    });
  }
  test("without them the test authority is a stranger", async () => {
    assert.equal((await ask(url("good"))).status, 3);
  });
  test("--ca alone counts", async () => {
    const argv = ["--ca", join(folder, "other.pem")];
    assert.equal((await ask(url("good"), argv, { SSL_CERT_FILE: ca })).status, 3);
  });

  test("a server without TLS", async () => {
    const port = await plain(createPlain((socket) => {
      socket.once("data", () => socket.end("HTTP/1.0 400 Bad Request\r\n\r\n"));
    }));
    const { out, status } = await ask(`https://localhost:${port}/`, trusting);
    assert.match(out, /^UNREACHABLE {2}the TLS handshake failed: /m);
    assert.equal(status, 3);
  });
  test("a server that hangs in the handshake", async () => {
    const port = await plain(createPlain((socket) => socket.resume()));
    const { out, status } = await ask(`https://localhost:${port}/`, trusting);
    assert.match(out, /^UNREACHABLE {2}no answer in time to the TLS handshake$/m);
    assert.equal(status, 3);
  });
  test("a server that closes in the handshake", async () => {
    const port = await plain(createPlain((socket) => socket.destroy()));
    const { out, status } = await ask(`https://localhost:${port}/`, trusting);
    assert.match(out, /^UNREACHABLE {2}/m);
    assert.equal(status, 3);
  });
  test("http to a server with TLS", async () => {
    const { out, status } = await ask(url("good").replace("https", "http"));
    assert.match(out, /^BROKEN {2}/m);
    assert.equal(status, 4);
  });

  test("JSON says what was agreed", async () => {
    const { out } = await ask(url("good"), [...trusting, "--format", "json"]);
    const value = JSON.parse(out);
    const schema = readFileSync(join(ROOT, "docs", "test-auth.schema.json"), "utf8");
    const { $schema: _, ...rules } = JSON.parse(schema);
    const valid = new Ajv({ strict: false }).compile(rules);
    assert.ok(valid(value) as boolean, JSON.stringify(valid.errors));
    const { tls, timings, sent } = value;
    assert.equal(tls.protocol, "TLSv1.3");
    assert.deepEqual(
      tls.certificate.names.toSorted(),
      ["127.0.0.1", "::1", "localhost"].toSorted(),
    );
    assert.equal(tls.certificate.verified, true);
    assert.ok(timings.tlsMs > 0);
    assert.equal(sent, true);
  });
  test("many questions, and the suite", async () => {
    const many = await ask(url("good"), [...trusting, "--repeat", "20", "--concurrency", "4"]);
    assert.match(many.out, /^20 allowed$/m, many.err);
    const suite = await ask(url("good"), [...trusting, "--suite", "--format", "json"]);
    const { cases } = JSON.parse(suite.out);
    const connections = cases.filter(({ group }: { group: string }) => group === "connections");
    assert.equal(connections.length, 6);
    assert.ok(connections.every(({ is }: { is: string }) => is === "pass"), suite.out);
  });
  test("the curl command asks over TLS too", { skip: skipWithout("curl") }, async () => {
    const { out } = await ask(url("good"), [...trusting, "--curl"]);
    const { out: answer, err } = await shell(out, { AUTH_PASS: "secret", AUTH_QUERY: "k=v" });
    assert.match(answer, /^Auth-Status: OK\r$/m, err);
    assert.match(seen!.text, /^GET \/auth\?k=v HTTP\/1\.0\r\nHost: localhost\r\n/);
  });
});
