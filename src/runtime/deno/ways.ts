/** How Deno's `node:tls`, which is rustls, differs from OpenSSL. */

import { TLS_LACKS } from "../tls/lacks.ts";
import type { Ways } from "../tls/library.ts";
import { ciphersRefused, curvesRefused, suitesRefused } from "./suites.ts";
import { contextFault } from "./trial.ts";

const LACKS = TLS_LACKS.deno;

export const DENO_WAYS: Ways = {
  ciphers: ciphersRefused,
  ciphersuites: suitesRefused,
  curves: curvesRefused,
  crl: LACKS["tls-crl"],
  dhparam: LACKS["tls-dhparam"],
  oldProtocols: LACKS["tls-protocols-old"],
  sessionTickets: LACKS["tls-tickets-off"],
  ticketKeys: LACKS["tls-ticket-keys"],
  severalCertificates: true,
  fault: contextFault,
  resumed: "nothing",
  coarse: true,
};
