/** Directives of nginx's mail_proxy module: what happens between login and end. */

import { CLIENT_BUFFER } from "../../core/limits.ts";
import { MAIL, row } from "../directive.ts";
import { FLAG, oneOf, SIZE, TIME } from "../values.ts";

export const PROXY = {
  proxy: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Has no effect, as in nginx: a server always proxies.",
    example: "proxy on;",
  }),
  proxy_buffer: row(SIZE, {
    contexts: MAIL,
    default: CLIENT_BUFFER,
    doc: "The longest reply of a backend during its login.",
    example: "proxy_buffer 8k;",
    status: "differs",
    note: "Relaying afterwards is not done in pieces of this size.",
  }),
  proxy_timeout: row(TIME, {
    contexts: MAIL,
    default: 24 * 3_600_000,
    doc: "How long a logged-in session may be silent before it is closed.",
    example: "proxy_timeout 1h;",
    status: "differs",
    note: "Bytes from either side count; in nginx only the client's do.",
  }),
  proxy_pass_error_message: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Whether a client sees the words with which a backend refused the login.",
    example: "proxy_pass_error_message on;",
  }),
  xclient: row(FLAG, {
    contexts: MAIL,
    default: true,
    doc: "Whether SMTP backends are told of the client by XCLIENT.",
    example: "xclient off;",
  }),
  proxy_smtp_auth: row(FLAG, {
    contexts: MAIL,
    default: false,
    doc: "Whether the login is repeated at SMTP backends, by AUTH PLAIN.",
    example: "proxy_smtp_auth on;",
  }),
  proxy_protocol: row(oneOf("off", "on", "v2"), {
    contexts: MAIL,
    default: "off",
    doc: "Whether connections to backends begin with a PROXY header, and of which version.",
    example: "proxy_protocol v2;",
  }),
} as const;
