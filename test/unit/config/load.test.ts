/** Reading files: syntax by name, includes, names, missing files. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { linesOf, load, type World } from "../../../src/config/load.ts";
import { line, world } from "./support.ts";

const SERVER = "server { listen 143; }";

/** Loads `/etc/doorpost/main.conf` of these files. */
function loadFiles(files: Record<string, string | Uint8Array>, path = "main.conf") {
  return load({ path }, world(files));
}

describe("the syntax", () => {
  const toml = 'auth_http = "127.0.0.1"\n[[server]]\nlisten = 143\n';

  test("is TOML for .toml, else nginx's", async () => {
    const files = { "/etc/doorpost/a.toml": toml, "/etc/doorpost/a.conf": `mail { ${SERVER} }` };
    assert.equal((await loadFiles(files, "a.toml")).tree?.syntax, "toml");
    assert.equal((await loadFiles(files, "a.conf")).tree?.syntax, "nginx");
  });

  test("may be given, and so may the text", async () => {
    const { settings } = await load({ path: "-", text: toml, syntax: "toml" }, world());
    assert.equal(settings?.servers.length, 1);
    assert.equal(settings?.servers[0].position.file, "-");
  });
});

describe("include", () => {
  test("reads files and patterns relative to the main file, in order", async () => {
    const { settings, sources, diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf": "mail { include conf.d/*.conf; include extra/one; }",
      "/etc/doorpost/conf.d/b.conf": "server { listen 110; }",
      "/etc/doorpost/conf.d/a.conf": "auth_http 127.0.0.1; include more.inc;",
      "/etc/doorpost/conf.d/.hidden.conf": "nonsense;",
      "/etc/doorpost/conf.d/c.txt": "nonsense;",
      "/etc/doorpost/more.inc": "timeout 5s;",
      "/etc/doorpost/extra/one": "server { listen 25; }",
    });
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(settings?.servers.map(({ protocol }) => protocol), ["pop3", "smtp"]);
    assert.equal(settings?.servers[0].timeout, 5000);
    assert.deepEqual([...sources.keys()], [
      "main.conf",
      "/etc/doorpost/conf.d/a.conf",
      "/etc/doorpost/more.inc",
      "/etc/doorpost/conf.d/b.conf",
      "/etc/doorpost/extra/one",
    ]);
  });

  const patterns: readonly (readonly [string, readonly string[]])[] = [
    ["*.conf", ["a.conf", "b.conf"]],
    ["[a]*", ["a.conf", "a.txt"]],
    ["[!x].conf", ["a.conf", "b.conf"]],
    ["?.txt", ["a.txt"]],
    [".*", [".c.conf"]],
    ["*/x", ["d/x", "e/x"]],
    ["[de]/?", ["d/x", "e/x"]],
    ["none*", []],
    ["nowhere/*", []],
  ];
  for (const [pattern, found] of patterns) {
    test(`include ${pattern} finds ${found.join(" ") || "nothing"}`, async () => {
      const names = ["a.conf", "b.conf", "a.txt", ".c.conf", "d/x", "e/x"];
      const { sources, diagnostics } = await loadFiles({
        "/etc/doorpost/main/x.conf": `include ${pattern};`,
        ...Object.fromEntries(names.map((name) => [`/etc/doorpost/main/${name}`, ""])),
      }, "main/x.conf");
      const read = [...sources.keys()].slice(1).map((path) =>
        path.slice("/etc/doorpost/main/".length)
      );
      // The pattern matches the main file too, where it may: that is a loop, and said.
      assert.deepEqual(read, found);
      assert.ok(diagnostics.every(({ rule }) => rule === "include-loop" || rule === "no-server"));
    });
  }

  test("of a missing file is an error at the place", async () => {
    const { diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf": `mail { auth_http 127.0.0.1; ${SERVER}\n  include gone.conf; }`,
    });
    assert.deepEqual(diagnostics.map(line), [
      '2:11 error[missing-file] open() "/etc/doorpost/gone.conf" failed (2: No such file or directory)',
    ]);
  });

  test("of a file that includes itself stops there", async () => {
    const { diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf": "include a;",
      "/etc/doorpost/a": "include b; include b;",
      "/etc/doorpost/b": "include a;",
    });
    const loops = diagnostics.filter(({ rule }) => rule === "include-loop");
    assert.deepEqual(loops.map(({ at, message }) => [at.file, message]), [
      ["/etc/doorpost/b", '"/etc/doorpost/a" includes itself'],
    ]);
  });

  test("must be balanced in itself", async () => {
    const { diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf": `mail { auth_http 127.0.0.1; ${SERVER} include a; }`,
      "/etc/doorpost/a": "}",
    });
    assert.deepEqual(diagnostics.map(({ at, message }) => [at.file, message]), [
      ["/etc/doorpost/a", 'unexpected "}"'],
    ]);
  });

  test("within a block that is passed over is not followed", async () => {
    const { diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf":
        `http { include mime.types; } mail { auth_http 127.0.0.1; ${SERVER} }`,
    });
    assert.deepEqual(diagnostics.map(({ severity }) => severity), ["info"]);
  });
});

