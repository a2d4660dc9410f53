/**
 * Handshakes: versions, ciphers, groups, kinds of key, ALPN, SNI, STARTTLS in three protocols, and what
 * goes wrong with them: plaintext on a TLS port, HTTP, clients that leave. One table, held against the
 * proxy and, where it is there, a real nginx. RFC 8446, RFC 7301, RFC 2595, RFC 3207.
 */

import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { encryptKey, testAuthority } from "../support/ca.ts";
import { skipWithoutNginx } from "../support/nginx.ts";
import { dhParameters, sealKey } from "../support/openssl.ts";
import { skipWithout } from "../support/process.ts";
import { TlsWorld } from "../support/tls-world.ts";

const UNDER_TEST = process.env["DOORPOST_UNDER_TEST"] ?? "exe";
const DENO = UNDER_TEST === "deno";
const NODE = /node/.test(UNDER_TEST);
const who = (name: string) => name === "doorpost" && DENO ? "deno" : name;

const OWN = "ssl_certificate tls.pem; ssl_certificate_key tls.key;";
const SERVERS: Readonly<Record<string, string>> = {
  imap: `listen LISTEN ssl; protocol imap; ${OWN}`,
  pop3: `listen LISTEN ssl; protocol pop3; ${OWN}`,
  smtp: `listen LISTEN ssl; protocol smtp; server_name mx; ${OWN}`,
  "imap starttls": `listen LISTEN; protocol imap; starttls on; ${OWN}`,
  "pop3 starttls": `listen LISTEN; protocol pop3; starttls only; ${OWN}`,
  "smtp starttls": `listen LISTEN; protocol smtp; starttls only; server_name mx; ${OWN}`,
  both: `listen LISTEN ssl; protocol imap; ${OWN}` +
    "ssl_certificate rsa.pem; ssl_certificate_key rsa.key;",
  locked: "listen LISTEN ssl; protocol imap; ssl_certificate tls.pem;" +
    "ssl_certificate_key locked.key; ssl_password_file passwords;",
  "locked, traditional": "listen LISTEN ssl; protocol imap; ssl_certificate rsa.pem;" +
    "ssl_certificate_key rsa-locked.key; ssl_password_file passwords;",
  "locked, traditional EC": "listen LISTEN ssl; protocol imap; ssl_certificate tls.pem;" +
    "ssl_certificate_key ec-locked.key; ssl_password_file passwords;",
  data:
    'listen LISTEN ssl; protocol imap; ssl_certificate "data:CERT"; ssl_certificate_key "data:KEY";',
  "1.2": `listen LISTEN ssl; protocol imap; ssl_protocols TLSv1.2; ${OWN}`,
  "1.3": `listen LISTEN ssl; protocol imap; ssl_protocols TLSv1.3; ${OWN}`,
  "conf 1.2": `listen LISTEN ssl; protocol imap; ssl_conf_command MaxProtocol TLSv1.2; ${OWN}`,
  "conf 1.3": `listen LISTEN ssl; protocol imap; ssl_conf_command MinProtocol TLSv1.3; ${OWN}`,
  "conf pair": `listen LISTEN ssl; protocol imap; ${OWN} ssl_conf_command Certificate rsa.pem;` +
    "ssl_conf_command PrivateKey rsa.key;",
  "conf tickets": `listen LISTEN ssl; protocol imap; ${OWN} ssl_conf_command Protocol -TLSv1.3;` +
    "ssl_conf_command Options SessionTicket,NoRenegotiation;",
};

