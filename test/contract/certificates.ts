/**
 * The contract of certificates: what each side learns of the other's, and who refuses what.
 * RFC 5280 (chains, revocation), RFC 9525 (names of servers), RFC 2253 (names as text).
 */

import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import type { Certificate, TlsInfo } from "../../src/net/ports.ts";
import {
  type Leaf,
  selfSigned,
  TestAuthority,
  testAuthority,
  unknownAuthority,
} from "../support/ca.ts";
import { type Bench, contexts, type Given, rejected, type TlsPairOptions } from "./harness.ts";

export function certificates(given: Given): void {
  ofServers(given);
  chains(given);
  ofClients(given);
  revocation(given);
  inspection(given);
}

/** A case: the server's certificate, the name that is dialled, and what OpenSSL says of it. */
interface ServerCase {
  readonly what: string;
  readonly leaf: () => Promise<Leaf>;
  readonly serverName?: string;
  readonly verdict: string;
}

const known = async (options: Parameters<TestAuthority["issue"]>[0]) =>
  (await testAuthority()).issue(options);

const ACCEPTED: readonly ServerCase[] = [
  { what: "the name", leaf: () => known({}), verdict: "ok" },
  {
    what: "a wildcard",
    leaf: () => known({ names: ["*.example.com"] }),
    serverName: "imap.example.com",
    verdict: "ok",
  },
  {
    what: "an IPv4 literal",
    leaf: () => known({ names: ["127.0.0.1"] }),
    serverName: "127.0.0.1",
    verdict: "ok",
  },
  {
    what: "an IPv6 literal",
    leaf: () => known({ names: ["::1"] }),
    serverName: "::1",
    verdict: "ok",
  },
  { what: "an RSA key", leaf: () => known({ key: "rsa" }), verdict: "ok" },
  {
    what: "a chain over an intermediate authority",
    leaf: async () => (await (await testAuthority()).intermediate()).issue(),
    verdict: "ok",
  },
];

const REFUSED: readonly ServerCase[] = [
  {
    what: "another name",
    leaf: () => known({ names: ["other.example.com"] }),
    verdict: "hostname mismatch",
  },
  {
    what: "a wildcard for another depth",
    leaf: () => known({ names: ["*.example.com"] }),
    serverName: "a.b.example.com",
    verdict: "hostname mismatch",
  },
  {
    what: "no such IP address",
    leaf: () => known({ names: ["localhost"] }),
    serverName: "127.0.0.1",
    verdict: "(hostname|IP address) mismatch",
  },
  {
    what: "expired",
    leaf: () => known({ validity: "expired" }),
    verdict: "certificate has expired",
  },
  {
    what: "not yet valid",
    leaf: () => known({ validity: "future" }),
    verdict: "certificate is not yet valid",
  },
  { what: "self-signed", leaf: () => selfSigned(), verdict: "self-signed certificate" },
  {
    what: "self-signed, for another name",
    leaf: () => selfSigned({ names: ["other.example.com"] }),
    verdict: "self-signed certificate",
  },
  {
    what: "expired, for another name",
    leaf: () => known({ names: ["other.example.com"], validity: "expired" }),
    verdict: "certificate has expired",
  },
  {
    what: "an unknown authority",
    leaf: async () => (await unknownAuthority()).issue(),
    verdict: "unable to (verify the first certificate|get (local )?issuer certificate)",
  },
];

/** What a server sends is told when asked for, trusted or not; roots are left out. */
function chains(given: Given): void {
  const root = async () => (await testAuthority()).certificate;
  const below = async (count: number) => {
    let authority = await testAuthority();
    for (let i = 1; i <= count; i++) authority = await authority.intermediate(`Level ${i}`);
    return await authority.issue();
  };
  const withRoot = async (leaf: Leaf) => ({
    ...leaf,
    certificate: leaf.certificate + await root(),
  });
  const cases: readonly [what: string, leaf: () => Promise<Leaf>, subjects: readonly string[]][] = [
    ["alone", () => below(0), ["localhost"]],
    ["one intermediate", () => below(1), ["localhost", "Level 1"]],
    ["two intermediates", () => below(2), ["localhost", "Level 2", "Level 1"]],
    ["with the root", async () => await withRoot(await below(1)), ["localhost", "Level 1"]],
    ["self-signed", () => selfSigned(), ["localhost"]],
    ["of an unknown authority", async () => (await unknownAuthority()).issue(), ["localhost"]],
    ["expired", () => known({ validity: "expired" }), ["localhost"]],
  ];
  for (const [what, leaf, subjects] of cases) {
    given.test(`the chain that a server sent: ${what}`, async (bench) => {
      const { clientTls } = await bench.tlsPair({
        server: { certificates: [await leaf()] },
        client: { chain: true, verify: false },
        start: { serverName: "localhost" },
      });
      assert.deepEqual(clientTls.chain?.map(({ commonName }) => commonName), subjects);
      assert.deepEqual(clientTls.chain?.[0], clientTls.peer);
    });
  }

  given.test("the chain is told to nobody who did not ask", async (bench) => {
    const { clientTls } = await bench.tlsPair();
    assert.equal(clientTls.chain, undefined);
  });
}

