/**
 * The same file before nginx (`nginx -t`) and before `check-config`: accepted by both, or refused by both
 * at the same line in the same words. The table says where they differ: on purpose, as
 * docs/differences.md has it, or because nginx's words changed with its version. Then what `check-config`
 * does alone: files, limits, conversion.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer as createHttpServer } from "node:http";
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
} from "node:net";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { testAuthority } from "../support/ca.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { commandUnderTest, findProgram, startChild, temporaryFolder } from "../support/process.ts";
import { ROOT } from "../support/source.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_mail_module.so";

interface Case {
  readonly name: string;
  /** Lines of the mail block; or a whole file, if it begins with `!`. */
  readonly text: string;
  /** Why we judge in another way; absent = the same. */
  readonly differs?: "we accept" | "other words" | "other line";
}

const SERVER = "server { listen 127.0.0.1:10143; protocol imap; }";
const TLS = "ssl_certificate mail.crt; ssl_certificate_key mail.key;";
const inServer = (lines: string) => `server { listen 127.0.0.1:10143; protocol imap; ${lines} }`;

const CASES: readonly Case[] = [
  { name: "a plain server", text: SERVER },
  { name: "an empty mail block", text: "" },
  {
    name: "comments and quotes",
    text: `# ; {\nserver_name "a b"; # }\n`.replace("a b", "ab") + SERVER,
  },
  { name: "a variable's brace in a word", text: `imap_capabilities "\${x}";\n${SERVER}` },
  {
    name: "every kind of listener",
    text: inServer("listen [::1]:10143; listen unix:/tmp/x.sock;"),
  },
  {
    name: "parameters of listen",
    text:
      "server { listen 127.0.0.1:10143 bind backlog=9 rcvbuf=8k so_keepalive=1m::3; protocol imap; }",
  },
  { name: "TLS with a certificate", text: inServer(`starttls on; ${TLS}`) },
  {
    name: "a certificate in the file",
    text: inServer(`starttls only; ${TLS} ssl_protocols TLSv1.2;`),
  },
  { name: "sizes and times", text: `timeout 1m 30s;\n${SERVER}`.replace("1m 30s", '"1m 30s"') },
  { name: "a directive twice, where the last counts", text: inServer("protocol pop3;") },
  { name: "all methods", text: `smtp_auth plain login cram-md5 external none;\n${SERVER}` },

  { name: "an unknown directive", text: `timeuot 60s;\n${SERVER}` },
  {
    name: "a directive of another module",
    text: `proxy_pass http://x;\n${SERVER}`,
    differs: "other words",
  },
  { name: "a directive in the wrong block", text: `listen 143;\n${SERVER}` },
  { name: "a directive of the main level in mail", text: `worker_processes 1;\n${SERVER}` },
  { name: "a duplicate", text: `timeout 60s;\ntimeout 90s;\n${SERVER}` },
  { name: "two mail blocks", text: `!events {}\nmail {\n}\nmail {\n}\n` },
  { name: "too many words", text: `timeout 60 s;\n${SERVER}` },
  { name: "too few words", text: `timeout;\n${SERVER}` },
  { name: "a wrong time", text: `timeout 60x;\n${SERVER}` },
  { name: "units in the wrong order", text: `timeout 30s1m;\n${SERVER}` },
  { name: "a wrong size", text: `imap_client_buffer 4q;\n${SERVER}` },
  { name: "a wrong number", text: `max_errors five;\n${SERVER}` },
  { name: "a wrong flag", text: `xclient yes;\n${SERVER}` },
  { name: "a wrong word", text: `starttls maybe;\n${SERVER}` },
  { name: "a wrong word in a set", text: `imap_auth plain digest;\n${SERVER}` },
  { name: "an unknown protocol", text: inServer("protocol imap4;") },
  { name: "no protocol", text: "server { listen 127.0.0.1:10143; }" },
  { name: "no listener", text: "server { protocol imap; }" },
  { name: "no auth server", text: `!events {}\nmail {\n    ${SERVER}\n}\n` },
  { name: "a port out of range", text: "server { listen 127.0.0.1:70000; protocol imap; }" },
  { name: "no port", text: "server { listen 127.0.0.1:; protocol imap; }" },
  {
    name: "an unknown parameter of listen",
    text: "server { listen 127.0.0.1:10143 deferred; protocol imap; }",
    differs: "other words",
  },
  { name: "one address twice", text: inServer("listen 127.0.0.1:10143;") },
  { name: "starttls without a certificate", text: inServer("starttls on;") },
  { name: "a certificate without a key", text: inServer("starttls on; ssl_certificate mail.crt;") },
  {
    name: "a missing certificate",
    text: inServer("starttls on; ssl_certificate no.crt; ssl_certificate_key mail.key;"),
    differs: "other words",
  },
  {
    name: "a key that does not match",
    text: inServer("starttls on; ssl_certificate mail.crt; ssl_certificate_key other.key;"),
    differs: "other words",
  },
  {
    name: "a certificate that is none",
    text: inServer("starttls on; ssl_certificate mail.key; ssl_certificate_key mail.key;"),
    differs: "other words",
  },
  {
    name: "ciphers that nobody knows",
    text: inServer(`starttls on; ${TLS} ssl_ciphers HIHG;`),
    differs: "other words",
  },
  {
    name: "a missing dhparam",
    text: inServer(`starttls on; ${TLS} ssl_dhparam no.pem;`),
    differs: "other words",
  },
  {
    name: "clients verified against nothing",
    text: inServer(`starttls on; ${TLS} ssl_verify_client on;`),
    differs: "other words",
  },
  {
    name: "a wrong range",
    text: `set_real_ip_from 10.0.0.0/33;\n${SERVER}`,
    differs: "other words",
  },
  { name: "a wrong session cache", text: `ssl_session_cache shared:x;\n${SERVER}` },
  {
    name: "a missing semicolon",
    text: `timeout 60s\nmax_errors 5;\n${SERVER}`,
    differs: "other line",
  },
  {
    name: "a missing semicolon at the end of a block",
    text: "server { listen 127.0.0.1:10143; protocol imap }",
  },
  { name: "a missing brace", text: `!events {}\nmail {\n    ${SERVER}\n` },
  { name: "a brace too many", text: `!events {}\nmail {\n}\n}\n` },
  {
    name: "a quote that is not closed",
    text: `server_name "mail;\n${SERVER}`,
    differs: "other line",
  },
  { name: "something behind a quote", text: `server_name "mail"x;\n${SERVER}` },
  { name: "a block where none can be", text: `timeout 60s { }\n${SERVER}` },
  { name: "a server without a block", text: "server;" },
  { name: "a missing include", text: `include nosuch.conf;\n${SERVER}` },
  { name: "an include without files", text: `include conf.d/*.none;\n${SERVER}` },
  { name: "an unknown host for auth_http", text: `auth_http nosuch.invalid:9000;\n${SERVER}` },

  {
    name: "https for auth_http",
    text: inServer("auth_http https://127.0.0.1:9000/;"),
    differs: "other words",
  },
  {
    name: "no events block",
    text: `!mail {\n    auth_http 127.0.0.1:9000;\n    ${SERVER}\n}\n`,
    differs: "we accept",
  },
  {
    name: "several server names",
    text: inServer("server_name a.example b.example;"),
    differs: "we accept",
  },
];

