/** `resolver address ... [valid=time] [ipv4=on|off] [ipv6=on|off];` or `resolver off;`. */

import { type Endpoint, formatEndpoint, ip } from "../net/address.ts";
import { parseHostPort } from "./host-port.ts";
import type { Kind, Reading } from "./kind.ts";
import { parseSeconds, showTime } from "./numbers.ts";
import type { Word } from "./tree.ts";

export interface Resolver {
  readonly servers: readonly Endpoint[];
  /** Milliseconds an answer is kept; null = as long as the answer says. */
  readonly valid: number | null;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

interface Draft {
  servers: Endpoint[];
  valid: number | null;
  ipv4: boolean;
  ipv6: boolean;
  /** False once a word was refused. */
  sound: boolean;
}

const DNS_PORT = 53;

/** Null is `resolver off`. */
export const RESOLVER: Kind<Resolver | null> = {
  name: "addresses and parameters, or `off`",
  count: [1, Infinity],
  repeat: "refuse",
  toml: "line",
  types: [],
  expects: 'a string such as "127.0.0.1 valid=30s", or a list of its words',
  schema: { type: "string" },
  read: (words, reading) =>
    words[0].text === "off" ? readOff(words, reading) : readResolver(words, reading),
  show: (value) => [value === null ? ["off"] : showResolver(value)],
};

/** As in nginx nothing behind `off` counts; here it is said. */
function readOff([, ignored]: readonly Word[], reading: Reading): null {
  if (ignored) reading.warn("ignored", `"${ignored.text}" is ignored behind "off"`, ignored);
  return null;
}

function readResolver(words: readonly Word[], reading: Reading): Resolver | undefined {
  const draft: Draft = { servers: [], valid: null, ipv4: true, ipv6: true, sound: true };
  for (const word of words) readWord(draft, word, reading);
  const { sound, ...resolver } = draft;
  if (!sound) return undefined;
  if (!resolver.ipv4 && !resolver.ipv6) {
    return reading.fault("invalid-value", '"ipv4" and "ipv6" cannot both be "off"');
  }
  // A name that nobody looks up gives no server either, and that is no fault of the file.
  const named = words.some((word) => !/^(valid|ipv4|ipv6)=/.test(word.text));
  return named ? resolver : reading.fault("invalid-value", "no name servers defined");
}

function readWord(draft: Draft, word: Word, reading: Reading): void {
  const [, name, value] = /^(valid|ipv4|ipv6)=(.*)$/s.exec(word.text) ?? [];
  if (name === undefined) return readServer(draft, word, reading);
  if (name === "valid") {
    const valid = parseSeconds(value);
    if (valid === null) return refuse(draft, `invalid parameter: ${word.text}`, word, reading);
    draft.valid = valid;
  } else if (value === "on" || value === "off") {
    draft[name === "ipv4" ? "ipv4" : "ipv6"] = value === "on";
  } else refuse(draft, `invalid parameter: ${word.text}`, word, reading);
}

function readServer(draft: Draft, word: Word, reading: Reading): void {
  const parsed = parseHostPort(word.text);
  if ("problem" in parsed) {
    return refuse(draft, `${parsed.problem} in resolver "${word.text}"`, word, reading);
  }
  const found = parsed.is === "ip" ? [parsed.host] : reading.lookup(parsed.host);
  if (found === null) {
    return refuse(draft, `host not found in resolver "${word.text}"`, word, reading);
  }
  const port = parsed.ports?.[0] ?? DNS_PORT;
  for (const address of found ?? []) draft.servers.push(ip(address, port));
}

function refuse(draft: Draft, message: string, word: Word, reading: Reading): void {
  draft.sound = false;
  reading.fault("invalid-value", message, word);
}

function showResolver({ servers, valid, ipv4, ipv6 }: Resolver): string[] {
  const words = servers.map(formatEndpoint);
  if (valid !== null) words.push(`valid=${showTime(valid)}`);
  if (!ipv4) words.push("ipv4=off");
  if (!ipv6) words.push("ipv6=off");
  return words;
}
