/** Attempts and settings that the auth tests start from: an IMAP login, plain, no TLS, no PROXY header. */

import { Secret } from "../../../src/core/secret.ts";
import { ip } from "../../../src/net/address.ts";
import type { Certificate, TlsInfo } from "../../../src/net/ports.ts";
import type { Attempt } from "../../../src/session/machine.ts";
import type { HttpAuthSettings } from "../../../src/auth/http.ts";

/** Stands in every test's password, so that one search shows whether it got out. */
export const PASSWORD = "Tr0ub4dor-secret";

export function attempt(change: Partial<Attempt> = {}): Attempt {
  return {
    protocol: "imap",
    method: "plain",
    user: "alice",
    password: new Secret(PASSWORD),
    salt: null,
    attempt: 1,
    peer: { address: ip("192.0.2.7", 40001), host: "", proxied: null },
    envelope: null,
    tls: null,
    ...change,
  };
}

export function settings(change: Partial<HttpAuthSettings> = {}): HttpAuthSettings {
  return {
    auth_http: {
      tls: false,
      at: { is: "ip", address: "127.0.0.1", port: 9000 },
      host: "127.0.0.1",
      uri: "/auth",
      text: "http://127.0.0.1:9000/auth",
    },
    auth_http_header: [],
    auth_http_keepalive: "auto",
    auth_http_timeout: 60_000,
    auth_http_pass_client_cert: false,
    ssl_verify_client: "off",
    ...change,
  };
}

export function tls(change: Partial<TlsInfo> = {}): TlsInfo {
  return {
    protocol: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    alpn: null,
    sni: null,
    verify: { ok: true, code: "0", text: "ok" },
    peer: null,
    resumed: false,
    ...change,
  };
}

export function certificate(change: Partial<Certificate> = {}): Certificate {
  return {
    subject: "O=Org\\, Inc,CN=alice",
    issuer: "CN=Test CA",
    serial: "0A1B",
    fingerprint: "a9993e364706816aba3e25717850c26c9cd0d89d",
    pem: "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n",
    notBefore: 0,
    notAfter: 0,
    names: [],
    commonName: "alice",
    ...change,
  };
}

/** Bytes as text, one character a byte. */
export function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
