/** The demo's certificate, read back by the library that made it. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import "reflect-metadata";
import { SubjectAlternativeNameExtension, X509Certificate } from "@peculiar/x509";
import { makeCertificate } from "../../../src/demo/certificate.ts";

const NOW = Date.UTC(2026, 1, 3);
const made = await makeCertificate(NOW);
const certificate = new X509Certificate(made.certificate);

describe("the certificate", () => {
  test("is for the names of this machine", () => {
    const names = certificate.getExtension(SubjectAlternativeNameExtension)!.names.toJSON();
    assert.deepEqual(names.map(({ value }) => value), ["localhost", "127.0.0.1", "::1"]);
  });

  test("is valid now, and for a year", () => {
    const { notBefore, notAfter } = certificate;
    assert.ok(notBefore.getTime() < NOW && notAfter.getTime() > NOW + 364 * 86_400_000);
  });

  test("is signed by its own key, on P-256", async () => {
    assert.ok(await certificate.verify({ date: new Date(NOW) }));
    assert.equal((certificate.publicKey.algorithm as EcKeyAlgorithm).namedCurve, "P-256");
  });

  test("belongs to the key beside it", async () => {
    const der = Uint8Array.from(atob(made.key.replace(/-----.*-----|\n/g, "")), (char) => {
      return char.charCodeAt(0);
    });
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
    const signed = new Uint8Array([1, 2, 3]);
    const hash = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(hash, key, signed);
    const publicKey = await certificate.publicKey.export();
    assert.ok(await crypto.subtle.verify(hash, publicKey, signature, signed));
  });

  test("is another one each time", async () => {
    const other = new X509Certificate((await makeCertificate(NOW)).certificate);
    assert.notEqual(other.serialNumber, certificate.serialNumber);
    assert.match(certificate.serialNumber, /^[4-7]/);
  });
});
