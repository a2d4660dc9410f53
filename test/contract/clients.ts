/**
 * The contract of client certificates over time: how long a chain may be, what a resumed session is
 * worth, and that nobody is trusted who was not named. RFC 8446 section 4.6.1, RFC 5077.
 */

import assert from "node:assert/strict";
import type { TlsServerSettings } from "../../src/net/ports.ts";
import { type Leaf, selfSigned, TestAuthority, testAuthority } from "../support/ca.ts";
import { skipWithout } from "../support/process.ts";
import type { Given } from "./harness.ts";
import { Probe } from "./probe.ts";

export function clients(given: Given): void {
  depths(given);
  // Where TLS is only pretended, openssl has nobody to talk to.
  if (given.options.unguarded && skipWithout("openssl") === false) resumption(given);
}

/** A client's certificate with so many intermediates above it, all of which it sends. */
async function below(count: number): Promise<Leaf> {
  let authority = await testAuthority();
  for (let i = 1; i <= count; i++) authority = await authority.intermediate(`Level ${i}`);
  return await authority.issue({ usage: "client" });
}

async function asking(more: Partial<TlsServerSettings> = {}): Promise<Partial<TlsServerSettings>> {
  return { requestCertificate: true, ca: [(await testAuthority()).certificate], ...more };
}

function depths(given: Given): void {
  const cases: readonly { below: number; verifyDepth?: number; ok: boolean }[] = [
    { below: 0, verifyDepth: 0, ok: true },
    { below: 1, verifyDepth: 0, ok: false },
    { below: 1, verifyDepth: 1, ok: true },
    { below: 2, verifyDepth: 1, ok: false },
    { below: 2, verifyDepth: 2, ok: true },
    { below: 3, ok: true },
  ];
  for (const { below: count, verifyDepth, ok } of cases) {
    const allowed = verifyDepth === undefined ? "any depth" : `depth ${verifyDepth}`;
    given.test(`verifyDepth: ${count} intermediates, ${allowed}: ${ok}`, async (bench) => {
      const { serverTls } = await bench.tlsPair({
        server: await asking({ verifyDepth }),
        client: { certificate: await below(count) },
      });
      assert.equal(serverTls.verify.ok, ok);
      assert.equal(serverTls.peer?.depth, ok ? count : undefined);
      if (!ok) assert.equal(serverTls.verify.code, "20");
    });
  }

  given.test("an authority that is not its own issuer is no anchor", async (bench) => {
    const middle = await (await testAuthority()).intermediate();
    const { serverTls } = await bench.tlsPair({
      server: await asking({ ca: [middle.certificate] }),
      client: { certificate: await middle.issue({ usage: "client" }) },
    });
    assert.equal(serverTls.verify.code, "2");
  });

  given.test("without authorities nobody's certificate is good", async (bench) => {
    const { serverTls } = await bench.tlsPair({
      server: await asking({ ca: [] }),
      client: { certificate: await below(0) },
    });
    // A client may send its root along.
    assert.match(serverTls.verify.code, /^(19|20|21)$/);
  });
}

function resumption(given: Given): void {
  const first: readonly { what: string; leaf: () => Promise<Leaf>; code: string }[] = [
    { what: "good", leaf: () => below(0), code: "0" },
    { what: "good, over an intermediate", leaf: () => below(1), code: "0" },
    { what: "self-signed", leaf: () => selfSigned({ usage: "client" }), code: "18" },
    { what: "too deep", leaf: () => below(2), code: "20" },
    { what: "a stranger's", leaf: () => strangers(), code: "21" },
  ];
  for (const version of ["-tls1_2", "-tls1_3"]) {
    for (const { what, leaf, code } of first) {
      given.test(`${version}, resumed: the certificate is as it was (${what})`, async (bench) => {
        const probe = new Probe(bench, given.runtime.tls);
        const certificate = await leaf();
        const served = await probe.serve(await asking({ verifyDepth: 1 }));
        const args = [version, ...await probe.asClient(certificate)];
        assert.equal(await probe.resumes(served, served, ...args), true);
        const [before, after] = served.seen;
        assert.equal(before.verify.code, code);
        assert.deepEqual([before.resumed, after.resumed], [false, true]);
        assert.deepEqual([after.verify, after.peer], [before.verify, before.peer]);
      });
    }

    given.test(`${version}: a session of another server vouches for nobody`, async (bench) => {
      const probe = new Probe(bench, given.runtime.tls);
      const other = await TestAuthority.root("Other Root");
      const trusting = await probe.serve(await asking({ ca: [other.certificate] }));
      const served = await probe.serve(await asking());
      const certificate = await other.issue({ usage: "client" });
      await probe.resumes(trusting, served, version, ...await probe.asClient(certificate));
      assert.equal(trusting.seen[0].verify.ok, true);
      assert.equal(served.seen[0].verify.ok, false);
    });

    given.test(`${version}: nor does one of a server that did not ask`, async (bench) => {
      const probe = new Probe(bench, given.runtime.tls);
      const [open, served] = [await probe.serve(), await probe.serve(await asking())];
      await probe.resumes(open, served, version);
      assert.equal(served.seen[0].verify.ok, false);
      assert.equal(served.seen[0].peer, null);
    });
  }
}

async function strangers(): Promise<Leaf> {
  return (await TestAuthority.root("Stranger")).issue({ usage: "client" });
}
