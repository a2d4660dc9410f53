/**
 * `Auth-SSL`, `-Protocol`, `-Cipher`, `-Verify`, `-Subject`, `-Issuer`, `-Serial`, `-Fingerprint` and
 * `-Cert`: what the auth server is told of a client, byte for byte what a real nginx tells it.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, X509Certificate } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { testAuthority } from "../support/ca.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { makePki, oddCertificates } from "../support/pki.ts";
import { skipWithout } from "../support/process.ts";
import { type Meeting, TlsWorld, type TlsWorldSettings } from "../support/tls-world.ts";

const VERIFY =
  "ssl_verify_client optional_no_ca; ssl_client_certificate ca.pem; ssl_verify_depth 2;";

async function settings(): Promise<TlsWorldSettings> {
  const leaf = await (await testAuthority()).issue();
  return {
    servers: {
      imap: `listen LISTEN ssl; protocol imap; ${VERIFY}`,
      bare: `listen LISTEN ssl; protocol imap; ${VERIFY} auth_http_pass_client_cert off;`,
      off: "listen LISTEN ssl; protocol imap;",
      pop3: `listen LISTEN; protocol pop3; starttls on; ${VERIFY}`,
      smtp: `listen LISTEN; protocol smtp; starttls on; server_name mx; ${VERIFY}`,
    },
    mail: "ssl_certificate tls.pem; ssl_certificate_key tls.key; ssl_protocols TLSv1.2 TLSv1.3;",
    files: { ...await files(), "tls.pem": leaf.certificate, "tls.key": leaf.key },
  };
}

let made: Promise<Readonly<Record<string, string>>> | null = null;

function files(): Promise<Readonly<Record<string, string>>> {
  return made ??= makePki().then((pki) => ({ ...pki.files, ...oddCertificates() }));
}

const CLIENTS = [
  ...["good", "rsa", "bob", "via", "deep", "stranger", "stranger-root", "self", "v1", "v1-leaf"],
  ...["utf8", "several", "mail", "signs", "control", "rare", "empty"],
  ...["huge-serial", "zero-serial", "minus-serial", "small-serial"],
];

const present = (client: string) => ["-cert", `${client}.pem`, "-cert_chain", `${client}.pem`];

/** Dialogues that bring a login about: the same for both. */
async function meetings(
  world: TlsWorld,
): Promise<Readonly<Record<string, () => Promise<Meeting>>>> {
  const login = { say: "AUTH PLAIN AHUAcA==\r\n", until: /-ERR Inv|535 / };
  const all: Record<string, () => Promise<Meeting>> = {
    "no certificate": () => world.meet("imap"),
    "none asked for": () => world.meet("off", present("good")),
    "certificate not passed on": () => world.meet("bare", present("good")),
    "POP3, STARTTLS": () => world.meet("pop3", ["-starttls", "pop3", ...present("good")], login),
    "SMTP, STARTTLS": () => world.meet("smtp", ["-starttls", "smtp", ...present("good")], login),
  };
  for (const version of ["-tls1_2", "-tls1_3"]) {
    for (const client of CLIENTS) {
      all[`${client}, ${version}`] = () => world.meet("imap", [version, ...present(client)]);
    }
  }
  return await Promise.resolve(all);
}

describe("Auth-SSL headers", { skip: skipWithout("openssl") }, () => {
  let world: TlsWorld;
  before(async () => {
    world = await TlsWorld.start("doorpost", await settings());
  });
  after(() => world[Symbol.asyncDispose]());

  test("of a verified client, in nginx's order and spelling", async () => {
    const { headers } = await world.meet("imap", ["-tls1_3", ...present("good")]);
    const x509 = new X509Certificate((await files())["good.pem"]!);
    const pem = Buffer.from(x509.raw).toString("base64").match(/.{1,64}/g)!.join("%0A");
    const dashes = (word: string) => `-----${word}%20CERTIFICATE-----%0A`;
    assert.deepEqual(Object.entries(headers), [
      ["auth-ssl", "on"],
      ["auth-ssl-protocol", "TLSv1.3"],
      ["auth-ssl-cipher", headers["auth-ssl-cipher"]],
      ["auth-ssl-verify", "SUCCESS"],
      ["auth-ssl-subject", "CN=good"],
      ["auth-ssl-issuer", "CN=Doorpost Test Root,O=Doorpost\\, Tests"],
      ["auth-ssl-serial", x509.serialNumber],
      ["auth-ssl-fingerprint", createHash("sha1").update(x509.raw).digest("hex")],
      ["auth-ssl-cert", dashes("BEGIN") + pem + "%0A" + dashes("END")],
    ]);
    assert.match(headers["auth-ssl-cipher"]!, /^TLS_/);
  });

  test("of a client without a certificate", async () => {
    const { headers } = await world.meet("imap");
    assert.deepEqual(Object.keys(headers).slice(3), ["auth-ssl-verify"]);
    assert.equal(headers["auth-ssl-verify"], "NONE");
  });

  test("where none is asked for, none is spoken of", async () => {
    const { headers } = await world.meet("off", present("good"));
    assert.deepEqual(Object.keys(headers), ["auth-ssl", "auth-ssl-protocol", "auth-ssl-cipher"]);
  });
});

describe("Auth-SSL headers, against nginx", {
  skip: skipWithout("openssl") || skipWithoutNginx(),
}, () => {
  let ours: TlsWorld;
  let nginx: TlsWorld;
  before(async () => {
    ours = await TlsWorld.start("doorpost", await settings());
    nginx = await TlsWorld.start("nginx", await settings());
  });
  after(async () => {
    await ours?.[Symbol.asyncDispose]();
    await nginx?.[Symbol.asyncDispose]();
  });

  test("every client, every protocol", async (context) => {
    const right = await meetings(nginx);
    const mine = await meetings(ours);
    for (const [name, meet] of Object.entries(right)) {
      await context.test(name, async () => {
        const [theirs, own] = [await meet(), await mine[name]!()];
        assert.deepEqual(Object.entries(own.headers), Object.entries(theirs.headers));
        if (!name.includes("TLS")) assert.equal(own.line, theirs.line);
        assert.ok(theirs.headers["auth-ssl"] === "on");
      });
    }
  });
});
