/**
 * ENVELOPE: the header as IMAP clients list it. RFC 3501 section 7.4.2; RFC 5322 sections 3.4 and 4.4
 * (addresses, with groups, routes and comments of old).
 */

import type { ByteString } from "../../core/bytes.ts";
import { DEMO_ADDRESSES } from "../../core/limits.ts";
import { type Entity, fieldOf } from "../message.ts";
import { nstring } from "./print.ts";

/** An element of an address list. A group begins with a host-less name and ends with nothing at all. */
export interface Address {
  readonly name: ByteString | null;
  readonly mailbox: ByteString | null;
  readonly host: ByteString | null;
}

export function envelope(entity: Entity): ByteString {
  const from = addresses(entity, "from") ?? "NIL";
  return "(" + [
    nstring(fieldOf(entity, "date")),
    nstring(fieldOf(entity, "subject")),
    from,
    addresses(entity, "sender") ?? from,
    addresses(entity, "reply-to") ?? from,
    addresses(entity, "to") ?? "NIL",
    addresses(entity, "cc") ?? "NIL",
    addresses(entity, "bcc") ?? "NIL",
    nstring(fieldOf(entity, "in-reply-to")),
    nstring(fieldOf(entity, "message-id")),
  ].join(" ") + ")";
}

/** An address list in parentheses; null when the field is absent or holds none. */
function addresses(entity: Entity, name: string): ByteString | null {
  const value = fieldOf(entity, name);
  const list = value === null ? [] : parseAddresses(value);
  if (list.length === 0) return null;
  const shown = list.map(({ name, mailbox, host }) => {
    return `(${nstring(name)} NIL ${nstring(mailbox)} ${nstring(host)})`;
  });
  return `(${shown.join("")})`;
}

/** A token: a comment's or quoted string's content, or a special character, or a word. */
interface Token {
  readonly kind: "comment" | "quoted" | "special" | "word";
  readonly text: ByteString;
  /** Whether white space stands before it. */
  readonly apart: boolean;
}

export function parseAddresses(value: ByteString): Address[] {
  const list: Address[] = [];
  let tokens: Token[] = [];
  let inGroup = false;
  /** Between `<` and `>` nothing parts addresses: a route may have commas and a colon there. */
  let inAngle = false;
  const flush = () => {
    const found = mailbox(tokens);
    if (found) list.push(found);
    tokens = [];
  };
  for (const token of tokenize(value.slice(0, ADDRESSES_LENGTH))) {
    if (list.length >= DEMO_ADDRESSES) break;
    const special = token.kind === "special" ? token.text : "";
    if (inAngle || !",:;".includes(special) || special === "") {
      if (special === "<" || special === ">") inAngle = special === "<";
      tokens.push(token);
    } else if (special === ":") {
      list.push({ name: null, mailbox: phrase(tokens), host: null });
      tokens = [];
      inGroup = true;
    } else {
      flush();
      if (special === ";" && inGroup) list.push(GROUP_END);
      if (special === ";") inGroup = false;
    }
  }
  flush();
  // A group that nobody closed would swallow the rest of the client's list.
  if (inGroup) list.push(GROUP_END);
  return list;
}

const GROUP_END: Address = { name: null, mailbox: null, host: null };

/** Bytes of one field that are read: more recipients than that are shown cut. */
const ADDRESSES_LENGTH = 64 * 1024;

function mailbox(tokens: readonly Token[]): Address | null {
  const words = tokens.filter((token) => token.kind !== "comment");
  if (words.length === 0) return null;
  const open = words.findIndex((token) => token.kind === "special" && token.text === "<");
  if (open >= 0) {
    const name = phrase(words.slice(0, open));
    return { name: name === "" ? null : name, ...address(words.slice(open + 1)) };
  }
  // Of old: `user@host (Name)`.
  const comment = tokens.find((token) => token.kind === "comment");
  return { name: comment?.text ?? null, ...address(words) };
}

/** `local@host`, up to `>`; a route before it (`@a,@b:`) is dropped. */
function address(tokens: readonly Token[]): { mailbox: ByteString; host: ByteString } {
  const close = tokens.findIndex((token) => token.kind === "special" && token.text === ">");
  let spec = close < 0 ? tokens : tokens.slice(0, close);
  const route = spec.findIndex((token) => token.kind === "special" && token.text === ":");
  if (route >= 0) spec = spec.slice(route + 1);
  const at = spec.findLastIndex((token) => token.kind === "special" && token.text === "@");
  const text = (part: readonly Token[]) => part.map((token) => token.text).join("");
  return at < 0
    ? { mailbox: text(spec), host: "" }
    : { mailbox: text(spec.slice(0, at)), host: text(spec.slice(at + 1)) };
}

function phrase(tokens: readonly Token[]): ByteString {
  return tokens
    .map((token, i) => (i > 0 && token.apart ? " " : "") + token.text)
    .join("");
}

const SPECIALS = "<>,:;@";

function* tokenize(value: ByteString): Generator<Token> {
  let apart = false;
  for (let at = 0; at < value.length;) {
    const char = value[at];
    if (/[ \t\r\n]/.test(char)) {
      apart = true;
      at++;
      continue;
    }
    const token = char === "("
      ? comment(value, at)
      : char === '"'
      ? quoted(value, at)
      : SPECIALS.includes(char)
      ? { kind: "special" as const, text: char, end: at + 1 }
      : word(value, at);
    yield { kind: token.kind, text: token.text, apart };
    apart = false;
    at = token.end;
  }
}

interface Found {
  readonly kind: Token["kind"];
  readonly text: ByteString;
  readonly end: number;
}

function comment(value: ByteString, start: number): Found {
  let depth = 0;
  let text = "";
  for (let at = start; at < value.length; at++) {
    const char = value[at];
    if (char === "\\" && at + 1 < value.length) {
      text += value[++at];
      continue;
    }
    if (char === "(" && depth++ === 0) continue;
    if (char === ")" && --depth === 0) return { kind: "comment", text, end: at + 1 };
    text += char;
  }
  return { kind: "comment", text, end: value.length };
}

function quoted(value: ByteString, start: number): Found {
  let text = "";
  for (let at = start + 1; at < value.length; at++) {
    const char = value[at];
    if (char === '"') return { kind: "quoted", text, end: at + 1 };
    text += char === "\\" && at + 1 < value.length ? value[++at] : char;
  }
  return { kind: "quoted", text, end: value.length };
}

function word(value: ByteString, start: number): Found {
  let end = start;
  while (end < value.length && !/[ \t\r\n("]/.test(value[end]) && !SPECIALS.includes(value[end])) {
    end++;
  }
  return { kind: "word", text: value.slice(start, end), end };
}
