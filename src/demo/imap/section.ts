/**
 * `BODY[section]<partial>`: which bytes of a message. RFC 3501 section 6.4.5.
 */

import { type ByteString, concat, EMPTY, encode } from "../../core/bytes.ts";
import { DEMO_PART_DEPTH } from "../../core/limits.ts";
import type { Entity } from "../message.ts";
import { nstring } from "./print.ts";
import { type Scanner, SyntaxFault } from "./scanner.ts";

export interface Section {
  /** `[1, 2]` of `1.2.HEADER`; empty for the message itself. */
  readonly path: readonly number[];
  readonly of: "" | "HEADER" | "HEADER.FIELDS" | "HEADER.FIELDS.NOT" | "TEXT" | "MIME";
  /** Names of HEADER.FIELDS, as given. */
  readonly names: readonly ByteString[];
  readonly partial: { readonly start: number; readonly length: number } | null;
}

const SPEC =
  /((?:[1-9]\d{0,4}(?:\.|(?=\])))*)(HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME)?(?=[ \]])/iy;
const PARTIAL = /<(\d{1,10})\.([1-9]\d{0,9})>/y;

/** What stands after `BODY`, from `[` on. */
export function parseSection(args: Scanner): Section {
  args.expect("[");
  const [, numbers, word = ""] = args.match(SPEC) ?? fault();
  const of = word.toUpperCase() as Section["of"];
  const path = numbers.split(".").filter((n) => n !== "").map(Number);
  // A number is followed by a dot exactly when a word follows.
  if (path.length > 0 && numbers.endsWith(".") !== (of !== "")) fault();
  if (of === "MIME" && path.length === 0 || path.length > 2 * DEMO_PART_DEPTH) fault();
  let names: ByteString[] = [];
  if (of.startsWith("HEADER.FIELDS")) {
    args.space();
    names = args.list(() => args.astring());
  }
  args.expect("]");
  const partial = args.match(PARTIAL);
  return {
    path,
    of,
    names,
    partial: partial && { start: Number(partial[1]), length: Number(partial[2]) },
  };
}

function fault(): never {
  throw new SyntaxFault("Unknown body section");
}

/** As a FETCH response names it: the partial by its start alone. */
export function sectionLabel(section: Section): ByteString {
  const names = section.names.length > 0 ? ` (${section.names.map(fieldName).join(" ")})` : "";
  const spec = [...section.path, ...(section.of ? [section.of] : [])].join(".");
  return `BODY[${spec}${names}]${section.partial ? `<${section.partial.start}>` : ""}`;
}

function fieldName(name: ByteString): ByteString {
  return /^[A-Za-z0-9-]+$/.test(name) ? name : nstring(name);
}

/** The bytes, or null when the message has no such part. */
export function sectionBytes(message: Entity, section: Section): Uint8Array | null {
  const part = partAt(message, section.path);
  const bytes = part && bytesOf(part, section);
  if (!bytes || !section.partial) return bytes;
  const { start, length } = section.partial;
  return bytes.subarray(start, start + length);
}

/** The part a path leads to; part 1 of what has no parts is itself. */
function partAt(message: Entity, path: readonly number[]): Entity | null {
  let part = message;
  for (const [depth, number] of path.entries()) {
    // The parts of an enclosed message are numbered as if it stood alone.
    const within = depth > 0 && part.type.value === "message/rfc822" ? part.children[0] : part;
    if (within.type.value.startsWith("multipart/")) {
      const child = within.children[number - 1];
      if (!child) return null;
      part = child;
    } else if (number === 1 && (depth === 0 || within !== part)) part = within;
    else return null;
  }
  return part;
}

function bytesOf(part: Entity, section: Section): Uint8Array | null {
  const { raw, start, body, end } = part;
  if (section.of === "MIME") return raw.subarray(start, body);
  if (section.of === "") return raw.subarray(section.path.length === 0 ? start : body, end);
  // HEADER and TEXT of a part are those of the message that it encloses.
  const message = section.path.length === 0 ? part : part.children[0];
  if (section.path.length > 0 && part.type.value !== "message/rfc822") return null;
  if (section.of === "TEXT") return raw.subarray(message.body, message.end);
  if (section.of === "HEADER") return raw.subarray(message.start, message.body);
  return someFields(message, section.names, section.of === "HEADER.FIELDS");
}

/** Fields with (or without) these names, and the empty line that ends a header. */
function someFields(message: Entity, names: readonly ByteString[], wanted: boolean): Uint8Array {
  const known = new Set(names.map((name) => name.toLowerCase()));
  const found = message.fields
    .filter((field) => known.has(field.name.toLowerCase()) === wanted)
    .map((field) => message.raw.subarray(field.start, field.end));
  return concat([...found, message.body > message.start ? CRLF : EMPTY]);
}

const CRLF: Uint8Array = encode("\r\n");
