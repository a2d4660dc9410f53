/**
 * Broken configurations, told by nginx -t and by us: the same sentence about the same line. nginx stops
 * at the first fault, so each case has one. Where the sentences differ on purpose the case says ours.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { load } from "../../src/config/load.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { findProgram, temporaryFolder } from "../support/process.ts";
import { files, host } from "../../src/runtime/host.ts";

const MODULE = "load_module /usr/lib/nginx/modules/ngx_mail_module.so;";
const AUTH = "auth_http 127.0.0.1:9000/auth;";
const LISTEN = "listen 127.0.0.1:10143; protocol imap;";
const LONG = "a".repeat(5000);

/** In a `server {}` that is complete. */
const IN_SERVER: readonly string[] = [
  "foo bar;",
  "imap_capabilites A;",
  "ssl_prefer_server_cipher on;",
  "Timeout 5s;",
  "mail { }",
  "events { }",
  "http { }",
  "worker_processes 2;",
  "worker_connections 10;",
  "timeout;",
  "timeout 1s 2s;",
  "xclient on off;",
  "auth_http_header X;",
  "auth_http_header X Y Z;",
  "server_name;",
  "imap_capabilities;",
  "error_log;",
  "ssl_conf_command a;",
  "include a b;",
  "timeout 1s; timeout 2s;",
  "xclient on; xclient on;",
  "imap_client_buffer 4k; imap_client_buffer 4k;",
  "server_name a; server_name b;",
  "resolver 127.0.0.1; resolver 127.0.0.2;",
  "listen 127.0.0.1:10143;",
  "listen 127.0.0.1:10140-10150;",
  "xclient yes;",
  "max_errors -1;",
  "max_errors many;",
  "imap_client_buffer 4g;",
  "timeout 5x;",
  'timeout "1m 1h";',
  "timeout 1y;",
  "ssl_session_timeout 5ms;",
  "smtp_greeting_delay x;",
  "starttls maybe;",
  "imap_auth plain foo;",
  "imap_auth xoauth2;",
  "pop3_auth login;",
  "ssl_protocols TLSv9;",
  "ssl_verify_client maybe;",
  "ssl_verify_depth x;",
  "ssl_session_cache foo;",
  "ssl_session_cache shared:a:1k;",
  "ssl_session_cache shared:a;",
  "ssl_session_cache builtin:x;",
  "protocol IMAP;",
  "listen 70000;",
  "listen 0;",
  "listen 127.0.0.1:200-100;",
  "listen 127.0.0.1:100-70000;",
  "listen 127.0.0.1:1-2-3;",
  "listen 127.0.0.1:1-x;",
  "listen 127.0.0.1:0-5;",
  "listen :143;",
  'listen "";',
  "listen [::zz]:143;",
  "listen [::1:143;",
  "listen unix:;",
  `listen unix:/${"a".repeat(120)};`,
  "listen 127.0.0.1:144 backlog=0;",
  "listen 127.0.0.1:144 backlog=x;",
  "listen 127.0.0.1:144 rcvbuf=x;",
  "listen 127.0.0.1:144 sndbuf=x;",
  "listen [::1]:144 ipv6only=oops;",
  "listen 127.0.0.1:144 so_keepalive=x;",
  "listen 127.0.0.1:144 so_keepalive=::;",
  "listen 127.0.0.1:144 so_keepalive=1:2:3:4;",
  "auth_http 127.0.0.1:x/;",
  "auth_http 127.0.0.1:70000/;",
  "auth_http http://;",
  "auth_http http://127.0.0.1:x/;",
  "auth_http :80;",
  "auth_http unix:;",
  'auth_http "";',
  "resolver 127.0.0.1 valid=x;",
  "resolver 127.0.0.1 ipv6=x;",
  "resolver 127.0.0.1:70000;",
  "resolver valid=5s;",
  "set_real_ip_from 10.0.0.0/33;",
  "error_log stderr loud;",
  "error_log stderr info info;",
  "error_log syslog:;",
  "error_log syslog:tag=a;",
  "error_log syslog:server=127.0.0.1,facility=x;",
  "error_log syslog:server=127.0.0.1,severity=x;",
  `error_log syslog:server=127.0.0.1,tag=${"a".repeat(33)};`,
  "error_log syslog:server=127.0.0.1,tag=a-b;",
  "error_log syslog:server=127.0.0.1,foo=b;",
  "error_log syslog:server=127.0.0.1,server=127.0.0.2;",
  "error_log syslog:server=127.0.0.1,tag=a,tag=b;",
  "error_log syslog:server=127.0.0.1,facility=mail,facility=mail;",
  "error_log syslog:server=127.0.0.1,severity=info,severity=info;",
  "error_log syslog:server=127.0.0.1,nohostname=on;",
  "timeout { }",
  "include a { }",
  ";",
  "{ }",
  'server_name "a"b;',
  `server_name ${LONG};`,
  `server_name "${LONG}";`,
  "include missing.conf;",
  "include unbalanced.inc;",
  "include faulty.inc;",
];

