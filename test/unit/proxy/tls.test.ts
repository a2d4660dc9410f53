/**
 * From `ssl_*` directives to what is asked of the runtime's TLS library: files and pass phrases, every
 * fault in one go and at its place, and what the library lacks said by name.
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { load } from "../../../src/config/load.ts";
import type { ServerSettings } from "../../../src/config/settings.ts";
import {
  type Feature,
  type Runtime,
  type TlsServerSettings,
  TlsSettingError,
} from "../../../src/net/ports.ts";
import { serverTls } from "../../../src/proxy/tls.ts";
import { chooseTls } from "../../../src/proxy/tls/choices.ts";
import { distinct } from "../../../src/proxy/tls/findings.ts";
import { TLS_NEEDS, tlsTable } from "../../../src/proxy/tls/support.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";
import { encryptKey, testAuthority } from "../../support/ca.ts";

type Refusals = Partial<
  Record<keyof TlsServerSettings, string | ((value: never) => string | null)>
>;

interface Stage {
  readonly files?: Readonly<Record<string, string>>;
  readonly lacks?: Partial<Record<Feature, string>>;
  /** Settings that the library refuses, with its words. */
  readonly refuses?: Refusals;
}

interface Played {
  /** `3:5 error text`. */
  readonly findings: readonly string[];
  readonly hints: readonly (string | undefined)[];
  /** What the library was asked for in the end; null when no context came of it. */
  readonly asked: TlsServerSettings | null;
}

/** Line 1 is `mail {`, 2 `server {`, the directives begin in line 3. */
async function settingsOf(directives: string): Promise<ServerSettings> {
  const listen = /listen/.test(directives) ? "" : "listen 993 ssl;";
  const text =
    `mail { auth_http 127.0.0.1:9/auth;\nserver { ${listen} protocol imap;\n${directives}\n}}`;
  const runtime = createMemoryRuntime();
  const host = { cwd: "/etc", hostname: "mx", lookup: () => Promise.reject(new Error("no names")) };
  const { settings, diagnostics } = await load(
    { path: "t.conf", text, syntax: "nginx" },
    { files: runtime.files, host },
    { checkFiles: false },
  );
  const said = diagnostics.map(({ at, message }) => `${at.line}:${at.column} ${message}`).join(
    "\n",
  );
  assert.ok(settings, `${said}\n${text}`);
  return settings.servers[0];
}

async function play(directives: string, stage: Stage = {}): Promise<Played> {
  const settings = await settingsOf(withPair(directives));
  const { leaf } = await material();
  const files = { "/etc/a.pem": leaf.certificate, "/etc/a.key": leaf.key, ...stage.files };
  const memory = createMemoryRuntime({ files });
  let asked: TlsServerSettings | null = null;
  const runtime = {
    supports: (feature: Feature) => stage.lacks?.[feature] ?? true,
    files: memory.files,
    tls: {
      ...memory.tls,
      server: (given: TlsServerSettings) => {
        refuse(given, stage.refuses ?? {});
        asked = given;
        return { tlsContext: "server" };
      },
    },
  } as unknown as Runtime;
  const { context, findings } = serverTls(settings, runtime);
  return {
    findings: findings.map(({ at, severity, message }) =>
      `${at.line}:${at.column} ${severity} ${message}`
    ),
    hints: findings.map(({ hint }) => hint),
    asked: context ? asked : null,
  };
}

const withPair = (directives: string) =>
  /ssl_certificate /.test(directives)
    ? directives
    : `${directives}\nssl_certificate a.pem; ssl_certificate_key a.key;`;

function refuse(given: TlsServerSettings, refusals: Refusals): void {
  for (const [name, words] of Object.entries(refusals)) {
    const value = given[name as keyof TlsServerSettings];
    if (value === undefined) continue;
    const why = typeof words === "string" ? words : words(value as never);
    if (why !== null) throw new TlsSettingError(name as keyof TlsServerSettings, why);
  }
  if (given.certificates.length === 0) throw new TlsSettingError("certificates", "none");
}

