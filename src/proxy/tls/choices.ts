/**
 * What a server's `ssl_*` settings ask of TLS, with `ssl_conf_command` applied over them in the order of
 * the file, as OpenSSL does. Each choice remembers who made it, for findings. Text only: no file is read
 * here.
 */

import type { ConfCommand, ServerDirective, ServerSettings } from "../../config/settings.ts";
import type { Position } from "../../core/diagnostic.ts";
import type { TlsVersion } from "../../net/ports.ts";

/** A value and the directive that gave it. */
export interface Choice<T> {
  readonly value: T;
  readonly directive: ServerDirective;
  readonly at: Position;
  /** False: it is the default. */
  readonly written: boolean;
}

/** A path, or `data:` and the text itself. */
export type Source = Choice<string>;

export interface PairSource {
  readonly certificate: Source;
  readonly key: Source;
}

export interface TlsChoices {
  readonly pairs: readonly PairSource[];
  readonly passwordFile: Source | null;
  readonly dhparam: Source | null;
  readonly protocols: Choice<readonly TlsVersion[]>;
  readonly ciphers: Choice<string>;
  /** Null: the library's. */
  readonly ciphersuites: Choice<string> | null;
  readonly curves: Choice<string>;
  readonly preferServerCiphers: Choice<boolean>;
  readonly prioritizeChaCha: Choice<boolean> | null;
  readonly sessionTickets: Choice<boolean>;
  /** A `Certificate` among the commands without its `PrivateKey`, or the reverse. */
  readonly lonely: Source | null;
}

export function chooseTls(settings: ServerSettings): TlsChoices {
  const choose = <T>(directive: ServerDirective, value: T, index = 0): Choice<T> => {
    const { is } = settings.origin(directive);
    const at = placeOf(settings, directive, index);
    return { value, directive, at, written: is === "set" || is === "inherited" };
  };
  const source = (directive: ServerDirective, path: string | null, index = 0): Source | null =>
    path === null ? null : choose(directive, path, index);
  const own: TlsChoices = {
    pairs: settings.ssl_certificate.map((path, i) => ({
      certificate: choose("ssl_certificate", path, i),
      key: choose("ssl_certificate_key", settings.ssl_certificate_key[i], i),
    })),
    passwordFile: source("ssl_password_file", settings.ssl_password_file),
    dhparam: source("ssl_dhparam", settings.ssl_dhparam),
    protocols: choose("ssl_protocols", settings.ssl_protocols),
    ciphers: choose("ssl_ciphers", settings.ssl_ciphers),
    ciphersuites: null,
    curves: choose("ssl_ecdh_curve", settings.ssl_ecdh_curve),
    preferServerCiphers: choose("ssl_prefer_server_ciphers", settings.ssl_prefer_server_ciphers),
    prioritizeChaCha: null,
    sessionTickets: choose("ssl_session_tickets", settings.ssl_session_tickets),
    lonely: null,
  };
  const commands = settings.ssl_conf_command.map((command, i) =>
    choose("ssl_conf_command", command, i)
  );
  return withPairs(commands.reduce(apply, own), commands);
}

/** Where the directive's value of this index stands; the server's own place when nowhere. */
export function placeOf(
  settings: ServerSettings,
  directive: ServerDirective,
  index = 0,
): Position {
  const places = settings.places(directive);
  return places[index] ?? places[0] ?? settings.position;
}

function apply(choices: TlsChoices, command: Choice<ConfCommand>): TlsChoices {
  const { does } = command.value;
  const said = <T>(value: T): Choice<T> => ({ ...command, value });
  switch (does.is) {
    case "dhparam":
      return { ...choices, dhparam: said(does.path) };
    case "ciphers":
    case "ciphersuites":
    case "curves":
      return { ...choices, [does.is]: said(does.list) };
    case "protocols":
    case "least":
    case "most":
      return { ...choices, protocols: said(versionsAfter(choices.protocols.value, does)) };
    case "options": {
      const chosen = Object.entries(does.options).map(([name, on]) => [name, said(on)]);
      return { ...choices, ...Object.fromEntries(chosen) };
    }
    case "certificate":
    case "key":
      return choices;
  }
}

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

type VersionCommand = Extract<
  ConfCommand["does"],
  { readonly is: "protocols" | "least" | "most" }
>;

function versionsAfter(before: readonly TlsVersion[], does: VersionCommand): readonly TlsVersion[] {
  if (does.is === "protocols") {
    return does.steps.reduce(
      (left, { on, versions }) =>
        VERSIONS.filter((each) => versions.includes(each) ? on : left.includes(each)),
      before,
    );
  }
  const { version } = does;
  if (version === null) return before;
  const bound = VERSIONS.indexOf(version);
  return before.filter((each) => {
    const rank = VERSIONS.indexOf(each);
    return does.is === "least" ? rank >= bound : rank <= bound;
  });
}

/** Each `Certificate` goes with the `PrivateKey` of the same rank, behind the server's own pairs. */
function withPairs(choices: TlsChoices, commands: readonly Choice<ConfCommand>[]): TlsChoices {
  const sources = (is: "certificate" | "key"): Source[] =>
    commands.flatMap((command) => {
      const { does } = command.value;
      return does.is === is ? [{ ...command, value: does.path }] : [];
    });
  const [certificates, keys] = [sources("certificate"), sources("key")];
  const count = Math.min(certificates.length, keys.length);
  const more = certificates.slice(0, count).map((certificate, i) => ({
    certificate,
    key: keys[i],
  }));
  const lonely = certificates[count] ?? keys[count] ?? null;
  return { ...choices, pairs: [...choices.pairs, ...more], lonely };
}
