/** Directives of nginx's mail_smtp module. */

import { CLIENT_BUFFER } from "../../core/limits.ts";
import { MAIL, row } from "../directive.ts";
import { CAPABILITIES, setOf } from "../lists.ts";
import { SIZE, TIME } from "../values.ts";

export const SMTP = {
  smtp_client_buffer: row(SIZE, {
    contexts: MAIL,
    default: CLIENT_BUFFER,
    doc: "The longest command that an SMTP client may send before login.",
    example: "smtp_client_buffer 8k;",
  }),
  smtp_greeting_delay: row(TIME, {
    contexts: MAIL,
    default: 0,
    doc: "How long the greeting waits; a client that speaks before it is refused.",
    example: "smtp_greeting_delay 3s;",
  }),
  smtp_capabilities: row(CAPABILITIES, {
    contexts: MAIL,
    default: [],
    doc: "What EHLO names besides AUTH and STARTTLS. List what the backends have.",
    example: 'smtp_capabilities "SIZE 10485760" 8BITMIME;',
  }),
  smtp_auth: row(setOf("plain", "login", "cram-md5", "external", "none"), {
    contexts: MAIL,
    default: ["plain", "login"],
    doc:
      "SASL mechanisms for SMTP clients; `none` lets mail in without a login, decided by envelope.",
    example: "smtp_auth plain login;",
  }),
} as const;
