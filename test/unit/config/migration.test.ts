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
  const said = (await report()).map(({ name, line, verdict, why }) =>
    [name, line, verdict, why === "" ? "" : "why"].join(" ").trim()
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
      "listen 9 changed why",
      "ssl 9 changed why",
    ],
  );
});

test("the old names are told by today's", async () => {
  const said = new Map((await report()).map(({ name, why }) => [name, why]));
  assert.equal(said.get("auth"), "today it is pop3_auth");
  assert.equal(said.get("ssl"), "today it is listen ... ssl");
});
