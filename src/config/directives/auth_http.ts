/** Directives of nginx's mail_auth_http module. */

import { AUTH_IDLE } from "../../core/limits.ts";
import { AUTH_HTTP_URL } from "../auth-http-url.ts";
import { MAIL, required, row } from "../directive.ts";
import { HEADERS } from "../lists.ts";
import { KEPT } from "../process-values.ts";
import { FLAG, TIME } from "../values.ts";

export const AUTH_HTTP = {
  auth_http: required(AUTH_HTTP_URL, {
    contexts: MAIL,
    defaultText: "none: every server needs one",
    doc: "The HTTP server that decides logins: `host:port/path`, `http://host/path`, an address, " +
      "or `unix:path:/uri`.",
    example: "auth_http http://127.0.0.1:9000/auth;",
    repeat: "last",
    status: "differs",
    note: "A query without a path is asked for as `/?...`, where nginx sends a malformed request.",
  }),
  auth_http_timeout: row(TIME, {
    contexts: MAIL,
    default: 60_000,
    doc: "How long the auth server may take to accept a request, and then to answer it.",
    example: "auth_http_timeout 5s;",
  }),
  auth_http_keepalive: row(KEPT, {
    contexts: MAIL,
    default: "auto",
    doc: "How many idle connections a worker keeps to the auth server: a number, `auto` for " +
      `${AUTH_IDLE}, or \`off\` for a connection a request, as nginx. They are kept once an answer ` +
      "has said `HTTP/1.1`; a server that does not get on with that is asked by HTTP/1.0 again.",
    example: "auth_http_keepalive off;",
    status: "new",
  }),
  auth_http_header: row(HEADERS, {
    contexts: MAIL,
    default: [],
    doc: "A header that is added to every request, such as a shared secret. May be repeated.",
    example: "auth_http_header X-Auth-Key s3cret;",
  }),
  auth_http_pass_client_cert: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Whether the client's certificate goes to the auth server as `Auth-SSL-Cert`.",
    example: "auth_http_pass_client_cert on;",
  }),
} as const;
