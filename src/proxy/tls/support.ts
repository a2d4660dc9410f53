/**
 * Which directive needs which ability of the runtime's TLS library, and what it means when the library
 * has it not: an error if going on would weaken security, a warning otherwise. Never silence.
 */

import type { ServerDirective, ServerSettings } from "../../config/settings.ts";
import type { Severity } from "../../core/diagnostic.ts";
import type { Feature, Runtime, TlsVersion } from "../../net/ports.ts";
import { type Choice, placeOf, type TlsChoices } from "./choices.ts";
import type { TlsFindings } from "./findings.ts";

export interface Need {
  readonly directive: ServerDirective;
  /** Which use of the directive needs it, for the documentation; absent: any. */
  readonly use?: string;
  readonly feature: Feature;
  /** What must be there first: where that is lacking, nothing more is said. */
  readonly beyond?: Feature;
  /**
   * `judged`: the library looks at the value, refuses it when passing over it would weaken security,
   * and takes it otherwise; that it has no effect is then a warning.
   */
  readonly without: Severity | "judged";
  /** The choice that needs it; null when this server has no need. */
  readonly used: (
    choices: TlsChoices,
    settings: ServerSettings,
  ) => Pick<Choice<unknown>, "at"> | null;
}

const OLD: readonly TlsVersion[] = ["TLSv1", "TLSv1.1"];

const asksOld = ({ protocols }: TlsChoices) =>
  protocols.value.some((version) => OLD.includes(version)) ? protocols : null;

const written = (choice: Choice<unknown>) => choice.written ? choice : null;

const on = (choice: Choice<boolean> | null) => choice?.value ? choice : null;

const verifies = ({ ssl_verify_client }: ServerSettings) => ssl_verify_client !== "off";

/** The directive itself, when it is used and cannot come from a command. */
const plain = (settings: ServerSettings, directive: ServerDirective, used: boolean) =>
  used ? { at: placeOf(settings, directive) } : null;

export const TLS_NEEDS: readonly Need[] = [
  {
    directive: "ssl_ciphers",
    feature: "tls-ciphers",
    without: "judged",
    used: ({ ciphers }) => written(ciphers),
  },
  {
    directive: "ssl_conf_command",
    use: "`Ciphersuites`",
    feature: "tls-ciphersuites",
    without: "judged",
    used: ({ ciphersuites }) => ciphersuites,
  },
  {
    directive: "ssl_ecdh_curve",
    feature: "tls-curves",
    without: "judged",
    used: ({ curves }) => curves.value === "auto" ? null : curves,
  },
  {
    directive: "ssl_dhparam",
    feature: "tls-dhparam",
    without: "warning",
    used: ({ dhparam }) => dhparam,
  },
  {
    directive: "ssl_protocols",
    use: "`TLSv1`, `TLSv1.1`",
    feature: "tls-protocols-old",
    without: "warning",
    used: asksOld,
  },
  {
    directive: "ssl_protocols",
    use: "the same, `ssl_ciphers` as it is by default",
    feature: "tls-protocols-old-by-default",
    beyond: "tls-protocols-old",
    without: "warning",
    used: (choices) => /@SECLEVEL=0/.test(choices.ciphers.value) ? null : asksOld(choices),
  },
  {
    directive: "ssl_protocols",
    use: "a version in the middle left out",
    feature: "tls-protocols-gap",
    without: "error",
    used: ({ protocols }) => hasGap(protocols.value) ? protocols : null,
  },
  {
    directive: "ssl_prefer_server_ciphers",
    use: "`on`",
    feature: "tls-prefer-server-ciphers",
    without: "warning",
    used: ({ preferServerCiphers }) => on(preferServerCiphers),
  },
  {
    directive: "ssl_conf_command",
    use: "`Options PrioritizeChaCha`",
    feature: "tls-prioritize-chacha",
    without: "warning",
    used: ({ prioritizeChaCha }) => on(prioritizeChaCha),
  },
  {
    directive: "ssl_crl",
    feature: "tls-crl",
    without: "error",
    used: (_, settings) =>
      plain(settings, "ssl_crl", verifies(settings) && settings.ssl_crl !== null),
  },
  {
    directive: "ssl_trusted_certificate",
    use: "not named to clients",
    feature: "tls-unnamed-authorities",
    without: "warning",
    used: (_, settings) => {
      const used = verifies(settings) && settings.ssl_trusted_certificate !== null;
      return plain(settings, "ssl_trusted_certificate", used);
    },
  },
  {
    directive: "ssl_session_tickets",
    use: "`off`",
    feature: "tls-tickets-off",
    without: "error",
    used: ({ sessionTickets }) => sessionTickets.value ? null : sessionTickets,
  },
  {
    directive: "ssl_session_ticket_key",
    feature: "tls-ticket-keys",
    without: "warning",
    used: (_, settings) =>
      plain(settings, "ssl_session_ticket_key", settings.ssl_session_ticket_key.length > 0),
  },
  {
    directive: "ssl_session_ticket_key",
    use: "several",
    feature: "tls-ticket-keys-several",
    beyond: "tls-ticket-keys",
    without: "warning",
    used: (_, settings) =>
      plain(settings, "ssl_session_ticket_key", settings.ssl_session_ticket_key.length > 1),
  },
  {
    directive: "ssl_session_timeout",
    feature: "tls-session-timeout",
    without: "warning",
    used: (_, settings) => {
      const { is } = settings.origin("ssl_session_timeout");
      return plain(settings, "ssl_session_timeout", is === "set" || is === "inherited");
    },
  },
  {
    directive: "ssl_session_cache",
    use: "`builtin`, `shared`",
    feature: "tls-session-cache",
    without: "warning",
    used: (_, settings) =>
      plain(settings, "ssl_session_cache", settings.ssl_session_cache.is === "cache"),
  },
  {
    directive: "ssl_session_cache",
    use: "`shared`, between servers and workers",
    feature: "tls-session-cache-shared",
    beyond: "tls-session-cache",
    without: "warning",
    used: (_, settings) => {
      const { ssl_session_cache: cache } = settings;
      return plain(settings, "ssl_session_cache", cache.is === "cache" && cache.shared !== null);
    },
  },
  {
    directive: "ssl_certificate_compression",
    use: "`on`",
    feature: "tls-certificate-compression",
    without: "warning",
    used: (_, settings) =>
      plain(settings, "ssl_certificate_compression", settings.ssl_certificate_compression),
  },
];

