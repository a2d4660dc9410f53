/**
 * Client certificates: `ssl_verify_client` in all its states, `ssl_verify_depth`, `ssl_crl`,
 * `ssl_client_certificate`, `ssl_trusted_certificate`; what the client hears, what the auth server is
 * asked and what the log says. One table, held against the proxy and, where it is there, a real nginx.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { testAuthority } from "../support/ca.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { makePki, type Pki } from "../support/pki.ts";
import { skipWithout } from "../support/process.ts";
import { TlsWorld } from "../support/tls-world.ts";

const DENO = process.env["DOORPOST_UNDER_TEST"] === "deno";

const LISTEN = "listen LISTEN ssl; protocol imap;";
const SERVERS: Readonly<Record<string, string>> = {
  "off": "",
  "on": "ssl_verify_client on; ssl_client_certificate ca.pem;",
  "depth 0": "ssl_verify_client on; ssl_client_certificate ca.pem; ssl_verify_depth 0;",
  "depth 2": "ssl_verify_client on; ssl_client_certificate ca.pem; ssl_verify_depth 2;",
  "optional": "ssl_verify_client optional; ssl_client_certificate ca.pem;",
  "no ca": "ssl_verify_client optional_no_ca;",
  "no ca, one": "ssl_verify_client optional_no_ca; ssl_client_certificate ca.pem;",
  "anchors": "ssl_verify_client on; ssl_client_certificate anchors.pem;",
  "middle": "ssl_verify_client on; ssl_client_certificate level-1.pem;",
  "both": "ssl_verify_client on; ssl_client_certificate ca.pem;" +
    "ssl_trusted_certificate other-ca.pem;",
};
/** Deno refuses revocation lists. */
const WITH_LISTS: Readonly<Record<string, string>> = {
  "crl": "ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.crl;",
  "other crl":
    "ssl_verify_client optional_no_ca; ssl_client_certificate ca.pem; ssl_crl other.crl;",
};

/** What becomes of a client: let in with this `Auth-SSL-Verify`, or refused with this in the log. */
type Fate = "SUCCESS" | "NONE" | `FAILED:${string}` | null | { readonly refused: string };

const MISSING: Fate = { refused: "client sent no required SSL certificate" };
const bad = (why: string): Fate => ({ refused: `client SSL certificate verify error: (${why})` });

const SELF = "18:self-signed certificate";
const CHAIN = "19:self-signed certificate in certificate chain";
const NO_ISSUER = "20:unable to get local issuer certificate";
const FIRST = "21:unable to verify the first certificate";
const text = (why: string): Fate => `FAILED:${why.slice(3)}`;

/** By server, then by client; `none` shows no certificate. */
const FATES: Readonly<Record<string, Readonly<Record<string, Fate>>>> = {
  "off": { none: null, good: null, self: null },
  "on": {
    "none": MISSING,
    "good": "SUCCESS",
    "rsa": "SUCCESS",
    "bob": "SUCCESS",
    "via": "SUCCESS",
    "via-alone": bad(FIRST),
    "deep": bad(NO_ISSUER),
    "stranger": bad(FIRST),
    "stranger-root": bad(CHAIN),
    "self": bad(SELF),
    "v1": bad(SELF),
    "v1-client": bad(FIRST),
    "expired": bad("10:certificate has expired"),
    "future": bad("9:certificate is not yet valid"),
    "server": bad("26:unsuitable certificate purpose"),
  },
  "depth 0": { good: "SUCCESS", via: bad(NO_ISSUER) },
  "depth 2": { deep: "SUCCESS" },
  "optional": { none: "NONE", good: "SUCCESS", stranger: bad(FIRST), deep: bad(NO_ISSUER) },
  "no ca": {
    "none": "NONE",
    "good": text(FIRST),
    "via": text(NO_ISSUER),
    "stranger-root": text(CHAIN),
    "self": text(SELF),
    "v1": text(SELF),
  },
  "no ca, one": {
    none: "NONE",
    good: "SUCCESS",
    deep: text(NO_ISSUER),
    stranger: text(FIRST),
    expired: bad("10:certificate has expired"),
    server: bad("26:unsuitable certificate purpose"),
  },
  "anchors": {
    "good": "SUCCESS",
    "self": "SUCCESS",
    "v1": "SUCCESS",
    "v1-client": "SUCCESS",
    "v1-leaf": "SUCCESS",
    "stranger": bad(FIRST),
  },
  // An anchor must be its own issuer.
  "middle": { via: bad("2:unable to get issuer certificate"), good: bad(FIRST) },
  "both": { good: "SUCCESS", stranger: "SUCCESS", self: bad(SELF) },
  "crl": {
    good: "SUCCESS",
    revoked: bad("23:certificate revoked"),
    via: bad("3:unable to get certificate CRL"),
  },
  "other crl": { good: bad("3:unable to get certificate CRL"), stranger: text(FIRST) },
};

