/** Settings shown as text and read again are the same settings, in both syntaxes. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { bind } from "../../../src/config/bind.ts";
import { Findings } from "../../../src/config/findings.ts";
import { layoutOf } from "../../../src/config/layout.ts";
import { print } from "../../../src/config/print.ts";
import type { Settings } from "../../../src/config/settings.ts";
import type { Statement, Syntax, Word } from "../../../src/config/tree.ts";
import { HOSTNAME, line, loadText, settingsOf, values } from "./support.ts";

// --- any settings ----------------------------------------------------------------------------------

/** Words of one statement. */
type Words = readonly string[];

const one = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<Words> =>
  arbitrary.map((word) => [word]);
const flag = one(fc.constantFrom("on", "off", "ON"));
const number = one(fc.nat().map(String));
const time = one(fc.oneof(
  fc.nat(100_000).map((count) => `${count}s`),
  fc.nat(100_000).map((count) => `${count}ms`),
  fc.constantFrom("0", "1w2d", "1h 30m", "24h"),
));
const seconds = one(fc.nat(1_000_000).map((count) => `${count}s`));
const size = one(fc.oneof(fc.integer({ min: 1 }).map(String), fc.constantFrom("8k", "1M")));
/** Letters of every script, signs, spaces, quotes, controls: but no lone surrogates, which no file holds. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.array(fc.constantFrom(..."\"'\\;{}#$ \t\r\n\x7f\x00tnr[]=,é"), { maxLength: 12 }).map((all) =>
    all.join("")
  ),
);
const path = one(fc.oneof(text.filter((each) => each !== ""), fc.constant("/etc/ssl/a.pem")));
const list = fc.array(text, { minLength: 1, maxLength: 4 });
const pair = fc.tuple(text, text);
const setOf = (...words: readonly string[]): fc.Arbitrary<Words> =>
  fc.subarray([...words], { minLength: 1 });

const DIRECTIVES: Readonly<Record<string, fc.Arbitrary<Words>>> = {
  server_name: one(fc.constantFrom("mail.example.com", "", "mx", "ümläut.example")),
  timeout: time,
  max_errors: number,
  resolver: fc.constantFrom(["off"], ["127.0.0.1", "[::1]:5353", "valid=1m"], [
    "ns.example.com",
    "ipv4=off",
  ]),
  resolver_timeout: time,
  so_keepalive: flag,
  starttls: one(fc.constantFrom("off", "on", "only")),
  ssl_certificate: path,
  ssl_password_file: path,
  ssl_ecdh_curve: one(text),
  ssl_protocols: setOf("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
  ssl_ciphers: one(text),
  ssl_prefer_server_ciphers: flag,
  ssl_session_cache: fc.constantFrom(["off"], ["none"], ["builtin"], [
    "builtin:7",
    "shared:A b:1m",
  ]),
  ssl_session_ticket_key: path,
  ssl_session_timeout: seconds,
  ssl_verify_client: one(fc.constantFrom("off", "optional_no_ca")),
  ssl_crl: path,
  ssl_conf_command: fc.oneof(
    fc.tuple(fc.constantFrom("Curves", "ciphersuites"), text),
    fc.constantFrom(["Options", "-SessionTicket, ServerPreference"], ["Protocol", "ALL,-TLSv1"]),
  ),
  auth_http_header: pair,
  auth_http_timeout: time,
  proxy_buffer: size,
  proxy_protocol: one(fc.constantFrom("off", "on", "v2")),
  xclient: flag,
  imap_capabilities: list,
  imap_auth: setOf("plain", "login", "cram-md5", "external"),
  pop3_client_buffer: size,
  auth_http_keepalive: one(fc.constantFrom("auto", "off", "1", "64")),
  smtp_greeting_delay: time,
  smtp_capabilities: list,
  smtp_auth: setOf("plain", "login", "none"),
  set_real_ip_from: one(
    fc.constantFrom("10.0.0.0/8", "unix:", "::1", "2001:db8::/32", "localhost"),
  ),
  error_log: fc.constantFrom(["stderr"], ["/var/log/a b", "info"], [
    "syslog:server=127.0.0.1,tag=a",
  ]),
};

const GLOBAL: Readonly<Record<string, fc.Arbitrary<Words>>> = {
  worker_processes: one(fc.constantFrom("1", "4", "auto")),
  worker_rlimit_nofile: number,
  worker_shutdown_timeout: time,
  user: fc.constantFrom(["mail"], ["mail", "ma il"]),
  pid: path,
  error_log: DIRECTIVES.error_log,
};

const LISTEN_PARAMETERS: Words = [
  "ssl",
  "proxy_protocol",
  "bind",
  "backlog=9",
  "rcvbuf=8k",
  "ipv6only=off",
  "so_keepalive=1m::3",
  "so_keepalive=off",
];

const here = { file: "tree", line: 1, column: 1, length: 1 };
const word = (text: string): Word => ({ text, at: here });

function statement(
  name: string,
  words: Words,
  block: readonly Statement[] | null = null,
): Statement {
  return { name: word(name), words: words.map(word), block };
}

/** Some of these directives, each once. */
function some(rows: Readonly<Record<string, fc.Arbitrary<Words>>>): fc.Arbitrary<Statement[]> {
  const names = fc.subarray(Object.keys(rows));
  return names.chain((chosen) =>
    fc.tuple(...chosen.map((name) => rows[name].map((words) => statement(name, words))))
  );
}

