/**
 * Addresses: text to bytes and back, endpoints, CIDR ranges. Pure; resolves nothing.
 * RFC 4291 section 2.2 (IPv6 text), RFC 5952 (its canonical form), RFC 4632 (CIDR).
 */

/** Where a socket is bound or connected. `address` is a literal without brackets. */
export type Endpoint =
  | { readonly is: "ip"; readonly address: string; readonly port: number }
  | { readonly is: "unix"; readonly path: string };

export function ip(address: string, port: number): Endpoint {
  return { is: "ip", address, port };
}

export function unix(path: string): Endpoint {
  return { is: "unix", path };
}

/** `127.0.0.1:143`, `[::1]:143`, `unix:/run/x.sock`. */
export function formatEndpoint(at: Endpoint): string {
  if (at.is === "unix") return `unix:${at.path}`;
  return at.address.includes(":") ? `[${at.address}]:${at.port}` : `${at.address}:${at.port}`;
}

/** The address alone, nginx's `Client-IP` form: no port, no brackets, `unix:` for local sockets. */
export function addressOf(at: Endpoint): string {
  return at.is === "unix" ? "unix:" : at.address;
}

/** 4 or 16 bytes of a literal, or null when it is none. Brackets and zones are not accepted. */
export function parseAddress(text: string): Uint8Array | null {
  return text.includes(":") ? parseIPv6(text) : parseIPv4(text);
}

/** By hand: one for every connection to a backend. */
function parseIPv4(text: string): Uint8Array | null {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < 4; i++) {
    const start = at;
    let byte = 0;
    while (at < text.length && at < start + 3 && isDigit(text.charCodeAt(at))) {
      byte = byte * 10 + text.charCodeAt(at++) - 0x30;
    }
    if (at === start || byte > 255) return null;
    bytes[i] = byte;
    if (i < 3 && text.charCodeAt(at++) !== 0x2e) return null;
  }
  return at === text.length ? bytes : null;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function parseIPv6(text: string): Uint8Array | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? groups(halves[1], true) : [];
  if (!head || !tail) return null;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const words = [...head, ...Array<number>(missing).fill(0), ...tail];
  const bytes = new Uint8Array(16);
  words.forEach((word, i) => {
    bytes[2 * i] = word >> 8;
    bytes[2 * i + 1] = word & 255;
  });
  return bytes;
}

/** The 16-bit words of one side of `::`; the last may be a dotted IPv4 address. */
function groups(text: string, last: boolean): number[] | null {
  if (text === "") return [];
  const words: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes(".")) {
      const four = parseIPv4(part);
      if (!four) return null;
      words.push((four[0] << 8) | four[1], (four[2] << 8) | four[3]);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      words.push(parseInt(part, 16));
    } else return null;
  }
  return words;
}

/** 4 or 16 bytes as a literal, IPv6 in its canonical form. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const words = Array.from({ length: 8 }, (_, i) => (bytes[2 * i] << 8) | bytes[2 * i + 1]);
  const run = longestZeroRun(words);
  const hex = (part: number[]) => part.map((word) => word.toString(16)).join(":");
  if (run.length < 2) return hex(words);
  return `${hex(words.slice(0, run.at))}::${hex(words.slice(run.at + run.length))}`;
}

function longestZeroRun(words: number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < words.length; at++) {
    let length = 0;
    while (at + length < words.length && words[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  return best;
}

/** IPv4-mapped IPv6 (`::ffff:1.2.3.4`, as dual-stack sockets report) becomes plain IPv4. */
export function normaliseAddress(text: string): string {
  if (!text.includes(":")) return text;
  const zone = text.indexOf("%");
  const bytes = parseIPv6(zone < 0 ? text : text.slice(0, zone));
  if (!bytes) return text;
  return isMapped(bytes) ? formatAddress(bytes.subarray(12)) : formatAddress(bytes);
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && bytes[10] === 255 && bytes[11] === 255 &&
    bytes.subarray(0, 10).every((byte) => byte === 0);
}

/** A range of addresses, or every unix socket. */
export type Cidr =
  | { readonly is: "range"; readonly base: Uint8Array; readonly bits: number }
  | { readonly is: "unix" };

/** `10.0.0.0/8`, `::1`, `unix:`; null when it is none of these. Host bits are masked off. */
export function parseCidr(text: string): Cidr | null {
  if (text === "unix:") return { is: "unix" };
  const slash = text.indexOf("/");
  const base = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!base) return null;
  const size = base.length * 8;
  if (slash < 0) return { is: "range", base, bits: size };
  const bits = /^\d{1,3}$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : -1;
  if (bits < 0 || bits > size) return null;
  return { is: "range", base: mask(base, bits), bits };
}

export function mask(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, i) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * i));
    return byte & (0xff << (8 - kept)) & 0xff;
  });
}

/** Whether `at` lies in the range. An IPv4-mapped peer matches IPv4 ranges (nginx realip). */
export function inCidr(at: Endpoint, range: Cidr): boolean {
  if (at.is === "unix" || range.is === "unix") return at.is === range.is;
  const bytes = parseAddress(normaliseAddress(at.address));
  if (!bytes || bytes.length !== range.base.length) return false;
  const masked = mask(bytes, range.bits);
  return masked.every((byte, i) => byte === range.base[i]);
}
