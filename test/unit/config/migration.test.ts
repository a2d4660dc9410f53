/** What the migration report says of each kind of directive. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../../src/config/load.ts";
import { type Migrated, migrationReport } from "../../../src/config/migration.ts";
import { createMemoryRuntime } from "../../../src/runtime/memory.ts";

const CONFIG = `user nobody;
load_module modules/ngx_mail_module.so;
events { use epoll; worker_connections 512; }
http { server { listen 80; } }
mail {
  auth pop3;
  imap_capabilities IMAP4rev1;
  auth_http localhost:9000/auth;
  server { listen 993; ssl on; }
}
`;

async function report(): Promise<readonly Migrated[]> {
  const source = { path: "nginx.conf", text: CONFIG, syntax: "nginx" } as const;
  const { tree } = await load(source, createMemoryRuntime());
  return migrationReport(tree!);
}

test("each directive is honoured, changed with today's form or a reason, or not applicable", async () => {
  const said = (await report()).map(({ name, at, verdict, why }) =>
    [name, at.line, verdict, why === "" ? "" : "why"].join(" ").trim()
  );
  assert.deepEqual(
    said.filter((row) => !row.startsWith("user") && !row.startsWith("auth_http")),
    [
      "load_module 2 not applicable why",
      "use 3 not applicable why",
      "worker_connections 3 honoured",
      "http 4 not applicable why",
      "auth 6 changed why",
      "imap_capabilities 7 honoured",
      "listen 9 honoured",
      "ssl 9 changed why",
    ],
  );
});

test("a difference counts where it shows", async () => {
  const TABLE: readonly (readonly [statement: string, verdict: Migrated["verdict"]])[] = [
    ["listen 143;", "honoured"],
    ["listen [::]:143 ssl;", "honoured"],
    ["listen mail.example.com:143-145;", "honoured"],
    ["listen unix:/run/imap;", "honoured"],
    ["listen 127.0.0.1;", "changed"],
    ["listen [::1] ssl;", "changed"],
    ["server_name mail.example.com;", "honoured"],
    ["server_name mail.example.com imap.example.com;", "changed"],
    ["server_name *.example.com;", "changed"],
    ["auth_http localhost:9000/auth?a=b;", "honoured"],
    ["auth_http localhost:9000?a=b;", "changed"],
    ["ssl_protocols TLSv1.2;", "honoured"],
    ["ssl_protocols SSLv3 TLSv1.2;", "changed"],
    ["error_log /var/log/mail.log;", "honoured"],
    ["error_log logs/mail.log;", "changed"],
    ["error_log memory:1m;", "changed"],
    ["proxy_timeout 1h;", "changed"],
  ];
  for (const [statement, verdict] of TABLE) {
    const text = `mail { server { ${statement} } }`;
    const { tree } = await load({ path: "a", text, syntax: "nginx" }, createMemoryRuntime());
    assert.deepEqual(migrationReport(tree!).map((each) => each.verdict), [verdict], statement);
  }
});

test("the old names are told by today's", async () => {
  const said = new Map((await report()).map(({ name, why }) => [name, why]));
  assert.equal(said.get("auth"), "today it is pop3_auth");
  assert.equal(said.get("ssl"), "today it is listen ... ssl");
});