const AES128 = "ECDHE-ECDSA-AES128-GCM-SHA256";
/** Deno cannot choose these. */
const CHOSEN: Readonly<Record<string, string>> = {
  cipher: `listen LISTEN ssl; protocol imap; ssl_protocols TLSv1.2; ssl_ciphers ${AES128}; ${OWN}`,
  "conf cipher":
    `listen LISTEN ssl; protocol imap; ${OWN} ssl_conf_command CipherString ${AES128};`,
  curve: `listen LISTEN ssl; protocol imap; ssl_ecdh_curve secp384r1; ${OWN}`,
  "conf groups": `listen LISTEN ssl; protocol imap; ssl_conf_command Groups P-384; ${OWN}`,
  "conf curves": `listen LISTEN ssl; protocol imap; ssl_conf_command Curves P-384; ${OWN}`,
  "conf ecdh": `listen LISTEN ssl; protocol imap; ssl_conf_command ECDHParameters P-384; ${OWN}`,
  "conf no tickets": `listen LISTEN ssl; protocol imap; ${OWN}` +
    "ssl_conf_command Options -SessionTicket;",
  "no tickets": `listen LISTEN ssl; protocol imap; ssl_session_tickets off; ${OWN}`,
  prefer: `listen LISTEN ssl; protocol imap; ssl_prefer_server_ciphers on; ${OWN}` +
    `ssl_ciphers ${AES128}:HIGH; ssl_protocols TLSv1.2;`,
  "conf prefer": `listen LISTEN ssl; protocol imap; ssl_conf_command Options ServerPreference;` +
    `ssl_ciphers ${AES128}:HIGH; ssl_protocols TLSv1.2; ${OWN}`,
  "no preference": `listen LISTEN ssl; protocol imap; ssl_prefer_server_ciphers off;` +
    `ssl_ciphers ${AES128}:HIGH; ssl_protocols TLSv1.2; ${OWN}`,
  // OpenSSL alone asks for the lower level, and Bun's library has none.
  old: `listen LISTEN ssl; protocol imap; ssl_protocols TLSv1 TLSv1.1 TLSv1.2; SECLEVEL ${OWN}`,
};

const CHACHA = "ECDHE-ECDSA-CHACHA20-POLY1305";
const RSA = "ssl_certificate rsa.pem; ssl_certificate_key rsa.key;";
/** OpenSSL alone can do these. */
const WITH_OPENSSL: Readonly<Record<string, string>> = {
  dh: `listen LISTEN ssl; protocol imap; ssl_dhparam dh.pem; ${RSA}`,
  "conf dh": `listen LISTEN ssl; protocol imap; ssl_conf_command DHParameters dh.pem; ${RSA}`,
  "conf suites": `listen LISTEN ssl; protocol imap; ${OWN}` +
    "ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;",
  "conf chacha": `listen LISTEN ssl; protocol imap; ssl_prefer_server_ciphers on; ${OWN}` +
    `ssl_ciphers ${AES128}:${CHACHA}; ssl_conf_command Options PrioritizeChaCha;`,
};

/** Why a server is not there; the refusal has its test in tls-start.test.ts. */
function absent(name: string, server: string): string | false {
  if (name !== "doorpost") return false;
  if (DENO && server in CHOSEN) return "Deno cannot choose this";
  return !NODE && server in WITH_OPENSSL && "this runtime's library cannot do this";
}

interface Case {
  readonly args: readonly string[];
  readonly protocol?: string;
  readonly cipher?: string;
  /** Printed by s_client. */
  readonly shows?: RegExp;
  /** Nothing but this: the alert, and the reason in the log. */
  readonly refused?: readonly [alert: string, reason: string];
}

const AES256 = "ECDHE-ECDSA-AES256-GCM-SHA384";
const P384 = /^Server Temp Key: ECDH, (secp384r1|P-384), 384 bits$/m;
const NO_TICKET = /^(?![^]*TLS session ticket:)/;
const DHE = ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"];
const DH_2048 = /^Server Temp Key: DH, 2048 bits$/m;

