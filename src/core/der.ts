/**
 * Reads DER, the encoding of X.509 (X.690 section 8.1): elements by tag and extent, nothing more.
 * Only the low-tag, definite-length form exists in certificates; all else is malformed.
 *
 * The bytes may come from a peer: every extent is checked against the one that encloses it.
 */

/** One tag-length-value. `start` and `end` enclose the content, `from` is where the tag stands. */
export interface Element {
  readonly tag: number;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

export const OCTET_STRING = 0x04;
export const OBJECT_IDENTIFIER = 0x06;

/** What stands at `at`, within `end`. Throws `RangeError` when it is malformed or does not fit. */
export function elementAt(der: Uint8Array, at: number, end: number = der.length): Element {
  if (at + 2 > end || (der[at] & 0x1f) === 0x1f) throw new RangeError("malformed DER");
  const first = der[at + 1];
  const octets = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 2 + octets;
  if (octets > 4 || first === 0x80 || start > end) throw new RangeError("malformed DER");
  let length = octets === 0 ? first : 0;
  for (let i = at + 2; i < start; i++) length = length * 256 + der[i];
  if (start + length > end) throw new RangeError("malformed DER");
  return { tag: der[at], from: at, start, end: start + length };
}

/** The elements that make up the content of a constructed one. */
export function childrenOf(der: Uint8Array, parent: Element): Element[] {
  const children: Element[] = [];
  for (let at = parent.start; at < parent.end;) {
    const child = elementAt(der, at, parent.end);
    children.push(child);
    at = child.end;
  }
  return children;
}

export function contentOf(der: Uint8Array, element: Element): Uint8Array {
  return der.subarray(element.start, element.end);
}

/** The dotted text of an object identifier's content. */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    if (arcs.length > 0) arcs.push(arc);
    else {
      // The first two arcs share one number.
      const root = Math.min(2, Math.floor(arc / 40));
      arcs.push(root, arc - 40 * root);
    }
    arc = 0;
  }
  return arcs.join(".");
}