function ofServers(given: Given): void {
  for (const { what, leaf, serverName = "localhost" } of ACCEPTED) {
    given.test(`client verifies the server: ${what} is good`, async (bench) => {
      const certificate = await leaf();
      const { clientTls, client, server } = await bench.tlsPair({
        server: { certificates: [certificate] },
        start: { serverName },
      });
      assert.deepEqual(clientTls.verify, { ok: true, code: "0", text: "ok" });
      assert.equal(clientTls.peer?.serial, certificate.serial);
      client.write("trusted\n");
      assert.equal(await server.line(), "trusted");
    });
  }

  for (const { what, leaf, serverName = "localhost", verdict } of REFUSED) {
    given.test(`client verifies the server: ${what} is refused`, async (bench) => {
      const { client, server } = await bench.pair();
      const context = await contexts(bench, { server: { certificates: [await leaf()] } });
      // TLS 1.3: the server may be done before the client has looked.
      const atServer = server.startTls(context.server).catch(() => {});
      const error = await rejected(client.startTls(context.client, { serverName }));
      assert.match(error.message, /\S \S/);
      assert.equal(client.received, 0);
      await client.closed;
      await server.until("end or close", () => server.count("end") + server.count("close") > 0);
      await atServer;
    });

    given.test(`verify false: ${what} is reported and works`, async (bench) => {
      const certificate = await leaf();
      const { clientTls, client, server } = await bench.tlsPair({
        server: { certificates: [certificate] },
        client: { verify: false },
        start: { serverName },
      });
      assert.equal(clientTls.verify.ok, false);
      assert.match(clientTls.verify.code, /^[1-9]\d*$/);
      assert.match(clientTls.verify.text, new RegExp(`^${verdict}$`));
      assert.equal(clientTls.peer?.serial, certificate.serial);
      client.write("trusted all the same\n");
      assert.equal(await server.line(), "trusted all the same");
    });
  }

  given.test("verify false, and a good certificate: reported as good", async (bench) => {
    const { clientTls } = await bench.tlsPair({ client: { verify: false } });
    assert.equal(clientTls.verify.ok, true);
  });

  given.test("an ECDSA and an RSA certificate side by side", async (bench) => {
    const pair = await bench.tlsPair({
      server: { certificates: [await known({ key: "rsa" }), await known({ key: "ecdsa" })] },
    });
    assert.equal(pair.clientTls.verify.ok, true);
  });
}

/** A handshake in which the server asks for a certificate that the test authority signed. */
async function asking(bench: Bench, leaf: Leaf | null, more: TlsPairOptions = {}) {
  const ca = [(await testAuthority()).certificate];
  return await bench.tlsPair({
    server: { requestCertificate: true, ca, ...more.server },
    client: { ...(leaf && { certificate: leaf }), ...more.client },
  });
}

