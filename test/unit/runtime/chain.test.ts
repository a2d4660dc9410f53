/** How deep a chain is, what is wrong with it, and what its leaf is made of. */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { describeOwn } from "../../../src/runtime/own.ts";
import { chainDepth, refineFault } from "../../../src/runtime/tls/chain.ts";
import { selfSigned, testAuthority, unknownAuthority } from "../../support/ca.ts";

const COARSE = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

const read = (pem: string) => new X509Certificate(pem);
const root = async () => read((await testAuthority()).certificate);
const leafOf = async (...args: Parameters<Awaited<ReturnType<typeof testAuthority>>["issue"]>) =>
  read((await (await testAuthority()).issue(...args)).certificate);

describe("the depth of a chain counts what lies between leaf and anchor", () => {
  it("none below a root of ours", async () => {
    assert.equal(chainDepth(await leafOf(), [await root()]), 0);
  });

  it("none below an anchor that only the system knows", async () => {
    assert.equal(chainDepth(await leafOf(), []), 0);
  });

  it("none of a leaf that is its own anchor", async () => {
    const alone = read((await selfSigned()).certificate);
    assert.equal(chainDepth(alone, [alone]), 0);
  });

  it("each intermediate", async () => {
    const first = await (await testAuthority()).intermediate("First");
    const second = await first.intermediate("Second");
    const trusted = [await root(), read(first.certificate), read(second.certificate)];
    assert.equal(chainDepth(read((await first.issue()).certificate), trusted), 1);
    assert.equal(chainDepth(read((await second.issue()).certificate), trusted), 2);
  });
});

describe("a fault that says little", () => {
  it("is refined to what the chain shows", async () => {
    const trusted = [await root()];
    const refined = async (leaf: X509Certificate | Promise<X509Certificate>) =>
      refineFault(COARSE, await leaf, trusted);
    const alone = read((await selfSigned()).certificate);
    assert.equal(await refined(alone), "DEPTH_ZERO_SELF_SIGNED_CERT");
    assert.equal(await refined(leafOf({ validity: "expired" })), "CERT_HAS_EXPIRED");
    assert.equal(await refined(leafOf({ validity: "future" })), "CERT_NOT_YET_VALID");
    assert.equal(await refined(leafOf()), "UNSPECIFIED");
    const stranger = await (await unknownAuthority()).issue();
    assert.equal(await refined(read(stranger.certificate)), COARSE);
  });

  it("is no missing issuer below an intermediate that is trusted itself", async () => {
    const middle = await (await unknownAuthority()).intermediate();
    const trusted = [await root(), read(middle.certificate)];
    const leaf = read((await middle.issue()).certificate);
    assert.equal(refineFault(COARSE, leaf, trusted), "UNSPECIFIED");
  });

  it("any other is left as it is", async () => {
    assert.equal(refineFault("CERT_REVOKED", await leafOf(), [await root()]), "CERT_REVOKED");
  });
});

describe("an own certificate is named by its algorithms", () => {
  it("ECDSA", async () => {
    assert.deepEqual(describeOwn(await leafOf()), { signature: "ecdsa-with-SHA256", key: "EC256" });
  });

  it("an RSA key that an ECDSA authority signed", async () => {
    assert.deepEqual(describeOwn(await leafOf({ key: "rsa" })), {
      signature: "ecdsa-with-SHA256",
      key: "RSA2048",
    });
  });

  it("RSA", async () => {
    const alone = read((await selfSigned({ key: "rsa" })).certificate);
    assert.deepEqual(describeOwn(alone), { signature: "RSA-SHA256", key: "RSA2048" });
  });
});