/** By server. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  imap: [
    { args: [], protocol: "TLSv1.3" },
    { args: ["-tls1_2"], protocol: "TLSv1.2" },
    { args: ["-alpn", "imap"], shows: /^ALPN protocol: imap$/m },
    { args: ["-alpn", "http/1.1,imap"], shows: /^ALPN protocol: imap$/m },
    { args: [], shows: /^No ALPN negotiated$/m },
    {
      args: ["-alpn", "pop3"],
      refused: ["no application protocol", "no application protocol"],
    },
    {
      args: ["-alpn", "http/1.1", "-tls1_2"],
      refused: ["no application protocol", "no application protocol"],
    },
    // Another server's name selects nothing and disturbs nothing.
    { args: ["-servername", "elsewhere.example"], shows: /subject=CN = localhost/ },
    { args: ["-noservername"], shows: /subject=CN = localhost/ },
    {
      args: ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"],
      refused: ["protocol version", "unsupported protocol"],
    },
  ],
  pop3: [
    { args: ["-alpn", "pop3"], shows: /^ALPN protocol: pop3$/m },
    { args: ["-alpn", "imap"], refused: ["no application protocol", "no application protocol"] },
  ],
  smtp: [
    { args: ["-alpn", "smtp"], shows: /^ALPN protocol: smtp$/m },
    { args: ["-alpn", "h2"], refused: ["no application protocol", "no application protocol"] },
  ],
  "imap starttls": [{ args: ["-starttls", "imap"], protocol: "TLSv1.3" }, {
    args: ["-starttls", "imap", "-tls1_2", "-alpn", "imap"],
    protocol: "TLSv1.2",
  }, {
    args: ["-starttls", "imap", "-alpn", "smtp"],
    refused: ["no application protocol", "no application protocol"],
  }],
  "pop3 starttls": [{ args: ["-starttls", "pop3"], protocol: "TLSv1.3" }],
  "smtp starttls": [{ args: ["-starttls", "smtp"], protocol: "TLSv1.3" }],
  both: [
    { args: ["-sigalgs", "RSA-PSS+SHA256"], shows: /^Peer signature type: RSA-PSS$/m },
    { args: ["-sigalgs", "ECDSA+SHA256"], shows: /^Peer signature type: ECDSA$/m },
    { args: ["-tls1_2", "-cipher", "aRSA"], shows: /Cipher is ECDHE-RSA-/ },
    { args: ["-tls1_2", "-cipher", "aECDSA"], shows: /Cipher is ECDHE-ECDSA-/ },
  ],
  locked: [{ args: [], protocol: "TLSv1.3" }],
  "locked, traditional": [{ args: [], shows: /^Peer signature type: RSA-PSS$/m }],
  "locked, traditional EC": [{ args: [], shows: /^Peer signature type: ECDSA$/m }],
  data: [{ args: [], protocol: "TLSv1.3" }],
  "1.2": [{ args: [], protocol: "TLSv1.2" }, {
    args: ["-tls1_3"],
    refused: ["protocol version", "unsupported protocol"],
  }],
  "1.3": [{ args: [], protocol: "TLSv1.3" }, {
    args: ["-tls1_2"],
    refused: ["protocol version", "unsupported protocol"],
  }],
  "conf 1.2": [{ args: [], protocol: "TLSv1.2" }],
  "conf 1.3": [{ args: [], protocol: "TLSv1.3" }, {
    args: ["-tls1_2"],
    refused: ["protocol version", "unsupported protocol"],
  }],
  "conf pair": [
    { args: ["-sigalgs", "RSA-PSS+SHA256"], shows: /^Peer signature type: RSA-PSS$/m },
    { args: ["-sigalgs", "ECDSA+SHA256"], shows: /^Peer signature type: ECDSA$/m },
  ],
  "conf tickets": [{ args: [], protocol: "TLSv1.2", shows: /TLS session ticket:/ }],
  cipher: [{ args: [], protocol: "TLSv1.2", cipher: AES128 }, {
    args: ["-cipher", AES256],
    refused: ["handshake failure", "no shared cipher"],
  }],
  "conf cipher": [{ args: ["-tls1_2"], cipher: AES128 }],
  curve: [{ args: [], shows: P384 }],
  "conf groups": [{ args: [], shows: P384 }],
  "conf curves": [{ args: [], shows: P384 }],
  "conf ecdh": [{ args: [], shows: P384 }],
  "no tickets": [{ args: ["-tls1_2"], shows: NO_TICKET }],
  "conf no tickets": [{ args: ["-tls1_2"], shows: NO_TICKET }],
  prefer: [{ args: ["-cipher", `${AES256}:${AES128}`], cipher: AES128 }],
  "conf prefer": [{ args: ["-cipher", `${AES256}:${AES128}`], cipher: AES128 }],
  "no preference": [
    { args: ["-cipher", `${AES256}:${AES128}`], cipher: AES256 },
    { args: ["-cipher", `${AES128}:${AES256}`], cipher: AES128 },
  ],
  old: [
    { args: ["-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"], shows: /^ +Protocol +: TLSv1$/m },
    { args: ["-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"], shows: /^ +Protocol +: TLSv1\.1$/m },
    { args: [], protocol: "TLSv1.2" },
  ],
  dh: [{ args: DHE, shows: DH_2048 }],
  "conf dh": [{ args: DHE, shows: DH_2048 }],
  "conf suites": [{ args: [], cipher: "TLS_AES_128_GCM_SHA256" }, {
    args: ["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"],
    refused: ["handshake failure", "no shared cipher"],
  }],
  "conf chacha": [
    { args: ["-tls1_2", "-cipher", `${CHACHA}:${AES128}`], cipher: CHACHA },
    { args: ["-tls1_2", "-cipher", `${AES128}:${CHACHA}`], cipher: AES128 },
  ],
};

async function start(name: "doorpost" | "nginx"): Promise<TlsWorld> {
  const authority = await testAuthority();
  const [leaf, rsa] = [await authority.issue(), await authority.issue({ key: "rsa" })];
  const level = name === "nginx" || NODE ? "ssl_ciphers DEFAULT:@SECLEVEL=0;" : "";
  const inline = (text: string) =>
    text.replace("CERT", leaf.certificate).replace("KEY", leaf.key).replace("SECLEVEL", level);
  const bodies = Object.entries({ ...SERVERS, ...CHOSEN, ...WITH_OPENSSL })
    .filter(([server]) => absent(name, server) === false);
  return await TlsWorld.start(name, {
    servers: Object.fromEntries(bodies.map(([key, body]) => [key, inline(body)])),
    mail: "ssl_protocols TLSv1.2 TLSv1.3;",
    files: {
      "tls.pem": leaf.certificate,
      "tls.key": leaf.key,
      "rsa.pem": rsa.certificate,
      "rsa.key": rsa.key,
      "locked.key": (await encryptKey(leaf, "schlüssel")).key,
      "rsa-locked.key": sealKey(rsa.key, "schlüssel"),
      "ec-locked.key": sealKey(leaf.key, "schlüssel"),
      "dh.pem": dhParameters(),
      "passwords": "wrong\n\nschlüssel\r\nanother\n",
    },
  });
}

/** Said after a handshake behind STARTTLS, where no greeting comes. */
const NOOP = { imap: "a NOOP\r\n", pop3: "NOOP\r\n", smtp: "NOOP\r\n" } as const;
const DONE = /a OK |\+OK\s|250 2/;

