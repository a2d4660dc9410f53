/**
 * Making the context: what the library refuses becomes a finding in nginx's words, is left out, and the
 * rest is tried again, until all faults are known. With an error there is no context.
 */

import { type TlsContext, type TlsServerSettings, TlsSettingError } from "../../net/ports.ts";
import type { TlsLibrary } from "../../net/ports.ts";
import type { Choice, Source, TlsChoices } from "./choices.ts";
import { shown, type TlsFindings } from "./findings.ts";
import { accepts } from "./words.ts";

/** What is to be made, and where its parts come from. */
export interface Asked {
  readonly settings: TlsServerSettings;
  readonly choices: TlsChoices;
  /** The files of `settings.ca` and `settings.crl`. */
  readonly authorities: readonly Source[];
  readonly revocations: Source | null;
}

/** Null when it could not be made, which the findings tell. */
export function makeContext(
  asked: Asked,
  library: TlsLibrary,
  findings: TlsFindings,
): TlsContext | null {
  let rest: TlsServerSettings | null = asked.settings;
  while (rest) {
    try {
      const context = library.server(rest);
      return findings.failed ? null : context;
    } catch (error) {
      if (!(error instanceof TlsSettingError)) throw error;
      rest = afterRefusal(error, rest, asked, library, findings);
    }
  }
  return null;
}

function afterRefusal(
  error: TlsSettingError,
  settings: TlsServerSettings,
  asked: Asked,
  library: TlsLibrary,
  findings: TlsFindings,
): TlsServerSettings | null {
  const fewer = error.setting === "curves" ? knownCurves(asked.choices, library, findings) : null;
  if (fewer !== null && fewer !== settings.curves) return { ...settings, curves: fewer };
  tell(error, asked, findings);
  return without(settings, error);
}

/** The curves that the library knows: to leave one out weakens nothing. Null when it knows none. */
function knownCurves(
  { curves }: TlsChoices,
  library: TlsLibrary,
  findings: TlsFindings,
): string | null {
  const names = curves.value.split(":");
  const known = names.filter((name) => accepts(library, "curves", name));
  if (known.length === 0 || known.length === names.length) return null;
  const strange = names.filter((name) => !known.includes(name)).join(", ");
  const message = `"${curves.directive}": the TLS library has no ${strange}: left out`;
  findings.add("warning", "unsupported-here", curves, message);
  return known.join(":");
}

/** Settings that can be left out, so that the others come to be tried. */
const OPTIONAL = [
  "ciphers",
  "ciphersuites",
  "curves",
  "dhparam",
  "ca",
  "crl",
] as const satisfies readonly (keyof TlsServerSettings)[];

const MODERN = ["TLSv1.2", "TLSv1.3"] as const;

/** Null when nothing is left to try. */
function without(
  settings: TlsServerSettings,
  { setting }: TlsSettingError,
): TlsServerSettings | null {
  const name = OPTIONAL.find((each) => each === setting);
  if (name !== undefined) {
    return settings[name] === undefined ? null : { ...settings, [name]: undefined };
  }
  if (setting !== "protocols" || settings.protocols === MODERN) return null;
  return { ...settings, protocols: MODERN };
}

// --- words --------------------------------------------------------------------------------------

function tell({ setting, message, index }: TlsSettingError, asked: Asked, findings: TlsFindings) {
  const { choices, authorities, revocations } = asked;
  const { ciphers, ciphersuites, curves, dhparam, protocols, pairs } = choices;
  const say = (place: Choice<unknown>, text: string) =>
    findings.add("error", "tls-setting", place, text);
  const failed = (place: Choice<string>, call: string) =>
    say(place, `${callOf(place, call)} failed (SSL: ${message})`);
  const unloadable = (source: Source, what: string) =>
    say(source, `cannot load ${what} "${shown(source)}": ${message}`);
  switch (setting) {
    case "ciphers":
      return failed(ciphers, "SSL_CTX_set_cipher_list");
    case "ciphersuites":
      return failed(ciphersuites!, "SSL_CTX_set_ciphersuites");
    case "curves":
      return failed(curves, "SSL_CTX_set1_curves_list");
    case "dhparam":
      return failed(dhparam!, "PEM_read_bio_DHparams");
    case "protocols":
      return say(protocols, `no version of TLS is left in "${protocols.directive}": ${message}`);
    case "ca":
      return unloadable(authorities[index], "certificate");
    case "crl":
      return unloadable(revocations!, "CRL");
    case "key":
      return unloadable(pairs[index].key, "certificate key");
    default:
      // Certificates come last: without any, their own faults have been told.
      return findings.failed ? undefined : unloadable(pairs[index].certificate, "certificate");
  }
}

/** OpenSSL's call that nginx names; a command has a call of its own. */
function callOf({ directive, value }: Choice<string>, call: string): string {
  return directive === "ssl_conf_command" ? `SSL_CONF_cmd(..., "${value}")` : `${call}("${value}")`;
}
