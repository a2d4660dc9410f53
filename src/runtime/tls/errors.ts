/** Errors of the TLS library as `TlsSettingError`: each names the setting at fault. */

import { TlsSettingError } from "../../net/ports.ts";

export type Setting = TlsSettingError["setting"];

/** Does the work; what it throws becomes an error about the setting. */
export function attempt<T>(setting: Setting, index: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TlsSettingError) throw error;
    throw new TlsSettingError(setting, wordsOf(error), index);
  }
}

/** What rustls says, as OpenSSL says it: log lines shall be the same wherever they come from. */
const RUSTLS: readonly (readonly [RegExp, string])[] = [
  [/InvalidContentType/, "wrong version number"],
  [/doesn't support any known protocol/, "no application protocol"],
  [/NoCipherSuitesInCommon/, "no shared cipher"],
  [/NoKxGroupsInCommon/, "no suitable key share"],
  [/Tls1[23]NotOffered|SupportedVersionsExtensionRequired/, "unsupported protocol"],
  [/SignatureAlgorithmsExtensionRequired/, "unsupported protocol"],
];

/** `received fatal alert: UnknownCA`. */
const RUSTLS_ALERT = /^received fatal alert: (\w+)$/;

/** OpenSSL's reason where there is one: the rest of its messages are numbers and source files. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error;
  const alert = RUSTLS_ALERT.exec(message)?.[1];
  if (alert) return `alert ${alert.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()}`;
  return RUSTLS.find(([pattern]) => pattern.test(message))?.[1] ?? reasonOf(error);
}

function reasonOf(error: Error): string {
  const { reason } = error as { reason?: unknown };
  if (typeof reason === "string" && reason !== "") return reason;
  const parts = /error:[0-9A-F]+:([^:]*):([^:]*):([^:]+)/i.exec(error.message);
  return parts ? parts[3].trim() : error.message;
}