for (const name of ["doorpost", "nginx"] as const) {
  const skip = skipWithout("openssl") || (name === "nginx" && skipWithoutNginx());
  describe(`handshakes, ${name}`, { skip }, () => {
    let world: TlsWorld;
    before(async () => {
      world = await start(name);
    });
    after(() => world[Symbol.asyncDispose]());

    for (const [server, cases] of Object.entries(CASES)) {
      const skip = absent(name, server);
      for (const { args, protocol, cipher, shows, refused } of cases) {
        const title = [server, ...args, refused ? "is refused" : "is served"].join(" ");
        test(title, { skip }, async () => {
          const starttls = server.endsWith("starttls");
          const noop = NOOP[server.split(" ")[0] as keyof typeof NOOP] ?? NOOP.imap;
          const { visit, log } = await world.meet(server, args, {
            say: noop,
            until: DONE,
            lines: refused ? 1 : 0,
          });
          if (refused) {
            assert.doesNotMatch(visit.text, /\* OK|\+OK|220 mx|a OK/);
            assert.match(visit.alert ?? "", alertOf(refused[0], who(name)));
            const place = starttls
              ? "in starttls state, client: 127.0.0.1 using starttls"
              : "SSL handshaking, client: 127.0.0.1";
            assert.deepEqual(log.map(reasonAlone), [
              `[info] SSL_do_handshake() failed (SSL: ${refused[1]}) while ${place}, ` +
              "server: 127.0.0.1:PORT",
            ]);
            return;
          }
          assert.match(visit.text, DONE);
          if (protocol) assert.equal(visit.protocol, protocol);
          if (cipher) assert.equal(visit.cipher, cipher);
          if (shows) assert.match(visit.text, shows);
        });
      }
    }

    const implicit = "while SSL handshaking, client: 127.0.0.1, server: 127.0.0.1:PORT";
    const upgraded =
      "while in starttls state, client: 127.0.0.1 using starttls, server: 127.0.0.1:PORT";

    /** What a client sends or does instead of a ClientHello, and the log line that this makes. */
    const wrongs: readonly (readonly [string, (socket: Socket) => void, string])[] = [
      [
        "a plaintext command",
        (socket) => void socket.write("a LOGIN bob secret\r\n"),
        "SSL_do_handshake() failed (SSL: wrong version number)",
      ],
      [
        "an HTTP request",
        (socket) => void socket.write("GET / HTTP/1.1\r\nHost: mail\r\n\r\n"),
        "SSL_do_handshake() failed (SSL: http request)",
      ],
      ["its end", (socket) => void socket.end(), "peer closed connection in SSL handshake"],
      [
        "the first bytes, and its end",
        (socket) => void socket.end(Uint8Array.of(22, 3, 1, 2)),
        "peer closed connection in SSL handshake",
      ],
      [
        "a reset",
        (socket) => void socket.write(Uint8Array.of(22, 3, 1), () => socket.resetAndDestroy()),
        "peer closed connection in SSL handshake (104: Connection reset by peer)",
      ],
    ];
    for (const [what, act, said] of wrongs) {
      const words = name === "nginx" ? said : wordsHere(said);
      test(`${what} on a TLS port: closed, and said`, async () => {
        const { log, heard } = await wrong(world, "imap", act);
        assert.equal(heard.replace(/^\x15[^]{6}/, ""), "");
        assert.deepEqual(log.map(reasonAlone).map(asSaid), [asSaid(`[info] ${words} ${implicit}`)]);
      });

      test(`${what} after STARTTLS: closed, and said`, async () => {
        const { log } = await wrong(world, "imap starttls", act);
        assert.deepEqual(log.map(reasonAlone).map(asSaid), [asSaid(`[info] ${words} ${upgraded}`)]);
      });
    }

    test("nobody renegotiates", async () => {
      const { visit } = await world.meet("1.2", ["-tls1_2"], {
        say: "R\n",
        until: /RENEGOTIATING[^]*(alert|error)/,
        lines: 0,
      });
      assert.match(visit.text, /no renegotiation|alert number 100|error/);
      assert.doesNotMatch(visit.text.split("RENEGOTIATING")[1]!, /verify return/);
    });
  });
}

