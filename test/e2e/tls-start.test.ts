/**
 * What `serve` and `check-config` say of TLS settings before anybody connects: every fault in one go,
 * at its place and in nginx's words; and by name what the TLS library of this runtime cannot do, as an
 * error where going on would weaken security.
 */

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { encryptKey, testAuthority } from "../support/ca.ts";
import { dhParameters } from "../support/openssl.ts";
import {
  type Child,
  commandUnderTest,
  freePort,
  skipWithout,
  startChild,
  temporaryFolder,
} from "../support/process.ts";

const UNDER_TEST = process.env["DOORPOST_UNDER_TEST"] ?? "exe";
const LIBRARY = UNDER_TEST === "deno" ? "deno" : /node/.test(UNDER_TEST) ? "node" : "bun";

let folder: string;

before(async () => {
  folder = temporaryFolder("start");
  const authority = await testAuthority();
  const [leaf, other] = [await authority.issue(), await authority.issue({ variant: "other" })];
  const files: Readonly<Record<string, string>> = {
    "a.pem": leaf.certificate,
    "a.key": leaf.key,
    "other.key": other.key,
    "locked.key": (await encryptKey(leaf, "open sesame")).key,
    "passwords": "wrong\n",
    "junk": "this is no PEM\n",
    "ca.pem": authority.certificate,
    "ca.crl": await authority.crl([]),
    "short": "too short",
    "48": "k".repeat(48),
    ...(skipWithout("openssl") === false ? { "dh.pem": dhParameters() } : {}),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** The child of a command over a server with these directives, from line 3 on. */
async function run(command: string, directives: string): Promise<Child> {
  const pair = /ssl_certificate /.test(directives)
    ? ""
    : "ssl_certificate a.pem; ssl_certificate_key a.key;";
  const file = join(folder, "t.conf");
  writeFileSync(
    file,
    `mail { auth_http 127.0.0.1:9/auth; ${pair}\nserver { listen 127.0.0.1:${await freePort()} ssl; ` +
      `protocol imap;\n${directives}\n}}\n`,
  );
  const [program, ...args] = commandUnderTest();
  const named = command === "serve" ? ["serve", "--config", file] : [command, file];
  return startChild(program!, [...args, ...named], { env: { NO_COLOR: "1", COLUMNS: "200" } });
}

/** `LINE:COLUMN severity message` of each finding, as a person sees them. */
function findings(output: string): readonly string[] {
  const pattern = /^\S*t\.conf:(\d+:\d+): (error|warning)\[[\w-]+\]: (.*)$/gm;
  return [...output.matchAll(pattern)].map(([, at, severity, message]) =>
    `${at} ${severity} ${message!.replaceAll(`${folder}/`, "")}`
  );
}

describe("faults in TLS settings", () => {
  const directives = `ssl_certificate gone.pem; ssl_certificate_key junk;
ssl_certificate junk;     ssl_certificate_key gone.key;
ssl_certificate a.pem;    ssl_certificate_key other.key;
ssl_certificate a.pem;    ssl_certificate_key locked.key; ssl_password_file passwords;
ssl_verify_client on;     ssl_client_certificate junk; ssl_trusted_certificate gone.ca;
ssl_session_ticket_key short;`;
  const expected = [
    /^3:17 error cannot load certificate "gone.pem": No such file or directory$/,
    /^3:47 error cannot load certificate key "junk": \S/,
    /^4:17 error cannot load certificate "junk": \S/,
    /^4:47 error cannot load certificate key "gone.key": No such file or directory$/,
    /^5:47 error SSL_CTX_use_PrivateKey\("other.key"\) failed \(SSL: key values mismatch\)$/,
    /^6:47 error cannot load certificate key "locked.key": \S/,
    /^7:50 error cannot load certificate "junk": no certificate in PEM form was found$/,
    /^7:80 error cannot load certificate "gone.ca": No such file or directory$/,
    /^8:24 error "short" must be 48 or 80 bytes$/,
  ];

  for (const command of ["serve", "check-config"]) {
    test(`${command} tells them all at once`, async () => {
      const child = await run(command, directives);
      const { code } = await child.exited;
      assert.equal(code, 1);
      const said = findings(child.output()).filter((line) => / error /.test(line)).sort(byPlace);
      assert.equal(said.length, expected.length, said.join("\n"));
      expected.forEach((pattern, i) => assert.match(said[i]!, pattern));
      assert.doesNotMatch(child.output(), /open sesame|PRIVATE KEY/);
    });
  }

  test("ciphers, curves and commands, in the library's order", async () => {
    const child = await run(
      "check-config",
      "ssl_conf_command Bogus x; ssl_conf_command Options Bogus; ssl_conf_command NumTickets 0;",
    );
    assert.equal((await child.exited).code, 1);
    assert.deepEqual(findings(child.output()), [
      '3:18 error SSL_CONF_cmd("Bogus", "x") failed (SSL: unknown cmd name)',
      '3:52 error SSL_CONF_cmd("Options", "Bogus") failed (SSL: bad value)',
      '3:76 error "ssl_conf_command NumTickets" is not supported',
    ]);
  });
});

function byPlace(a: string, b: string): number {
  const [[lineA, columnA], [lineB, columnB]] = [a, b].map((line) =>
    line.match(/\d+/g)!.map(Number)
  );
  return lineA! - lineB! || columnA! - columnB!;
}

/** What each runtime does with a directive: nothing to say, or how the sentences begin. */
type Outcome = null | RegExp | readonly RegExp[];

interface Case {
  readonly directives: string;
  readonly bun: Outcome;
  readonly deno: Outcome;
  readonly node: Outcome;
}

const warns = (text: string) => new RegExp(`^3:\\d+ warning ${text}`);
const fails = (text: string) => new RegExp(`^3:\\d+ error ${text}`);
const CIPHERS = "SSL_CTX_set_cipher_list\\(.*\\) failed \\(SSL: ";

const CASES: readonly Case[] = [
  {
    directives: "ssl_dhparam dh.pem;",
    bun: warns('"ssl_dhparam": Bun'),
    deno: warns('"ssl_dhparam": Deno'),
    node: null,
  },
  {
    directives: "ssl_ciphers HIGH:!aNULL:!MD5;",
    bun: null,
    deno: warns('"ssl_ciphers": Deno'),
    node: null,
  },
  {
    directives: "ssl_ciphers ECDHE+AESGCM;",
    bun: null,
    deno: fails(`${CIPHERS}Deno.* would also use ECDHE-ECDSA-CHACHA20-POLY1305`),
    node: null,
  },
  {
    directives: "ssl_ciphers ALL:@SECLEVEL=2;",
    bun: fails(`${CIPHERS}BoringSSL has no security levels`),
    deno: warns('"ssl_ciphers": Deno'),
    node: null,
  },
  {
    directives: "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256;",
    bun: warns('"ssl_ciphers": the TLS library has no cipher for DHE-RSA-AES128-GCM-SHA256$'),
    deno: fails(CIPHERS),
    node: null,
  },
  {
    directives: "ssl_ecdh_curve X25519:prime256v1:secp384r1;",
    bun: null,
    deno: warns('"ssl_ecdh_curve": Deno'),
    node: null,
  },
  {
    directives: "ssl_ecdh_curve secp384r1:X448;",
    bun: warns('"ssl_ecdh_curve": the TLS library has no X448: left out$'),
    deno: fails("SSL_CTX_set1_curves_list"),
    node: null,
  },
  {
    directives: "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;",
    bun: null,
    deno: warns('"ssl_protocols": Deno'),
    node: warns('"ssl_protocols": OpenSSL 3 speaks TLSv1'),
  },
  {
    directives: "ssl_protocols TLSv1.1 TLSv1.3; ssl_ciphers HIGH:@SECLEVEL=0;",
    bun: fails('"ssl_protocols": Bun'),
    // TLS 1.3 alone is left, which no cipher string concerns.
    deno: [warns('"ssl_ciphers": Deno'), warns('"ssl_protocols": Deno')],
    node: null,
  },
  {
    directives: "ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;",
    bun: fails("SSL_CONF_cmd.* Bun.* would also use TLS_AES_128_GCM_SHA256"),
    deno: fails("SSL_CONF_cmd.* Deno.* would also use TLS_AES_128_GCM_SHA256"),
    node: null,
  },
  {
    directives: "ssl_conf_command Options PrioritizeChaCha; ssl_prefer_server_ciphers on;",
    bun: warns('"ssl_conf_command": Bun'),
    deno: [warns('"ssl_prefer_server_ciphers": Deno'), warns('"ssl_conf_command": Deno')],
    node: null,
  },
  {
    directives: "ssl_session_tickets off;",
    bun: null,
    deno: fails('"ssl_session_tickets": Deno'),
    node: null,
  },
  {
    directives: "ssl_session_ticket_key 48;",
    bun: warns('"ssl_session_ticket_key": Bun'),
    deno: warns('"ssl_session_ticket_key": Deno'),
    node: null,
  },
  {
    directives: "ssl_session_ticket_key 48; ssl_session_ticket_key 48;",
    bun: warns('"ssl_session_ticket_key": Bun'),
    deno: warns('"ssl_session_ticket_key": Deno'),
    node: warns('"ssl_session_ticket_key": Node takes one'),
  },
  {
    directives: "ssl_session_cache shared:SSL:1m;",
    bun: warns('"ssl_session_cache": Bun'),
    deno: warns('"ssl_session_cache": Deno'),
    node: warns('"ssl_session_cache": Node.* shared by nobody'),
  },
  {
    directives: "ssl_session_cache builtin:100;",
    bun: warns('"ssl_session_cache": Bun'),
    deno: warns('"ssl_session_cache": Deno'),
    node: null,
  },
  {
    directives: "ssl_session_timeout 10m;",
    bun: null,
    deno: warns('"ssl_session_timeout": Deno'),
    node: null,
  },
  {
    directives: "ssl_certificate_compression on;",
    bun: warns('"ssl_certificate_compression" ignored, not supported: '),
    deno: warns('"ssl_certificate_compression" ignored, not supported: '),
    node: warns('"ssl_certificate_compression" ignored, not supported: '),
  },
  {
    directives: "ssl_verify_client on; ssl_client_certificate ca.pem; ssl_crl ca.crl;",
    bun: null,
    deno: fails('"ssl_crl": Deno'),
    node: null,
  },
  {
    directives: "ssl_verify_client on; ssl_trusted_certificate ca.pem; ssl_verify_depth 3;",
    bun: warns('"ssl_trusted_certificate": under Bun'),
    deno: warns('"ssl_trusted_certificate": under Deno'),
    node: warns('"ssl_trusted_certificate": under Node'),
  },
];

describe(`what ${LIBRARY}'s TLS library cannot do is said at the start`, {
  skip: skipWithout("openssl"),
}, () => {
  for (const { directives, ...outcomes } of CASES) {
    const outcome = [outcomes[LIBRARY] ?? []].flat();
    const sources = outcome.map(({ source }) => source);
    test(`${directives} ${sources.join(" and ") || "nothing to say"}`, async () => {
      const child = await run("serve", directives);
      const refused = sources.some((source) => source.includes("error"));
      if (refused) assert.equal((await child.exited).code, 1);
      else await child.said(/^doorpost \S+ ready:/m);
      await child.stop();
      const all = findings(child.output());
      // What else may be said of a server that does not start is not looked at.
      const said = refused ? all.filter((line) => / error /.test(line)).slice(0, 1) : all;
      assert.equal(said.length, outcome.length, said.join("\n"));
      outcome.forEach((pattern, i) => assert.match(said[i]!, pattern));

      const check = await run("check-config", directives);
      assert.equal((await check.exited).code, refused ? 1 : 0);
      const told = findings(check.output());
      for (const line of all) assert.ok(told.includes(line), `check-config is silent: ${line}`);
    });
  }
});
