/**
 * What the TLS libraries of the runtimes lack, in sentences for `check-config`, the start and the
 * documentation. Plain data, so that one runtime can be asked about another.
 *
 * Rule: every sentence has a proof in test/contract/abilities.ts, which fails once it is no longer true.
 */

import type { Feature } from "../../net/ports.ts";

export type RuntimeName = "bun" | "deno" | "node";

type Lacks = Readonly<Partial<Record<Feature, string>>>;

const NAMED = "all authorities that are trusted are named to clients";

export const TLS_LACKS = {
  bun: {
    "tls-dhparam": "Bun's TLS library (BoringSSL) has no finite-field Diffie-Hellman",
    "tls-ciphersuites": "Bun's TLS library (BoringSSL) chooses the TLS 1.3 cipher suites itself",
    "tls-protocols-gap":
      "Bun's TLS library (BoringSSL) speaks none of the versions above one that is left out",
    "tls-prioritize-chacha": "Bun's TLS library (BoringSSL) has no such preference",
    "tls-session-cache":
      "Bun keeps no cache of TLS sessions: clients resume with tickets, within one worker",
    "tls-ticket-keys":
      "Bun makes the keys of TLS tickets itself, one set a worker, anew at each start",
    "tls-certificate-compression": "Bun's TLS library is not asked to compress certificates",
    "tls-unnamed-authorities": `under Bun ${NAMED}`,
  },
  deno: {
    "tls-dhparam": "Deno's TLS library (rustls) has no finite-field Diffie-Hellman",
    "tls-ciphers":
      "Deno's TLS library (rustls) has a fixed list of ciphers: TLS 1.2 and 1.3, ECDHE with AEAD",
    "tls-ciphersuites": "Deno's TLS library (rustls) has a fixed list of TLS 1.3 cipher suites",
    "tls-curves": "Deno's TLS library (rustls) has a fixed list of key exchange groups",
    "tls-crl": "Deno passes over revocation lists",
    "tls-protocols-old": "Deno's TLS library (rustls) has TLS 1.2 and 1.3 only",
    "tls-prefer-server-ciphers": "Deno's TLS library (rustls) chooses the cipher itself",
    "tls-prioritize-chacha": "Deno's TLS library (rustls) chooses the cipher itself",
    "tls-tickets-off": "Deno always issues TLS tickets",
    "tls-session-timeout": "Deno's TLS tickets are good for 12 hours",
    "tls-session-cache": "Deno keeps no cache of TLS sessions: clients resume with tickets",
    "tls-ticket-keys": "Deno makes the keys of TLS tickets itself, anew at each start",
    "tls-certificate-compression": "Deno does not compress certificates",
    "tls-unnamed-authorities": `under Deno ${NAMED}`,
  },
  node: {
    "tls-protocols-old-by-default":
      "OpenSSL 3 speaks TLSv1 and TLSv1.1 only with `@SECLEVEL=0` at the end of `ssl_ciphers`",
    "tls-session-cache-shared":
      "Node's caches of TLS sessions are shared by nobody: each server of each worker has its own",
    "tls-ticket-keys-several": "Node takes one ticket key: the first, for making and for opening",
    "tls-certificate-compression": "Node does not compress certificates",
    "tls-unnamed-authorities": `under Node ${NAMED}`,
  },
} as const satisfies Readonly<Record<RuntimeName, Lacks>>;
