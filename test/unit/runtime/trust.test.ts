/** What resumed sessions are worth, where the TLS library forgets what it found at the first handshake. */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { CLIENT_VERDICTS } from "../../../src/core/limits.ts";
import {
  judgeCertificate,
  type Resumed,
  type Shown,
  type Trust,
} from "../../../src/runtime/tls/trust.ts";
import { TestAuthority, testAuthority } from "../../support/ca.ts";

let identities = 0;

/** Of a server that nobody has talked to yet. */
async function trust(resumed: Resumed, more: Partial<Trust> = {}): Promise<Trust> {
  const trusted = [new X509Certificate((await testAuthority()).certificate)];
  const identity = `server ${++identities}`;
  return { identity, trusted, verifyDepth: 1, resumed, coarse: resumed === "nothing", ...more };
}

async function client(variant = "client"): Promise<X509Certificate> {
  const leaf = await (await testAuthority()).issue({ usage: "client", variant });
  return new X509Certificate(leaf.certificate);
}

const shown = (leaf: X509Certificate, more: Partial<Shown> = {}): Shown => ({
  leaf,
  sent: [],
  fault: null,
  resumed: false,
  ...more,
});

describe("a session that forgets its verdict (rustls)", () => {
  const fault = "UNABLE_TO_VERIFY_LEAF_SIGNATURE";

  it("is what its first handshake was", async () => {
    const server = await trust("nothing");
    const [good, bad] = [await client("good"), await client("bad")];
    judgeCertificate(shown(good), server);
    judgeCertificate(shown(bad, { fault }), server);
    // The library calls both good now.
    assert.equal(judgeCertificate(shown(good, { resumed: true }), server).verify.ok, true);
    assert.equal(judgeCertificate(shown(bad, { resumed: true }), server).verify.ok, false);
  });

  it("vouches for nobody whose first handshake is not remembered", async () => {
    const leaf = await client();
    judgeCertificate(shown(leaf), await trust("nothing"));
    const elsewhere = await trust("nothing");
    const { verify, peer } = judgeCertificate(shown(leaf, { resumed: true }), elsewhere);
    assert.deepEqual([verify.ok, verify.code], [false, "1"]);
    assert.equal(peer?.commonName, "client");
  });

  it("does not outlive its certificate", async () => {
    const server = await trust("nothing");
    const leaf = new X509Certificate(
      (await (await testAuthority()).issue({ usage: "client", validity: "expired" })).certificate,
    );
    judgeCertificate(shown(leaf), server);
    assert.equal(judgeCertificate(shown(leaf, { resumed: true }), server).verify.code, "10");
  });

  it("is forgotten when very many have come since", async () => {
    const server = await trust("nothing");
    const [old, recent] = [await client("old"), await client("recent")];
    judgeCertificate(shown(old), server);
    for (let i = 0; i < CLIENT_VERDICTS; i++) {
      const crowd = { ...server, identity: `crowd ${i}`, coarse: false };
      judgeCertificate(shown(recent, { fault: "CERT_REVOKED" }), crowd);
    }
    assert.equal(judgeCertificate(shown(old, { resumed: true }), server).verify.ok, false);
  });
});

describe("a session that forgets the chain (OpenSSL)", () => {
  it("is as deep as it was", async () => {
    const server = await trust("verdict", { verifyDepth: 0 });
    const middle = await (await testAuthority()).intermediate();
    const leaf = new X509Certificate((await middle.issue({ usage: "client" })).certificate);
    const sent = [new X509Certificate(middle.certificate)];
    assert.equal(judgeCertificate(shown(leaf, { sent }), server).verify.code, "20");
    assert.equal(judgeCertificate(shown(leaf, { resumed: true }), server).verify.code, "20");
  });

  it("of another process is judged by what it shows", async () => {
    const server = await trust("verdict");
    const direct = judgeCertificate(shown(await client(), { resumed: true }), server);
    assert.deepEqual([direct.verify.ok, direct.peer?.depth], [true, 0]);
    const middle = await (await testAuthority()).intermediate();
    const leaf = new X509Certificate((await middle.issue({ usage: "client" })).certificate);
    assert.equal(judgeCertificate(shown(leaf, { resumed: true }), server).verify.ok, false);
  });

  it("keeps OpenSSL's own verdict", async () => {
    const server = await trust("verdict");
    const leaf = await client();
    judgeCertificate(shown(leaf), server);
    const again = shown(leaf, { resumed: true, fault: "CERT_HAS_EXPIRED" });
    assert.equal(judgeCertificate(again, server).verify.code, "10");
  });
});

describe("a chain that leads to a stranger", () => {
  it("is never made good here", async () => {
    const other = await TestAuthority.root("Other");
    const leaf = new X509Certificate((await other.issue({ usage: "client" })).certificate);
    for (const resumed of ["all", "verdict", "nothing"] as const) {
      // Even if a library said so.
      const { verify } = judgeCertificate(shown(leaf), await trust(resumed));
      assert.equal(verify.ok, false, resumed);
    }
  });
});
