/**
 * DNS messages (RFC 1035 section 4): one question out, one answer in, and what of it may be believed.
 *
 * Only the header, the question and the answer section are read: what stands behind them cannot spoil
 * an answer. A label is bytes of its owner's choosing; names are byte strings, with `\` before a dot or
 * backslash inside a label, so that no two names read alike.
 */

import { type ByteString, concat, decode, encode } from "../core/bytes.ts";
import { DNS_MESSAGE, DNS_VALUES } from "../core/limits.ts";
import { formatAddress } from "./address.ts";

export type QueryType = "PTR" | "A" | "AAAA";

export interface Question {
  /** 16 random bits. */
  readonly id: number;
  readonly type: QueryType;
  /** Without the final dot; must pass `isDomainName`. */
  readonly name: string;
}

export type Reply =
  /** `values`: names or addresses, in the order of the answer. `ttl` in seconds, the least of them. */
  | { readonly is: "answer"; readonly values: readonly string[]; readonly ttl: number }
  /** nginx's numbers, which are the RCODEs: 1 for an answer that is malformed, 3 for none at all. */
  | { readonly is: "failure"; readonly code: number }
  /** Cut short: ask again by TCP. */
  | { readonly is: "truncated" };

const TYPES: Readonly<Record<QueryType, number>> = { A: 1, PTR: 12, AAAA: 28 };
const CNAME = 5;
const IN = 1;

const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const TRUNCATED = 0x0200;
const RECURSION_DESIRED = 0x0100;
const RCODE = 0x000f;

const HEADER = 12;
/** RFC 1035 section 3.1: the bytes of a label, and of a name with its length bytes. */
const LABEL = 63;
const NAME = 255;
/** A name has at most 127 labels, so more pointers than that lead nowhere. */
const POINTERS = 127;

const MALFORMED: Reply = { is: "failure", code: 1 };
const NO_NAME: Reply = { is: "failure", code: 3 };

/** Whether a name can be asked for: no empty or too long label, and not too long as a whole. */
export function isDomainName(name: ByteString): boolean {
  return name.length + 2 <= NAME &&
    name.split(".").every((label) => label.length > 0 && label.length <= LABEL);
}

export function encodeQuestion({ id, type, name }: Question): Uint8Array {
  const labels = name.split(".").map((label) => String.fromCharCode(label.length) + label);
  return concat([
    ...[id, RECURSION_DESIRED, 1, 0, 0, 0].map(bytesOf),
    encode(`${labels.join("")}\0`),
    bytesOf(TYPES[type]),
    bytesOf(IN),
  ]);
}

/** Null: not an answer to this question (forged, late, or garbage); the true one may still come. */
export function readReply(bytes: Uint8Array, question: Question): Reply | null {
  if (bytes.length < HEADER || bytes.length > DNS_MESSAGE) return null;
  const flags = uint16(bytes, 2);
  const query = (flags & RESPONSE) === 0 || (flags & OPCODE) !== 0;
  if (uint16(bytes, 0) !== question.id || query) return null;
  const code = flags & RCODE;
  const asked = uint16(bytes, 4);
  // A server that cannot read questions may answer without one.
  if (asked === 0 && code !== 0) return { is: "failure", code };
  const end = asked === 1 ? questionEnd(bytes, question) : null;
  if (end === null) return null;
  if (flags & TRUNCATED) return { is: "truncated" };
  if (code !== 0) return { is: "failure", code };
  const records = readRecords(bytes, end, uint16(bytes, 6));
  return records ? collect(bytes, records, question) : MALFORMED;
}

/** Where the question ends, if it is the one that was asked. */
function questionEnd(bytes: Uint8Array, { type, name }: Question): number | null {
  const asked = readName(bytes, HEADER);
  if (!asked || asked.end + 4 > bytes.length) return null;
  const same = sameName(asked.name, name) && uint16(bytes, asked.end) === TYPES[type] &&
    uint16(bytes, asked.end + 2) === IN;
  return same ? asked.end + 4 : null;
}

interface DnsRecord {
  readonly name: ByteString;
  readonly type: number;
  readonly ttl: number;
  /** The data: bytes [start, end) of the message. */
  readonly start: number;
  readonly end: number;
}