interface Diagnostic {
  readonly line: number;
  readonly severity: string;
  readonly message: string;
}

interface Checked {
  readonly file: string;
  readonly good: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

let folder = "";

before(async () => {
  folder = temporaryFolder("check-config");
  const authority = await testAuthority();
  const leaf = await authority.issue({ names: ["mail.example.com"] });
  const other = await authority.issue({ names: ["other.example.com"] });
  const soon = await authority.issue({ names: ["mail.example.com"], validity: "soon" });
  mkdirSync(join(folder, "conf.d"));
  const files = {
    "mail.crt": leaf.certificate,
    "mail.key": leaf.key,
    "other.crt": other.certificate,
    "other.key": other.key,
    "soon.crt": soon.certificate,
    "soon.key": soon.key,
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  }
});

after(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** One run of the command under test, in the folder. */
function doorpost(args: readonly string[], input = ""): Ran {
  const [command, ...first] = commandUnderTest();
  const all = [...first, "check-config", ...args];
  const env = { ...process.env, NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(command!, all, { cwd: folder, input, env });
  return { status, out: String(stdout), err: String(stderr) };
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

/** A whole configuration; what is added stands on the lines that it had. */
function whole({ text }: Case): string {
  if (text.startsWith("!")) return text.slice(1);
  return `events {}\nmail {\nauth_http 127.0.0.1:9000;\n${text}\n}\n`.replace(
    "auth_http 127.0.0.1:9000;\nauth_http",
    "auth_http",
  );
}

describe("nginx -t and check-config", { skip: skipWithoutNginx() }, () => {
  let ours: ReadonlyMap<string, Checked>;

  before(() => {
    const names = CASES.map((each, i) => write(`${i}.conf`, whole(each)));
    const { files } = JSON.parse(doorpost(["--format", "json", ...names]).out);
    ours = new Map((files as Checked[]).map((each) => [each.file, each]));
  });

  for (const [i, { name, differs }] of CASES.entries()) {
    test(name, () => {
      const checked = ours.get(`${i}.conf`)!;
      const said = nginxSays(join(folder, `${i}.conf`));
      const errors = checked.diagnostics.filter(({ severity }) => severity === "error");
      const shown = `nginx: ${said ?? "fine"}\nours: ${JSON.stringify(errors)}`;
      assert.equal(checked.good, errors.length === 0);
      if (differs === "we accept") assert.ok(said !== null && checked.good, shown);
      else assert.equal(checked.good, said === null, shown);
      if (said === null || differs !== undefined) return;
      const [, message, line] = /^(.*?)(?: in \S+?:(\d+))?$/.exec(said)!;
      const same = errors.find((each) => each.message === message.replace(`${folder}/`, ""));
      const close = same ?? errors.find((each) => each.message === message);
      assert.ok(close, shown);
      if (line !== undefined) assert.equal(close.line, Number(line), shown);
    });
  }
});

/** What nginx has against the file; null when it is fine. */
function nginxSays(file: string): string | null {
  const surroundings = `load_module ${MODULE}; pid ${folder}/nginx.pid;`;
  const args = ["-t", "-p", folder, "-c", file, "-e", "stderr", "-g", surroundings];
  const { status, stderr } = spawnSync(findProgram("nginx")!, args);
  if (status === 0) return null;
  const found = /\[emerg\] (?:\d+#\d+: )?(.*)$/m.exec(String(stderr));
  return found?.[1] ?? String(stderr);
}

describe("check-config alone", () => {
  const GOOD = `auth_http = "127.0.0.1:9000/auth"
server_name = "mail.example.com"
[[server]]
listen = "127.0.0.1:10993 ssl"
protocol = "imap"
ssl_certificate = "CERT.crt"
ssl_certificate_key = "CERT.key"
`;

  test("a good file: nginx's two lines on standard error, nothing else", () => {
    const file = write("good.toml", GOOD.replaceAll("CERT", "mail"));
    assert.deepEqual(doorpost(["--strict", file]), {
      status: 0,
      out: "",
      err: "doorpost: the configuration file good.toml syntax is ok\n" +
        "doorpost: configuration file good.toml test is successful\n",
    });
  });

  const DEEP: readonly (readonly [name: string, toml: string, rule: string])[] = [
    ["the certificate ends soon", GOOD.replaceAll("CERT", "soon"), "certificate-expiry"],
    ["the certificate is another's", GOOD.replaceAll("CERT", "other"), "certificate-name"],
    [
      "the key is another's",
      GOOD.replace("CERT.crt", "mail.crt").replace("CERT", "other"),
      "tls-setting",
    ],
    ["the key is not there", GOOD.replace("CERT.crt", "mail.crt"), "missing-file"],
    [
      "the CA file is none",
      withTls('ssl_verify_client = "on"\nssl_client_certificate = "mail.key"'),
      "tls-setting",
    ],
    [
      "the CRL is none",
      withTls(
        'ssl_verify_client = "on"\nssl_client_certificate = "mail.crt"\nssl_crl = "mail.crt"',
      ),
      "tls-setting",
    ],
    ["the dhparam file is none", withTls('ssl_dhparam = "mail.crt"'), "tls-setting"],
    ["the password file is not there", withTls('ssl_password_file = "none"'), "missing-file"],
    [
      "the ticket key has the wrong size",
      withTls('ssl_session_ticket_key = "mail.crt"'),
      "invalid-value",
    ],
    ["no cipher is known", withTls('ssl_ciphers = "HIHG"'), "tls-setting"],
    ["one cipher is unknown", withTls('ssl_ciphers = "HIGH:HIHG"'), "unsupported-here"],
    [
      "one address covers another",
      withTls("").replace('"127.0.0.1:10993 ssl"', '["[::]:10993 ssl ipv6only=off", "10993 ssl"]'),
      "address-covered",
    ],
    [
      "an address that no interface can have",
      withTls("").replace("127.0.0.1:", "256.0.0.1:"),
      "invalid-value",
    ],
    ["nothing is served", 'auth_http = "127.0.0.1:9000"\n', "no-server"],
    [
      "more connections than files",
      `worker_connections = 2000000000\n${withTls("")}`,
      "open-files",
    ],
    [
      "a longer backlog than the kernel grants",
      withTls("").replace(" ssl", " ssl backlog=2000000000"),
      "backlog-cut",
    ],
    [
      "more sessions than local ports",
      `worker_connections = 2000000000\n${withTls("")}`,
      "local-ports",
    ],
  ];

  function withTls(lines: string): string {
    return `${GOOD.replaceAll("CERT", "mail")}${lines}\n`;
  }

  test("what is wrong with files, addresses and limits is found", () => {
    const names = DEEP.map(([, toml], i) => write(`deep-${i}.toml`, toml));
    const { files } = JSON.parse(doorpost(["--format=json", ...names]).out);
    for (const [i, [name, , rule]] of DEEP.entries()) {
      const rules = (files[i].diagnostics as { rule: string }[]).map((each) => each.rule);
      // Some runtimes cannot do it at all, and say that instead.
      const found = rules.includes(rule) || rules.includes("unsupported-here");
      assert.ok(found, `${name}: ${JSON.stringify(files[i].diagnostics, null, 1)}`);
    }
  });

  test("conversion there and back gives the same settings, for all examples", () => {
    const pairs = join(ROOT, "test/config");
    let compared = 0;
    for (const pair of readdirSync(pairs).filter((each) => each.endsWith(".pair"))) {
      const from = pair.endsWith(".toml.pair") ? "toml" : "nginx";
      const to = from === "toml" ? "nginx" : "toml";
      const text = readFileSync(join(pairs, pair), "utf8").split(/^-{80}$/m)[0]!;
      const first = write(`first.${from}`, text);
      const there = doorpost(["--print", to, first]);
      // Names that nobody resolves, files that are not there: nothing to convert.
      if (there.status !== 0) continue;
      compared++;
      const second = write(`second.${to}`, there.out);
      const back = doorpost(["--print", from, second]);
      const third = write(`third.${from}`, back.out);
      assert.equal(doorpost(["--print", to, third]).out, there.out, pair);
      assert.deepEqual(settingsIn(second), settingsIn(first), pair);
      assert.deepEqual(settingsIn(third), settingsIn(first), pair);
    }
    assert.ok(compared >= 5, `only ${compared} were compared`);
  });

  /** What the settings say, not where from. */
  function settingsIn(file: string): unknown {
    const { out } = doorpost(["--print", "json", file]);
    return JSON.parse(out, (key, value) => key === "from" ? undefined : value);
  }

  test("--online asks the auth server and visits the backend", async () => {
    const backend = createNetServer((socket) => socket.end("* OK ready\r\n"));
    const port = await listening(backend);
    const answers: Record<string, Readonly<Record<string, string>>> = {
      "/deny": { "Auth-Status": "Invalid login" },
      "/allow": { "Auth-Status": "OK", "Auth-Server": "127.0.0.1", "Auth-Port": `${port}` },
      "/none": {},
    };
    const auth = createHttpServer((request, response) => {
      response.writeHead(200, answers[request.url!]).end();
    });
    const authPort = await listening(auth);
    try {
      const ids = async (url: string) => {
        const toml = withTls("").replace("127.0.0.1:9000/auth", url);
        const [command, ...first] = commandUnderTest();
        const args = ["check-config", "--online", "--format=json", write("online.toml", toml)];
        const child = startChild(command!, [...first, ...args], { cwd: folder });
        const { code } = await child.exited;
        const { files } = JSON.parse(child.output());
        return [code, ...files[0].diagnostics.map((each: { rule: string }) => each.rule)];
      };
      assert.deepEqual(await ids(`127.0.0.1:${authPort}/deny`), [0, "auth-server-answers"]);
      assert.deepEqual(await ids(`localhost:${authPort}/none`), [1, "auth-server-broken"]);
      assert.deepEqual(await ids(`127.0.0.1:${authPort}/allow`), [
        0,
        "auth-server-allows-anybody",
        "backend-answers",
      ]);
      backend.close();
      await once(backend, "close");
      assert.deepEqual(await ids(`127.0.0.1:${authPort}/allow`), [
        1,
        "auth-server-allows-anybody",
        "backend-unreachable",
      ]);
    } finally {
      auth.close();
      backend.close();
    }
  });

  async function listening(server: NetServer): Promise<number> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  test("standard input, in either syntax", () => {
    const toml = doorpost(["--syntax", "toml", "-"], withTls(""));
    assert.equal(toml.status, 0, toml.err);
    const nginx = doorpost(["-"], whole(CASES[0]!));
    assert.match(nginx.err, /configuration file <stdin> test is successful/);
  });

  const full = existsSync("/dev/full") ? {} : { skip: "no /dev/full here" };
  test("a full disk is told: half a converted file must not pass for one", full, () => {
    const [command, ...first] = commandUnderTest();
    const stdout = openSync("/dev/full", "w");
    try {
      const { status, stderr } = spawnSync(command!, [...first, "check-config", "--schema"], {
        stdio: ["ignore", stdout, "pipe"],
        encoding: "utf8",
      });
      const said = "doorpost: error: Cannot write to standard output: No space left on device\n";
      assert.deepEqual([status, stderr], [1, said]);
    } finally {
      closeSync(stdout);
    }
  });

  test("exit status 2 for what cannot be read and for wrong usage", () => {
    assert.equal(doorpost(["nosuch.toml"]).status, 2);
    assert.equal(doorpost(["--bogus"]).status, 2);
    assert.equal(doorpost(["--rule", "bogus", "good.toml"]).status, 2);
  });
});
