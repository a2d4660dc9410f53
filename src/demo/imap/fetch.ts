/** FETCH: data items and their responses. RFC 3501 sections 6.4.5 and 7.4.2. */

import type { ByteString } from "../../core/bytes.ts";
import { DEMO_IMAP_ITEMS } from "../../core/limits.ts";
import { internalDate } from "../dates.ts";
import { literal, type Output } from "./print.ts";
import { type Scanner, SyntaxFault } from "./scanner.ts";
import { parseSection, type Section, sectionBytes, sectionLabel } from "./section.ts";
import { envelope } from "./envelope.ts";
import { structure } from "./structure.ts";
import type { Numbered, View } from "./view.ts";

/** One data item: how it is named in the response, and how its value is made. */
interface DataItem {
  readonly label: ByteString;
  readonly value: (at: Numbered, view: View) => Output[];
  /** It shows the body, so that the message counts as read. */
  readonly reads: boolean;
}

/** What is asked for, from the cursor to the end. */
export function parseItems(args: Scanner): DataItem[] {
  const items = args.peek() === "(" ? args.list(() => parseItem(args)) : macro(args);
  args.end();
  if (items.length > DEMO_IMAP_ITEMS) throw new SyntaxFault("Too many data items");
  return items;
}

function macro(args: Scanner): DataItem[] {
  const found = args.match(/(?:ALL|FAST|FULL)(?= *$)/iy)?.[0].toUpperCase();
  if (!found) return [parseItem(args)];
  const names = ["FLAGS", "INTERNALDATE", "RFC822.SIZE"];
  if (found !== "FAST") names.push("ENVELOPE");
  if (found === "FULL") names.push("BODY");
  return names.map((name) => SIMPLE.get(name)!);
}

function parseItem(args: Scanner): DataItem {
  const [name] = args.match(/[A-Za-z][A-Za-z0-9.]*/y) ?? unknown();
  const upper = name.toUpperCase();
  if (args.peek() !== "[") return SIMPLE.get(upper) ?? unknown();
  if (upper !== "BODY" && upper !== "BODY.PEEK") unknown();
  const section = parseSection(args);
  return bodyItem(sectionLabel(section), section, upper === "BODY");
}

function unknown(): never {
  throw new SyntaxFault("Unknown data item");
}

function bodyItem(label: ByteString, section: Section, reads: boolean): DataItem {
  return {
    label,
    reads,
    value: ({ message }) => {
      const bytes = sectionBytes(message.entity, section);
      return bytes ? literal(bytes) : ["NIL"];
    },
  };
}

function simple(label: string, value: (at: Numbered, view: View) => ByteString): DataItem {
  return { label, value: (at, view) => [value(at, view)], reads: false };
}

const WHOLE: Section = { path: [], of: "", names: [], partial: null };

const UID = simple("UID", ({ message }) => String(message.uid));
const FLAGS = simple("FLAGS", ({ message }, view) => view.flagsOf(message));

const SIMPLE: ReadonlyMap<string, DataItem> = new Map(
  [
    UID,
    FLAGS,
    simple("INTERNALDATE", ({ message }) => `"${internalDate(message.received)}"`),
    simple("ENVELOPE", ({ message }) => envelope(message.entity)),
    simple("BODY", ({ message }) => structure(message.entity, false)),
    simple("BODYSTRUCTURE", ({ message }) => structure(message.entity, true)),
    simple("RFC822.SIZE", ({ message }) => String(message.raw.length)),
    bodyItem("RFC822", WHOLE, true),
    bodyItem("RFC822.HEADER", { ...WHOLE, of: "HEADER" }, false),
    bodyItem("RFC822.TEXT", { ...WHOLE, of: "TEXT" }, true),
  ].map((item) => [item.label, item]),
);

/** `* n FETCH (...)` for each message, in pieces: a body is never joined to what stands around it. */
export function* fetch(
  messages: readonly Numbered[],
  items: readonly DataItem[],
  view: View,
  byUid: boolean,
): Generator<Output> {
  const asked = byUid && !items.includes(UID) ? [UID, ...items] : items;
  const reads = items.some((item) => item.reads) && !view.readOnly;
  for (const at of messages) {
    const read = reads && !at.message.has("\\Seen") && !at.message.expunged;
    if (read) view.setFlags(at.message, [...at.message.flags.values(), "\\Seen"]);
    const shown = read && !asked.includes(FLAGS) ? [...asked, FLAGS] : asked;
    yield `* ${at.number} FETCH (`;
    for (const [i, item] of shown.entries()) {
      yield `${i > 0 ? " " : ""}${item.label} `;
      yield* item.value(at, view);
    }
    yield ")\r\n";
  }
}