describe("the main file", () => {
  test("that is missing is an error, not an exception", async () => {
    const { settings, diagnostics } = await loadFiles({}, "gone.conf");
    assert.equal(settings, null);
    assert.deepEqual(diagnostics.map(line), [
      '0:0 error[missing-file] open() "gone.conf" failed (2: No such file or directory)',
    ]);
  });

  test("may begin with a byte order mark, and so may an included one", async () => {
    const { settings, diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf": "\ufeffmail { include a.conf; }",
      "/etc/doorpost/a.conf": `\ufeffauth_http 127.0.0.1; ${SERVER}`,
    });
    assert.deepEqual(diagnostics, []);
    assert.equal(settings?.servers.length, 1);
  });

  test("that is not UTF-8 gives a warning at the line", async () => {
    const text = new TextEncoder().encode(`mail { auth_http 127.0.0.1; ${SERVER} }\n# caf?`);
    text[text.length - 1] = 0xe9;
    const { settings, diagnostics } = await loadFiles({ "/etc/doorpost/main.conf": text });
    assert.ok(settings);
    assert.deepEqual(diagnostics.map(({ at, rule }) => [at.line, rule]), [[2, "not-utf-8"]]);
  });

  test("that is huge is refused", async () => {
    const { settings, diagnostics } = await loadFiles({
      "/etc/doorpost/main.conf": new Uint8Array(5 * 1024 * 1024),
    });
    assert.equal(settings, null);
    assert.equal(diagnostics.length, 1);
  });
});

describe("files that directives name", () => {
  const text = `mail {
  auth_http 127.0.0.1;
  ssl_certificate a.pem;
  ssl_certificate b.pem;
  ssl_certificate_key data:key;
  ssl_certificate_key keys;
  server { listen 143; starttls on; }
  server { listen 110; ssl_crl gone.pem; }
}`;
  const files = {
    "/etc/doorpost/main.conf": text,
    "/etc/doorpost/a.pem": "",
    "/etc/doorpost/keys/x": "",
  };

  test("must be there, where TLS is used", async () => {
    const { settings, diagnostics } = await loadFiles(files);
    assert.equal(settings, null);
    assert.deepEqual(diagnostics.map(line), [
      '4:19 error[missing-file] cannot load certificate "/etc/doorpost/b.pem": No such file or directory',
      '6:23 error[missing-file] cannot load certificate key "/etc/doorpost/keys": Is a directory',
    ]);
  });

  test("are not looked for when the caller does not ask", async () => {
    const { settings } = await load({ path: "main.conf" }, world(files), { checkFiles: false });
    assert.ok(settings);
  });
});

describe("files that are looked for last", () => {
  const text = (more: string) =>
    `mail { auth_http 127.0.0.1; server { listen 993 ssl; ssl_certificate gone.pem;
ssl_certificate_key data:key; ${more} } }`;
  const said = async (more: string) => {
    const files = { "/etc/doorpost/main.conf": text(more) };
    const options = { checkFiles: "last" } as const;
    const { settings, diagnostics } = await load({ path: "main.conf" }, world(files), options);
    return [settings !== null, diagnostics.map(({ rule }) => rule)];
  };

  test("are left to whoever uses good settings", async () => {
    assert.deepEqual(await said(""), [true, []]);
  });

  test("are told beside other errors", async () => {
    assert.deepEqual(await said("bogus;"), [false, ["missing-file", "unknown-directive"]]);
  });
});

describe("host names", () => {
  const text = "mail { auth_http localhost; resolver ns.example.com; " +
    "server { listen mail.example.com:143; listen mail.example.com:993; } }";

  test("are asked for once each", async () => {
    const asked: string[] = [];
    const here = world();
    const counting: World = {
      ...here,
      host: {
        ...here.host,
        lookup: (name) => {
          asked.push(name);
          return here.host.lookup(name);
        },
      },
    };
    const { settings } = await load({ path: "-", text }, counting);
    assert.deepEqual(asked.sort(), ["localhost", "mail.example.com", "ns.example.com"]);
    assert.equal(settings?.servers[0].listen[0].at.length, 2);
  });

  test("are left alone when the caller says so", async () => {
    const here = world();
    const lookup = () => Promise.reject(new Error("the network is asked"));
    const offline = { ...here, host: { ...here.host, lookup } };
    const gone = text.replaceAll("example.com", "invalid");
    const { settings, diagnostics } = await load({ path: "-", text: gone }, offline, {
      resolveNames: false,
    });
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(settings?.servers[0].listen[0].at, []);
    assert.equal(settings?.servers[0].listen[0].text, "mail.invalid:143");
  });
});

test("source lines can be had for reports", () => {
  const lines = linesOf(new Map([["a", "one\r\ntwo\n"]]));
  assert.deepEqual([lines("a", 1), lines("a", 2), lines("a", 9), lines("b", 1)], [
    "one",
    "two",
    undefined,
    undefined,
  ]);
});
