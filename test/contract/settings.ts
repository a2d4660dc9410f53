/**
 * The contract of TLS settings: what works has an effect, what is wrong or not supported is a
 * `TlsSettingError` that names the setting, when the context is made and not at the first handshake.
 */

import assert from "node:assert/strict";
import {
  type Feature,
  type TlsClientSettings,
  type TlsServerSettings,
  TlsSettingError,
} from "../../src/net/ports.ts";
import { encryptKey, TestAuthority, testAuthority } from "../support/ca.ts";
import { clientSettings, type Given, serverSettings } from "./harness.ts";

export function settings(given: Given): void {
  serverErrors(given);
  clientErrors(given);
  unsupported(given);
  effects(given);
}

const NO_PEM = "this is no PEM";
const BROKEN_PEM =
  "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
const BROKEN_KEY = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";

type Setting = TlsSettingError["setting"];

/** The call must throw a `TlsSettingError` about the setting, with words and without the key. */
function refused(call: () => unknown, setting: Setting, index = 0): TlsSettingError {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof TlsSettingError, `expected a TlsSettingError, got ${error}`);
    assert.deepEqual([error.setting, error.index], [setting, index], error.message);
    assert.match(error.message, /\S/);
    assert.doesNotMatch(error.message, /PRIVATE KEY|bm90IGEga2V5/);
    return error;
  }
  throw new assert.AssertionError({ message: `"${setting}" was accepted` });
}

interface Fault<S> {
  readonly what: string;
  readonly setting: Setting;
  readonly index?: number;
  /** Checked only where the feature is there. */
  readonly needs?: Feature;
  readonly with: () => Promise<Partial<S>>;
}

const leaf = async (variant?: string) =>
  (await testAuthority()).issue(variant === undefined ? {} : { variant });

const SERVER_FAULTS: readonly Fault<TlsServerSettings>[] = [
  {
    what: "no certificate at all",
    setting: "certificates",
    with: () => Promise.resolve({ certificates: [] }),
  },
  {
    what: "a certificate that is no PEM",
    setting: "certificates",
    with: async () => ({ certificates: [{ ...await leaf(), certificate: NO_PEM }] }),
  },
  {
    what: "a certificate whose PEM holds none",
    setting: "certificates",
    with: async () => ({ certificates: [{ ...await leaf(), certificate: BROKEN_PEM }] }),
  },
  {
    what: "a key that is no PEM",
    setting: "key",
    with: async () => ({ certificates: [{ ...await leaf(), key: NO_PEM }] }),
  },
  {
    what: "a key whose PEM holds none",
    setting: "key",
    with: async () => ({ certificates: [{ ...await leaf(), key: BROKEN_KEY }] }),
  },
  {
    what: "another certificate's key",
    setting: "key",
    with: async () => ({ certificates: [{ ...await leaf(), key: (await leaf("other")).key }] }),
  },
  {
    what: "a wrong key in the second pair",
    setting: "key",
    index: 1,
    with: async () => ({
      certificates: [
        await (await testAuthority()).issue({ key: "rsa" }),
        { ...await leaf(), key: (await leaf("other")).key },
      ],
    }),
  },
  {
    what: "an encrypted key without its passphrase",
    setting: "key",
    with: async () => ({ certificates: [await encryptKey(await leaf(), "open sesame")] }),
  },
  {
    what: "an encrypted key with another passphrase",
    setting: "key",
    with: async () => ({
      certificates: [{ ...await encryptKey(await leaf(), "open sesame"), passphrase: "shut" }],
    }),
  },
  { what: "no protocol", setting: "protocols", with: () => Promise.resolve({ protocols: [] }) },
  {
    what: "an authority that is no PEM",
    setting: "ca",
    with: () => Promise.resolve({ requestCertificate: true, ca: [NO_PEM] }),
  },
  {
    what: "an unreadable second authority",
    setting: "ca",
    index: 1,
    with: async () => ({
      requestCertificate: true,
      ca: [(await testAuthority()).certificate, BROKEN_PEM],
    }),
  },
  {
    what: "a cipher string without a cipher",
    setting: "ciphers",
    needs: "tls-ciphers",
    with: () => Promise.resolve({ ciphers: "NO-SUCH-CIPHER" }),
  },
  {
    what: "a TLS 1.3 suite that there is not",
    setting: "ciphersuites",
    needs: "tls-ciphersuites",
    with: () => Promise.resolve({ ciphersuites: "TLS_NO_SUCH_SUITE" }),
  },
  {
    what: "no certificate, and a cipher string without a cipher: certificates come last",
    setting: "ciphers",
    needs: "tls-ciphers",
    with: () => Promise.resolve({ certificates: [], ciphers: "NO-SUCH-CIPHER" }),
  },
  {
    what: "a second ticket key of a wrong size",
    setting: "ticketKeys",
    index: 1,
    needs: "tls-ticket-keys",
    with: () => Promise.resolve({ ticketKeys: [new Uint8Array(80), new Uint8Array(47)] }),
  },
  {
    what: "an unknown curve",
    setting: "curves",
    needs: "tls-curves",
    with: () => Promise.resolve({ curves: "no-such-curve" }),
  },
  {
    what: "DH parameters that are no PEM",
    setting: "dhparam",
    needs: "tls-dhparam",
    with: () => Promise.resolve({ dhparam: NO_PEM }),
  },
  {
    what: "a revocation list that is no PEM",
    setting: "crl",
    needs: "tls-crl",
    with: async () => ({
      requestCertificate: true,
      ca: [(await testAuthority()).certificate],
      crl: [NO_PEM],
    }),
  },
];

