/** The test authority against another reader of certificates, so that suites may rely on it. */

import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import {
  encryptKey,
  selfSigned,
  TestAuthority,
  testAuthority,
  unknownAuthority,
} from "../../support/ca.ts";

const day = 86_400_000;

describe("test authority", () => {
  test("leaves are signed by the root and named as asked", async () => {
    const ca = await testAuthority();
    const leaf = await ca.issue({ names: ["mail.example.com", "127.0.0.1", "::1"] });
    const read = new X509Certificate(leaf.certificate);
    assert.ok(read.verify(new X509Certificate(ca.certificate).publicKey));
    assert.equal(read.serialNumber, leaf.serial);
    // Runtimes write the same IPv6 address in two ways.
    assert.match(
      read.subjectAltName ?? "",
      /^DNS:mail\.example\.com, IP Address:127\.0\.0\.1, IP Address:(::1|0:0:0:0:0:0:0:1)$/,
    );
    assert.equal(read.subject, "CN=mail.example.com");
    assert.match(read.issuer, /^O=Doorpost\\?, Tests\nCN=Doorpost Test Root$/);
  });

  for (const key of ["ecdsa", "rsa"] as const) {
    test(`${key}: the key belongs to the certificate`, async () => {
      for (
        const leaf of [await (await testAuthority()).issue({ key }), await selfSigned({ key })]
      ) {
        const read = new X509Certificate(leaf.certificate);
        assert.ok(read.checkPrivateKey(createPrivateKey(leaf.key)));
      }
    });
  }

  const validities = [
    ["valid", true, 300 * day],
    ["soon", true, 6 * day],
    ["expired", false, -2 * day],
    ["future", false, 300 * day],
  ] as const;
  for (const [validity, now, left] of validities) {
    test(`validity ${validity}`, async () => {
      const leaf = await (await testAuthority()).issue({ validity });
      const read = new X509Certificate(leaf.certificate);
      assert.equal(Date.parse(read.validFrom), leaf.notBefore.getTime());
      assert.equal(Date.parse(read.validTo), leaf.notAfter.getTime());
      const valid = leaf.notBefore.getTime() < Date.now() && leaf.notAfter.getTime() > Date.now();
      assert.equal(valid, now);
      assert.ok(leaf.notAfter.getTime() - Date.now() > left);
    });
  }

  test("an intermediate's leaf carries the chain behind it", async () => {
    const ca = await testAuthority();
    const middle = await ca.intermediate();
    const leaf = await middle.issue();
    const pems = leaf.certificate.match(/-----BEGIN CERTIFICATE-----/g);
    assert.equal(pems?.length, 2);
    const above = new X509Certificate(middle.certificate);
    assert.ok(new X509Certificate(leaf.certificate).verify(above.publicKey));
    assert.ok(above.verify(new X509Certificate(ca.certificate).publicKey));
  });

  test("a self-signed leaf is its own issuer", async () => {
    const read = new X509Certificate((await selfSigned({ names: ["self.example"] })).certificate);
    assert.equal(read.issuer, read.subject);
    assert.ok(read.verify(read.publicKey));
  });

  test("the same options give the same leaf, a variant another one", async () => {
    const ca = await testAuthority();
    assert.equal(await ca.issue({ usage: "client" }), await ca.issue({ usage: "client" }));
    assert.notEqual(
      (await ca.issue({ usage: "client" })).serial,
      (await ca.issue({ usage: "client", variant: "other" })).serial,
    );
  });

  test("an encrypted key opens with its passphrase only", async () => {
    const leaf = await (await testAuthority()).issue();
    const sealed = await encryptKey(leaf, "open sesame");
    assert.match(sealed.key, /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
    const opened = createPrivateKey({ key: sealed.key, passphrase: "open sesame" });
    assert.ok(new X509Certificate(leaf.certificate).checkPrivateKey(opened));
    assert.throws(() => createPrivateKey({ key: sealed.key, passphrase: "shut" }));
  });

  test("a revocation list is a PEM signed by its authority", async () => {
    const ca = await TestAuthority.root("List Root");
    const list = await ca.crl([await ca.issue({ usage: "client" })]);
    assert.match(list, /^-----BEGIN X509 CRL-----\n[\s\S]+\n-----END X509 CRL-----\n$/);
  });

  test("the unknown authority has not signed the known one's leaves", async () => {
    const read = new X509Certificate((await (await testAuthority()).issue()).certificate);
    const stranger = new X509Certificate((await unknownAuthority()).certificate);
    assert.equal(read.verify(stranger.publicKey), false);
  });
});
