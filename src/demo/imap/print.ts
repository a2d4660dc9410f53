/** Values as IMAP writes them: strings, lists, flags, UID sets. RFC 3501 section 4. */

import type { ByteString } from "../../core/bytes.ts";

/** Output of a command: text and bytes in their order. */
export type Output = ByteString | Uint8Array;

/** `NIL`, a quoted string, or a literal for what cannot be quoted. */
export function nstring(text: ByteString | null): ByteString {
  if (text === null) return "NIL";
  // deno-lint-ignore no-control-regex
  if (/[^\x01-\x09\x0b\x0c\x0e-\x7f]/.test(text)) return `{${text.length}}\r\n${text}`;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** A literal, its bytes apart so that they need no copy. */
export function literal(bytes: Uint8Array): [Output, Output] {
  return [`{${bytes.length}}\r\n`, bytes];
}

/** A mailbox name: an atom where it can be one. */
export function mailboxName(name: ByteString): ByteString {
  return /^[A-Za-z0-9_./-]+$/.test(name) ? name : nstring(name);
}

/** `(\Seen $Forwarded)`. */
export function flagList(flags: Iterable<string>): string {
  return `(${[...flags].join(" ")})`;
}

/** UIDs in their order, runs drawn together: `4:6,9`. */
export function uidSet(uids: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const uid of uids) {
    const last = runs[runs.length - 1];
    if (last && uid === last[1] + 1) last[1] = uid;
    else runs.push([uid, uid]);
  }
  return runs.map(([from, to]) => from === to ? `${from}` : `${from}:${to}`).join(",");
}
