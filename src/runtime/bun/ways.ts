/** How Bun's `node:tls`, which is BoringSSL, differs from OpenSSL. */

import { TLS_LACKS } from "../tls/lacks.ts";
import type { Ways } from "../tls/library.ts";
import { boringCiphers, suitesRefused } from "./ciphers.ts";
import { NOBODY } from "./nobody.ts";

const LACKS = TLS_LACKS.bun;

export const BUN_WAYS: Ways = {
  ciphersuites: suitesRefused,
  dhparam: LACKS["tls-dhparam"],
  protocolsGap: LACKS["tls-protocols-gap"],
  ticketKeys: LACKS["tls-ticket-keys"],
  translate: boringCiphers,
  nobody: NOBODY,
};