/** rustls trusts authorities of X.509 v1, and verifies no certificate of that version below one. */
const ON_DENO: Readonly<Record<string, Fate>> = {
  "anchors, v1-leaf": bad("1:unspecified certificate verification error"),
};

let pki: Pki;

async function start(who: "doorpost" | "nginx"): Promise<TlsWorld> {
  pki ??= await makePki();
  const leaf = await (await testAuthority()).issue();
  const bodies = { ...SERVERS, ...(who === "doorpost" && DENO ? {} : WITH_LISTS) };
  const servers = Object.entries(bodies).map(([name, body]) => [name, `${LISTEN} ${body}`]);
  return await TlsWorld.start(who, {
    servers: {
      ...Object.fromEntries(servers),
      "starttls": "listen LISTEN; protocol smtp; starttls only; server_name mx;" +
        "ssl_verify_client on; ssl_client_certificate ca.pem;",
      "pop3": "listen LISTEN ssl; protocol pop3; ssl_verify_client on;" +
        "ssl_client_certificate ca.pem;",
    },
    mail: "ssl_certificate tls.pem; ssl_certificate_key tls.key; ssl_protocols TLSv1.2 TLSv1.3;",
    files: { ...pki.files, "tls.pem": leaf.certificate, "tls.key": leaf.key },
  });
}

for (const who of ["doorpost", "nginx"] as const) {
  const skip = skipWithout("openssl") || (who === "nginx" && skipWithoutNginx());
  describe(`client certificates, ${who}`, { skip }, () => {
    let world: TlsWorld;
    before(async () => {
      world = await start(who);
    });
    after(() => world[Symbol.asyncDispose]());

    const present = (client: string) => client === "none" ? [] : pki.present(client);

    for (const [server, fates] of Object.entries(FATES)) {
      const absent = who === "doorpost" && DENO && server in WITH_LISTS;
      for (const [client, usual] of Object.entries(fates)) {
        const other = who === "doorpost" && DENO ? ON_DENO[`${server}, ${client}`] : undefined;
        const fate = other ?? usual;
        const skip = absent && "Deno refuses revocation lists";
        test(`${server}, ${client}: ${JSON.stringify(fate)}`, { skip }, async () => {
          const meeting = await world.meet(server, present(client));
          if (fate !== null && typeof fate === "object") {
            const words = fate === MISSING
              ? "No required SSL certificate"
              : "SSL certificate error";
            assert.equal(meeting.line, `* BYE ${words}`);
            assert.deepEqual(meeting.headers, {});
            const place = "while SSL handshaking, client: 127.0.0.1, server: 127.0.0.1:PORT";
            assert.deepEqual(meeting.log.slice(0, 1), [
              `[info] ${fate.refused} ${place}`,
            ]);
          } else {
            assert.equal(meeting.line, "* OK IMAP4 ready");
            assert.equal(meeting.headers["auth-ssl-verify"] ?? null, fate);
          }
        });
      }
    }

    for (const version of ["-tls1_2", "-tls1_3"]) {
      test(`the words are the protocol's, inside TLS (${version})`, async () => {
        const { line } = await world.meet("pop3", [version], { say: "", until: /-ERR / });
        assert.equal(line, "-ERR No required SSL certificate");
        const bad = await world.meet("pop3", [version, ...present("self")], {
          say: "",
          until: /-ERR /,
        });
        assert.equal(bad.line, "-ERR SSL certificate error");
        assert.equal(bad.visit.protocol, version === "-tls1_2" ? "TLSv1.2" : "TLSv1.3");
      });

      test(`after STARTTLS they come without a command (${version})`, async () => {
        const args = [version, "-starttls", "smtp"];
        const until = /421 4/;
        const none = await world.meet("starttls", args, { say: "", until });
        assert.equal(none.line, "421 4.7.1 No required SSL certificate");
        assert.deepEqual(none.log, [
          "[info] client sent no required SSL certificate while in starttls state, " +
          "client: 127.0.0.1 using starttls, server: 127.0.0.1:PORT",
        ]);
        const bad = await world.meet("starttls", [...args, ...present("self")], { say: "", until });
        assert.equal(bad.line, "421 4.7.1 SSL certificate error");
        assert.deepEqual(bad.log, [
          `[info] client SSL certificate verify error: (${SELF}) while in starttls state, ` +
          "client: 127.0.0.1 using starttls, server: 127.0.0.1:PORT",
        ]);
      });

      test(`after STARTTLS a good one is let in (${version})`, async () => {
        const { headers } = await world.meet(
          "starttls",
          [version, "-starttls", "smtp", ...present("good")],
          { say: "AUTH PLAIN AHUAcA==\r\n", until: /535 / },
        );
        assert.equal(headers["auth-ssl-verify"], "SUCCESS");
        assert.equal(headers["auth-ssl-subject"], "CN=good");
      });
    }
  });
}