const ALL: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

function hasGap(versions: readonly TlsVersion[]): boolean {
  const ranks = versions.map((version) => ALL.indexOf(version));
  return Math.max(...ranks) - Math.min(...ranks) >= ranks.length;
}

/** Tells of every need that the runtime does not meet. */
export function tellLacks(
  choices: TlsChoices,
  settings: ServerSettings,
  runtime: Pick<Runtime, "supports">,
  findings: TlsFindings,
): void {
  const supports = (feature?: Feature) => feature ? runtime.supports(feature) : true;
  for (const { directive, feature, beyond, without, used } of TLS_NEEDS) {
    const place = used(choices, settings);
    const support = place && supports(beyond) === true ? supports(feature) : true;
    if (place === null || support === true) continue;
    const severity = without === "judged" ? "warning" : without;
    findings.add(severity, "unsupported-here", place, `${opening(directive)}: ${support}`);
  }
}

/** nginx's own words where it has them: without library support it warns, too. */
function opening(directive: ServerDirective): string {
  const ignored = directive === "ssl_certificate_compression" ? " ignored, not supported" : "";
  return `"${directive}"${ignored}`;
}

// --- for the documentation ----------------------------------------------------------------------

/** Sentences about what each runtime lacks: `TLS_LACKS` of src/runtime/tls/lacks.ts. */
export type LacksByRuntime = Readonly<Record<string, Readonly<Partial<Record<Feature, string>>>>>;

/** One need of one directive, and which runtimes meet it. */
export interface TlsTableRow {
  readonly directive: ServerDirective;
  /** See `Need`; empty: any. */
  readonly use: string;
  readonly feature: Feature;
  readonly without: Need["without"];
  /** True, or why not. */
  readonly runtimes: Readonly<Record<string, true | string>>;
}

export function tlsTable(lacks: LacksByRuntime): readonly TlsTableRow[] {
  return TLS_NEEDS.map(({ directive, use = "", feature, beyond = feature, without }) => ({
    directive,
    use,
    feature,
    without,
    runtimes: Object.fromEntries(
      Object.entries(lacks).map(([name, lack]) => [name, lack[beyond] ?? lack[feature] ?? true]),
    ),
  }));
}
