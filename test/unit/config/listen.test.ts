/** `listen`: address forms, parameters, the protocol by port and the port by protocol. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatEndpoint } from "../../../src/net/address.ts";
import { complaintsAbout, loadText, serverOf } from "./support.ts";

describe("addresses", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["143", ["0.0.0.0:143"]],
    ["*:143", ["0.0.0.0:143"]],
    ["127.0.0.1:143", ["127.0.0.1:143"]],
    ["[::]:143", ["[::]:143"]],
    ["[2001:DB8:0:0::1]:143", ["[2001:db8::1]:143"]],
    ["mail.example.com:143", ["192.0.2.1:143", "[2001:db8::1]:143"]],
    ["143-145", ["0.0.0.0:143", "0.0.0.0:144", "0.0.0.0:145"]],
    ["127.0.0.1:143-144", ["127.0.0.1:143", "127.0.0.1:144"]],
    ["unix:/run/imap.sock", ["unix:/run/imap.sock"]],
  ];
  for (const [text, endpoints] of cases) {
    test(text, async () => {
      const { listen: [listen] } = await serverOf(`protocol imap; listen ${text};`);
      assert.deepEqual(listen.at.map(formatEndpoint), endpoints);
      assert.equal(listen.text, endpoints[0]);
      assert.equal(listen.address, text);
    });
  }

  const faulty: readonly (readonly [string, string])[] = [
    ["0", "invalid port"],
    ["65536", "invalid port"],
    ["127.0.0.1:imap", "invalid port"],
    ["145-143", "invalid port range"],
    ["127.0.0.1:1-2-3", "invalid port"],
    ["127.0.0.1:1-65536", "invalid port"],
    [":143", "no host"],
    ["[::1", "invalid host"],
    ["[::1]143", "invalid host"],
    ["[1.2.3.4]:143", "invalid IPv6 address"],
    ["nowhere.example.com:143", "host not found"],
    ["unix:", "no path in the unix domain socket"],
    [`unix:/${"x".repeat(107)}`, "too long path in the unix domain socket"],
  ];
  for (const [text, problem] of faulty) {
    test(`${text.slice(0, 30)}: ${problem}`, async () => {
      assert.deepEqual(await complaintsAbout(`protocol imap; listen ${text};`), [
        `error: ${problem} in "${text}" of the "listen" directive`,
      ]);
    });
  }
});

describe("the port that an address without one takes", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["imap", "", 143],
    ["imap", "ssl", 993],
    ["pop3", "", 110],
    ["pop3", "ssl", 995],
    ["smtp", "", 25],
    ["smtp", "ssl", 465],
  ];
  for (const [protocol, ssl, port] of cases) {
    test(`${protocol} ${ssl}: ${port}`, async () => {
      const { listen: [listen] } = await serverOf(
        // Behind the listener: `listen` is bound last, whatever the order of the file.
        `listen 127.0.0.1 ${ssl}; protocol ${protocol}; ssl_certificate a; ssl_certificate_key b;`,
      );
      assert.equal(listen.text, `127.0.0.1:${port}`);
    });
  }

  test("is that of the protocol which an earlier listener implies", async () => {
    const { listen } = await serverOf("listen 110; listen 127.0.0.2;");
    assert.equal(listen[1].text, "127.0.0.2:110");
  });

  test("without a protocol there is none", async () => {
    assert.deepEqual(await complaintsAbout("listen 127.0.0.1;"), [
      'error: no port in "127.0.0.1" of the "listen" directive',
    ]);
  });
});

describe("the protocol that a port implies", () => {
  for (
    const [protocol, ports] of Object.entries({
      imap: [143, 993],
      pop3: [110, 995],
      smtp: [25, 465, 587],
    })
  ) {
    for (const port of ports) {
      test(`${port}: ${protocol}`, async () => {
        const server = await serverOf(`listen 127.0.0.1:${port};`);
        assert.equal(server.protocol, protocol);
        assert.deepEqual(server.origin("protocol"), { is: "derived" });
      });
    }
  }

  test("the first known port counts, and `protocol` overrides it", async () => {
    assert.equal((await serverOf("listen 1143; listen 110; listen 143;")).protocol, "pop3");
    assert.equal((await serverOf("listen 110; protocol smtp;")).protocol, "smtp");
  });

  test("an unknown port implies none", async () => {
    assert.deepEqual(await complaintsAbout("listen 1143;"), [
      "error: unknown mail protocol for server",
    ]);
  });
});

describe("parameters", () => {
  test("are all read", async () => {
    const { listen: [listen] } = await serverOf(
      "listen 143 ssl proxy_protocol bind multipath backlog=5 rcvbuf=8k sndbuf=1m ipv6only=off " +
        "so_keepalive=30m:1m:10; ssl_certificate a; ssl_certificate_key b;",
    );
    const { text: _text, address: _address, at: _at, position: _position, ...parameters } = listen;
    assert.deepEqual(parameters, {
      ssl: true,
      proxy_protocol: true,
      bind: true,
      multipath: true,
      backlog: 5,
      rcvbuf: 8192,
      sndbuf: 1_048_576,
      ipv6only: false,
      so_keepalive: { on: true, idle: 1800, interval: 60, count: 10 },
    });
  });

  const keepAlive: readonly (readonly [string, unknown])[] = [
    ["on", { on: true }],
    ["off", { on: false }],
    ["30m::10", { on: true, idle: 1800, count: 10 }],
    ["::3", { on: true, count: 3 }],
    // nginx asks for no colon behind the last part.
    ["30m", { on: true, idle: 1800 }],
    ["30m:5", { on: true, idle: 1800, interval: 5 }],
  ];
  for (const [text, value] of keepAlive) {
    test(`so_keepalive=${text}`, async () => {
      const { listen: [listen] } = await serverOf(`listen 143 so_keepalive=${text};`);
      assert.deepEqual(listen.so_keepalive, value);
    });
  }

  const faulty: readonly (readonly [string, string])[] = [
    ["backlog=0", 'invalid backlog "backlog=0"'],
    ["rcvbuf=x", 'invalid rcvbuf "rcvbuf=x"'],
    ["sndbuf=", 'invalid sndbuf "sndbuf="'],
    ["ipv6only=oui", 'invalid ipv6only flags "oui"'],
    ["ipv6only=yes", 'invalid parameter "ipv6only=yes"'],
    ["so_keepalive=::", 'invalid so_keepalive value: "::"'],
    ["so_keepalive=1:2:3:4", 'invalid so_keepalive value: "1:2:3:4"'],
    ["so_keepalive=1x::", 'invalid so_keepalive value: "1x::"'],
    ["default_server", 'invalid parameter "default_server"'],
    ["constructor", 'invalid parameter "constructor"'],
  ];
  for (const [text, message] of faulty) {
    test(`${text} is refused`, async () => {
      assert.deepEqual(await complaintsAbout(`listen 143 ${text};`), [`error: ${message}`]);
    });
  }
});

describe("old files", () => {
  const certificates = "ssl_certificate a; ssl_certificate_key b;";

  test("`ssl on` makes every listener a TLS one", async () => {
    const { listen } = await serverOf(
      `listen 993; listen 994; protocol imap; ssl on; ${certificates}`,
    );
    assert.deepEqual(listen.map(({ ssl }) => ssl), [true, true]);
  });

  test("`ssl on` of the mail level reaches servers, wherever it stands", async () => {
    const { settings } = await loadText(
      `mail { auth_http 127.0.0.1; ${certificates} server { listen 127.0.0.1; protocol pop3; }
        server { listen 143; ssl off; } ssl on; }`,
      "nginx",
    );
    const listeners = settings?.servers.flatMap(({ listen }) => listen) ?? [];
    assert.deepEqual(listeners.map(({ text, ssl }) => [text, ssl]), [
      ["127.0.0.1:995", true],
      ["0.0.0.0:143", false],
    ]);
  });

  test("`so_keepalive on` reaches listeners that do not say otherwise", async () => {
    const server = await serverOf("listen 143; listen 993 so_keepalive=off; so_keepalive on;");
    assert.equal(server.so_keepalive, true);
    assert.deepEqual(server.listen.map(({ so_keepalive }) => so_keepalive?.on), [true, false]);
  });
});
