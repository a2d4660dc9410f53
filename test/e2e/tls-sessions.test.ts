/**
 * Resumed sessions: they spare the handshake and nothing else. A client certificate is what it was at
 * first, good or bad; a session of another server vouches for nobody. RFC 5077, RFC 8446 section 2.2;
 * `ssl_session_tickets`, `ssl_session_ticket_key`, `ssl_session_cache`, `ssl_session_timeout`.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { testAuthority } from "../support/ca.ts";
import { makePki } from "../support/pki.ts";
import { skipWithout } from "../support/process.ts";
import { type Meeting, TlsWorld, type TlsWorldSettings } from "../support/tls-world.ts";

const UNDER_TEST = process.env["DOORPOST_UNDER_TEST"] ?? "exe";
const DENO = UNDER_TEST === "deno";
const NODE = /node/.test(UNDER_TEST);

const LISTEN = "listen LISTEN ssl; protocol imap;";
const CA = "ssl_client_certificate ca.pem;";
const SERVERS: Readonly<Record<string, string>> = {
  optional: `${LISTEN} ssl_verify_client optional; ${CA}`,
  required: `${LISTEN} ssl_verify_client on; ${CA}`,
  others: `${LISTEN} ssl_verify_client on; ssl_client_certificate other-ca.pem;`,
  open: LISTEN,
  // Not by tickets and not by session ids.
  ...(DENO ? {} : { never: `${LISTEN} ssl_session_tickets off; ssl_session_cache off;` }),
  ...(NODE ? { cached: `${LISTEN} ssl_session_tickets off; ssl_session_cache builtin:10;` } : {}),
  brief: `${LISTEN} ssl_session_timeout 77s;`,
  short: `${LISTEN} ssl_session_timeout 1s;`,
  ...(NODE
    ? { "short, cached": `${LISTEN} ssl_session_cache builtin:10; ssl_session_timeout 1s;` }
    : {}),
  nobody: `${LISTEN} ssl_verify_client optional_no_ca;`,
};

async function settings(more: Partial<TlsWorldSettings> = {}): Promise<TlsWorldSettings> {
  const authority = await testAuthority();
  const leaf = await authority.issue();
  const pki = await makePki();
  return {
    servers: SERVERS,
    mail: "ssl_certificate tls.pem; ssl_certificate_key tls.key; ssl_protocols TLSv1.2 TLSv1.3;",
    ...more,
    files: { ...pki.files, "tls.pem": leaf.certificate, "tls.key": leaf.key, ...more.files },
  };
}

const present = (client: string) => ["-cert", `${client}.pem`, "-cert_chain", `${client}.pem`];

let sessions = 0;

/** The same client twice, the second time with the session of the first. */
async function twice(
  first: readonly [TlsWorld, string],
  second: readonly [TlsWorld, string],
  ...args: string[]
): Promise<readonly [Meeting, Meeting]> {
  const file = `${first[0].folder}/session-${++sessions}`;
  const one = await first[0].meet(first[1], [...args, "-sess_out", file]);
  // Without a session to bring along it comes as it came.
  const session = existsSync(file) ? ["-sess_in", file] : [];
  return [one, await second[0].meet(second[1], [...args, ...session])];
}

