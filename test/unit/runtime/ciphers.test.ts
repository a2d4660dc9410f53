/**
 * OpenSSL's cipher strings where the library speaks another dialect (BoringSSL) or has a fixed list
 * (rustls). The right sides were taken from `openssl ciphers`; with openssl at hand they are again.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { TlsSettingError } from "../../../src/net/ports.ts";
import { boringCiphers, suitesRefused } from "../../../src/runtime/bun/ciphers.ts";
import {
  ciphersRefused,
  curvesRefused,
  suitesRefused as rustlsSuitesRefused,
} from "../../../src/runtime/deno/suites.ts";
import { skipWithout } from "../../support/process.ts";

describe("BoringSSL's dialect", () => {
  const same = ["HIGH:!aNULL:!MD5", "EECDH+AESGCM:EDH+AESGCM", "ALL:-3DES:+AES:@STRENGTH"];
  for (const text of same) {
    test(`"${text}" stays`, () => assert.equal(boringCiphers(text), text));
  }

  const spelled: readonly (readonly [string, string])[] = [
    ["HIGH !aNULL,!MD5;kECDHE", "HIGH:!aNULL:!MD5:kECDHE"],
    ["ALL:@SECLEVEL=0", "ALL"],
    ["DEFAULT@SECLEVEL=1", "DEFAULT"],
    ["HIGH:!SHA256", "HIGH:!ECDHE-ECDSA-AES128-SHA256:!ECDHE-RSA-AES128-SHA256"],
    ["HIGH:-CBC", "HIGH:-ECDHE-ECDSA-AES128-SHA256:-ECDHE-RSA-AES128-SHA256:-SHA1"],
    [
      "TLSv1.0",
      "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA",
    ],
  ];
  for (const [text, own] of spelled) {
    test(`"${text}" is spelled out`, () => assert.equal(boringCiphers(text), own));
  }

  for (const text of ["HIGH:@SECLEVEL=2", "HIGH:!kRSA+SHA256", "SUITEB128", "!ECDHE+CBC:HIGH"]) {
    test(`"${text}" is refused: the exclusion would be lost`, () => {
      assert.throws(() => boringCiphers(text), (error) => {
        assert.ok(error instanceof TlsSettingError);
        return error.setting === "ciphers";
      });
    });
  }

  test("TLS 1.3 suites: all three, in any order, or none can be left out", () => {
    const all = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
    assert.equal(suitesRefused(all), null);
    assert.match(suitesRefused("TLS_AES_128_GCM_SHA256") ?? "", /TLS_AES_256_GCM_SHA384/);
  });
});

describe("rustls has a fixed list", () => {
  /** What it would offer against the string, with keys of both kinds. */
  const cases: readonly (readonly [string, RegExp | null])[] = [
    ["HIGH:!aNULL:!MD5", null],
    ["DEFAULT:!3DES:@SECLEVEL=2", null],
    ["ECDHE+AESGCM:ECDHE+CHACHA20:!kRSA:@STRENGTH", null],
    ["ALL:-AES256:AES256+EECDH", null],
    ["HIGH:+ECDHE", null],
    ["EECDH+AESGCM", /CHACHA20/],
    ["HIGH:!AES128", /AES128-GCM/],
    // What is killed does not come back.
    ["!CHACHA20:ALL", /CHACHA20/],
    ["ECDHE-RSA-AES128-GCM-SHA256", /ECDSA/],
    ["HIGH:@SECLEVEL=4", /AES256/],
    ["NO-SUCH-CIPHER", /AES256/],
  ];
  for (const [text, refused] of cases) {
    test(`"${text}" ${refused ? "is refused" : "allows it"}`, () => {
      const reason = ciphersRefused(text, ["rsa", "ec"]);
      if (refused) assert.match(reason ?? "nothing refused", refused);
      else assert.equal(reason, null);
    });
  }

  test("only what the server's keys can use counts", () => {
    const rsa =
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305";
    assert.equal(ciphersRefused(rsa, ["rsa"]), null);
    assert.match(ciphersRefused(rsa, ["ec"]) ?? "", /ECDSA/);
    assert.equal(ciphersRefused("NO-SUCH-CIPHER", []), null);
  });

  test("groups, under all of their names", () => {
    assert.equal(curvesRefused("X25519:prime256v1:secp384r1"), null);
    assert.equal(curvesRefused("x25519:P-256:P-384:X448"), null);
    assert.match(curvesRefused("secp384r1") ?? "", /X25519, P-256$/);
  });

  test("TLS 1.3 suites", () => {
    assert.match(rustlsSuitesRefused("TLS_AES_256_GCM_SHA384") ?? "", /TLS_AES_128_GCM_SHA256/);
  });

  test("the reading of strings is openssl's", { skip: skipWithout("openssl") }, () => {
    const names = (text: string) => {
      const args = ["ciphers", "-s", "-tls1_2", `${text}:@SECLEVEL=2`];
      return spawnSync("openssl", args, { encoding: "utf8" }).stdout.trim().split(":");
    };
    const mine = names("ECDHE+AESGCM:ECDHE+CHACHA20").filter((name) => name.startsWith("ECDHE-"));
    for (const [text] of cases.filter(([each]) => !/SECLEVEL|NO-SUCH/.test(each))) {
      const allowed = names(text);
      const extra = mine.filter((name) => !allowed.includes(name)).sort();
      const said = ciphersRefused(text, ["rsa", "ec"])?.match(/ECDHE-[A-Z0-9-]+/g) ?? [];
      assert.deepEqual([...said].sort(), extra, text);
    }
  });
});
