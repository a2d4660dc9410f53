/**
 * `ssl_conf_command name value;`: OpenSSL's configuration commands (SSL_CONF_cmd), as far as they say
 * what a setting of ours can say. The value of the directive is what each command does.
 *
 * Rule: a command or option without a setting of ours is refused by name; so is one that nobody knows,
 * in nginx's words. None is ever a dead letter. Names are taken in any case, as OpenSSL takes them.
 */

import { nearest } from "../core/diagnostic.ts";
import type { TlsVersion } from "../net/ports.ts";
import type { Kind, Reading } from "./kind.ts";
import { resolvePath } from "./paths.ts";
import type { Word } from "./tree.ts";

/** A command as it was written, and what it comes to. */
export interface ConfCommand {
  readonly name: string;
  readonly value: string;
  readonly does: ConfEffect;
}

export type ConfEffect =
  /** Absolute paths. */
  | { readonly is: "certificate" | "key" | "dhparam"; readonly path: string }
  | { readonly is: "ciphers" | "ciphersuites" | "curves"; readonly list: string }
  /** In this order, over what `ssl_protocols` says. */
  | { readonly is: "protocols"; readonly steps: readonly ProtocolStep[] }
  /** Null: no bound. */
  | { readonly is: "least" | "most"; readonly version: TlsVersion | null }
  | { readonly is: "options"; readonly options: ConfOptions };

export interface ProtocolStep {
  readonly on: boolean;
  readonly versions: readonly TlsVersion[];
}

/** Absent: not said. */
export interface ConfOptions {
  readonly sessionTickets?: boolean;
  readonly preferServerCiphers?: boolean;
  readonly prioritizeChaCha?: boolean;
}

export const CONF_COMMANDS: Kind<readonly ConfCommand[]> = {
  name: "name and value",
  count: [2, 2],
  repeat: "collect",
  toml: "pairs",
  types: [],
  expects: 'an array of pairs such as [["Options", "ServerPreference"]]',
  schema: { type: "string" },
  read: ([name, value], reading, before = []) => {
    const does = readCommand(name, value, reading);
    return does && [...before, { name: name.text, value: value.text, does }];
  },
  show: (commands) => commands.map(({ name, value }) => [name, value]),
};

/** Null: not a value of this command. A string: OpenSSL takes it, and we cannot; its message. */
type ReadValue = (value: string, reading: Reading) => ConfEffect | string | null;

const COMMANDS: Readonly<Record<string, ReadValue>> = {
  Certificate: (value, { folder }) => ({ is: "certificate", path: resolvePath(folder, value) }),
  PrivateKey: (value, { folder }) => ({ is: "key", path: resolvePath(folder, value) }),
  DHParameters: (value, { folder }) => ({ is: "dhparam", path: resolvePath(folder, value) }),
  CipherString: (list) => ({ is: "ciphers", list }),
  Ciphersuites: (list) => ({ is: "ciphersuites", list }),
  Curves: (list) => ({ is: "curves", list }),
  Groups: (list) => ({ is: "curves", list }),
  ECDHParameters: (value) => ({ is: "curves", list: value === "automatic" ? "auto" : value }),
  Protocol: protocolSteps,
  MinProtocol: (value) => bound("least", value),
  MaxProtocol: (value) => bound("most", value),
  Options: options,
};

/** Commands of OpenSSL that say nothing a setting of ours could, and what says the like. */
const REFUSED: Readonly<Record<string, string>> = {
  SignatureAlgorithms: "",
  ClientSignatureAlgorithms: "",
  VerifyMode: "write `ssl_verify_client`",
  ServerInfoFile: "",
  ChainCAPath: "put the intermediates behind the certificate in its file",
  ChainCAFile: "put the intermediates behind the certificate in its file",
  VerifyCAPath: "write `ssl_trusted_certificate`",
  VerifyCAFile: "write `ssl_trusted_certificate`",
  RequestCAPath: "write `ssl_client_certificate`",
  RequestCAFile: "write `ssl_client_certificate`",
  ClientCAPath: "write `ssl_client_certificate`",
  ClientCAFile: "write `ssl_client_certificate`",
  RecordPadding: "",
  NumTickets: "to turn tickets off, write `ssl_session_tickets off`",
};

function readCommand(name: Word, value: Word, reading: Reading): ConfEffect | undefined {
  const command = find(COMMANDS, name.text);
  if (command === undefined) return notOurs(name, value, reading);
  const does = command(value.text, reading);
  if (typeof does === "string") return reading.fault("unsupported-value", does, value);
  return does ?? badValue(name, value, reading);
}

