/**
 * Making the context: what the library refuses becomes a finding in nginx's words, is left out, and the
 * rest is tried again, until all faults are known. With an error there is no context.
 */

import type { ServerSettings } from "../../config/settings.ts";
import {
  type TlsContext,
  type TlsLibrary,
  type TlsServerSettings,
  TlsSettingError,
} from "../../net/ports.ts";
import { type Choice, placeOf, type TlsChoices } from "./choices.ts";
import { shown, type TlsFindings } from "./findings.ts";

/** Null when it could not be made, which the findings tell. */
export function makeContext(
  asked: TlsServerSettings,
  choices: TlsChoices,
  settings: ServerSettings,
  library: TlsLibrary,
  findings: TlsFindings,
): TlsContext | null {
  let rest: TlsServerSettings | null = asked;
  while (rest) {
    try {
      const context = library.server(rest);
      return findings.failed ? null : context;
    } catch (error) {
      if (!(error instanceof TlsSettingError)) throw error;
      const less = fewerCurves(rest, error, choices, library, findings);
      if (!less) refused(error, rest, choices, settings, findings);
      rest = less ?? without(rest, error);
    }
  }
  return null;
}

/** Settings that can be left out, so that the others come to be tried. */
const OPTIONAL = [
  "ciphers",
  "ciphersuites",
  "curves",
  "dhparam",
  "ca",
  "crl",
  "ticketKeys",
  "sessionTickets",
] as const satisfies readonly (keyof TlsServerSettings)[];

/** Null when nothing is left to try. */
function without(asked: TlsServerSettings, { setting }: TlsSettingError): TlsServerSettings | null {
  const known = OPTIONAL.find((name) => name === setting);
  if (known !== undefined) return asked[known] === undefined ? null : { ...asked, [known]: undefined };
  const modern = ["TLSv1.2", "TLSv1.3"] as const;
  if (setting !== "protocols" || asked.protocols.join() === modern.join()) return null;
  return { ...asked, protocols: modern };
}

// --- words --------------------------------------------------------------------------------------

function refused(
  { setting, message }: TlsSettingError,
  asked: TlsServerSettings,
  choices: TlsChoices,
  settings: ServerSettings,
  findings: TlsFindings,
): void {
  const place = (directive: Parameters<typeof placeOf>[1]) => ({ at: placeOf(settings, directive) });
  const say = (at: Pick<Choice<unknown>, "at">, text: string) =>
    findings.add("error", "tls-setting", at, text);
  const { ciphers, ciphersuites, curves, dhparam, protocols } = choices;
  switch (setting) {
    case "ciphers":
      return say(ciphers, `SSL_CTX_set_cipher_list("${ciphers.value}") failed (SSL: ${message})`);
    case "curves":
      return say(curves, `SSL_CTX_set1_curves_list("${curves.value}") failed (SSL: ${message})`);
    case "ciphersuites":
      return say(ciphersuites!, failedCommand("Ciphersuites", ciphersuites!.value, message));
    case "dhparam":
      return say(dhparam!, `PEM_read_bio_DHparams("${shown(dhparam!)}") failed (SSL: ${message})`);
    case "protocols":
      return say(protocols, `no version of TLS is left in "${protocols.directive}": ${message}`);
    case "crl":
      return say(place("ssl_crl"), `cannot load CRL "${settings.ssl_crl}": ${message}`);
  }
}
