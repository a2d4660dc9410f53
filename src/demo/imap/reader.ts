/**
 * Cuts IMAP commands with their literals out of the unread bytes. RFC 3501 section 4.3, RFC 7888.
 *
 * Segments alternate: text, literal, text ... and end with text. A text has lost its `{n}`.
 */

import type { ByteString } from "../../core/bytes.ts";
import {
  CLIENT_BUFFER,
  DEMO_IMAP_LINE,
  DEMO_IMAP_LITERALS,
  DEMO_MESSAGE,
} from "../../core/limits.ts";
import { type Input, LONG } from "../input.ts";
import { Scanner, type Segments } from "./scanner.ts";

export type Item =
  | {
    readonly is: "command";
    readonly tag: ByteString;
    /** In upper case; `UID` and the verb behind it are one. */
    readonly verb: string;
    readonly args: Scanner;
  }
  /** A synchronising literal may come now. */
  | { readonly is: "prompt" }
  /** `fatal`: bytes follow that cannot be told from commands. */
  | {
    readonly is: "bad";
    readonly tag: ByteString | null;
    readonly status: "NO" | "BAD";
    readonly text: string;
    readonly fatal: boolean;
  };

const HEAD = /^([^\x00-\x20(){%*"\\+\x7f]{1,64}) ((?:UID )?[A-Za-z]{1,20})(?= |$)/i;
const LITERAL = /\{(\d{1,10})(\+?)\}$/;

export class CommandReader {
  #segments: (ByteString | Uint8Array)[] = [];
  /** Size of the literal that is due, or null. */
  #literal: number | null = null;
  #lines = 0;
  #literals = 0;

  /** The next item, null when more bytes are needed. Before login little is accepted. */
  next(input: Input, loggedIn: boolean): Item | null {
    const cap = loggedIn ? DEMO_IMAP_LINE : CLIENT_BUFFER;
    for (;;) {
      if (!this.#takeLiteral(input)) return null;
      const line = input.line(cap - this.#lines);
      if (line === null) return null;
      if (line === LONG) return this.#bad("BAD", "Line too long", true);
      this.#lines += line.length + 2;
      const literal = LITERAL.exec(line);
      this.#segments.push(literal ? line.slice(0, literal.index) : line);
      if (!literal) return this.#command();
      const item = this.#announce(Number(literal[1]), literal[2] === "", loggedIn);
      if (item) return item;
    }
  }

  /** False while a literal is due and has not come. */
  #takeLiteral(input: Input): boolean {
    if (this.#literal === null) return true;
    const bytes = input.take(this.#literal);
    if (bytes === null) return false;
    this.#segments.push(bytes);
    this.#literal = null;
    return true;
  }

  /** Takes note of a literal; what is to be said about it, if anything. */
  #announce(size: number, synchronising: boolean, loggedIn: boolean): Item | null {
    this.#literals += size;
    if (this.#literals > this.#cap(loggedIn)) {
      return this.#bad("NO", "[TOOBIG] Literal too large", !synchronising);
    }
    this.#literal = size;
    return synchronising ? { is: "prompt" } : null;
  }

  #cap(loggedIn: boolean): number {
    if (!loggedIn) return CLIENT_BUFFER;
    return this.#head()?.[2].toUpperCase() === "APPEND"
      ? DEMO_MESSAGE + DEMO_IMAP_LITERALS
      : DEMO_IMAP_LITERALS;
  }

  #command(): Item {
    const head = this.#head();
    if (!head) return this.#bad("BAD", "Expected a tag and a command", false);
    const [first, ...others] = this.#segments as [ByteString, ...(ByteString | Uint8Array)[]];
    const segments: Segments = [first.slice(head[0].length), ...others];
    this.#reset();
    return {
      is: "command",
      tag: head[1],
      verb: head[2].toUpperCase(),
      args: new Scanner(segments),
    };
  }

  #head(): RegExpExecArray | null {
    return HEAD.exec(this.#segments[0] as ByteString);
  }

  #bad(status: "NO" | "BAD", text: string, fatal: boolean): Item {
    const first = this.#segments[0];
    const tag = typeof first === "string" ? /^[A-Za-z0-9._-]{1,64}(?= )/.exec(first)?.[0] : null;
    this.#reset();
    return { is: "bad", tag: tag ?? null, status, text, fatal };
  }

  #reset(): void {
    this.#segments = [];
    this.#literal = null;
    this.#lines = this.#literals = 0;
  }
}
