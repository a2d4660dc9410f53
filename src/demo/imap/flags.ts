/** Message flags: the system's and keywords. RFC 3501 section 2.3.2, RFC 5788. */

import { DEMO_KEYWORD, DEMO_KEYWORDS } from "../../core/limits.ts";
import type { Message } from "../mailbox.ts";
import { SyntaxFault } from "./scanner.ts";

export const SYSTEM_FLAGS = ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"] as const;

/** Flags as a client gave them, in canonical spelling. Throws a `SyntaxFault` for what is none. */
export function canonicalFlags(given: readonly string[]): string[] {
  const flags = given.map(canonicalFlag);
  if (flags.length > DEMO_KEYWORDS) throw new SyntaxFault("Too many flags");
  return flags;
}

function canonicalFlag(given: string): string {
  if (!given.startsWith("\\")) {
    if (given.length > DEMO_KEYWORD) throw new SyntaxFault("Keyword too long");
    return given;
  }
  const known = SYSTEM_FLAGS.find((flag) => flag.toLowerCase() === given.toLowerCase());
  // \Recent is the server's to give; other system flags do not exist.
  if (!known) throw new SyntaxFault("Flag cannot be set");
  return known;
}

/** The flags after `+FLAGS`, `-FLAGS` or `FLAGS`; at most as many keywords as a message may have. */
export function changedFlags(
  message: Message,
  mode: "+" | "-" | "",
  flags: readonly string[],
): string[] {
  if (mode === "") return flags.slice();
  const result = new Map(message.flags);
  for (const flag of flags) {
    if (mode === "+") result.set(flag.toLowerCase(), flag);
    else result.delete(flag.toLowerCase());
  }
  return [...result.values()].slice(0, DEMO_KEYWORDS);
}

/** System flags and the keywords in use, for SELECT's FLAGS. */
export function usedFlags(messages: readonly Message[]): string[] {
  const used = new Map<string, string>();
  for (const flag of SYSTEM_FLAGS) used.set(flag.toLowerCase(), flag);
  for (const message of messages) {
    for (const [key, flag] of message.flags) used.set(key, flag);
  }
  return [...used.values()].slice(0, MOST_SHOWN);
}

/** A client has a menu for a few dozen keywords; the rest is known by FETCH. */
const MOST_SHOWN = 200;
