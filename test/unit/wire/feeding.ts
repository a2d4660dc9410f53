/** Feeding a reader the same bytes in every way: whole, byte by byte, in two pieces cut anywhere. */

import assert from "node:assert/strict";

export interface Fed<Item> {
  add(bytes: Uint8Array): void;
  /** The next item as something that can be compared, or null when there is none yet. */
  next(): Item | null;
}

/** Items after which nothing more can be read. */
type IsLast<Item> = (item: Item) => boolean;

/** The items, which must be the same whichever way the bytes come. */
export function feedEveryWay<Item>(
  bytes: Uint8Array,
  make: () => Fed<Item>,
  isLast: IsLast<Item> = () => false,
): Item[] {
  const whole = feed([bytes], make, isLast);
  assert.deepEqual(
    feed([...bytes].map((byte) => Uint8Array.of(byte)), make, isLast),
    whole,
    "bytes",
  );
  for (let at = 1; at < bytes.length; at++) {
    const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
    assert.deepEqual(feed(pieces, make, isLast), whole, `cut at ${at}`);
  }
  return whole;
}

function feed<Item>(
  pieces: readonly Uint8Array[],
  make: () => Fed<Item>,
  isLast: IsLast<Item>,
): Item[] {
  const reader = make();
  const items: Item[] = [];
  for (const piece of pieces) {
    reader.add(piece.slice());
    for (let item = reader.next(); item !== null; item = reader.next()) {
      items.push(item);
      if (isLast(item)) return items;
    }
  }
  return items;
}
