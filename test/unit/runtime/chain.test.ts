/** How deep a chain is, what is wrong with it, and what its leaf is made of. */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { describeOwn } from "../../../src/runtime/own.ts";
import { depthOf, pathOf, refineFault } from "../../../src/runtime/tls/chain.ts";
import { selfSigned, TestAuthority, testAuthority, unknownAuthority } from "../../support/ca.ts";

const COARSE = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

const read = (pem: string) => new X509Certificate(pem);
const root = async () => read((await testAuthority()).certificate);
const leafOf = async (...args: Parameters<Awaited<ReturnType<typeof testAuthority>>["issue"]>) =>
  read((await (await testAuthority()).issue(...args)).certificate);

describe("the depth of a chain counts what lies between leaf and anchor", () => {
  it("none below a root of ours", async () => {
    assert.equal(depth(await leafOf(), [], [await root()]), 0);
  });

  it("none of a leaf that is its own anchor", async () => {
    const alone = read((await selfSigned()).certificate);
    assert.equal(depth(alone, [], [alone]), 0);
  });

  it("each intermediate, sent or known", async () => {
    const { first, second } = await tower();
    const trusted = [await root()];
    const low = read((await second.issue()).certificate);
    const sent = [read(first.certificate), read(second.certificate)];
    assert.equal(depth(read((await first.issue()).certificate), sent, trusted), 1);
    assert.equal(depth(low, sent, trusted), 2);
    assert.equal(depth(low, [...sent].reverse(), trusted), 2);
    assert.equal(depth(low, [], [...sent, ...trusted]), 2);
  });

  it("is unknown without a way to a root that is trusted", async () => {
    const { first, second } = await tower();
    const low = read((await second.issue()).certificate);
    assert.equal(depth(low, [read(second.certificate)], [await root()]), null);
    // A trusted certificate is no anchor unless it is its own issuer.
    assert.equal(
      depth(read((await first.issue()).certificate), [], [read(first.certificate)]),
      null,
    );
    const alone = read((await selfSigned()).certificate);
    assert.equal(depth(alone, [], [await root()]), null);
  });

  it("is not made smaller by a certificate that only bears the name of an issuer", async () => {
    const { first, second } = await tower();
    const low = read((await second.issue()).certificate);
    const forged = read((await TestAuthority.root("Second")).certificate);
    const honest = [read(second.certificate), read(first.certificate)];
    assert.equal(depth(low, [forged, ...honest], [await root()]), 2);
    assert.equal(depth(low, [forged], [await root(), forged]), null);
  });

  it("is found although another way, of a stranger, comes first", async () => {
    const stranger = await (await unknownAuthority()).intermediate("First");
    const { first } = await tower();
    const sent = [read(stranger.certificate), read(first.certificate)];
    assert.equal(depth(read((await first.issue()).certificate), sent, [await root()]), 1);
  });
});

function depth(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): number | null {
  return depthOf(pathOf(leaf, sent, trusted), trusted);
}

const tower = async () => {
  const first = await (await testAuthority()).intermediate("First");
  return { first, second: await first.intermediate("Second") };
};

describe("a fault that says little is refined to what the chain shows", () => {
  const refined = async (
    leaf: X509Certificate | Promise<X509Certificate>,
    sent: readonly X509Certificate[] = [],
    more: readonly X509Certificate[] = [],
  ) => {
    const trusted = [await root(), ...more];
    return refineFault(COARSE, pathOf(await leaf, sent, trusted), trusted, "client");
  };

  it("self-signed, alone and above others", async () => {
    const alone = read((await selfSigned()).certificate);
    assert.equal(await refined(alone), "DEPTH_ZERO_SELF_SIGNED_CERT");
    const other = await unknownAuthority();
    const leaf = read((await other.issue()).certificate);
    assert.equal(await refined(leaf, [read(other.certificate)]), "SELF_SIGNED_CERT_IN_CHAIN");
  });

  it("issuers that are not there", async () => {
    const other = await unknownAuthority();
    assert.equal(await refined(read((await other.issue()).certificate)), COARSE);
    const middle = await other.intermediate();
    const [leaf, issuer] = [read((await middle.issue()).certificate), read(middle.certificate)];
    assert.equal(await refined(leaf, [issuer]), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY");
    const lower = await middle.intermediate("Lower");
    const sent = [read(lower.certificate), issuer];
    const trusting = await refined(read((await lower.issue()).certificate), sent, [
      read(lower.certificate),
    ]);
    assert.equal(trusting, "UNABLE_TO_GET_ISSUER_CERT");
  });

  it("dates and purposes", async () => {
    assert.equal(await refined(leafOf({ validity: "expired" })), "CERT_HAS_EXPIRED");
    assert.equal(await refined(leafOf({ validity: "future" })), "CERT_NOT_YET_VALID");
    assert.equal(await refined(leafOf({ usage: "server" })), "INVALID_PURPOSE");
    assert.equal(await refined(leafOf({ usage: "client" })), "UNSPECIFIED");
  });

  it("any other is left as it is", async () => {
    const trusted = [await root()];
    const path = pathOf(await leafOf(), [], trusted);
    assert.equal(refineFault("CERT_REVOKED", path, trusted, "client"), "CERT_REVOKED");
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
