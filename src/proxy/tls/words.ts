/**
 * Words of cipher strings and names of curves that the TLS library does not know. OpenSSL and its like
 * pass over them in a list; whoever wrote them should hear of it.
 */

import { type TlsLibrary, TlsSettingError } from "../../net/ports.ts";
import type { TlsChoices } from "./choices.ts";
import type { TlsFindings } from "./findings.ts";

/** What was found out before, by library: servers share their lists. */
const known = new WeakMap<TlsLibrary, Map<string, boolean>>();

/** Whether the library takes this value of the setting by itself. */
export function accepts(
  library: TlsLibrary,
  setting: "ciphers" | "curves",
  value: string,
): boolean {
  const answers = known.get(library) ?? new Map<string, boolean>();
  known.set(library, answers);
  const key = `${setting} ${value}`;
  const answer = answers.get(key) ?? tryAlone(library, setting, value);
  answers.set(key, answer);
  return answer;
}

/** Certificates are looked at last: that they are missing means that all else was taken. */
function tryAlone(library: TlsLibrary, setting: "ciphers" | "curves", value: string): boolean {
  try {
    library.server({ certificates: [], protocols: ["TLSv1.2", "TLSv1.3"], [setting]: value });
    return true;
  } catch (error) {
    if (error instanceof TlsSettingError) return error.setting === "certificates";
    throw error;
  }
}

/** Warns of words in the cipher string that add nothing, misspelt ones among them. */
export function tellStrangeCiphers(
  { ciphers }: TlsChoices,
  library: TlsLibrary,
  findings: TlsFindings,
): void {
  if (!ciphers.written) return;
  const words = ciphers.value.split(/[:,; ]+/).filter((word) => /^[A-Za-z0-9]/.test(word));
  const strange = words.filter((word) => !accepts(library, "ciphers", word.replace(/@.*$/, "")));
  if (strange.length === 0) return;
  const message = `"${ciphers.directive}": the TLS library has no cipher for ${strange.join(", ")}`;
  findings.add("warning", "unsupported-here", ciphers, message);
}
