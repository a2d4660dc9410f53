/**
 * From `ssl_*` settings to TLS contexts: files are read, pass phrases tried, and what the runtime's
 * library cannot do is said by name, as an error if it would weaken security, else as a warning.
 */

import type { ServerSettings } from "../config/settings.ts";
import { printable } from "../core/bytes.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import type { NetError } from "../core/errors.ts";
import { LOG_QUOTE } from "../core/limits.ts";
import type { LogEvent } from "../core/log.ts";
import type { Runtime, TlsContext, TlsInfo } from "../net/ports.ts";
import { askedOf } from "./tls/asked.ts";
import { chooseTls } from "./tls/choices.ts";
import { TlsFindings } from "./tls/findings.ts";
import { makeContext } from "./tls/make.ts";
import { tellLacks } from "./tls/support.ts";
import { tellStrangeCiphers } from "./tls/words.ts";

export interface ServerTls {
  /** Null when the server has no use for TLS, or an error stands in `findings`. */
  readonly context: TlsContext | null;
  readonly findings: readonly Diagnostic[];
}

/** The TLS context of a server that offers `starttls` or listens with `ssl`. */
export function serverTls(settings: ServerSettings, runtime: Runtime): ServerTls {
  const wanted = settings.starttls !== "off" || settings.listen.some((listen) => listen.ssl);
  if (!wanted) return { context: null, findings: [] };
  const findings = new TlsFindings(runtime.files);
  const choices = chooseTls(settings);
  tellLacks(choices, settings, runtime, findings);
  const asked = askedOf(choices, settings, runtime, findings);
  const context = makeContext(asked, runtime.tls, findings);
  if (runtime.supports("tls-ciphers") === true) {
    tellStrangeCiphers(choices, runtime.tls, findings);
  }
  return { context: findings.failed ? null : context, findings: findings.list };
}

/** What was agreed on, for a debug line. */
export function describeTls({ protocol, cipher, alpn, sni, resumed }: TlsInfo): string {
  const names = `${alpn === null ? "" : `, ALPN ${alpn}`}${sni === null ? "" : `, SNI ${sni}`}`;
  return printable(`TLS is on: ${protocol}, ${cipher}${names}${resumed ? ", resumed" : ""}`);
}

/** A failed handshake in nginx's words; between the brackets is what the runtime's library says. */
export function handshakeFailure(error: NetError): Pick<LogEvent, "message" | "errno"> {
  const reason = /^TLS handshake failed: (.*)$/s.exec(error.message)?.[1];
  const bySystem = /^\(\d+:/.test(error.errno);
  if (reason !== undefined && !bySystem) {
    return { message: `SSL_do_handshake() failed (SSL: ${printable(reason, LOG_QUOTE)})` };
  }
  const message = "peer closed connection in SSL handshake";
  // It left in good order, or it did not.
  return error.message.startsWith("peer closed") ? { message } : { message, errno: error.errno };
}
