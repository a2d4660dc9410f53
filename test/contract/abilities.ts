/**
 * The contract of `supports`, for TLS: what a runtime says that its library can or cannot do is held
 * against what the library does, through the same adapter with nothing refused beforehand. A sentence
 * that has come untrue fails here, in either direction.
 */

import assert from "node:assert/strict";
import { connect } from "node:net";
import type { Feature } from "../../src/net/ports.ts";
import { encryptKey, testAuthority } from "../support/ca.ts";
import { dhParameters } from "../support/openssl.ts";
import { skipWithout } from "../support/process.ts";
import { type Given, quiet, within } from "./harness.ts";
import { Probe } from "./probe.ts";

export function abilities(given: Given): void {
  const { unguarded } = given.options;
  if (!unguarded || skipWithout("openssl") !== false) return;
  for (const [feature, isHonoured] of Object.entries(PROOFS) as [Feature, Proof][]) {
    given.test(`${feature}: supports() says what is so`, async (bench) => {
      const honoured = await isHonoured(new Probe(bench, unguarded));
      assert.equal(honoured, given.runtime.supports(feature) === true);
    });
  }
}

/** Whether the library honours the setting when it is simply given it. */
type Proof = (probe: Probe) => Promise<boolean>;

const LOW = ["-cipher", "DEFAULT:@SECLEVEL=0"];
const [AES128, AES256, CHACHA] = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
];
const key = (fill: number) => new Uint8Array(48).fill(fill);

const PROOFS: Record<Extract<Feature, `tls-${string}`>, Proof> = {
  "tls-dhparam": async (probe) => {
    const certificates = [await (await testAuthority()).issue({ key: "rsa" })];
    const settings = { certificates, ciphers: "ALL", dhparam: dhParameters() };
    return await probe.connects(settings, "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256");
  },

  "tls-ciphers": async (probe) =>
    !await probe.connects({ ciphers: AES128 }, "-tls1_2", "-cipher", AES256),

  "tls-ciphersuites": async (probe) => {
    const ciphersuites = "TLS_AES_128_GCM_SHA256";
    return !await probe.connects({ ciphersuites }, "-ciphersuites", "TLS_AES_256_GCM_SHA384");
  },

  "tls-curves": async (probe) => !await probe.connects({ curves: "P-384" }, "-groups", "X25519"),

  "tls-crl": async (probe) => {
    const authority = await testAuthority();
    const revoked = await authority.issue({ usage: "client", variant: "revoked" });
    const served = await probe.serve({
      requestCertificate: true,
      ca: [authority.certificate],
      crl: [await authority.crl([revoked])],
    });
    await served.visit(...await probe.asClient(revoked));
    return served.seen[0].verify.code === "23";
  },

  "tls-protocols-old": async (probe) => {
    const protocols = ["TLSv1", "TLSv1.1", "TLSv1.2"] as const;
    return await probe.connects({ protocols, ciphers: "ALL:@SECLEVEL=0" }, "-tls1_1", ...LOW);
  },

  "tls-protocols-old-by-default": async (probe) => {
    const protocols = ["TLSv1", "TLSv1.1", "TLSv1.2"] as const;
    const old = await probe.connects({ protocols }, "-tls1_1", ...LOW);
    // A library without them has no further condition for them.
    return old ||
      !await probe.connects({ protocols, ciphers: "ALL:@SECLEVEL=0" }, "-tls1_1", ...LOW);
  },

  "tls-protocols-gap": async (probe) =>
    await probe.connects({ protocols: ["TLSv1", "TLSv1.2"] }, "-tls1_2"),

  "tls-session-cache": async (probe) => {
    const served = await probe.serve({ sessionCache: 10 });
    return await probe.resumes(served, served, "-tls1_2", "-no_ticket");
  },

  "tls-session-cache-shared": async (probe) => {
    const [one, other] = [
      await probe.serve({ sessionCache: 10 }),
      await probe.serve({ sessionCache: 10 }),
    ];
    const args = ["-tls1_2", "-no_ticket"];
    // A library without a cache has no further condition for sharing it.
    return !await probe.resumes(one, one, ...args) || await probe.resumes(one, other, ...args);
  },

  "tls-session-timeout": async (probe) => {
    const served = await probe.serve({ sessionTimeout: 77 });
    const visits = [await served.visit("-tls1_2"), await served.visit("-tls1_3")];
    // What the server says may stand in the middle of it.
    const hints = visits.map(({ text }) => text.replace("ready\n", ""));
    return hints.every((text) => text.includes("ticket lifetime hint: 77 "));
  },

  "tls-ticket-keys": async (probe) => {
    const [one, same, other] = [
      await probe.serve({ ticketKeys: [key(1)] }),
      await probe.serve({ ticketKeys: [key(1)] }),
      await probe.serve({ ticketKeys: [key(2)] }),
    ];
    return await probe.resumes(one, same) && !await probe.resumes(one, other);
  },

  "tls-ticket-keys-several": async (probe) => {
    const old = await probe.serve({ ticketKeys: [key(1)] });
    const same = await probe.serve({ ticketKeys: [key(1)] });
    const rolled = await probe.serve({ ticketKeys: [key(2), key(1)] });
    // A library that takes no key at all has no further condition for several.
    return !await probe.resumes(old, same) || await probe.resumes(old, rolled);
  },

  "tls-tickets-off": async (probe) => {
    const served = await probe.serve({ sessionTickets: false });
    const first = await served.visit("-tls1_2");
    const resumed = [
      await probe.resumes(served, served, "-tls1_2"),
      await probe.resumes(served, served, "-tls1_3"),
    ];
    return !first.text.includes("TLS session ticket:") && !resumed.includes(true);
  },

  "tls-prefer-server-ciphers": async (probe) => {
    const served = await probe.serve({
      ciphers: `${AES128}:${AES256}`,
      preferServerCiphers: true,
    });
    const one = await served.visit("-tls1_2", "-cipher", `${AES128}:${AES256}`);
    const two = await served.visit("-tls1_2", "-cipher", `${AES256}:${AES128}`);
    return one.cipher === two.cipher;
  },

  "tls-prioritize-chacha": async (probe) => {
    const served = await probe.serve({
      ciphers: `${AES128}:${AES256}:${CHACHA}`,
      preferServerCiphers: true,
      prioritizeChaCha: true,
    });
    const weak = await served.visit("-tls1_2", "-cipher", `${CHACHA}:${AES256}:${AES128}`);
    const strong = await served.visit("-tls1_2", "-cipher", `${AES256}:${AES128}:${CHACHA}`);
    return weak.cipher === CHACHA && strong.cipher === AES128;
  },

  "tls-certificate-compression": async (probe) => {
    const names = Array.from({ length: 1000 }, (_, i) => `host-${i}.example.com`);
    const served = await probe.serve({
      certificates: [await (await testAuthority()).issue({ names })],
    });
    return await flightSize(served.port) < 8 * 1024;
  },

  "tls-unnamed-authorities": async (probe) => {
    const ca = [(await testAuthority()).certificate];
    const served = await probe.serve({ requestCertificate: true, ca });
    const { text } = await served.visit();
    return !/^Acceptable client certificate CA names\n.*Doorpost Test Root/m.test(text);
  },

  "tls-encrypted-keys": async (probe) => {
    const locked = await encryptKey(await (await testAuthority()).issue(), "open sesame");
    return await probe.connects({ certificates: [{ ...locked, passphrase: "open sesame" }] });
  },
};