function notOurs(name: Word, value: Word, reading: Reading): undefined {
  const hint = find(REFUSED, name.text);
  if (hint === undefined) return unknownName(name, value, reading);
  const message = `"ssl_conf_command ${name.text}" is not supported`;
  return reading.fault("unsupported-value", message, name, hint === "" ? undefined : hint);
}

function unknownName(name: Word, value: Word, reading: Reading): undefined {
  const guess = nearest(name.text, Object.keys(COMMANDS));
  const hint = guess ? `did you mean "${guess}"?` : `known: ${Object.keys(COMMANDS).join(", ")}`;
  return reading.fault("invalid-value", failed(name, value, "unknown cmd name"), name, hint);
}

function badValue(name: Word, value: Word, reading: Reading): undefined {
  const known = name.text.toLowerCase() === "options" ? Object.keys(OPTIONS) : VERSIONS;
  const hint = `known values: ${known.join(", ")}`;
  return reading.fault("invalid-value", failed(name, value, "bad value"), value, hint);
}

function failed(name: Word, value: Word, why: string): string {
  return `SSL_CONF_cmd("${name.text}", "${value.text}") failed (SSL: ${why})`;
}

function find<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  const key = Object.keys(table).find((each) => each.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : table[key];
}

// --- versions --------------------------------------------------------------------------------

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** What `Protocol` may name besides: versions that nobody speaks here, so that they can only be off. */
const GONE: readonly string[] = ["SSLv2", "SSLv3", "DTLSv1", "DTLSv1.2"];

function bound(is: "least" | "most", value: string): ConfEffect | string | null {
  if (value === "None" || (value === "SSLv3" && is === "least")) return { is, version: null };
  if (value === "SSLv3") return "SSLv3 is not supported";
  const version = VERSIONS.find((each) => each === value);
  return version ? { is, version } : null;
}

function protocolSteps(value: string): ConfEffect | string | null {
  const steps: ProtocolStep[] = [];
  for (const { word, on } of signed(value)) {
    const versions = word === "ALL" ? VERSIONS : VERSIONS.filter((each) => each === word);
    if (versions.length > 0) steps.push({ on, versions });
    else if (!GONE.includes(word)) return null;
    else if (on) return `${word} is not supported`;
  }
  return { is: "protocols", steps };
}

/** `ALL,-TLSv1.2`: words between commas, turned on unless a minus sign stands before them. */
function signed(value: string): readonly { readonly word: string; readonly on: boolean }[] {
  return value.split(",").map((item) => {
    const [, sign, word] = /^\s*([+-]?)(.*?)\s*$/s.exec(item)!;
    return { word, on: sign !== "-" };
  });
}

// --- options ---------------------------------------------------------------------------------

/**
 * OpenSSL's options: those that are settings of ours, and those that always hold in one of their two
 * states, so that asking for that state is granted and asking for the other is refused.
 */
const OPTIONS: Readonly<Record<string, keyof ConfOptions | "always on" | "always off" | "either">> =
  {
    SessionTicket: "sessionTickets",
    ServerPreference: "preferServerCiphers",
    PrioritizeChaCha: "prioritizeChaCha",
    NoRenegotiation: "always on",
    NoResumptionOnRenegotiation: "always on",
    ExtendedMasterSecret: "always on",
    MiddleboxCompat: "always on",
    Compression: "always off",
    UnsafeLegacyRenegotiation: "always off",
    UnsafeLegacyServerConnect: "always off",
    AllowNoDHEKEX: "always off",
    KTLS: "always off",
    // OpenSSL itself takes no notice of these; early data, which the last is about, is never taken.
    DHSingle: "either",
    ECDHSingle: "either",
    AntiReplay: "either",
  };

/** Options that OpenSSL knows, and that no setting of ours stands for. */
const REFUSED_OPTIONS: readonly string[] = ["EmptyFragments", "Bugs", "EncryptThenMac", "CANames"];

function options(value: string): ConfEffect | string | null {
  const chosen: { -readonly [Name in keyof ConfOptions]: boolean } = {};
  for (const { word, on } of signed(value)) {
    const option = find(OPTIONS, word);
    if (option === undefined) return isRefused(word) ? notSupported(word, on) : null;
    if (option === "either") continue;
    if (option !== "always on" && option !== "always off") chosen[option] = on;
    else if (on !== (option === "always on")) return notSupported(word, on);
  }
  return { is: "options", options: chosen };
}

function isRefused(word: string): boolean {
  return REFUSED_OPTIONS.some((name) => name.toLowerCase() === word.toLowerCase());
}

function notSupported(word: string, on: boolean): string {
  return `"ssl_conf_command Options ${on ? "" : "-"}${word}" is not supported`;
}