function ofClients(given: Given): void {
  given.test("client certificate: none asked for, none seen", async (bench) => {
    const client = { certificate: await known({ usage: "client" }) };
    const { serverTls } = await bench.tlsPair({ client });
    assert.equal(serverTls.peer, null);
  });

  given.test("client certificate: asked for, none given", async (bench) => {
    const { serverTls, client, server } = await asking(bench, null);
    assert.equal(serverTls.peer, null);
    assert.equal(serverTls.verify.ok, false);
    client.write("anonymous\n");
    assert.equal(await server.line(), "anonymous");
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    given.test(`client certificate: good, ${version}`, async (bench) => {
      const leaf = await known({ usage: "client", commonName: "bob", organisation: "Org, Inc" });
      const { serverTls } = await asking(bench, leaf, { server: { protocols: [version] } });
      assert.deepEqual(serverTls.verify, { ok: true, code: "0", text: "ok" });
      assert.equal(serverTls.peer?.subject, "CN=bob,O=Org\\, Inc");
      assert.equal(serverTls.peer?.issuer, "CN=Doorpost Test Root,O=Doorpost\\, Tests");
      assert.equal(serverTls.peer?.serial, leaf.serial);
    });
  }

  given.test("client certificate: good over an intermediate that the client sends", async (bench) => {
    const middle = await (await testAuthority()).intermediate();
    const { serverTls } = await asking(bench, await middle.issue({ usage: "client" }));
    assert.equal(serverTls.verify.ok, true);
    assert.equal(serverTls.peer?.issuer, "CN=Doorpost Test Intermediate,O=Doorpost\\, Tests");
  });

  const bad: readonly { what: string; leaf: () => Promise<Leaf>; verdict: RegExp }[] = [
    {
      what: "self-signed",
      leaf: () => selfSigned({ usage: "client" }),
      verdict: /^18:self-signed certificate$/,
    },
    {
      what: "expired",
      leaf: () => known({ usage: "client", validity: "expired" }),
      verdict: /^10:certificate has expired$/,
    },
    {
      what: "not yet valid",
      leaf: () => known({ usage: "client", validity: "future" }),
      verdict: /^9:certificate is not yet valid$/,
    },
    {
      what: "an unknown authority's",
      leaf: async () => (await unknownAuthority()).issue({ usage: "client" }),
      verdict: /^(2|20|21):unable to (verify the first|get (local )?issuer) certificate$/,
    },
  ];
  for (const { what, leaf, verdict } of bad) {
    given.test(`client certificate: ${what} is reported, not refused`, async (bench) => {
      const certificate = await leaf();
      const { serverTls, client, server } = await asking(bench, certificate);
      assertVerdict(serverTls, verdict);
      assert.equal(serverTls.peer?.serial, certificate.serial);
      client.write("let in to be told\n");
      assert.equal(await server.line(), "let in to be told");
    });
  }
}

function assertVerdict(info: TlsInfo, verdict: RegExp): void {
  assert.equal(info.verify.ok, false);
  assert.match(`${info.verify.code}:${info.verify.text}`, verdict);
}

function revocation(given: Given): void {
  given.test("revocation list: a revoked client is reported, another is good", async (bench) => {
    if (given.runtime.supports("tls-crl") !== true) return;
    const revoked = await known({ usage: "client", variant: "revoked" });
    const crl = [await (await testAuthority()).crl([revoked])];
    const one = await asking(bench, revoked, { server: { crl } });
    assertVerdict(one.serverTls, /^23:certificate revoked$/);
    const other = await asking(bench, await known({ usage: "client" }), { server: { crl } });
    assert.equal(other.serverTls.verify.ok, true);
  });

  given.test("revocation list: a revoked server is refused by the client", async (bench) => {
    if (given.runtime.supports("tls-crl") !== true) return;
    const revoked = await known({ variant: "revoked" });
    const crl = [await (await testAuthority()).crl([revoked])];
    const { client, server } = await bench.pair();
    const context = await contexts(bench, { server: { certificates: [revoked] }, client: { crl } });
    const atServer = server.startTls(context.server).catch(() => {});
    await rejected(client.startTls(context.client, { serverName: "localhost" }));
    await client.closed;
    await atServer;
    await bench.tlsPair({ client: { crl } });
  });
}

function inspection(given: Given): void {
  const { tls } = given.runtime;

  given.test("inspect: every field of a certificate", async () => {
    const names = ["mail.example.com", "*.example.com", "192.0.2.1", "2001:db8::1"];
    const leaf = await known({ names, commonName: "mail", organisation: "Org, Inc" });
    const der = new X509Certificate(leaf.certificate).raw;
    const seen = tls.inspect(leaf.certificate);
    const { pem, ...rest } = seen;
    const expected: Omit<Certificate, "pem"> = {
      subject: "CN=mail,O=Org\\, Inc",
      issuer: "CN=Doorpost Test Root,O=Doorpost\\, Tests",
      serial: leaf.serial,
      fingerprint: createHash("sha1").update(der).digest("hex"),
      notBefore: leaf.notBefore.getTime(),
      notAfter: leaf.notAfter.getTime(),
      names,
      commonName: "mail",
    };
    assert.deepEqual(rest, expected);
    assert.deepEqual(new X509Certificate(pem).raw, der);
  });

  given.test("inspect: the first certificate of a chain", async () => {
    const leaf = await (await (await testAuthority()).intermediate()).issue();
    assert.equal(tls.inspect(leaf.certificate).serial, leaf.serial);
  });

  given.test("matches: whether the key belongs to the certificate", async () => {
    for (const key of ["ecdsa", "rsa"] as const) {
      const one = await known({ key });
      const other = await known({ key, variant: "other" });
      assert.equal(tls.matches(one), true);
      assert.equal(tls.matches({ certificate: one.certificate, key: other.key }), false);
    }
    const [ecdsa, rsa] = [await known({}), await known({ key: "rsa" })];
    assert.equal(tls.matches({ certificate: ecdsa.certificate, key: rsa.key }), false);
  });
}
