/** The directive of nginx's mail_realip module. */

import { CIDRS } from "../cidr.ts";
import { MAIL, row } from "../directive.ts";

export const REALIP = {
  set_real_ip_from: row(CIDRS, {
    contexts: MAIL,
    default: [],
    doc:
      "Peers whose PROXY header is believed: an address, a CIDR range, a host name or `unix:`. " +
      "May be repeated.",
    example: "set_real_ip_from 10.0.0.0/8;",
  }),
} as const;