/** rustls does not know HTTP when it sees it. */
function wordsHere(said: string): string {
  return DENO ? said.replace("http request", "wrong version number") : said;
}

/** Node does not always tell a reset from an end. */
function asSaid(line: string): string {
  return NODE ? line.replace(/ \(104: [^)]*\)/, "") : line;
}

/** rustls has another alert for some versions that it does not speak. */
function alertOf(alert: string, name: string): RegExp {
  const versions = name === "deno" && alert === "protocol version";
  return versions ? /^(?:protocol version|handshake failure)$/ : new RegExp(`^${alert}$`);
}

/** The library's reason without OpenSSL's numbers, and without what it says besides. */
function reasonAlone(line: string): string {
  return line.replace(/SSL: error:[0-9A-F]+:SSL routines:[^:)]*:([^:)]+)[^)]*/, "SSL: $1");
}

async function wrong(
  world: TlsWorld,
  server: string,
  act: (socket: Socket) => void,
): Promise<{ heard: string; log: readonly string[] }> {
  const mark = world.mark();
  const socket = connect(world.ports[server]!, "127.0.0.1");
  let heard = "";
  socket.on("data", (bytes) => heard += bytes.toString("latin1"));
  socket.on("error", () => {});
  const closed = once(socket, "close");
  await once(socket, "connect");
  // A connection that is gone before it was accepted is nobody's.
  await world.heard(() => world.log().slice(mark), / connected to /);
  if (server.endsWith("starttls")) {
    await world.heard(() => heard, /^\* OK /);
    socket.write("a STARTTLS\r\n");
    await world.heard(() => heard, /^a OK /m);
    heard = "";
  }
  act(socket);
  await closed;
  return { heard, log: await world.since(mark, 1) };
}
