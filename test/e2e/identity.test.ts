/**
 * Who the client is: PROXY headers in (v1, v2) and out to a backend that logs them, client certificates,
 * and all of it as the auth server is told.
 */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { beforeEach, describe, test } from "node:test";
import { allow } from "../support/auth-server.ts";
import { testAuthority, unknownAuthority } from "../support/ca.ts";
import { LineClient } from "../support/clients.ts";
import { greeted, logIn, logOut } from "./dialogue.ts";
import { logged, PASSWORDS, saidBy, SKIP, useSite } from "./site.ts";

const imap = 'listen = "LISTEN proxy_protocol"\nprotocol = "imap"\n';
const secured = 'listen = "LISTEN"\nprotocol = "imap"\nstarttls = "on"\n';

const site = useSite({
  toml: `set_real_ip_from = "127.0.0.0/8"\nssl_client_certificate = "ca.pem"`,
  servers: {
    v1: `${imap}proxy_protocol = "on"`,
    v2: `${imap}proxy_protocol = "v2"`,
    required: `${secured}ssl_verify_client = "on"`,
    optional: `${secured}ssl_verify_client = "optional"`,
    any: `${secured}ssl_verify_client = "optional_no_ca"`,
  },
});

describe("identity", { skip: SKIP }, () => {
  beforeEach(() => site.auth.reset());

  describe("PROXY headers", () => {
    const headers: readonly [what: string, header: string, address: string, port: string][] = [
      ["v1", "PROXY TCP4 192.0.2.77 192.0.2.1 40000 143\r\n", "192.0.2.77", "40000"],
      ["v1, IPv6", "PROXY TCP6 2001:db8::7 2001:db8::1 40001 143\r\n", "2001:db8::7", "40001"],
      [
        "v2",
        "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x4d\xc0\0\x02\x01\x9c\x40\0\x8f",
        "192.0.2.77",
        "40000",
      ],
    ];
    for (const out of ["v1", "v2"]) {
      for (const [what, header, address, port] of headers) {
        test(`${what} in, ${out} out: auth server and backend both see the client`, async () => {
          site.auth.decide = () => allow(site.dovecot.imapBehindProxy);
          using client = await LineClient.connect(site.more[out]!);
          // In two pieces: a header may arrive in any number of segments.
          client.sendRaw(header.slice(0, 9));
          await new Promise((resolve) => setTimeout(resolve, 20));
          client.sendRaw(header.slice(9));
          assert.match(await client.line(), /^\* OK/);
          const from = site.dovecot.log().length;
          assert.match(await logIn(client, "imap", "bob", PASSWORDS.bob), /^a1 OK/);
          const told = site.auth.last().headers;
          assert.deepEqual(
            [told["client-ip"], told["proxy-protocol-addr"], told["proxy-protocol-port"]],
            [address, address, port],
          );
          await logOut(client, "imap");
          await saidBy(site.dovecot, new RegExp(`Login: user=<bob>.* rip=${address},`), from);
        });
      }
    }

    test("a listener that expects one closes on anything else, and logs it", async () => {
      const from = site.proxy.log().length;
      using client = await LineClient.connect(site.more["v1"]!);
      client.send("a1 NOOP");
      assert.equal(await client.closed(), "");
      await logged(site, /broken header: "a1 NOOP/, from);
    });
  });

  describe("client certificates", () => {
    const alice = { usage: "client", commonName: "alice", organisation: "Org, Inc" } as const;

    test("required and given: every Auth-SSL header", async () => {
      const leaf = await (await testAuthority()).issue(alice);
      using client = await afterStartTls("required", leaf);
      assert.match(await logIn(client, "imap", "bob", PASSWORDS.bob), /^a1 OK/);
      const { headers } = site.auth.last();
      const certificate = new X509Certificate(leaf.certificate);
      assert.deepEqual({
        verify: headers["auth-ssl-verify"],
        subject: headers["auth-ssl-subject"],
        issuer: headers["auth-ssl-issuer"],
        serial: headers["auth-ssl-serial"],
        fingerprint: headers["auth-ssl-fingerprint"],
      }, {
        verify: "SUCCESS",
        subject: "CN=alice,O=Org\\, Inc",
        issuer: "CN=Doorpost Test Root,O=Doorpost\\, Tests",
        serial: leaf.serial,
        fingerprint: certificate.fingerprint.replaceAll(":", "").toLowerCase(),
      });
    });

    test("required and missing", async () => {
      using client = await afterStartTls("required");
      assert.equal(await client.line(), "* BYE No required SSL certificate");
      assert.equal(await client.closed(), "");
    });

    for (const mode of ["required", "optional"]) {
      test(`${mode} and from an unknown authority`, async () => {
        const leaf = await (await unknownAuthority()).issue(alice);
        using client = await afterStartTls(mode, leaf);
        assert.equal(await client.line(), "* BYE SSL certificate error");
        assert.equal(await client.closed(), "");
      });
    }

    test("optional and missing", async () => {
      using client = await afterStartTls("optional");
      assert.match(await logIn(client, "imap", "bob", PASSWORDS.bob), /^a1 OK/);
      assert.equal(site.auth.last().headers["auth-ssl-verify"], "NONE");
    });

    test("optional_no_ca and from an unknown authority: the auth server judges", async () => {
      const leaf = await (await unknownAuthority()).issue(alice);
      using client = await afterStartTls("any", leaf);
      assert.match(await logIn(client, "imap", "bob", PASSWORDS.bob), /^a1 OK/);
      assert.match(site.auth.last().headers["auth-ssl-verify"]!, /^FAILED:.+/);
    });
  });
});

// --- below --------------------------------------------------------------------------------------

async function afterStartTls(
  server: string,
  own?: { certificate: string; key: string },
): Promise<LineClient> {
  const client = await greeted("imap", site.more[server]!);
  assert.match(await client.ask("s1 STARTTLS"), /^s1 OK/);
  await client.startTls(site.ca, own);
  return client;
}
