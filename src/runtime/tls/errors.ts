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

/** OpenSSL's reason where there is one: the rest of its messages are numbers and source files. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { reason } = error as { reason?: unknown };
  if (typeof reason === "string" && reason !== "") return reason;
  const parts = /error:[0-9A-F]+:([^:]*):([^:]*):([^:]+)/i.exec(error.message);
  return parts ? parts[3].trim() : error.message;
}
