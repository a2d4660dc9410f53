/**
 * The structure of a message: header fields and MIME parts, as offsets into its bytes.
 * RFC 5322 sections 2.2 and 3.6, RFC 2045 section 5, RFC 2046 section 5.1, RFC 2183.
 *
 * Nothing is refused: what cannot be understood is text/plain, and what goes beyond the caps on parts,
 * depth and fields is left unsplit.
 */

import { type ByteString, CR, decode, LF, trim } from "../core/bytes.ts";
import { DEMO_HEADER_FIELDS, DEMO_PART_DEPTH, DEMO_PARTS } from "../core/limits.ts";

export interface Field {
  /** As it stands there. */
  readonly name: ByteString;
  /** Unfolded and trimmed. */
  readonly value: ByteString;
  /** Bytes of the whole field, with its line end. */
  readonly start: number;
  readonly end: number;
}

/** A word with parameters: a content type or disposition. */
export interface Parametrised {
  /** In lower case, `text/plain`. */
  readonly value: string;
  /** Names in lower case. */
  readonly parameters: readonly (readonly [string, ByteString])[];
}

/** A message or a part of one: header, then body. */
export interface Entity {
  readonly raw: Uint8Array;
  readonly start: number;
  readonly body: number;
  readonly end: number;
  readonly fields: readonly Field[];
  readonly type: Parametrised;
  /** The parts of a multipart; the enclosed message of a message/rfc822; else none. */
  readonly children: readonly Entity[];
}

export function parseMessage(raw: Uint8Array): Entity {
  return parseEntity(raw, 0, raw.length, { parts: DEMO_PARTS }, DEMO_PART_DEPTH, "text/plain");
}

/** The value of the first field of that name, or null. */
export function fieldOf(entity: Entity, name: string): ByteString | null {
  const wanted = name.toLowerCase();
  return entity.fields.find((field) => field.name.toLowerCase() === wanted)?.value ?? null;
}

export function parameterOf(of: Parametrised, name: string): ByteString | null {
  return of.parameters.find(([known]) => known === name)?.[1] ?? null;
}

/** Lines of the body, a last one without line end included. */
export function countLines(entity: Entity): number {
  let lines = 0;
  let at = entity.body;
  while (at < entity.end) {
    lines++;
    at = lineEnd(entity.raw, at, entity.end);
  }
  return lines;
}

function parseEntity(
  raw: Uint8Array,
  start: number,
  end: number,
  left: { parts: number },
  depth: number,
  fallback: string,
): Entity {
  const { fields, body } = parseFields(raw, start, end);
  const value = fields.find((field) => field.name.toLowerCase() === "content-type")?.value;
  let type = value === undefined ? null : parseParametrised(value);
  if (!type || !/^[^\s/]+\/[^\s/]+$/.test(type.value)) type = { value: fallback, parameters: [] };
  const children: Entity[] = [];
  if (depth > 0) {
    const next = type.value === "multipart/digest" ? "message/rfc822" : "text/plain";
    for (const part of enclosed(raw, body, end, type)) {
      if (left.parts-- <= 0) break;
      children.push(parseEntity(raw, part.start, part.end, left, depth - 1, next));
    }
  }
  // Without parts neither is what it claims to be, and BODYSTRUCTURE could not describe it.
  if (children.length === 0 && isContainer(type)) type = { value: "text/plain", parameters: [] };
  return { raw, start, body, end, fields, type, children };
}

