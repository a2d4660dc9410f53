/**
 * How long the body of an answer is, and skipping it: nobody reads it, but a connection that is to be
 * used again must be read past it. RFC 9112 sections 6 (body length), 7.1 (chunked), 9.3 (persistence).
 *
 * Rule: whatever is doubtful ends the connection. A wrong guess would take the rest of one answer for
 * the verdict on somebody else's login.
 */

import { type ByteString, CR, LF } from "../core/bytes.ts";
import { AUTH_BODY } from "../core/limits.ts";

/** A body whose end can be known; null elsewhere stands for "up to the close". */
export type Framing =
  | { readonly is: "length"; readonly length: number }
  | { readonly is: "chunked" };

const HTTP11 = /^HTTP\/1\.1 \d{3}(?: |$)/;

/** Gathers what status line and headers say about the body and the connection. */
export class Measure {
  /** The server speaks HTTP/1.1, whatever the request said. */
  http11 = false;
  #code = "";
  #close = false;
  #length: ByteString = "";
  #lengths = 0;
  #coding: ByteString = "";
  #codings = 0;

  status(line: ByteString): void {
    if (!HTTP11.test(line)) return;
    this.http11 = true;
    this.#code = line.slice(9, 12);
  }

  header(name: ByteString, value: ByteString): void {
    switch (name.toLowerCase()) {
      case "connection":
        this.#close ||= /(?:^|,)\s*close\s*(?:,|$)/i.test(value);
        return;
      case "content-length":
        this.#length = value;
        this.#lengths++;
        return;
      case "transfer-encoding":
        this.#coding = value.toLowerCase();
        this.#codings++;
    }
  }

  /** The body, if the connection can be used again behind it; null: close it. */
  result(): Framing | null {
    // A 1xx is no final answer; 101 leaves HTTP altogether.
    if (!this.http11 || this.#close || this.#code.startsWith("1")) return null;
    if (this.#code === "204" || this.#code === "304") return { is: "length", length: 0 };
    if (this.#codings === 1 && this.#lengths === 0 && this.#coding === "chunked") {
      return { is: "chunked" };
    }
    // Both headers, or one twice, is how request smuggling begins.
    if (this.#codings > 0 || this.#lengths !== 1 || !/^\d+$/.test(this.#length)) return null;
    const length = Number(this.#length);
    return length <= AUTH_BODY ? { is: "length", length } : null;
  }
}

/** `more`: the body goes on. `end`: it ended with these bytes. `bad`: nothing behind it can be trusted. */
export type Skipped = "more" | "end" | "bad";

type ChunkState =
  | "size"
  | "extension"
  | "size LF"
  | "data"
  | "data CR"
  | "data LF"
  | "trailer"
  | "trailer line"
  | "trailer LF"
  | "last LF"
  | "end";

/** Reads past one body. Any split of the bytes gives the same result. */
export class BodySkipper {
  readonly #chunked: boolean;
  #state: ChunkState = "size";
  /** Bytes left of the body, or of the chunk. */
  #left: number;
  #digits = 0;
  #total = 0;

  constructor(framing: Framing) {
    this.#chunked = framing.is === "chunked";
    this.#left = framing.is === "length" ? framing.length : 0;
  }

  /** `bytes` from `at` on. Bytes behind the end were never asked for: `bad`. */
  push(bytes: Uint8Array, at: number): Skipped {
    this.#total += bytes.length - at;
    if (this.#total > AUTH_BODY) return "bad";
    if (this.#chunked) return this.#chunks(bytes, at);
    this.#left -= bytes.length - at;
    if (this.#left < 0) return "bad";
    return this.#left === 0 ? "end" : "more";
  }

  #chunks(bytes: Uint8Array, at: number): Skipped {
    while (at < bytes.length) {
      if (this.#state === "end") return "bad";
      if (this.#state === "data") {
        const size = Math.min(this.#left, bytes.length - at);
        at += size;
        this.#left -= size;
        if (this.#left === 0) this.#state = "data CR";
      } else if (!this.#step(bytes[at++])) return "bad";
    }
    return this.#state === "end" ? "end" : "more";
  }

  /** One byte outside the data; false when it does not belong there. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case "size":
        return this.#sizeByte(byte);
      case "extension":
        return byte === CR ? this.#go("size LF") : byte !== LF;
      case "size LF":
        return byte === LF && this.#go(this.#left > 0 ? "data" : "trailer");
      case "data CR":
        return byte === CR && this.#go("data LF");
      case "data LF":
        this.#digits = 0;
        return byte === LF && this.#go("size");
      case "trailer":
        return byte === CR ? this.#go("last LF") : byte !== LF && this.#go("trailer line");
      case "trailer line":
        return byte === CR ? this.#go("trailer LF") : byte !== LF;
      case "trailer LF":
        return byte === LF && this.#go("trailer");
      case "last LF":
        return byte === LF && this.#go("end");
      default:
        return false;
    }
  }

  #go(state: ChunkState): true {
    this.#state = state;
    return true;
  }

  #sizeByte(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      // Leading zeros could go on for ever, and a larger chunk than the cap cannot come to an end.
      return ++this.#digits <= 8 && this.#left <= AUTH_BODY;
    }
    if (this.#digits === 0) return false;
    if (byte === CR) return this.#go("size LF");
    // Extensions, and the spaces that some servers put behind the size.
    return (byte === 0x3b || byte === 0x20) && this.#go("extension");
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
