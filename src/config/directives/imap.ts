/** Directives of nginx's mail_imap module. */

import { CLIENT_BUFFER } from "../../core/limits.ts";
import { MAIL, row } from "../directive.ts";
import { CAPABILITIES, setOf } from "../lists.ts";
import { SIZE } from "../values.ts";

export const IMAP = {
  imap_client_buffer: row(SIZE, {
    contexts: MAIL,
    default: CLIENT_BUFFER,
    doc: "The longest command that an IMAP client may send before login.",
    example: "imap_client_buffer 8k;",
  }),
  imap_capabilities: row(CAPABILITIES, {
    contexts: MAIL,
    default: ["IMAP4", "IMAP4rev1", "UIDPLUS"],
    doc:
      "What CAPABILITY names before login, besides AUTH= and STARTTLS. List what the backends have.",
    example: "imap_capabilities IMAP4rev1 UIDPLUS IDLE;",
  }),
  imap_auth: row(setOf("plain", "login", "cram-md5", "external"), {
    contexts: MAIL,
    default: ["plain"],
    doc: "SASL mechanisms for IMAP clients. PLAIN and LOGIN work whether listed or not.",
    example: "imap_auth plain login;",
  }),
} as const;