function serverErrors(given: Given): void {
  for (const fault of SERVER_FAULTS) {
    given.test(`server settings: ${fault.what} is refused`, async () => {
      if (fault.needs && given.runtime.supports(fault.needs) !== true) return;
      const made = { ...await serverSettings(), ...await fault.with() };
      refused(() => given.runtime.tls.server(made), fault.setting, fault.index);
    });
  }
}

const CLIENT_FAULTS: readonly Fault<TlsClientSettings>[] = [
  {
    what: "a certificate that is no PEM",
    setting: "certificate",
    with: async () => ({ certificate: { ...await leaf(), certificate: NO_PEM } }),
  },
  {
    what: "another certificate's key",
    setting: "key",
    with: async () => ({ certificate: { ...await leaf(), key: (await leaf("other")).key } }),
  },
  {
    what: "an authority that is no PEM",
    setting: "ca",
    with: () => Promise.resolve({ ca: [NO_PEM] }),
  },
  {
    what: "a cipher string without a cipher",
    setting: "ciphers",
    needs: "tls-ciphers",
    with: () => Promise.resolve({ ciphers: "NO-SUCH-CIPHER" }),
  },
];

function clientErrors(given: Given): void {
  for (const fault of CLIENT_FAULTS) {
    given.test(`client settings: ${fault.what} is refused`, async () => {
      if (fault.needs && given.runtime.supports(fault.needs) !== true) return;
      const made = { ...await clientSettings(), ...await fault.with() };
      refused(() => given.runtime.tls.client(made), fault.setting, fault.index);
    });
  }

  given.test("inspect and matches refuse what they cannot read", async () => {
    const { tls } = given.runtime;
    refused(() => tls.inspect(NO_PEM), "certificates");
    refused(() => tls.inspect(BROKEN_PEM), "certificates");
    const pair = await leaf();
    refused(() => tls.matches({ ...pair, certificate: NO_PEM }), "certificates");
    refused(() => tls.matches({ ...pair, key: NO_PEM }), "key");
  });
}

/** Settings that a runtime without the feature must refuse, so that none is a dead letter. */
const UNSUPPORTED: readonly {
  readonly feature: Feature;
  readonly setting: Setting;
  readonly with: () => Promise<Partial<TlsServerSettings>>;
}[] = [
  {
    feature: "tls-ciphers",
    setting: "ciphers",
    with: () => Promise.resolve({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }),
  },
  {
    feature: "tls-ciphersuites",
    setting: "ciphersuites",
    with: () => Promise.resolve({ ciphersuites: "TLS_AES_128_GCM_SHA256" }),
  },
  {
    feature: "tls-ticket-keys",
    setting: "ticketKeys",
    with: () => Promise.resolve({ ticketKeys: [new Uint8Array(48)] }),
  },
  {
    feature: "tls-protocols-gap",
    setting: "protocols",
    with: () => Promise.resolve({ protocols: ["TLSv1", "TLSv1.2"] }),
  },
  { feature: "tls-curves", setting: "curves", with: () => Promise.resolve({ curves: "P-256" }) },
  { feature: "tls-dhparam", setting: "dhparam", with: () => Promise.resolve({ dhparam: NO_PEM }) },
  {
    feature: "tls-crl",
    setting: "crl",
    with: async () => {
      const ca = await testAuthority();
      return { requestCertificate: true, ca: [ca.certificate], crl: [await ca.crl([])] };
    },
  },
  {
    feature: "tls-protocols-old",
    setting: "protocols",
    with: () => Promise.resolve({ protocols: ["TLSv1", "TLSv1.1"] }),
  },
  {
    feature: "tls-tickets-off",
    setting: "sessionTickets",
    with: () => Promise.resolve({ sessionTickets: false }),
  },
  {
    feature: "tls-encrypted-keys",
    setting: "key",
    with: async () => ({
      certificates: [{
        ...await encryptKey(await leaf(), "open sesame"),
        passphrase: "open sesame",
      }],
    }),
  },
];