/** A listener on a port that no other server has. */
function listener(port: number): fc.Arbitrary<Statement> {
  const address = fc.constantFrom(
    String(port),
    `[::1]:${port}`,
    `mail.example.com:${port}`,
    `${port}-${port + 2}`,
    `unix:/run/${port} sock`,
  );
  return fc.tuple(address, fc.subarray([...LISTEN_PARAMETERS]))
    .map(([at, parameters]) => statement("listen", [at, ...parameters]));
}

function server(port: number): fc.Arbitrary<Statement> {
  const fixed = fc.constantFrom("imap", "pop3", "smtp").map((name) =>
    statement("protocol", [name])
  );
  return fc.tuple(fixed, listener(port), some(DIRECTIVES))
    .map(([protocol, listen, rest]) => statement("server", [], [protocol, listen, ...rest]));
}

const configuration: fc.Arbitrary<readonly Statement[]> = fc.tuple(
  some(GLOBAL),
  some(DIRECTIVES),
  fc.tuple(server(1000), server(2000)),
  fc.nat(2),
).map(([main, mail, servers, count]) => {
  const needed = [
    statement("auth_http", ["127.0.0.1:9000/auth"]),
    statement("ssl_certificate", ["data:a"]),
    statement("ssl_certificate_key", ["a.key"]),
    statement("ssl_certificate_key", ["b.key"]),
  ];
  return [...main, statement("mail", [], [...needed, ...mail, ...servers.slice(0, count)])];
});

/** The settings of a tree; null when a combination is refused. */
function settingsOfTree(statements: readonly Statement[]): Settings | null {
  const names: Record<string, readonly string[]> = {
    "localhost": ["127.0.0.1"],
    "mail.example.com": ["192.0.2.1", "2001:db8::1"],
    "ns.example.com": ["192.0.2.53"],
  };
  const surroundings = {
    folder: "/etc/doorpost",
    hostname: HOSTNAME,
    lookup: (name: string) => names[name] ?? null,
  };
  return bind({ syntax: "nginx", file: "tree", statements }, surroundings, new Findings()).settings;
}

// --- the property ----------------------------------------------------------------------------------

for (const syntax of ["toml", "nginx"] as const) {
  for (const all of [false, true]) {
    test(`${syntax}${all ? ", all shown" : ""}: what is shown is read as it was`, async () => {
      let compared = 0;
      const property = fc.asyncProperty(configuration, async (statements) => {
        const settings = settingsOfTree(statements);
        if (!settings) return;
        compared++;
        const shown = print(settings, syntax, { all });
        const again = await loadText(shown, syntax);
        assert.ok(again.settings, `${again.diagnostics.map(line).join("\n")}\n${shown}`);
        assert.deepEqual(values(again.settings), values(settings));
        assert.equal(print(again.settings, syntax, { all }), shown);
      });
      await fc.assert(property, { numRuns: 150 });
      assert.ok(compared > 75, `only ${compared} configurations were accepted`);
    });
  }
}

// --- with comments ---------------------------------------------------------------------------------

/** What a text is given between its lines and behind them. */
const garnish = fc.array(fc.constantFrom("", "", "", "own", "blank", "end", "all"), {
  minLength: 1,
  maxLength: 40,
});

