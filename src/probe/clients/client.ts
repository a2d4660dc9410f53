/**
 * What `probe` needs of a mail protocol, seen from the client: commands, complete replies, what a
 * server offers, and how to log in. Pure: a client gets a reader and gives replies; sockets, clocks and
 * deadlines are `talk.ts`'s.
 *
 * A login is a script: a generator that yields commands and is given each reply; it ends when there is
 * nothing more to say. The last reply tells how it went, unless the script returns what is wrong with
 * the server's part.
 */

import { type ByteString, decode } from "../../core/bytes.ts";
import { PROBE_REPLY } from "../../core/limits.ts";
import type { Secret } from "../../core/secret.ts";
import type { ProtocolName } from "../../session/machine.ts";
import { lineAt, type Reader } from "../../wire/reader.ts";

export interface Command {
  /** As it goes out, line end included. */
  readonly text: ByteString;
  /** As a transcript shows it, without line end; secrets are masked. */
  readonly shown: ByteString;
  /** IMAP: the tag that ends the reply. */
  readonly tag?: ByteString;
  /** POP3: a good reply goes on until a line with a dot alone. */
  readonly dotted?: boolean;
}

export interface Reply {
  /** `more`: the server waits for more of the same command. */
  readonly is: "ok" | "no" | "more";
  readonly lines: readonly ByteString[];
  /** What the last line says, behind tag and status. */
  readonly text: ByteString;
}

/** `broken`: what the server sent is no reply of the protocol; `text` quotes it. */
export type Reading = Reply | { readonly is: "broken"; readonly text: ByteString } | null;

export type LoginScript = Generator<Command, string | void, Reply>;

/** How to prove who one is. `command`: IMAP LOGIN, POP3 USER and PASS. */
export const METHODS = [
  "plain",
  "login",
  "scram-sha-256",
  "cram-md5",
  "apop",
  "command",
  "external",
  "xoauth2",
  "oauthbearer",
] as const;
export type Method = typeof METHODS[number];

export interface Login {
  readonly user: ByteString;
  readonly password: Secret;
}

/** What is known of a server when a method is chosen. */
export interface Offer {
  readonly capabilities: readonly string[];
  readonly greeting: ByteString;
  /** Random and printable, for SCRAM. */
  readonly nonce: ByteString;
}

export interface Client {
  readonly protocol: ProtocolName;
  /** Reads one complete reply; `command` null: the greeting. Null when its end has not come yet. */
  read(reader: Reader, command: Command | null): Reading;
  /** Asks for what the server offers. The second is tried when the first is refused. */
  readonly ask: readonly (() => Command)[];
  /** In the words of IMAP: `AUTH=PLAIN`, one entry a mechanism, for all three protocols. */
  capabilities(reply: Reply): readonly string[];
  starttls(): Command;
  /** Tells who the client behind us is, in the words of Postfix's XCLIENT: `ADDR=192.0.2.7 PORT=4`. */
  introduce(attributes: ByteString): Command;
  /** Null, or how the protocol calls it that a server who does not trust us leaves out. */
  introductionMissing(offer: Offer): string | null;
  offersStartTls(capabilities: readonly string[]): boolean;
  /** The methods that the server lets one use, in no order. */
  methods(offer: Offer): readonly Method[];
  login(method: Method, login: Login, offer: Offer): LoginScript;
  /** Something without effect, after the login or without one. */
  harmless(loggedIn: boolean): Command;
  /** A message count; absent where the protocol has none. */
  count?(): Command;
  counted?(reply: Reply): number | null;
  logout(): Command;
}

/** Without a password: a transcript and its reader learn nothing, not even a length. */
export const MASK = "****";

/** The next line of a reply that began at `reader.at`, `from` being what was looked at already. */
function nextLine(
  reader: Reader,
  from: number,
): { readonly text: ByteString; readonly end: number } | "long" | null {
  const lf = reader.findLf(from);
  if (lf < 0) return reader.length > PROBE_REPLY ? "long" : null;
  const line = lineAt(reader.bytes, from, lf);
  return { text: decode(reader.bytes, line.start, line.end), end: lf + 1 };
}

/**
 * Collects lines until `last` says what the reply is; takes them from the reader then. `last` gives
 * undefined for a line that is not the end, and null for one that has no place here.
 */
export function readLines(
  reader: Reader,
  last: (line: ByteString, index: number) => Omit<Reply, "lines"> | null | undefined,
): Reading {
  const lines: ByteString[] = [];
  for (let from = reader.at;;) {
    const line = nextLine(reader, from);
    if (line === null) return null;
    if (line === "long") return { is: "broken", text: "an endless line" };
    lines.push(line.text);
    from = line.end;
    const found = last(line.text, lines.length - 1);
    if (found === null) return { is: "broken", text: line.text };
    if (from - reader.at > PROBE_REPLY) return { is: "broken", text: "an endless reply" };
    if (found === undefined) continue;
    reader.take(from);
    return { ...found, lines };
  }
}

export function command(text: ByteString, more: Partial<Command> = {}): Command {
  return { text: `${text}\r\n`, shown: text, ...more };
}

/** `AUTH=` words of a space-separated list. */
export function authWords(list: string): string[] {
  return list.split(/\s+/).filter((word) => word !== "").map((word) =>
    `AUTH=${word.toUpperCase()}`
  );
}

const SASL_METHODS = METHODS.filter((name) => name !== "apop" && name !== "command");

export function saslMethods(capabilities: readonly string[]): Method[] {
  return SASL_METHODS.filter((name) => capabilities.includes(`AUTH=${name.toUpperCase()}`));
}