function unsupported(given: Given): void {
  for (const { feature, setting, with: settingsOf } of UNSUPPORTED) {
    if (feature === "tls-dhparam" && given.runtime.supports(feature) === true) continue;
    given.test(`${feature}: accepted where supported, refused by name where not`, async () => {
      const made = { ...await serverSettings(), ...await settingsOf() };
      if (given.runtime.supports(feature) === true) given.runtime.tls.server(made);
      else refused(() => given.runtime.tls.server(made), setting);
    });
  }
}

function effects(given: Given): void {
  const one = "ECDHE-ECDSA-AES128-GCM-SHA256";
  const two = "ECDHE-ECDSA-AES256-GCM-SHA384";

  given.test("ciphers: the server's string decides for TLS 1.2", async (bench) => {
    if (given.runtime.supports("tls-ciphers") !== true) return;
    for (const ciphers of [one, two]) {
      const pair = await bench.tlsPair({ server: { protocols: ["TLSv1.2"], ciphers } });
      assert.equal(pair.clientTls.cipher, ciphers);
    }
  });

  given.test("ciphers: a string for TLS 1.2 leaves TLS 1.3 on", async (bench) => {
    if (given.runtime.supports("tls-ciphers") !== true) return;
    const pair = await bench.tlsPair({ server: { ciphers: one } });
    assert.equal(pair.clientTls.protocol, "TLSv1.3");
  });

  given.test("preferServerCiphers: the order of the server, else of the client", async (bench) => {
    const { runtime } = given;
    if (runtime.supports("tls-prefer-server-ciphers") !== true) return;
    for (const preferServerCiphers of [true, false]) {
      const pair = await bench.tlsPair({
        server: { protocols: ["TLSv1.2"], ciphers: `${one}:${two}`, preferServerCiphers },
        client: { ciphers: `${two}:${one}` },
      });
      assert.equal(pair.clientTls.cipher, preferServerCiphers ? one : two);
    }
  });

  given.test("an encrypted key opens with its passphrase", async (bench) => {
    if (given.runtime.supports("tls-encrypted-keys") !== true) return;
    const sealed = await encryptKey(await leaf(), "open sesame");
    await bench.tlsPair({ server: { certificates: [{ ...sealed, passphrase: "open sesame" }] } });
  });

  given.test("several authorities: any of them vouches", async (bench) => {
    const other = await TestAuthority.root("Other Root");
    const mine = (await testAuthority()).certificate;
    for (const ca of [[other.certificate, mine], [mine + other.certificate]]) {
      const pair = await bench.tlsPair({ client: { ca } });
      assert.equal(pair.clientTls.verify.ok, true);
      const certificate = await other.issue({ usage: "client" });
      const asked = await bench.tlsPair({
        server: { requestCertificate: true, ca },
        client: { certificate },
      });
      assert.equal(asked.serverTls.verify.ok, true);
    }
  });

  given.test("contexts outlive the settings' objects and serve many connections", async (bench) => {
    const context = given.runtime.tls.server(await serverSettings());
    const client = given.runtime.tls.client(await clientSettings());
    for (let i = 0; i < 5; i++) {
      const pair = await bench.pair();
      const [info] = await Promise.all([
        pair.client.startTls(client, { serverName: "localhost" }),
        pair.server.startTls(context),
      ]);
      assert.equal(info.verify.ok, true);
    }
  });
}