describe("resumed sessions", { skip: skipWithout("openssl") }, () => {
  let world: TlsWorld;
  before(async () => {
    const ca = (await makePki()).files["ca.pem"]!;
    world = await TlsWorld.start("doorpost", await settings({ files: { "extra.pem": ca } }));
  });
  after(() => world[Symbol.asyncDispose]());

  for (const version of ["-tls1_2", "-tls1_3"]) {
    for (const client of ["good", "via"]) {
      test(`${version}: the client is who it was (${client})`, async () => {
        const server = [world, "required"] as const;
        const [one, two] = await twice(server, server, version, ...present(client));
        assert.deepEqual([one.visit.resumed, two.visit.resumed], [false, true]);
        assert.equal(two.headers["auth-ssl-verify"], "SUCCESS");
        assert.deepEqual(two.headers, one.headers);
      });
    }

    for (const client of ["self", "stranger", "deep", "expired"]) {
      test(`${version}: refused once, refused again (${client})`, async () => {
        const server = [world, "optional"] as const;
        const [one, two] = await twice(server, server, version, ...present(client));
        assert.equal(one.line, "* BYE SSL certificate error");
        assert.equal(two.line, "* BYE SSL certificate error");
        assert.deepEqual(two.headers, {});
      });
    }

    test(`${version}: nobody gets in by a session of another server`, async () => {
      const required = [world, "required"] as const;
      const [there, here] = await twice(
        [world, "others"],
        required,
        version,
        ...present("stranger"),
      );
      assert.equal(there.line, "* OK IMAP4 ready");
      assert.equal(here.line, "* BYE SSL certificate error");
      const [, none] = await twice([world, "open"], required, version);
      assert.equal(none.line, "* BYE No required SSL certificate");
    });

    test(`${version}: tickets off`, { skip: DENO && "Deno always issues tickets" }, async () => {
      const [, two] = await twice([world, "never"], [world, "never"], version);
      assert.equal(two.visit.resumed, false);
    });

    test(`${version}: the lifetime is told`, { skip: DENO && "Deno says 12 hours" }, async () => {
      const { visit } = await world.meet("brief", [version]);
      assert.match(visit.text, /ticket lifetime hint: 77 \(seconds\)/);
    });
  }

  test("a session that is too old is not resumed", {
    skip: DENO && "Deno keeps them for 12 hours",
  }, async () => {
    const visits = [
      ["short", "-tls1_2"],
      ["short", "-tls1_3"],
      ...(NODE ? [["short, cached", "-tls1_2", "-no_ticket"]] : []),
    ];
    for (const [server, ...args] of visits) {
      const file = `${world.folder}/session-${++sessions}`;
      await world.meet(server!, [...args, "-sess_out", file]);
      // Whole seconds count.
      await sleep(2_000);
      const late = await world.meet(server!, [...args, "-sess_in", file]);
      assert.equal(late.visit.resumed, false, `${server} ${args}`);
    }
  });

  test("s_client -reconnect", async () => {
    const { visit } = await world.meet("open", ["-tls1_2", "-reconnect"], {
      say: "",
      until: /(?:^Reused, [^]*){5}OK IMAP4/m,
      lines: 0,
    });
    assert.equal(visit.text.match(/^Reused, TLSv1.2/gm)?.length, 5);
  });

  test("a cache, for who takes no tickets", { skip: !NODE && "Node alone has one" }, async () => {
    const server = [world, "cached"] as const;
    const [, two] = await twice(server, server, "-tls1_2", "-no_ticket");
    assert.equal(two.visit.resumed, true);
  });
});

describe("ssl_session_ticket_key", { skip: skipWithout("openssl") }, () => {
  const skip = !NODE && "this runtime makes its own keys, and says so";

  test("one key, two processes: sessions of the one are good at the other", { skip }, async () => {
    const key = new Uint8Array(80).map((_, i) => i);
    const keyed = async (bytes: Uint8Array) =>
      await TlsWorld.start(
        "doorpost",
        await settings({
          servers: { open: `${LISTEN} ssl_session_ticket_key ticket.key;` },
          files: { "ticket.key": bytes },
        }),
      );
    const [one, same, other] = [await keyed(key), await keyed(key), await keyed(key.toReversed())];
    try {
      for (const version of ["-tls1_2", "-tls1_3"]) {
        const [, resumed] = await twice([one, "open"], [same, "open"], version);
        assert.equal(resumed.visit.resumed, true);
        const [, fresh] = await twice([one, "open"], [other, "open"], version);
        assert.equal(fresh.visit.resumed, false);
      }
    } finally {
      for (const world of [one, same, other]) await world[Symbol.asyncDispose]();
    }
  });
});

describe("authorities of the machine", { skip: skipWithout("openssl") }, () => {
  test("vouch for nobody here: only those of ssl_client_certificate do", async () => {
    const first = await TlsWorld.start("doorpost", await settings());
    const ca = `${first.folder}/ca.pem`;
    const env = {
      NODE_EXTRA_CA_CERTS: ca,
      SSL_CERT_FILE: ca,
      DENO_CERT: ca,
      DENO_TLS_CA_STORE: "system",
    };
    const second = await TlsWorld.start("doorpost", await settings({ env }));
    try {
      const { headers } = await second.meet("nobody", present("good"));
      assert.equal(headers["auth-ssl-verify"], "FAILED:unable to verify the first certificate");
    } finally {
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
    }
  });
});
