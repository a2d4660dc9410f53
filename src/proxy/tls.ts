/**
 * From `ssl_*` settings to TLS contexts: files are read, passphrases tried, and what the runtime's
 * library cannot do is said by name, as an error if it would weaken security, else as a warning.
 */

import type { ServerDirective, ServerSettings } from "../config/settings.ts";
import { decode, printable } from "../core/bytes.ts";
import type { Diagnostic, Severity } from "../core/diagnostic.ts";
import { errnoText, FileError, type NetError } from "../core/errors.ts";
import { LOG_QUOTE } from "../core/limits.ts";
import {
  type CertificateAndKey,
  type Feature,
  type Runtime,
  type TlsContext,
  type TlsInfo,
  type TlsServerSettings,
  TlsSettingError,
} from "../net/ports.ts";

export interface ServerTls {
  /** Null when the server has no use for TLS, or an error stands in `findings`. */
  readonly context: TlsContext | null;
  readonly findings: readonly Diagnostic[];
}

/** The TLS context of a server that offers `starttls` or listens with `ssl`. */
export function serverTls(settings: ServerSettings, runtime: Runtime): ServerTls {
  const wanted = settings.starttls !== "off" || settings.listen.some((listen) => listen.ssl);
  return wanted ? new Builder(settings, runtime).build() : { context: null, findings: [] };
}

/** What was agreed on, for a debug line. */
export function describeTls({ protocol, cipher, alpn, sni, resumed }: TlsInfo): string {
  const names = `${alpn === null ? "" : `, ALPN ${alpn}`}${sni === null ? "" : `, SNI ${sni}`}`;
  return printable(`TLS is on: ${protocol}, ${cipher}${names}${resumed ? ", resumed" : ""}`);
}

/** A failed handshake in nginx's words; between the brackets is what the runtime's library says. */
export function handshakeFailure({ message }: NetError): string {
  const reason = /^TLS handshake failed: (.*)$/s.exec(message)?.[1];
  if (reason === undefined) return message.replace("TLS handshake", "SSL handshake");
  return `SSL_do_handshake() failed (SSL: ${printable(reason, LOG_QUOTE)})`;
}

class Builder {
  readonly #settings: ServerSettings;
  readonly #runtime: Runtime;
  readonly #findings: Diagnostic[] = [];

  constructor(settings: ServerSettings, runtime: Runtime) {
    this.#settings = settings;
    this.#runtime = runtime;
  }

