/** The TLS half of the ports: what is asked of a runtime's TLS library, and what it tells of a peer. */

/** Opaque: made by one runtime's `TlsLibrary`, understood by it alone. */
export interface TlsContext {
  readonly tlsContext: "server" | "client";
}

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

export interface CertificateAndKey {
  /** PEM, leaf first. */
  readonly certificate: string;
  readonly key: string;
  readonly passphrase?: string;
}

export interface TlsServerSettings {
  readonly certificates: readonly CertificateAndKey[];
  readonly protocols: readonly TlsVersion[];
  /** OpenSSL cipher string; absent = the library's default. */
  readonly ciphers?: string;
  /** TLS 1.3 suites, colon-separated; absent = the library's default. */
  readonly ciphersuites?: string;
  readonly preferServerCiphers?: boolean;
  /** With `preferServerCiphers`: ChaCha20 nevertheless, for a client that puts it first. */
  readonly prioritizeChaCha?: boolean;
  /** Colon-separated group names; absent = automatic. */
  readonly curves?: string;
  /** PEM. */
  readonly dhparam?: string;
  /** Ask for a client certificate; verification is reported in `TlsInfo.verify`, never enforced here. */
  readonly requestCertificate?: boolean;
  /** PEM of trusted authorities, and of revocation lists. */
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  /**
   * How many certificates may lie between a client's and its anchor; a longer chain is one whose
   * issuer was not found, as OpenSSL reports it. Absent = any number.
   */
  readonly verifyDepth?: number;
  /** Protocol names; a client that offers ALPN without any of them gets `no_application_protocol`. */
  readonly alpn?: readonly string[];
  readonly sessionTickets?: boolean;
  /** 48 or 80 bytes each, in nginx's layout; the first makes tickets, all of them open them. */
  readonly ticketKeys?: readonly Uint8Array[];
  /** Seconds. */
  readonly sessionTimeout?: number;
  /** How many sessions are kept for clients that resume without tickets; absent = none. */
  readonly sessionCache?: number;
}

export interface TlsClientSettings {
  /** Default true. False only where the administrator turned verification off by name. */
  readonly verify: boolean;
  /** PEM; absent = the system's store. */
  readonly ca?: readonly string[];
  readonly crl?: readonly string[];
  readonly certificate?: CertificateAndKey;
  readonly protocols?: readonly TlsVersion[];
  readonly ciphers?: string;
  readonly alpn?: readonly string[];
  /** Tell of the server's whole chain, not of its first certificate alone. */
  readonly chain?: boolean;
}

export interface StartTlsOptions {
  readonly pending?: Uint8Array;
  /** Client side: the name for SNI and for verification (an IP literal is verified, not sent). */
  readonly serverName?: string;
}

export interface TlsInfo {
  /** OpenSSL's spelling: `TLSv1.3`. */
  readonly protocol: string;
  /** OpenSSL's spelling: `TLS_AES_256_GCM_SHA384`, `ECDHE-ECDSA-AES128-GCM-SHA256`. */
  readonly cipher: string;
  readonly alpn: string | null;
  readonly sni: string | null;
  /** OpenSSL's verify code (`18`) and text; `ok`, `0` and `ok` when the peer's certificate verified. */
  readonly verify: { readonly ok: boolean; readonly code: string; readonly text: string };
  readonly peer: Certificate | null;
  /**
   * Client side, when asked for: the certificates that the server sent, its own first, without roots.
   * Bun adds intermediates that were not sent when they are themselves trusted.
   */
  readonly chain?: readonly Certificate[];
  /**
   * Server side: the certificate that we showed, as OpenSSL and haproxy name its parts: signature
   * `RSA-SHA256`, `ecdsa-with-SHA256`; key `RSA2048`, `EC256`. Absent where the library does not tell.
   */
  readonly own?: { readonly signature: string; readonly key: string };
  readonly resumed: boolean;
}

export interface Certificate {
  /** RFC 2253, `O=Org\, Inc,CN=Test CA`. */
  readonly subject: string;
  readonly issuer: string;
  /** Upper-case hex. */
  readonly serial: string;
  /** SHA-1, lower-case hex without colons. */
  readonly fingerprint: string;
  readonly pem: string;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** DNS names and IP addresses of subjectAltName. */
  readonly names: readonly string[];
  /** The common name of the subject, or empty. */
  readonly commonName: string;
  /** How many certificates lie between this one and its anchor; absent when unknown. */
  readonly depth?: number;
}

export interface TlsLibrary {
  /**
   * Throws a `TlsSettingError` that names the setting at fault; certificates are looked at last, so
   * that without any of them the other settings can be tried.
   */
  server(settings: TlsServerSettings): TlsContext;
  client(settings: TlsClientSettings): TlsContext;
  /** The first certificate of a PEM text; throws a `TlsSettingError`. */
  inspect(pem: string): Certificate;
  /** Whether the key belongs to the certificate; throws a `TlsSettingError` for unreadable input. */
  matches(pair: CertificateAndKey): boolean;
}

/** A TLS setting that the library refused: which one, and its words. */
export class TlsSettingError extends Error {
  override readonly name = "TlsSettingError";
  readonly setting: keyof TlsServerSettings | keyof TlsClientSettings | "key";
  /** Which certificate pair, when several. */
  readonly index: number;

  constructor(setting: TlsSettingError["setting"], message: string, index = 0) {
    super(message);
    this.setting = setting;
    this.index = index;
  }
}
