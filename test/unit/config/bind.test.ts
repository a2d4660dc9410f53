/** Contexts, origins and defaults: what is not seen in a golden pair. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SERVER_ROWS } from "../../../src/config/directives/table.ts";
import { loadText, serverOf, settingsOf } from "./support.ts";

describe("origins", () => {
  const text = `error_log stderr info;
events { worker_connections 10; }
mail {
  auth_http 127.0.0.1;
  timeout 5s;
  server {
    listen 143;
    xclient off;
  }
}`;

  test("say where a value came from", async () => {
    const { global, servers: [server] } = await settingsOf(text, "nginx");
    const at = (line: number, column: number, length: number) => ({
      file: "doorpost.conf",
      line,
      column,
      length,
    });
    assert.deepEqual(server.position, at(6, 3, 6));
    assert.deepEqual(server.origin("xclient"), { is: "set", at: at(8, 5, 7) });
    assert.deepEqual(server.origin("timeout"), { is: "inherited", at: at(5, 3, 7) });
    assert.deepEqual(server.origin("error_log"), { is: "inherited", at: at(1, 1, 9) });
    assert.deepEqual(server.origin("protocol"), { is: "derived" });
    assert.deepEqual(server.origin("server_name"), { is: "derived" });
    assert.deepEqual(server.origin("max_errors"), { is: "default" });
    assert.deepEqual(global.origin("worker_connections"), { is: "set", at: at(2, 10, 18) });
    assert.deepEqual(global.origin("pid"), { is: "default" });
  });

  test("of a value in TOML is its key, of a listener its own string", async () => {
    const { servers: [server] } = await settingsOf(
      'auth_http = "127.0.0.1"\n[[server]]\nlisten = ["143", "993 bind"]\n',
      "toml",
    );
    const { column, line } = server.listen[1].position;
    assert.deepEqual([line, column], [3, 19]);
    assert.deepEqual(server.origin("auth_http"), {
      is: "inherited",
      at: { file: "doorpost.toml", line: 1, column: 1, length: 9 },
    });
    assert.deepEqual(server.position, { file: "doorpost.toml", line: 2, column: 1, length: 10 });
  });
});

test("a server that says nothing has nginx's defaults", async () => {
  const server = await serverOf("");
  const { auth_http: _url, listen: _listen, ...others } = server;
  const { origin: _origin, places: _places, position: _position, ...rest } = others;
  assert.deepEqual(rest, {
    protocol: "imap",
    server_name: "proxy.example.com",
    timeout: 60_000,
    max_errors: 5,
    resolver: null,
    resolver_timeout: 30_000,
    so_keepalive: false,
    starttls: "off",
    ssl_certificate: [],
    ssl_certificate_key: [],
    ssl_password_file: null,
    ssl_certificate_compression: false,
    ssl_dhparam: null,
    ssl_ecdh_curve: "auto",
    ssl_protocols: ["TLSv1.2", "TLSv1.3"],
    ssl_ciphers: "HIGH:!aNULL:!MD5",
    ssl_prefer_server_ciphers: false,
    ssl_session_cache: { is: "none" },
    ssl_session_tickets: true,
    ssl_session_ticket_key: [],
    ssl_session_timeout: 300_000,
    ssl_verify_client: "off",
    ssl_verify_depth: 1,
    ssl_client_certificate: null,
    ssl_trusted_certificate: null,
    ssl_crl: null,
    ssl_conf_command: [],
    auth_http_timeout: 60_000,
    auth_http_header: [],
    auth_http_keepalive: "auto",
    auth_http_pass_client_cert: false,
    proxy: false,
    proxy_buffer: 4096,
    proxy_timeout: 86_400_000,
    proxy_pass_error_message: false,
    xclient: true,
    proxy_smtp_auth: false,
    proxy_protocol: "off",
    imap_client_buffer: 4096,
    imap_capabilities: ["IMAP4", "IMAP4rev1", "UIDPLUS"],
    imap_auth: ["plain"],
    pop3_client_buffer: 4096,
    pop3_capabilities: ["TOP", "USER", "UIDL"],
    pop3_auth: ["plain"],
    smtp_client_buffer: 4096,
    smtp_greeting_delay: 0,
    smtp_capabilities: [],
    smtp_auth: ["plain", "login"],
    set_real_ip_from: [],
    error_log: [{ destination: { is: "stderr" }, level: "error" }],
  });
});

test("every server directive is also one of TOML", async () => {
  const { diagnostics } = await loadText(
    "[[server]]\n" + Object.keys(SERVER_ROWS).map((name) => `${name} = {}\n`).join(""),
    "toml",
  );
  const rules = diagnostics.filter(({ at }) => at.line > 1).map(({ rule }) => rule);
  assert.deepEqual(new Set(rules), new Set(["invalid-type"]));
});

describe("names that JavaScript gives a meaning", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    test(`${name} is an unknown directive in both syntaxes`, async () => {
      for (const [text, syntax] of [[`${name} on;`, "nginx"], [`${name} = 1`, "toml"]] as const) {
        const { diagnostics } = await loadText(text, syntax);
        assert.deepEqual(diagnostics.map(({ message }) => message), [
          `unknown directive "${name}"`,
        ]);
      }
    });
  }
});

test("blocks that are nested without end do not use up the stack", async () => {
  const { diagnostics } = await loadText("mail { server { ".repeat(50_000), "nginx");
  assert.ok(diagnostics.some(({ rule }) => rule === "unexpected-end"));
});

test("a forgotten ; between lines is found in nginx.conf and no matter in TOML", async () => {
  const { diagnostics } = await loadText(
    'auth_http = "127.0.0.1"\nsmtp_capabilities = [\n  "timeout",\n  "server",\n]\n[[server]]\nlisten = 25\n',
    "toml",
  );
  assert.deepEqual(diagnostics, []);
});

test("a forgotten ; behind include is told, and the block behind it is read", async () => {
  const { diagnostics } = await loadText(
    "mail {\n  include a.conf\n  server {\n    listen 143;\n  }\n}\n",
    "nginx",
  );
  assert.deepEqual(diagnostics.map(({ at, message, hint }) => [at.line, message, hint]), [
    [2, 'directive "include" is not terminated by ";"', 'a ; is missing behind "a.conf"'],
    [3, 'no "auth_http" is defined for server', diagnostics[1].hint],
  ]);
});
