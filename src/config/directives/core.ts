/** Directives of nginx's mail core module. */

import { MAIL, required, row } from "../directive.ts";
import { LISTEN } from "../listen.ts";
import { RESOLVER } from "../resolver.ts";
import { FLAG, NUMBER, PROTOCOL, SERVER_NAME, TIME } from "../values.ts";

export const CORE = {
  listen: row(LISTEN, {
    contexts: ["server"],
    default: [],
    defaultText: "none: every server needs one",
    doc:
      "An address and port (or `unix:` path) on which the server accepts connections, with the " +
      "parameters `ssl`, `proxy_protocol`, `bind`, `backlog=`, `rcvbuf=`, `sndbuf=`, `ipv6only=`, " +
      "`so_keepalive=` and `multipath`. May be repeated.",
    example: "listen 143;",
    status: "differs",
    note:
      "An address without a port takes the protocol's: 143, 110 or 25; with `ssl` 993, 995 or " +
      "465. nginx would let the kernel choose one.",
  }),
  protocol: required(PROTOCOL, {
    contexts: ["server"],
    defaultText: "by port: 143 and 993 are imap, 110 and 995 pop3, 25, 465 and 587 smtp",
    doc: "The protocol of the server: `imap`, `pop3` or `smtp`.",
    example: "protocol imap;",
    repeat: "last",
  }),
  server_name: row(SERVER_NAME, {
    contexts: MAIL,
    default: "",
    defaultText: "the name of the host",
    doc: "The name that the proxy gives itself: in the SMTP greeting and replies, in challenges, " +
      "and in EHLO to backends. It does not select a server.",
    example: "server_name mail.example.com;",
    status: "differs",
    note:
      "Several names, or one with a wildcard, are accepted with a warning: the first plain one " +
      "is used.",
  }),
  timeout: row(TIME, {
    contexts: MAIL,
    default: 60_000,
    doc: "How long a client may take, in all, from the greeting to the login; and how long a " +
      "backend may take to accept it.",
    example: "timeout 60s;",
  }),
  max_errors: row(NUMBER, {
    contexts: MAIL,
    default: 5,
    doc: "After this many protocol errors the connection is closed. 0 counts as 1.",
    example: "max_errors 5;",
  }),
  resolver: row(RESOLVER, {
    contexts: MAIL,
    default: null,
    doc: "Name servers that find the names of SMTP clients, with `valid=`, `ipv4=` and `ipv6=`; " +
      "`off` asks none.",
    example: "resolver 127.0.0.1 [::1]:5353 valid=30s;",
  }),
  resolver_timeout: row(TIME, {
    contexts: MAIL,
    default: 30_000,
    doc: "How long each question to a name server may take.",
    example: "resolver_timeout 5s;",
  }),
  so_keepalive: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "TCP keep-alive on the connections to clients and to backends.",
    example: "so_keepalive on;",
    old: "listen ... so_keepalive=on",
  }),
} as const;