function isContainer(type: Parametrised): boolean {
  return type.value.startsWith("multipart/") || type.value === "message/rfc822";
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function enclosed(raw: Uint8Array, start: number, end: number, type: Parametrised): Range[] {
  if (type.value === "message/rfc822") return [{ start, end }];
  const boundary = type.value.startsWith("multipart/") && parameterOf(type, "boundary");
  return boundary ? splitMultipart(raw, start, end, boundary) : [];
}

/** Ranges between the delimiter lines; a part that is never closed runs to the end. */
function splitMultipart(
  raw: Uint8Array,
  start: number,
  end: number,
  boundary: ByteString,
): Range[] {
  const parts: Range[] = [];
  let open = -1;
  for (let at = start; at < end && parts.length < DEMO_PARTS;) {
    const next = lineEnd(raw, at, end);
    const mark = delimiter(raw, at, next, boundary);
    if (mark !== null) {
      if (open >= 0) parts.push({ start: open, end: Math.max(open, beforeBreak(raw, at)) });
      open = mark === "close" ? -1 : next;
      if (mark === "close") break;
    }
    at = next;
  }
  if (open >= 0 && parts.length < DEMO_PARTS) parts.push({ start: open, end });
  return parts;
}

function delimiter(
  raw: Uint8Array,
  at: number,
  next: number,
  boundary: ByteString,
): "open" | "close" | null {
  if (raw[at] !== DASH || raw[at + 1] !== DASH || next - at < boundary.length + 2) return null;
  if (decode(raw, at + 2, at + 2 + boundary.length) !== boundary) return null;
  const rest = decode(raw, at + 2 + boundary.length, next).trimEnd();
  return rest === "" ? "open" : rest === "--" ? "close" : null;
}

const DASH = 0x2d;

/** The line break before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1). */
function beforeBreak(raw: Uint8Array, at: number): number {
  if (raw[at - 1] !== LF) return at;
  return raw[at - 2] === CR ? at - 2 : at - 1;
}

function lineEnd(raw: Uint8Array, at: number, end: number): number {
  const lf = raw.indexOf(LF, at);
  return lf < 0 || lf >= end ? end : lf + 1;
}

/** Fields up to the empty line; `body` is where the bytes after it begin. */
function parseFields(raw: Uint8Array, start: number, end: number): {
  fields: Field[];
  body: number;
} {
  const fields: Field[] = [];
  let at = start;
  while (at < end) {
    let next = lineEnd(raw, at, end);
    if (isBlank(raw, at, next)) return { fields, body: next };
    while (next < end && isFolded(raw[next])) next = lineEnd(raw, next, end);
    if (fields.length < DEMO_HEADER_FIELDS) fields.push(parseField(raw, at, next));
    at = next;
  }
  return { fields, body: end };
}

function isBlank(raw: Uint8Array, at: number, next: number): boolean {
  return raw[at] === LF && next === at + 1 || raw[at] === CR && raw[at + 1] === LF;
}

function isFolded(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function parseField(raw: Uint8Array, start: number, end: number): Field {
  const text = decode(raw, start, end);
  const colon = text.indexOf(":");
  if (colon < 0) return { name: "", value: trim(text), start, end };
  const value = trim(text.slice(colon + 1).replace(/\r?\n(?=[ \t])/g, ""));
  return { name: trim(text.slice(0, colon)), value, start, end };
}

const WORD = /^\s*([^\s;]+)/;
/** A quoted value that is never closed runs to the end. */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s;]*))/g;

/** `text/plain; charset="utf-8"`; null when there is no first word. */
export function parseParametrised(text: ByteString): Parametrised | null {
  const shown = text.slice(0, PARAMETRISED_LENGTH);
  const word = WORD.exec(shown);
  if (!word) return null;
  const parameters: [string, ByteString][] = [];
  for (const found of shown.slice(word[0].length).matchAll(PARAMETER)) {
    const value = found[3] ?? found[2].replace(/\\(.)/g, "$1");
    parameters.push([found[1].toLowerCase(), value]);
    if (parameters.length === MOST_PARAMETERS) break;
  }
  return { value: word[1].toLowerCase(), parameters };
}

/** Keeps a hostile field away from the regular expressions. */
const PARAMETRISED_LENGTH = 4096;
/** A content type has a charset, a name, a boundary; RFC 2231 may split a name into a few pieces. */
const MOST_PARAMETERS = 20;
