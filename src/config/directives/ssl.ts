/** Directives of nginx's mail_ssl module. */

import { CONF_COMMANDS } from "../conf-command.ts";
import { MAIL, optional, row } from "../directive.ts";
import { CERTIFICATES, KEYS, PATHS, TLS_VERSIONS } from "../lists.ts";
import { SESSION_CACHE } from "../session-cache.ts";
import { FLAG, NUMBER, oneOf, PATH, SECONDS, STRING } from "../values.ts";

export const SSL = {
  starttls: row(oneOf("off", "on", "only"), {
    contexts: MAIL,
    default: "off",
    doc: "Whether a plain connection may (`on`) or must (`only`) become a TLS one before login.",
    example: "starttls only;",
  }),
  ssl_certificate: row(CERTIFICATES, {
    contexts: MAIL,
    default: [],
    doc:
      "PEM file of the certificate and its intermediates, or `data:` and the PEM itself. May be " +
      "repeated for other kinds of key.",
    example: "ssl_certificate mail.example.com.crt;",
  }),
  ssl_certificate_key: row(KEYS, {
    contexts: MAIL,
    default: [],
    doc:
      "PEM file of the key, or `data:` and the PEM itself: one for each certificate, in the same " +
      "order.",
    example: "ssl_certificate_key mail.example.com.key;",
    status: "differs",
    note: "`engine:` and `store:` keys are refused.",
  }),
  ssl_password_file: optional(PATH, {
    contexts: MAIL,
    doc: "File of pass phrases, one a line, that are tried on encrypted keys.",
    example: "ssl_password_file passphrases;",
  }),
  ssl_certificate_compression: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Whether certificates are sent compressed to clients that ask for it.",
    example: "ssl_certificate_compression on;",
  }),
  ssl_dhparam: optional(PATH, {
    contexts: MAIL,
    doc: "PEM file of parameters for DHE ciphers.",
    example: "ssl_dhparam dhparam.pem;",
  }),
  ssl_ecdh_curve: row(STRING, {
    contexts: MAIL,
    default: "auto",
    doc: "Curves for ECDHE, separated by colons.",
    example: "ssl_ecdh_curve X25519:prime256v1;",
  }),
  ssl_protocols: row(TLS_VERSIONS, {
    contexts: MAIL,
    default: ["TLSv1.2", "TLSv1.3"],
    doc: "Versions of TLS that clients may use.",
    example: "ssl_protocols TLSv1.2 TLSv1.3;",
    status: "differs",
    note: "SSLv2 and SSLv3 are dropped with a warning; naming nothing else is an error.",
  }),
  ssl_ciphers: row(STRING, {
    contexts: MAIL,
    default: "HIGH:!aNULL:!MD5",
    doc: "Cipher suites up to TLS 1.2, in OpenSSL's notation.",
    example: "ssl_ciphers HIGH:!aNULL:!MD5;",
  }),
  ssl_prefer_server_ciphers: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Whether the server's order of ciphers counts, not the client's.",
    example: "ssl_prefer_server_ciphers on;",
  }),
  ssl_session_cache: row(SESSION_CACHE, {
    contexts: MAIL,
    default: { is: "none" },
    doc: "Where TLS sessions are kept for resumption: `off`, `none`, `builtin[:N]`, " +
      "`shared:NAME:SIZE`.",
    example: "ssl_session_cache shared:MAIL:10m;",
  }),
  ssl_session_tickets: row(FLAG, {
    contexts: MAIL,
    default: true,
    doc: "Whether TLS sessions may be resumed by tickets.",
    example: "ssl_session_tickets off;",
  }),
  ssl_session_ticket_key: row(PATHS, {
    contexts: MAIL,
    default: [],
    doc:
      "File of 48 or 80 random bytes that encrypts tickets. May be repeated; the first encrypts.",
    example: "ssl_session_ticket_key ticket.key;",
  }),
  ssl_session_timeout: row(SECONDS, {
    contexts: MAIL,
    default: 300_000,
    doc: "How long a TLS session may be resumed.",
    example: "ssl_session_timeout 10m;",
  }),
  ssl_verify_client: row(oneOf("off", "on", "optional", "optional_no_ca"), {
    contexts: MAIL,
    default: "off",
    doc: "Whether clients must (`on`) or may show a certificate, and whether it must verify.",
    example: "ssl_verify_client optional;",
  }),
  ssl_verify_depth: row(NUMBER, {
    contexts: MAIL,
    default: 1,
    doc: "How many certificates may lie between a client's and its authority.",
    example: "ssl_verify_depth 2;",
  }),
  ssl_client_certificate: optional(PATH, {
    contexts: MAIL,
    doc:
      "PEM file of the authorities that client certificates may come from; their names are sent.",
    example: "ssl_client_certificate clients-ca.pem;",
  }),
  ssl_trusted_certificate: optional(PATH, {
    contexts: MAIL,
    doc: "Like `ssl_client_certificate`, but the names are not sent to clients.",
    example: "ssl_trusted_certificate clients-ca.pem;",
  }),
  ssl_crl: optional(PATH, {
    contexts: MAIL,
    doc: "PEM file of revoked client certificates.",
    example: "ssl_crl revoked.pem;",
  }),
  ssl_conf_command: row(CONF_COMMANDS, {
    contexts: MAIL,
    default: [],
    doc: "An OpenSSL configuration command, name and value: `Certificate`, `PrivateKey`, " +
      "`DHParameters`, `CipherString`, `Ciphersuites`, `Curves`, `Groups`, `ECDHParameters`, " +
      "`Protocol`, `MinProtocol`, `MaxProtocol`, `Options`. May be repeated.",
    example: "ssl_conf_command Options PrioritizeChaCha;",
    status: "differs",
    note: "Commands and options that no setting here stands for are refused by name.",
  }),
} as const;
