/**
 * The same nginx.conf, read by nginx and by us: what clients hear, what the auth server is asked and
 * what the log says must be the same, byte for byte, but for what docs/differences.md lists.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { testAuthority } from "../support/ca.ts";
import { skipWithoutNginx, startNginxOn } from "../support/nginx.ts";
import { commandUnderTest, freePort, startChild, temporaryFolder } from "../support/process.ts";
import { type Performance, Rehearsal, type Scene, sessionLines } from "../support/rehearsal.ts";
import { ROOT } from "../support/source.ts";

interface Configuration {
  readonly name: string;
  /** With the ports and paths of the documentation. */
  readonly text: string;
  /** The logs that it writes; default `error.log`. */
  readonly logs?: readonly string[];
  /** More files in its folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** On the documentation's ports. */
  readonly scenes: readonly Scene[];
}

const PLAIN = "AUTH PLAIN AGpvaG4Ac2VjcmV0";
const CRAM = "am9obiAwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==";
const DIGEST = "0123456789abcdef0123456789abcdef";
const FAULTS = ["x BOGUS", "y BOGUS", "z NOOP", "u BOGUS", "v BOGUS", "w BOGUS"];

const CONFIGURATIONS: readonly Configuration[] = [
  {
    name: "the example of nginx's documentation",
    text: example("docs-core"),
    scenes: [
      scene("imap", 143, "none", ["a CAPABILITY", "b login john secret", "c SELECT INBOX"]),
      scene("imap", 143, "none", ["a CAPABILITY", "b AUTHENTICATE LOGIN", "am9obg==", "c2VjcmV0"]),
      scene("imap", 143, "none", [
        "a LOGIN patient x",
        "b LOGIN {7}",
        "patient {1}",
        "y",
        "c LOGIN z z",
      ]),
      scene("imap", 143, "none", FAULTS),
      scene("imap", 143, "none", ["a STARTTLS", "b LOGOUT"]),
      scene("pop3", 110, "none", ["CAPA", "AUTH", "USER john", "PASS se cret", "STAT", "QUIT"]),
      scene("pop3", 110, "none", [`APOP john ${DIGEST}`, "LIST"]),
      scene("pop3", 110, "none", ["AUTH CRAM-MD5", CRAM, "RETR 1"]),
      scene("pop3", 110, "none", ["USER bob", "PASS wrong"]),
      scene("smtp", 25, "none", ["EHLO client.test", PLAIN, "MAIL FROM:<a@b>", "QUIT"]),
      scene("smtp", 25, "none", ["HELO client.test", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA"]),
      scene("smtp", 587, "none", [
        "EHLO client.test",
        "AUTH LOGIN",
        "am9obg==",
        "c2VjcmV0",
        "NOOP",
      ]),
      scene("smtp", 587, "none", ["EHLO client.test", "AUTH CRAM-MD5", CRAM, "RSET"]),
      scene("smtp", 587, "none", ["AUTH PLAIN AGJvYgB3cm9uZw=="]),
    ],
  },
  {
    name: "the complete example of the book",
    text: example("book-complete"),
    scenes: [
      scene("smtp", 25, "none", ["EHLO client.test", "STARTTLS", PLAIN, "MAIL FROM:<a@b>"]),
      scene("smtp", 465, "implicit", ["EHLO client.test", "STARTTLS", PLAIN, "MAIL FROM:<a@b>"]),
      scene("smtp", 587, "none", ["EHLO client.test", "QUIT"]),
      scene("smtp", 587, "starttls", ["EHLO client.test", "AUTH CRAM-MD5", CRAM, "NOOP"]),
      scene("pop3", 110, "none", ["CAPA", "AUTH", "AUTH PLAIN", "AGpvaG4Ac2VjcmV0", "STAT"]),
      scene("pop3", 110, "starttls", ["CAPA", "STLS", `APOP john ${DIGEST}`, "STAT"]),
      scene("pop3", 995, "implicit", ["CAPA", "USER bob", "PASS wrong"]),
      scene("imap", 993, "implicit", ["a CAPABILITY", "b AUTHENTICATE CRAM-MD5", CRAM, "c NOOP"]),
      scene("imap", 993, "implicit", FAULTS),
    ],
  },
  {
    name: "one with includes, quotes, old habits and another module's blocks",
    text: `# comment; with { marks }
error_log error.log info;
events { worker_connections 64; multi_accept on; }
http {
    log_format a '$remote_addr "$request" {$status}';
    access_log off;
}
mail {
    server_name 'mail.example.com';
    include conf.d/*.conf;
    server {
        listen 143; listen 127.0.0.1:993 ssl backlog=64 so_keepalive=on;
        protocol imap; starttls only;
        auth_http_header X-Key "two words \\"and\\" more";
        imap_capabilities "IMAP4rev1" IDLE
            'SPECIAL-USE';
        max_errors 2;
    }
    server {
        listen 25; protocol smtp;
        xclient off; proxy_smtp_auth on; smtp_auth plain none external;
        smtp_capabilities 'SIZE 1' ;
    }
}
`,
    files: {
      "conf.d/10-auth.conf": "auth_http http://localhost:9000/auth?x=1;\ntimeout 1m;",
      "conf.d/20-tls.conf":
        "ssl_certificate mail.example.com.crt;\nssl_certificate_key mail.example.com.key;\n" +
        "ssl_protocols TLSv1.2;",
    },
    scenes: [
      scene("imap", 143, "none", ["a CAPABILITY", "b BOGUS", "c NOOP", "d BOGUS"]),
      scene("imap", 143, "starttls", ["a CAPABILITY", "b LOGIN john secret", "c NOOP"]),
      scene("imap", 993, "implicit", ["a CAPABILITY", "b STARTTLS", "c LOGIN bob wrong"]),
      scene("smtp", 25, "none", ["EHLO client.test", PLAIN, "MAIL FROM:<a@b>"]),
      scene("smtp", 25, "none", ["HELO x", "MAIL FROM:<a@b> SIZE=1", "RCPT TO:<c@d>"]),
      scene("smtp", 25, "none", ["AUTH EXTERNAL", "am9obg==", "NOOP"]),
    ],
  },
  {
    name: "one with unix sockets on all sides but the backend's",
    text: `events {}
mail {
    server_name mail.example.com;
    xclient off;
    server {
        listen unix:/run/imap.sock; protocol imap;
        auth_http unix:/run/auth.sock:/auth?x=1;
    }
    server {
        listen unix:/run/smtp.sock; protocol smtp; proxy_protocol on;
        auth_http unix:/run/auth.sock;
    }
    server {
        listen 110; protocol pop3;
        auth_http unix:/run/missing.sock;
    }
}
`,
    scenes: [
      scene("imap", "imap.sock", "none", ["a CAPABILITY", "b LOGIN john secret", "c NOOP"]),
      scene("imap", "imap.sock", "none", ["a LOGIN bob wrong"]),
      scene("smtp", "smtp.sock", "none", ["HELO client.test", PLAIN, "NOOP"]),
      scene("pop3", 110, "none", ["USER john", "PASS secret"]),
    ],
  },
  {
    name: "one with several logs, each of its level",
    text: `error_log main.log info;
events {}
mail {
    server_name mail.example.com;
    auth_http localhost:9000/auth;
    error_log mail.log info;
    error_log grave.log error;
    server { listen 143; protocol imap; }
    server { listen 110; protocol pop3; error_log pop3.log info; }
}
`,
    logs: ["mail.log", "grave.log", "pop3.log"],
    scenes: [
      scene("imap", 143, "none", ["a LOGIN bob wrong"]),
      scene("imap", 143, "none", ["a LOGIN lost secret"]),
      scene("imap", 143, "none", ["a LOGIN john secret", "b NOOP"]),
      scene("pop3", 110, "none", ["USER lost", "PASS secret"]),
      scene("pop3", 110, "none", ["USER bob", "PASS wrong"]),
    ],
  },
];

function scene(
  protocol: Scene["protocol"],
  port: Scene["port"],
  tls: Scene["tls"],
  lines: readonly string[],
): Scene {
  return { name: `${protocol} ${port} ${tls}: ${lines.join(", ")}`, protocol, port, tls, lines };
}

/** The upper half of a golden pair. */
function example(name: string): string {
  return readFileSync(join(ROOT, `test/config/${name}.conf.pair`), "utf8").split(/^-{80}$/m)[0]!;
}

interface Played {
  readonly performance: Performance;
  /** Log by log, what it tells of sessions. */
  readonly logs: readonly (readonly string[])[];
}

for (const configuration of CONFIGURATIONS) {
  describe(configuration.name, { skip: skipWithoutNginx() }, () => {
    let nginx: Played;
    let ours: Played;

    before(async () => {
      [nginx, ours] = await playBoth(configuration);
    });

    for (const [i, { name }] of configuration.scenes.entries()) {
      test(name, () => {
        assert.deepEqual(ours.performance.heard[i], nginx.performance.heard[i]);
      });
    }

    test("the auth server is asked the same, byte for byte", () => {
      assert.ok(nginx.performance.asked.length > 0);
      assert.deepEqual(ours.performance.asked, nginx.performance.asked);
    });

    test("the backends are told the same", () => {
      assert.ok(nginx.performance.told.length > 0);
      assert.deepEqual(ours.performance.told, nginx.performance.told);
    });

    test("the logs have the same lines", () => {
      assert.ok(nginx.logs.every((lines) => lines.length > 0));
      assert.deepEqual(ours.logs, nginx.logs);
    });
  });
}

/** On the same ports, one after the other. */
async function playBoth(configuration: Configuration): Promise<[Played, Played]> {
  const authority = await testAuthority();
  const rehearsal = new Rehearsal(authority.certificate);
  const folder = temporaryFolder("nginx-conf");
  await rehearsal.open(join(folder, "auth.sock"));
  try {
    const ports = await movedPorts(configuration.scenes);
    await writeFolder(folder, configuration, rehearsal.authPort, ports);
    const scenes = configuration.scenes.map((each) => ({
      ...each,
      port: typeof each.port === "number" ? ports.get(each.port)! : join(folder, each.port),
    }));
    const file = join(folder, "nginx.conf");
    const nginx = await startNginxOn(file);
    const paths = (configuration.logs ?? ["error.log"]).map((name) => join(folder, name));
    const theirs = await play(rehearsal, scenes, paths, () => nginx.stop());
    const [command, ...args] = commandUnderTest();
    const proxy = startChild(command!, [...args, "serve", "--config", file], { cwd: folder });
    await proxy.said(/^doorpost \S+ ready:/m);
    return [theirs, await play(rehearsal, scenes, paths, () => proxy.stop())];
  } finally {
    await rehearsal.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function play(
  rehearsal: Rehearsal,
  scenes: readonly Scene[],
  logs: readonly string[],
  stop: () => Promise<unknown>,
): Promise<Played> {
  try {
    const performance = await rehearsal.play(scenes);
    await stop();
    return { performance, logs: logs.map((path) => sessionLines(readFileSync(path, "latin1"))) };
  } finally {
    await stop();
    for (const path of logs.filter(existsSync)) rmSync(path);
  }
}

async function movedPorts(scenes: readonly Scene[]): Promise<ReadonlyMap<number, number>> {
  const ports = new Map<number, number>();
  for (const { port } of scenes) {
    if (typeof port === "number" && !ports.has(port)) ports.set(port, await freePort());
  }
  return ports;
}

/** The configuration with free ports and with paths and certificates of its own. */
async function writeFolder(
  folder: string,
  { text, files = {} }: Configuration,
  authPort: number,
  ports: ReadonlyMap<number, number>,
): Promise<void> {
  const leaf = await (await testAuthority()).issue({ names: ["mail.example.com", "localhost"] });
  const moved = (content: string) =>
    content
      .replace(/\blisten(\s+)(?:127\.0\.0\.1:)?(\d+)/g, (_, space, port) =>
        `listen${space}127.0.0.1:${ports.get(Number(port)) ?? port}`)
      .replaceAll("localhost:9000", `127.0.0.1:${authPort}`)
      .replaceAll("/usr/local/etc/nginx/", `${folder}/`)
      .replaceAll("/var/log/nginx/", `${folder}/`)
      .replaceAll("unix:/run/", `unix:${folder}/`)
      // What nobody speaks any more stands beside what everybody does.
      .replace("ssl_protocols TLSv1 SSLv3", "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 SSLv3");
  const logged = text.includes("error_log") ? "" : `error_log ${folder}/error.log info;\n`;
  mkdirSync(join(folder, "conf.d"));
  writeFileSync(join(folder, "nginx.conf"), logged + moved(text));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), moved(content));
  }
  writeFileSync(join(folder, "mail.example.com.crt"), leaf.certificate);
  writeFileSync(join(folder, "mail.example.com.key"), leaf.key);
}