/** RFC 1035 section 2.3.3: names differ in letter case without being different. */
function sameName(a: ByteString, b: ByteString): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Null when the section is not what it says. */
function readRecords(bytes: Uint8Array, from: number, count: number): DnsRecord[] | null {
  const records: DnsRecord[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    const owner = readName(bytes, at);
    if (!owner || owner.end + 10 > bytes.length) return null;
    const { name, end } = owner;
    const start = end + 10;
    at = start + uint16(bytes, end + 8);
    if (at > bytes.length) return null;
    if (uint16(bytes, end + 2) !== IN) continue;
    records.push({ name, type: uint16(bytes, end), ttl: ttlOf(bytes, end + 4), start, end: at });
  }
  return records;
}

/** The values at the end of the CNAME chain that begins at the question's name. */
function collect(bytes: Uint8Array, records: readonly DnsRecord[], question: Question): Reply {
  const byName = new Map<ByteString, DnsRecord[]>();
  for (const record of records) {
    const key = record.name.toLowerCase();
    const same = byName.get(key);
    if (same) same.push(record);
    else byName.set(key, [record]);
  }
  let name = question.name.toLowerCase();
  let ttl = Infinity;
  // A chain is at most as long as the answer: a loop ends here too.
  for (let step = 0; step <= records.length; step++) {
    const here = byName.get(name) ?? [];
    const found = here.filter(({ type }) => type === TYPES[question.type]).slice(0, DNS_VALUES);
    if (found.length > 0) {
      const values = found.map((record) => valueOf(bytes, record, question.type));
      const least = found.reduce((least, record) => Math.min(least, record.ttl), ttl);
      return values.every(isText) ? { is: "answer", values, ttl: least } : MALFORMED;
    }
    const alias = here.find(({ type }) => type === CNAME);
    if (!alias) break;
    const target = readName(bytes, alias.start);
    if (target?.end !== alias.end) return MALFORMED;
    ttl = Math.min(ttl, alias.ttl);
    name = target.name.toLowerCase();
  }
  // No such record is, to whoever asks, no such name.
  return NO_NAME;
}

/** An address or a name; null when the data is of the wrong length, or no name. */
function valueOf(bytes: Uint8Array, { start, end }: DnsRecord, type: QueryType): string | null {
  if (type === "PTR") {
    const target = readName(bytes, start);
    return target?.end === end ? target.name : null;
  }
  if (end - start !== (type === "A" ? 4 : 16)) return null;
  return formatAddress(bytes.subarray(start, end));
}

function isText(value: string | null): value is string {
  return value !== null;
}

/** RFC 2181 section 8: a TTL with the topmost bit set is zero. */
function ttlOf(bytes: Uint8Array, at: number): number {
  const high = uint16(bytes, at);
  return high >= 0x8000 ? 0 : high * 0x10000 + uint16(bytes, at + 2);
}

interface Name {
  /** Without the final dot; empty for the root. */
  readonly name: ByteString;
  /** Where the bytes behind it begin. */
  readonly end: number;
}

/**
 * A name with its compression (RFC 1035 section 4.1.4), or null. A pointer must lead to before the
 * labels it stands behind, so that no chain of pointers can loop.
 */
function readName(bytes: Uint8Array, start: number): Name | null {
  const labels: ByteString[] = [];
  let size = 1;
  let end = -1;
  let from = start;
  let pointers = 0;
  for (let at = start; at < bytes.length;) {
    const length = bytes[at];
    if (length === 0) {
      return { name: labels.join("."), end: end < 0 ? at + 1 : end };
    }
    if (length >= 0xc0) {
      const target = at + 1 < bytes.length ? ((length & 0x3f) << 8) | bytes[at + 1] : from;
      if (target >= from || ++pointers > POINTERS) return null;
      if (end < 0) end = at + 2;
      at = from = target;
      continue;
    }
    size += 1 + length;
    if (length > LABEL || size > NAME || at + 1 + length > bytes.length) return null;
    labels.push(decode(bytes, at + 1, at + 1 + length).replace(/[.\\]/g, "\\$&"));
    at += 1 + length;
  }
  return null;
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function bytesOf(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value);
}
