/** `set_real_ip_from address | cidr | host | unix:;`, repeatable. */

import { type Cidr, formatAddress, parseAddress, parseCidr } from "../net/address.ts";
import type { Kind, Reading } from "./kind.ts";
import type { Word } from "./tree.ts";

export const CIDRS: Kind<readonly Cidr[]> = {
  name: "address, range, host name or `unix:`",
  count: [1, 1],
  repeat: "collect",
  toml: "each",
  types: [],
  expects: 'a string such as "10.0.0.0/8", or a list of them',
  schema: { type: "string" },
  read: ([word], reading, before = []) => {
    const ranges = readRanges(word, reading);
    return ranges && [...before, ...ranges];
  },
  show: (ranges) => ranges.map((range) => [showCidr(range)]),
};

function readRanges(word: Word, reading: Reading): readonly Cidr[] | undefined {
  const range = parseCidr(word.text);
  if (range) {
    warnOfHostBits(word, range, reading);
    return [range];
  }
  const fault = () =>
    reading.fault(
      "invalid-value",
      `host not found in set_real_ip_from "${word.text}"`,
      word,
      "write an address, a range such as 10.0.0.0/8, a host name or unix:",
    );
  if (!/^[\w.-]+$/.test(word.text)) return fault();
  const found = reading.lookup(word.text);
  if (found === null) return fault();
  return (found ?? []).flatMap((address) => parseCidr(address) ?? []);
}

function warnOfHostBits(word: Word, range: Cidr, reading: Reading): void {
  const slash = word.text.indexOf("/");
  if (range.is === "unix" || slash < 0) return;
  const given = parseAddress(word.text.slice(0, slash));
  if (given?.every((byte, i) => byte === range.base[i])) return;
  reading.warn(
    "low-address-bits",
    `low address bits of ${word.text} are meaningless`,
    word,
    `write ${showCidr(range)}`,
  );
}

function showCidr(range: Cidr): string {
  if (range.is === "unix") return "unix:";
  const address = formatAddress(range.base);
  return range.bits === range.base.length * 8 ? address : `${address}/${range.bits}`;
}
