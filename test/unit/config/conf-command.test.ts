/** `ssl_conf_command`: what each of OpenSSL's commands comes to, and how the others are refused. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { complaintsAbout, serverOf } from "./support.ts";

describe("a command is a setting", () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ["Certificate a.pem", { is: "certificate", path: "/etc/doorpost/a.pem" }],
    ["PrivateKey /a.key", { is: "key", path: "/a.key" }],
    ["DHParameters dh.pem", { is: "dhparam", path: "/etc/doorpost/dh.pem" }],
    ["CipherString HIGH:!aNULL", { is: "ciphers", list: "HIGH:!aNULL" }],
    ["Ciphersuites TLS_AES_128_GCM_SHA256", {
      is: "ciphersuites",
      list: "TLS_AES_128_GCM_SHA256",
    }],
    ["Curves X25519", { is: "curves", list: "X25519" }],
    ["Groups X25519:P-256", { is: "curves", list: "X25519:P-256" }],
    ["ECDHParameters automatic", { is: "curves", list: "auto" }],
    ["MinProtocol TLSv1.2", { is: "least", version: "TLSv1.2" }],
    ["MinProtocol None", { is: "least", version: null }],
    ["MinProtocol SSLv3", { is: "least", version: null }],
    ["MaxProtocol TLSv1.2", { is: "most", version: "TLSv1.2" }],
    // In any case, as OpenSSL takes them.
    ["maxprotocol TLSv1.3", { is: "most", version: "TLSv1.3" }],
    ["Options -SessionTicket", { is: "options", options: { sessionTickets: false } }],
    ["Options sessionticket", { is: "options", options: { sessionTickets: true } }],
    ['Options "ServerPreference, +PrioritizeChaCha"', {
      is: "options",
      options: { preferServerCiphers: true, prioritizeChaCha: true },
    }],
    // The last word on one option counts.
    ["Options ServerPreference,-ServerPreference", {
      is: "options",
      options: { preferServerCiphers: false },
    }],
    // What is so anyway may be asked for.
    ["Options NoRenegotiation,-Compression,DHSingle,-AntiReplay", { is: "options", options: {} }],
  ];
  for (const [text, does] of cases) {
    test(text, async () => {
      const { ssl_conf_command } = await serverOf(`ssl_conf_command ${text};`);
      assert.deepEqual(ssl_conf_command.map((command) => command.does), [does]);
    });
  }

  test("Protocol is a list of steps", async () => {
    const { ssl_conf_command } = await serverOf(
      'ssl_conf_command Protocol "-ALL, TLSv1.2,+TLSv1.3,-SSLv3";',
    );
    assert.deepEqual(ssl_conf_command[0].does, {
      is: "protocols",
      steps: [
        { on: false, versions: ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
        { on: true, versions: ["TLSv1.2"] },
        { on: true, versions: ["TLSv1.3"] },
      ],
    });
  });

  test("they accumulate, in the order of the file", async () => {
    const { ssl_conf_command } = await serverOf(
      "ssl_conf_command MinProtocol TLSv1.2; ssl_conf_command Curves X25519;",
    );
    assert.deepEqual(ssl_conf_command.map(({ name }) => name), ["MinProtocol", "Curves"]);
  });
});

describe("a command that is no setting is refused", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["Nonsense x", 'SSL_CONF_cmd("Nonsense", "x") failed (SSL: unknown cmd name)'],
    ["MinProtocol TLSv9", 'SSL_CONF_cmd("MinProtocol", "TLSv9") failed (SSL: bad value)'],
    ["MaxProtocol SSLv3", "SSLv3 is not supported"],
    ["Protocol TLSv9", 'SSL_CONF_cmd("Protocol", "TLSv9") failed (SSL: bad value)'],
    ["Protocol SSLv3", "SSLv3 is not supported"],
    ["Options Nonsense", 'SSL_CONF_cmd("Options", "Nonsense") failed (SSL: bad value)'],
    ['Options ""', 'SSL_CONF_cmd("Options", "") failed (SSL: bad value)'],
    ["Options Bugs", '"ssl_conf_command Options Bugs" is not supported'],
    ["Options -EncryptThenMac", '"ssl_conf_command Options -EncryptThenMac" is not supported'],
    // The unsafe state of what is always safe.
    ["Options -NoRenegotiation", '"ssl_conf_command Options -NoRenegotiation" is not supported'],
    ["Options Compression", '"ssl_conf_command Options Compression" is not supported'],
    ["RecordPadding 512", '"ssl_conf_command RecordPadding" is not supported'],
    ["VerifyMode Peer", '"ssl_conf_command VerifyMode" is not supported'],
    ["SignatureAlgorithms RSA+SHA256", '"ssl_conf_command SignatureAlgorithms" is not supported'],
  ];
  for (const [text, message] of cases) {
    test(text, async () => {
      assert.deepEqual(await complaintsAbout(`ssl_conf_command ${text};`), [`error: ${message}`]);
    });
  }

  test("two words are wanted", async () => {
    assert.deepEqual(await complaintsAbout("ssl_conf_command Options;"), [
      'error: invalid number of arguments in "ssl_conf_command" directive',
    ]);
  });
});