// --- compression of certificates (RFC 8879) -------------------------------------------------------

/**
 * How much a server sends in answer to a ClientHello that takes certificates compressed by zlib,
 * brotli or zstd. openssl cannot be told to ask for that everywhere, so the message is made here.
 */
async function flightSize(port: number): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  let size = 0;
  socket.on("data", (bytes: Uint8Array) => size += bytes.length);
  socket.on("error", () => {});
  socket.write(clientHello());
  await within(new Promise((resolve) => socket.once("data", resolve)), "a ServerHello");
  await quiet(() => size);
  socket.destroy();
  return size;
}

/** RFC 8446 section 4.1.2, with as little as a server needs. */
function clientHello(): Uint8Array {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const extensions = [
    [0, bytes(0, 12, 0, 0, 9, ..."localhost")],
    [10, bytes(0, 2, 0, 0x1d)],
    [13, bytes(0, 8, 4, 3, 8, 4, 8, 5, 8, 6)],
    [27, bytes(6, 0, 1, 0, 2, 0, 3)],
    [43, bytes(2, 3, 4)],
    // Any 32 bytes are a public key of X25519.
    [51, bytes(0, 36, 0, 0x1d, 0, 32, ...random)],
  ] as const;
  const list = extensions.flatMap(([type, body]) => [...bytes(0, type), ...long(body)]);
  const suites = bytes(0, 6, 0x13, 1, 0x13, 2, 0x13, 3);
  const hello = bytes(3, 3, ...random, 0, ...suites, 1, 0, ...long(list));
  return bytes(22, 3, 1, ...long(bytes(1, 0, ...long(hello))));
}

/** Behind its length in two bytes. */
function long(body: ArrayLike<number>): number[] {
  return [body.length >> 8, body.length & 255, ...Array.from(body)];
}

function bytes(...parts: readonly (number | string)[]): Uint8Array {
  return Uint8Array.from(parts, (part) => typeof part === "string" ? part.charCodeAt(0) : part);
}