async function material() {
  const authority = await testAuthority();
  return {
    authority,
    leaf: await authority.issue(),
    other: await authority.issue({ variant: "other" }),
    locked: await encryptKey(await authority.issue(), "pässwörd 1"),
  };
}

// --- files ---------------------------------------------------------------------------------------

describe("certificates and keys", () => {
  test("RSA and ECDSA pairs go together, in the order of the file", async () => {
    const { authority } = await material();
    const rsa = await authority.issue({ key: "rsa" });
    const { asked, findings } = await play(
      "ssl_certificate a.pem; ssl_certificate_key a.key;\n" +
        "ssl_certificate rsa.pem; ssl_certificate_key rsa.key;",
      { files: { "/etc/rsa.pem": rsa.certificate, "/etc/rsa.key": rsa.key } },
    );
    assert.deepEqual(findings, []);
    assert.deepEqual(asked?.certificates.map(({ key }) => key), [
      (await material()).leaf.key,
      rsa.key,
    ]);
  });

  test("data: holds the text itself", async () => {
    const { leaf } = await material();
    const { asked } = await play(
      `ssl_certificate "data:${leaf.certificate}"; ssl_certificate_key "data:${leaf.key}";`,
    );
    assert.deepEqual(asked?.certificates, [{ certificate: leaf.certificate, key: leaf.key }]);
  });

  test("an encrypted key is opened by one of several pass phrases", async () => {
    const { locked } = await material();
    const { asked, findings } = await play("ssl_password_file pass;", {
      files: { "/etc/a.key": locked.key, "/etc/pass": "wrong\r\n\n  \npässwörd 1\r\nlast" },
    });
    assert.deepEqual(findings, []);
    assert.equal(asked?.certificates[0].passphrase, "pässwörd 1");
  });

  test("without the right one it says so, and shows none", async () => {
    const { locked } = await material();
    const files = { "/etc/a.key": locked.key, "/etc/pass": "wrong\nsecret too" };
    const { findings, hints } = await play("ssl_password_file pass;", { files });
    assert.match(findings[0], /^4:44 error cannot load certificate key "\/etc\/a.key": /);
    assert.equal(hints[0], "put its pass phrase into the file of `ssl_password_file`");
    assert.doesNotMatch(JSON.stringify([findings, hints]), /secret too|PRIVATE/);
    const none = await play("", { files });
    assert.match(none.findings[0], /a.key": it is encrypted, and no pass phrase is known$/);
  });

  test("every fault is told, each at its word", async () => {
    const { leaf, other } = await material();
    const { findings, asked } = await play(
      [
        "ssl_certificate missing.pem; ssl_certificate_key junk.key;",
        "ssl_certificate junk.pem;    ssl_certificate_key missing.key;",
        "ssl_certificate a.pem;       ssl_certificate_key other.key;",
        'ssl_certificate "data:x";    ssl_certificate_key "data:y";',
        "ssl_verify_client on;",
        "ssl_client_certificate missing.ca;",
        "ssl_trusted_certificate junk.pem;",
        "ssl_crl missing.crl;",
        "ssl_dhparam missing.dh;",
        "ssl_ciphers NOPE;",
        "ssl_ecdh_curve nope;",
        "ssl_session_ticket_key short.key;",
        "ssl_session_ticket_key missing.ticket;",
      ].join("\n"),
      {
        files: {
          "/etc/junk.pem": "junk",
          "/etc/junk.key": "junk",
          "/etc/other.key": other.key,
          "/etc/short.key": "too short",
          "/etc/a.pem": leaf.certificate,
        },
        refuses: {
          ciphers: "no cipher match",
          curves: "no such curve",
          ca: "no certificate in PEM form was found",
        },
      },
    );
    const gone = "No such file or directory";
    assert.equal(asked, null);
    assert.deepEqual(findings.map(withoutLibrary).sort(byPlace), [
      `3:17 error cannot load certificate "/etc/missing.pem": ${gone}`,
      '3:50 error cannot load certificate key "/etc/junk.key": ...',
      '4:17 error cannot load certificate "/etc/junk.pem": ...',
      `4:50 error cannot load certificate key "/etc/missing.key": ${gone}`,
      '5:50 error SSL_CTX_use_PrivateKey("/etc/other.key") failed (SSL: key values mismatch)',
      '6:17 error cannot load certificate "data:...": ...',
      '6:50 error cannot load certificate key "data:...": ...',
      `8:24 error cannot load certificate "/etc/missing.ca": ${gone}`,
      '9:25 error cannot load certificate "/etc/junk.pem": no certificate in PEM form was found',
      `10:9 error cannot load CRL "/etc/missing.crl": ${gone}`,
      `11:13 error BIO_new_file("/etc/missing.dh") failed (SSL: ${gone})`,
      '12:13 error SSL_CTX_set_cipher_list("NOPE") failed (SSL: no cipher match)',
      '12:13 warning "ssl_ciphers": the TLS library has no cipher for NOPE',
      '13:16 error SSL_CTX_set1_curves_list("nope") failed (SSL: no such curve)',
      '14:24 error "/etc/short.key" must be 48 or 80 bytes',
      `15:24 error open() "/etc/missing.ticket" failed (2: ${gone})`,
    ]);
  });

  test("files of client certificates are not looked at where none is asked for", async () => {
    const { findings, asked } = await play("ssl_client_certificate none.pem; ssl_crl none.crl;");
    assert.deepEqual(findings, []);
    assert.deepEqual([asked?.requestCertificate, asked?.ca], [false, undefined]);
  });

  test("a server without TLS needs nothing", async () => {
    const { findings } = await play("listen 143; ssl_certificate none.pem; ssl_ciphers NOPE;");
    assert.deepEqual(findings, []);
  });
});

/** The words of node:crypto differ between runtimes. */
function withoutLibrary(line: string): string {
  return line.replace(/(junk\.\w+|data:\.\.\.)": (?!no certificate).*$/, '$1": ...')
    .replace(
      /(junk\.pem|data:\.\.\.)": no certificate in PEM form was found$/,
      (text, name) => line.startsWith("9:") ? text : `${name}": ...`,
    );
}

function byPlace(a: string, b: string): number {
  const place = (line: string) => line.match(/\d+/g)!.slice(0, 2).map(Number);
  const [[lineA, columnA], [lineB, columnB]] = [place(a), place(b)];
  return lineA - lineB || columnA - columnB || (a < b ? -1 : 1);
}

describe("what is asked of the library", () => {
  test("nginx's defaults", async () => {
    const { asked } = await play("");
    const { certificates: _, ...rest } = asked!;
    assert.deepEqual(JSON.parse(JSON.stringify(rest)), {
      protocols: ["TLSv1.2", "TLSv1.3"],
      ciphers: "HIGH:!aNULL:!MD5",
      curves: "auto",
      preferServerCiphers: false,
      requestCertificate: false,
      verifyDepth: 1,
      alpn: ["imap"],
      sessionTickets: true,
      sessionTimeout: 300,
    });
  });

  test("authorities: those that are named to clients, then the others", async () => {
    const { asked } = await play(
      "ssl_verify_client optional; ssl_client_certificate a; ssl_trusted_certificate b;" +
        "ssl_crl c; ssl_verify_depth 3;",
      { files: { "/etc/a": "one", "/etc/b": "two", "/etc/c": "three" } },
    );
    const { requestCertificate, ca, crl, verifyDepth } = asked!;
    assert.deepEqual([requestCertificate, ca, crl, verifyDepth], [
      true,
      ["one", "two"],
      ["three"],
      3,
    ]);
  });

  test("optional_no_ca without authorities trusts nobody", async () => {
    const { asked } = await play("ssl_verify_client optional_no_ca;");
    assert.deepEqual([asked?.requestCertificate, asked?.ca], [true, []]);
  });

  test("ticket keys as bytes, and sessions by nginx's rule of thumb", async () => {
    const { asked } = await play(
      "ssl_session_ticket_key long; ssl_session_ticket_key short; ssl_session_cache shared:M:1m;",
      { files: { "/etc/long": "l".repeat(80), "/etc/short": "s".repeat(48) } },
    );
    assert.deepEqual(asked?.ticketKeys?.map((key) => key.length), [80, 48]);
    assert.equal(asked?.sessionCache, 4096);
    assert.equal((await play("ssl_session_cache builtin:7;")).asked?.sessionCache, 7);
    assert.equal((await play("ssl_session_cache off;")).asked?.sessionCache, undefined);
  });

  test("curves that the library does not know are left out, and told", async () => {
    const known = ["X25519", "P-256"];
    const { asked, findings } = await play("ssl_ecdh_curve X25519:X448:P-256;", {
      refuses: {
        curves: (list: string) =>
          list.split(":").every((name) => known.includes(name)) ? null : "no such curve",
      },
    });
    assert.equal(asked?.curves, "X25519:P-256");
    assert.deepEqual(findings, [
      '3:16 warning "ssl_ecdh_curve": the TLS library has no X448: left out',
    ]);
  });

  test("words without a cipher are told, exclusions and commands are not asked about", async () => {
    const { findings, asked } = await play("ssl_ciphers HIGH:DHE-RSA:!aNULL:-X:+Y:@STRENGTH;", {
      refuses: { ciphers: (list: string) => /^DHE/.test(list) ? "no cipher match" : null },
    });
    assert.deepEqual(findings, [
      '3:13 warning "ssl_ciphers": the TLS library has no cipher for DHE-RSA',
    ]);
    assert.equal(asked?.ciphers, "HIGH:DHE-RSA:!aNULL:-X:+Y:@STRENGTH");
  });
});

// --- ssl_conf_command ----------------------------------------------------------------------------

describe("ssl_conf_command is applied over the settings, in order", () => {
  const cases: readonly (readonly [string, Partial<TlsServerSettings>])[] = [
    ["CipherString AES256", { ciphers: "AES256" }],
    ["Ciphersuites TLS_AES_128_GCM_SHA256", { ciphersuites: "TLS_AES_128_GCM_SHA256" }],
    ["Groups P-384", { curves: "P-384" }],
    ["MinProtocol TLSv1.3", { protocols: ["TLSv1.3"] }],
    ["MaxProtocol TLSv1.2", { protocols: ["TLSv1.2"] }],
    ["MinProtocol TLSv1.1", { protocols: ["TLSv1.2", "TLSv1.3"] }],
    ["Protocol -TLSv1.2", { protocols: ["TLSv1.3"] }],
    ["Protocol TLSv1.1", { protocols: ["TLSv1.1", "TLSv1.2", "TLSv1.3"] }],
    ['Protocol "-ALL, TLSv1.2"', { protocols: ["TLSv1.2"] }],
    ["Options -SessionTicket", { sessionTickets: false }],
    ["Options ServerPreference,PrioritizeChaCha", {
      preferServerCiphers: true,
      prioritizeChaCha: true,
    }],
  ];
  for (const [command, expected] of cases) {
    test(command, async () => {
      const { asked, findings } = await play(`ssl_conf_command ${command};`);
      assert.deepEqual(findings, []);
      for (const [name, value] of Object.entries(expected)) {
        assert.deepEqual(asked?.[name as keyof TlsServerSettings], value, name);
      }
    });
  }

  test("the last word counts, also over the directive", async () => {
    const { asked } = await play(
      "ssl_session_tickets off; ssl_conf_command Options SessionTicket;" +
        "ssl_conf_command Curves X25519; ssl_conf_command Groups P-256; ssl_ecdh_curve P-521;",
    );
    assert.deepEqual([asked?.sessionTickets, asked?.curves], [true, "P-256"]);
  });

  test("no version left", async () => {
    const { findings } = await play("ssl_conf_command Protocol -ALL;", {
      refuses: { protocols: (list: readonly string[]) => list.length > 0 ? null : "none" },
    });
    assert.deepEqual(findings, [
      '3:18 error no version of TLS is left in "ssl_conf_command": none',
    ]);
  });

  test("Certificate and PrivateKey are one more pair", async () => {
    const { other } = await material();
    const files = { "/etc/b.pem": other.certificate, "/etc/b.key": other.key };
    const commands = "ssl_conf_command PrivateKey b.key; ssl_conf_command Certificate b.pem;";
    const { asked, findings } = await play(commands, { files });
    assert.deepEqual(findings, []);
    assert.equal(asked?.certificates.length, 2);
    assert.equal(asked?.certificates[1].key, other.key);
    const alone = await play("ssl_conf_command Certificate b.pem;", { files });
    assert.deepEqual(alone.findings, [
      '3:18 error "Certificate" and "PrivateKey" in "ssl_conf_command" go in pairs',
    ]);
  });

  test("choices know who made them", async () => {
    const { ciphers, curves } = chooseTls(
      await settingsOf(
        "ssl_certificate a; ssl_certificate_key b; ssl_conf_command CipherString X;",
      ),
    );
    assert.deepEqual([ciphers.directive, ciphers.at.line, ciphers.written], [
      "ssl_conf_command",
      3,
      true,
    ]);
    assert.deepEqual([curves.directive, curves.written], ["ssl_ecdh_curve", false]);
  });
});

// --- what a library lacks ------------------------------------------------------------------------

describe("what the library lacks is said by name", () => {
  /** Directives that need each feature, and how bad it is to be without. */
  const cases: readonly (readonly [Feature, string, string])[] = [
    ["tls-ciphers", "ssl_ciphers HIGH;", '3:13 warning "ssl_ciphers"'],
    ["tls-ciphers", "ssl_conf_command CipherString HIGH;", '3:18 warning "ssl_ciphers"'],
    ["tls-ciphersuites", "ssl_conf_command Ciphersuites X;", '3:18 warning "ssl_conf_command"'],
    ["tls-curves", "ssl_ecdh_curve X25519;", '3:16 warning "ssl_ecdh_curve"'],
    ["tls-dhparam", "ssl_dhparam a.pem;", '3:13 warning "ssl_dhparam"'],
    ["tls-protocols-old", "ssl_protocols TLSv1.1 TLSv1.2;", '3:15 warning "ssl_protocols"'],
    [
      "tls-protocols-old-by-default",
      "ssl_protocols TLSv1 TLSv1.2;",
      '3:15 warning "ssl_protocols"',
    ],
    ["tls-protocols-gap", "ssl_protocols TLSv1.1 TLSv1.3;", '3:15 error "ssl_protocols"'],
    [
      "tls-prefer-server-ciphers",
      "ssl_prefer_server_ciphers on;",
      '3:27 warning "ssl_prefer_server_ciphers"',
    ],
    [
      "tls-prioritize-chacha",
      "ssl_conf_command Options PrioritizeChaCha;",
      '3:18 warning "ssl_conf_command"',
    ],
    ["tls-crl", "ssl_verify_client optional_no_ca; ssl_crl a.pem;", '3:43 error "ssl_crl"'],
    [
      "tls-unnamed-authorities",
      "ssl_verify_client on; ssl_trusted_certificate a.pem;",
      '3:47 warning "ssl_trusted_certificate"',
    ],
    ["tls-tickets-off", "ssl_session_tickets off;", '3:21 error "ssl_session_tickets"'],
    [
      "tls-tickets-off",
      "ssl_conf_command Options -SessionTicket;",
      '3:18 error "ssl_session_tickets"',
    ],
    [
      "tls-ticket-keys",
      "ssl_session_ticket_key t;",
      '3:24 warning "ssl_session_ticket_key"',
    ],
    [
      "tls-ticket-keys-several",
      "ssl_session_ticket_key t; ssl_session_ticket_key t;",
      '3:24 warning "ssl_session_ticket_key"',
    ],
    ["tls-session-timeout", "ssl_session_timeout 1m;", '3:21 warning "ssl_session_timeout"'],
    ["tls-session-cache", "ssl_session_cache builtin;", '3:19 warning "ssl_session_cache"'],
    [
      "tls-session-cache-shared",
      "ssl_session_cache shared:SSL:1m;",
      '3:19 warning "ssl_session_cache"',
    ],
    [
      "tls-certificate-compression",
      "ssl_certificate_compression on;",
      '3:29 warning "ssl_certificate_compression" ignored, not supported',
    ],
  ];
  const files = { "/etc/t": "t".repeat(48) };
  for (const [feature, directives, said] of cases) {
    test(`${feature}: ${directives}`, async () => {
      const stage = { files, lacks: { [feature]: "the library cannot" } };
      const { findings, asked } = await play(directives, stage);
      assert.deepEqual(findings, [`${said}: the library cannot`]);
      assert.equal(asked === null, / error /.test(said));
      assert.deepEqual((await play(directives, { files })).findings, []);
    });
  }

  test("every need has its case here", () => {
    const tried = new Set(cases.map(([feature]) => feature));
    assert.deepEqual(
      TLS_NEEDS.map(({ feature }) => feature).filter((each) => !tried.has(each)),
      [],
    );
  });

  test("defaults need nothing, whatever is lacking", async () => {
    const lacks = Object.fromEntries(TLS_NEEDS.map(({ feature }) => [feature, "no"]));
    const { findings, asked } = await play("", { lacks });
    assert.deepEqual(findings, []);
    assert.deepEqual([asked?.ciphers, asked?.curves], [undefined, undefined]);
  });

  test("a value that must not be passed over is an error beside", async () => {
    const { findings, asked } = await play("ssl_ciphers AES128;", {
      lacks: { "tls-ciphers": "fixed" },
      refuses: { ciphers: "it would also use AES256" },
    });
    assert.deepEqual(findings, [
      '3:13 warning "ssl_ciphers": fixed',
      '3:13 error SSL_CTX_set_cipher_list("AES128") failed (SSL: it would also use AES256)',
    ]);
    assert.equal(asked, null);
  });

  test("where there is none of it, nothing is said of a finer point", async () => {
    const lacks = { "tls-ticket-keys": "none", "tls-ticket-keys-several": "one alone" };
    const directives = "ssl_session_ticket_key t; ssl_session_ticket_key t;";
    const { findings } = await play(directives, { files, lacks });
    assert.deepEqual(findings, ['3:24 warning "ssl_session_ticket_key": none']);
  });

  test("TLS 1.0 and 1.1 at their security level are no trap", async () => {
    const directives = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers ALL:@SECLEVEL=0;";
    const lacks = { "tls-protocols-old-by-default": "only with @SECLEVEL=0" };
    assert.deepEqual((await play(directives, { lacks })).findings, []);
  });

  test("the table says for each runtime what it lacks", () => {
    const table = tlsTable({ one: { "tls-crl": "no lists" }, two: {} });
    const row = table.find(({ feature }) => feature === "tls-crl");
    assert.deepEqual(row, {
      directive: "ssl_crl",
      use: "",
      feature: "tls-crl",
      without: "error",
      runtimes: { one: "no lists", two: true },
    });
    assert.equal(table.length, TLS_NEEDS.length);
  });

  test("servers that inherit a directive share its findings", () => {
    const at = { file: "t.conf", line: 1, column: 2, length: 3 };
    const finding = { at, severity: "warning", rule: "r", message: "m" } as const;
    assert.deepEqual(distinct([finding, { ...finding }, { ...finding, message: "n" }]).length, 2);
  });
});