  build(): ServerTls {
    const asked = this.#gather();
    const failed = () => this.#findings.some((finding) => finding.severity === "error");
    if (failed()) return { context: null, findings: this.#findings };
    try {
      return { context: this.#runtime.tls.server(asked), findings: this.#findings };
    } catch (error) {
      if (!(error instanceof TlsSettingError)) throw error;
      this.#refused(error);
      return { context: null, findings: this.#findings };
    }
  }

  #gather(): TlsServerSettings {
    const s = this.#settings;
    this.#unsupported();
    const requestCertificate = s.ssl_verify_client !== "off";
    const can = (feature: Feature) => this.#runtime.supports(feature) === true;
    const authorities = [s.ssl_client_certificate, s.ssl_trusted_certificate];
    return {
      certificates: this.#certificates(),
      protocols: s.ssl_protocols,
      ciphers: can("tls-ciphers") ? s.ssl_ciphers : undefined,
      preferServerCiphers: s.ssl_prefer_server_ciphers,
      curves: s.ssl_ecdh_curve === "auto" || !can("tls-curves") ? undefined : s.ssl_ecdh_curve,
      dhparam: s.ssl_dhparam !== null && can("tls-dhparam")
        ? this.#read(s.ssl_dhparam, "ssl_dhparam", "dhparam")
        : undefined,
      requestCertificate,
      ca: requestCertificate
        ? authorities.filter((path) => path !== null).map((path) =>
          this.#read(path, "ssl_client_certificate", "CA certificate")
        )
        : undefined,
      crl: requestCertificate && s.ssl_crl !== null && can("tls-crl")
        ? [this.#read(s.ssl_crl, "ssl_crl", "CRL")]
        : undefined,
      alpn: [s.protocol],
      sessionTickets: s.ssl_session_tickets,
      sessionTimeout: s.ssl_session_timeout / 1000,
    };
  }

  #certificates(): CertificateAndKey[] {
    const s = this.#settings;
    const passphrases = s.ssl_password_file === null
      ? []
      : this.#read(s.ssl_password_file, "ssl_password_file", "password file")
        .split("\n").filter((line) => line !== "");
    return s.ssl_certificate.map((path, i) => {
      const key = s.ssl_certificate_key[i];
      const pair = {
        certificate: this.#read(path, "ssl_certificate", "certificate"),
        key: this.#read(key, "ssl_certificate_key", "certificate key"),
      };
      return passphrases.length > 0 ? this.#opened(pair, passphrases) : pair;
    });
  }

  /** The pair with the first passphrase that opens its key; as it is when none does. */
  #opened(pair: CertificateAndKey, passphrases: readonly string[]): CertificateAndKey {
    if (!/ENCRYPTED/.test(pair.key)) return pair;
    for (const passphrase of passphrases) {
      try {
        this.#runtime.tls.matches({ ...pair, passphrase });
        return { ...pair, passphrase };
      } catch {
        // The next one may fit; if none does, making the context says what is wrong.
      }
    }
    return pair;
  }

  #read(path: string, directive: ServerDirective, what: string): string {
    if (path.startsWith("data:")) return path.slice("data:".length);
    try {
      return decode(this.#runtime.files.read(path));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const message = `cannot load ${what} "${path}": ${errnoText(error.code)}`;
      this.#find("error", directive, "unreadable-file", message);
      return "";
    }
  }

  #refused(error: TlsSettingError): void {
    const s = this.#settings;
    const certificate = s.ssl_certificate[error.index] ?? "";
    const key = s.ssl_certificate_key[error.index] ?? "";
    const shown = (path: string) => path.startsWith("data:") ? "data:..." : path;
    const texts: Readonly<Record<string, readonly [ServerDirective, string]>> = {
      certificates: ["ssl_certificate", `cannot load certificate "${shown(certificate)}"`],
      key: ["ssl_certificate_key", `cannot load certificate key "${shown(key)}"`],
      protocols: ["ssl_protocols", "the TLS library refuses ssl_protocols"],
      ciphers: ["ssl_ciphers", `the TLS library refuses ssl_ciphers "${s.ssl_ciphers}"`],
      curves: ["ssl_ecdh_curve", `the TLS library refuses ssl_ecdh_curve "${s.ssl_ecdh_curve}"`],
      dhparam: ["ssl_dhparam", `cannot load dhparam "${s.ssl_dhparam}"`],
      ca: ["ssl_client_certificate", "cannot load CA certificate"],
      crl: ["ssl_crl", `cannot load CRL "${s.ssl_crl}"`],
    };
    const [directive, text] = texts[error.setting] ?? ["ssl_certificate", "cannot set up TLS"];
    this.#find("error", directive, "tls-setting", `${text}: ${error.message}`);
  }

  /** Settings that were written, and that this runtime's TLS library cannot honour. */
  #unsupported(): void {
    const s = this.#settings;
    const old = s.ssl_protocols.some((name) => name === "TLSv1" || name === "TLSv1.1");
    const cached = s.ssl_session_cache.is === "cache";
    const rows: readonly (readonly [boolean, Feature, ServerDirective, Severity])[] = [
      [s.ssl_dhparam !== null, "tls-dhparam", "ssl_dhparam", "warning"],
      [this.#written("ssl_ciphers"), "tls-ciphers", "ssl_ciphers", "error"],
      [s.ssl_ecdh_curve !== "auto", "tls-curves", "ssl_ecdh_curve", "warning"],
      [s.ssl_crl !== null, "tls-crl", "ssl_crl", "error"],
      [old, "tls-protocols-old", "ssl_protocols", "warning"],
      [cached, "tls-session-cache", "ssl_session_cache", "warning"],
      [
        s.ssl_session_ticket_key.length > 0,
        "tls-ticket-keys",
        "ssl_session_ticket_key",
        "warning",
      ],
      [!s.ssl_session_tickets, "tls-tickets-off", "ssl_session_tickets", "warning"],
      [s.ssl_password_file !== null, "tls-encrypted-keys", "ssl_password_file", "error"],
      [
        s.ssl_prefer_server_ciphers,
        "tls-prefer-server-ciphers",
        "ssl_prefer_server_ciphers",
        "warning",
      ],
    ];
    for (const [used, feature, directive, severity] of rows) {
      const support = used ? this.#runtime.supports(feature) : true;
      if (support !== true) this.#find(severity, directive, "unsupported-here", support);
    }
  }

  #written(directive: ServerDirective): boolean {
    const { is } = this.#settings.origin(directive);
    return is === "set" || is === "inherited";
  }

  #find(severity: Severity, directive: ServerDirective, rule: string, message: string): void {
    const origin = this.#settings.origin(directive);
    const at = "at" in origin ? origin.at : this.#settings.position;
    this.#findings.push({ at, severity, rule, message });
  }
}
