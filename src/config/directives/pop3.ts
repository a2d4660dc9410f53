/** Directives of nginx's mail_pop3 module, and the buffer that it lacks. */

import { CLIENT_BUFFER } from "../../core/limits.ts";
import { MAIL, row } from "../directive.ts";
import { CAPABILITIES, setOf } from "../lists.ts";
import { SIZE } from "../values.ts";

export const POP3 = {
  pop3_client_buffer: row(SIZE, {
    contexts: MAIL,
    default: CLIENT_BUFFER,
    doc: "The longest command that a POP3 client may send before login.",
    example: "pop3_client_buffer 8k;",
    status: "new",
    note: "nginx has 128 fixed bytes, too few for the base64 of a long password.",
  }),
  pop3_capabilities: row(CAPABILITIES, {
    contexts: MAIL,
    default: ["TOP", "USER", "UIDL"],
    doc: "What CAPA names before login, besides SASL and STLS. List what the backends have.",
    example: "pop3_capabilities TOP USER UIDL;",
  }),
  pop3_auth: row(setOf("plain", "apop", "cram-md5", "external"), {
    contexts: MAIL,
    default: ["plain"],
    doc:
      "Ways to log in for POP3 clients; `plain` also advertises LOGIN. USER and PASS always work.",
    example: "pop3_auth plain apop;",
  }),
} as const;