/** The text with comments and blank lines, each comment with its number. */
function withComments(text: string, places: readonly string[]): string {
  return text.split("\n").flatMap((line, i) => {
    const what = places[i % places.length];
    const own = what === "own" || what === "all" ? [`  # own ${i}`] : [];
    const blank = what === "blank" || what === "all" ? [""] : [];
    const end = (what === "end" || what === "all") && line !== "" ? ` # end ${i}` : "";
    return [...own, ...blank, line + end];
  }).join("\n");
}

async function convert(text: string, from: Syntax, to: Syntax) {
  const loaded = await loadText(text, from, { comments: true });
  const { settings, tree, outlines } = loaded;
  assert.ok(settings && tree && outlines, `${loaded.diagnostics.map(line).join("\n")}\n${text}`);
  const layout = layoutOf(tree, outlines);
  const shown = print(settings, to, { layout });
  return { said: values(settings), shown, left: layout.left() };
}

/** Numbers of the comments that `withComments` made. */
function numbers(text: string): readonly string[] {
  return [...text.matchAll(/# (?:own|end) \d+$/gm)].map(([found]) => found).sort();
}

for (const [from, to] of [["toml", "nginx"], ["nginx", "toml"]] as const) {
  test(`${from} to ${to} and back keeps settings and comments`, async () => {
    const property = fc.asyncProperty(configuration, garnish, async (statements, places) => {
      const settings = settingsOfTree(statements);
      if (!settings || settings.servers.length === 0) return;
      const text = withComments(print(settings, from), places);
      const there = await convert(text, from, to);
      const back = await convert(there.shown, to, from);
      assert.deepEqual(there.said, values(settings));
      assert.deepEqual(back.said, there.said);
      assert.deepEqual(there.left, []);
      assert.deepEqual(numbers(there.shown), numbers(text), `${text}\n===\n${there.shown}`);
      assert.equal((await convert(back.shown, from, to)).shown, there.shown);
      assert.equal((await convert(back.shown, from, from)).shown, back.shown);
    });
    await fc.assert(property, { numRuns: 150 });
  });
}

// --- the form --------------------------------------------------------------------------------------

const EXAMPLE = `worker_processes 2;
mail {
  auth_http 127.0.0.1:9000;
  auth_http_header X-Key "two words";
  timeout 90s;
  starttls on;
  ssl_certificate /a.pem;
  ssl_certificate_key "data:very secret";
  server { listen 143; listen [::]:143 bind; imap_auth plain login; }
  server { listen 110; timeout 5s; }
}`;

describe("the text", () => {
  test("in TOML has natural types and what servers share at its top", async () => {
    assert.equal(
      print(await settingsOf(EXAMPLE, "nginx"), "toml"),
      `worker_processes = 2
starttls = "on"
ssl_certificate = "/a.pem"
ssl_certificate_key = "data:very secret"
auth_http = "127.0.0.1:9000"
auth_http_header = [["X-Key", "two words"]]

[[server]]
listen = ["143", "[::]:143 bind"]
protocol = "imap"
timeout = "90s"
imap_auth = ["plain", "login"]

[[server]]
listen = "110"
protocol = "pop3"
timeout = "5s"
`,
    );
  });

  test("in nginx.conf has blocks, and quotes where they are needed", async () => {
    assert.equal(
      print(await settingsOf(EXAMPLE, "nginx"), "nginx"),
      `worker_processes 2;

mail {
    starttls on;
    ssl_certificate /a.pem;
    ssl_certificate_key "data:very secret";
    auth_http 127.0.0.1:9000;
    auth_http_header X-Key "two words";

    server {
        listen 143;
        listen [::]:143 bind;
        protocol imap;
        timeout 90s;
        imap_auth plain login;
    }

    server {
        listen 110;
        protocol pop3;
        timeout 5s;
    }
}
`,
    );
  });

  test("can hide what is secret in it", async () => {
    const settings = await settingsOf(EXAMPLE, "nginx");
    for (const syntax of ["toml", "nginx"] as const) {
      const shown = print(settings, syntax, { redact: true });
      assert.doesNotMatch(shown, /two words|very secret/);
      assert.match(shown, /X-Key/);
      assert.match(shown, /data:\[secret\]/);
    }
  });

  test("with all shown names the defaults too", async () => {
    const shown = print(await settingsOf(EXAMPLE, "nginx"), "toml", { all: true });
    assert.match(shown, /^max_errors = 5$/m);
    assert.match(shown, /^error_log = "stderr error"$/m);
    assert.match(shown, /^resolver = "off"$/m);
    assert.match(shown, /^server_name = "proxy.example.com"$/m);
  });
});