/** Whole files, but for the first line. */
const WHOLE: readonly (readonly [string, string])[] = [
  ["a server directive in mail", `events {}\nmail {\n${AUTH}\nlisten 143;\n}`],
  ["a mail directive in main", "events {}\ntimeout 5s;"],
  ["a server in main", "events {}\nserver { }"],
  ["an events directive in main", "worker_connections 10;\nevents {}"],
  ["a mail directive in events", "events {\ntimeout 5s;\n}"],
  ["an unknown one in events", "events {\nfoo x;\n}"],
  ["two of events", "events {}\nevents {}"],
  ["two of mail", "events {}\nmail {}\nmail {}"],
  ["two of worker_processes", "worker_processes 1;\nworker_processes 2;\nevents {}"],
  ["worker_processes", "worker_processes x;\nevents {}"],
  ["worker_connections", "events {\nworker_connections x;\n}"],
  ["worker_rlimit_nofile", "worker_rlimit_nofile x;\nevents {}"],
  ["worker_shutdown_timeout", "worker_shutdown_timeout x;\nevents {}"],
  ["daemon", "daemon maybe;\nevents {}"],
  ["two of user", "user root;\nuser root;\nevents {}"],
  ["mail with an argument", "events {}\nmail x {}"],
  ["server with an argument", `events {}\nmail {\n${AUTH}\nserver x {\n}\n}`],
  ["a block without braces", "events {}\nmail;"],
  ["a server without braces", "events {}\nmail {\nserver;\n}"],
  ["no auth_http", `events {}\nmail { server { ${LISTEN} } }`],
  ["no protocol", `events {}\nmail { ${AUTH}\nserver { listen 127.0.0.1:10143; } }`],
  ["no listen", `events {}\nmail { ${AUTH}\nserver { protocol imap; } }`],
  ["no certificate for a listener", server("listen 127.0.0.1:10143 ssl; protocol imap;")],
  ["no certificate for STARTTLS", server(`${LISTEN} starttls on;`)],
  ["no key", server(`${LISTEN} starttls on; ssl_certificate /nothing.pem;`)],
  [
    "one address in two servers",
    `events {}\nmail { ${AUTH}
server { ${LISTEN} }
server { ${LISTEN} }
}`,
  ],
  ["a wildcard in two spellings", server("listen 10143; listen *:10143; protocol imap;")],
  ["an IPv6 address in two spellings", server("listen [::1]:1; listen [0::1]:1; protocol imap;")],
  ["a closing brace too many", "events {}\n}"],
  ["a semicolon that is missing before a brace", `events {}\nmail {\n${AUTH}\ntimeout 5s\n}`],
  ["the file ends in a block", "events {}\nmail {\n"],
  ["the file ends in a directive", "events {}\nmail {}\nuser root"],
];

function server(directives: string): string {
  return `events {}\nmail { ${AUTH}\nserver { ${directives} }\n}`;
}

const FILES = { "unbalanced.inc": "timeout 5s;\n}", "faulty.inc": "\n\ntimeout 5x;\n" };

describe("nginx -t and we say the same", { skip: skipWithoutNginx() }, () => {
  let folder = "";

  before(() => {
    folder = temporaryFolder("sentences");
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const directives of IN_SERVER) {
    test(shortened(directives), async () => {
      await compare(folder, `events {}\nmail {\n${AUTH}\nserver {\n${LISTEN}\n${directives}\n}\n}`);
    });
  }
  for (const [name, text] of WHOLE) {
    test(name, async () => await compare(folder, text));
  }
});

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 60)}...` : text;
}

async function compare(folder: string, text: string): Promise<void> {
  const file = join(folder, "nginx.conf");
  writeFileSync(file, `${MODULE} pid ${folder}/pid;\n${text}\n`);
  const { sentence, where } = nginxSays(folder, file);
  const { diagnostics } = await load({ path: file }, { files, host });
  const ours = diagnostics.filter(({ severity }) => severity === "error");
  const same = ours.find(({ message }) => message === sentence);
  const said = ours.map(({ message }) => message).join("\n");
  assert.ok(same, `nginx: ${sentence}\nwe: ${said}`);
  // Of a directive that the file ends in we name the line, nginx that of the end.
  if (where && !/expecting ";"/.test(sentence)) {
    assert.equal(`${same.at.file}:${same.at.line}`, where);
  }
}

/** Its one error, and where. */
function nginxSays(folder: string, file: string): { sentence: string; where: string | undefined } {
  const args = ["-t", "-p", folder, "-c", file, "-e", "stderr"];
  const { stderr } = spawnSync(findProgram("nginx")!, args, { encoding: "utf8" });
  const line = /\[emerg\] (?:\d+#\d+: )?(.*)$/m.exec(stderr)?.[1];
  assert.ok(line, `nginx finds nothing wrong: ${stderr}`);
  const [, sentence, where] = /^(.*?)(?: in (\S+:\d+))?$/.exec(line)!;
  return { sentence, where };
}
