/**
 * What every back has in common: reading the backend's reply lines within `proxy_buffer`, refusing
 * in the backend's own words (`proxy_pass_error_message`) or not, and handing over what was read
 * beyond the login.
 */

import { type ByteString, CR, decode, encode, printable } from "../core/bytes.ts";
import { LOG_QUOTE } from "../core/limits.ts";
import type { Doing, LogEvent } from "../core/log.ts";
import { Reader } from "../wire/reader.ts";
import { plainMessage } from "../wire/sasl.ts";
import type { Back, BackAction, BackInput, BackLogin } from "./machine.ts";

/** The settings that every back reads. */
export interface BackSettings {
  readonly server_name: ByteString;
  readonly proxy_buffer: number;
  readonly proxy_pass_error_message: boolean;
  readonly xclient: boolean;
  readonly proxy_smtp_auth: boolean;
}

export abstract class LoginBack implements Back {
  phase = "connecting";
  doing: Doing = "connecting to upstream";

  protected readonly settings: BackSettings;
  protected readonly login: BackLogin;
  protected readonly reader: Reader = new Reader();
  #actions: BackAction[] = [];
  /** Bytes of the reply so far that a client may be shown: untagged or continued lines, then the last. */
  #reply = 0;
  /** The line that is being handled: where it stands in the reader's bytes. */
  #start = 0;
  #end = 0;

  constructor(settings: BackSettings, login: BackLogin) {
    this.settings = settings;
    this.login = login;
  }

  /** Handles one line of a reply, which `begins` and `said` show. */
  protected abstract line(): void;

  /** Whether `text` stands in the line, at its beginning or `at`. */
  protected begins(text: ByteString, at = 0): boolean {
    const { bytes } = this.reader;
    const from = this.#start + at;
    if (from + text.length > this.#end) return false;
    for (let i = 0; i < text.length; i++) {
      if (bytes[from + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** The byte of the line at `at`, -1 beyond its end. */
  protected byte(at: number): number {
    return this.#start + at < this.#end ? this.reader.bytes[this.#start + at] : -1;
  }

  /** The line, without its line end. */
  protected get said(): ByteString {
    return decode(this.reader.bytes, this.#start, this.#end);
  }

  push(input: BackInput): readonly BackAction[] {
    this.#actions = [];
    if (this.phase !== "done") this.#take(input);
    return this.#actions;
  }

  #take(input: BackInput): void {
    switch (input.is) {
      case "open":
        if (this.phase === "connecting") this.phase = "greeting";
        return;
      case "bytes":
        this.reader.add(input.bytes);
        while (this.phase !== "done" && this.#step());
        return;
      case "secured":
        return;
      case "eof":
        return this.refuse(null, "upstream closed connection before the login was complete");
    }
  }

  #step(): boolean {
    const { proxy_buffer } = this.settings;
    const { bytes } = this.reader;
    const start = this.reader.at + this.#reply;
    const lf = this.reader.findLf(start);
    const size = lf < 0 ? this.reader.length + 1 : lf + 1 - this.reader.at;
    if (size > proxy_buffer) {
      this.#tooLong();
      return false;
    }
    if (lf < 0) return false;
    this.#reply = lf + 1 - this.reader.at;
    this.#start = start;
    this.#end = lf > start && bytes[lf - 1] === CR ? lf - 1 : lf;
    this.line();
    return true;
  }

  /** Quoted only while no password was sent: half of one that is repeated could not be recognised. */
  #tooLong(): void {
    const { bytes, at } = this.reader;
    const said = decode(bytes, at, at + this.settings.proxy_buffer);
    const quoted = this.phase === "greeting" ? `: "${this.#quoted(said)}"` : "";
    this.refuse(null, `upstream sent too long response line${quoted}`);
  }

  /** The reply is complete: forget it and send the next command. */
  protected say(phase: string, doing: Doing, text: ByteString): void {
    this.reader.take(this.reader.at + this.#reply);
    this.#reply = 0;
    this.phase = phase;
    this.doing = doing;
    this.#actions.push({ do: "send", bytes: encode(text) });
  }

  /** Logged in. `shown`: the client is given the backend's last reply instead of the front's words. */
  protected ready(shown: boolean): void {
    const reply = this.#dropReply();
    this.phase = "done";
    this.#actions.push({ do: "ready", reply: shown ? reply : null, rest: this.reader.rest() });
  }

  /** The backend said something else than hoped for; `said` is what the log shows of it. */
  protected unexpected(said?: ByteString): void {
    const reply = this.#dropReply();
    const shown = this.settings.proxy_pass_error_message;
    this.refuse(
      shown ? reply : null,
      `upstream sent invalid response: "${this.#quoted(said ?? decode(reply))}"`,
      shown ? "info" : "error",
    );
  }

  /** A reply for the log, unless it has the password in it: some servers repeat a bad command. */
  #quoted(reply: ByteString): string {
    const { user, password } = this.login;
    const secret = password?.reveal() ?? "";
    const repeats = [secret, plainMessage(user, secret)].some((word) => reply.includes(word));
    if (secret !== "" && repeats) return "[it repeats the password]";
    return printable(reply.replace(/\r?\n$/, ""), LOG_QUOTE);
  }

  protected refuse(
    reply: Uint8Array | null,
    message: string,
    level: LogEvent["level"] = "error",
  ): void {
    this.phase = "done";
    this.#actions.push({ do: "note", event: { level, message, doing: READING } });
    this.#actions.push({ do: "refused", reply });
  }

  #dropReply(): Uint8Array {
    const { bytes, at } = this.reader;
    const whole = at === 0 && this.#reply === bytes.length;
    const reply = whole ? bytes : bytes.subarray(at, at + this.#reply);
    this.reader.take(at + this.#reply);
    this.#reply = 0;
    return reply;
  }

  /** The password; refuses and gives null when none is known. */
  protected knownPassword(): ByteString | null {
    if (this.login.password === null) this.refuse(null, "no password available");
    return this.login.password?.reveal() ?? null;
  }

  /** Refuses what would break out of its place in the backend's protocol. */
  protected unsafe(text: ByteString, forbidden: RegExp, what = "login or password"): boolean {
    if (!forbidden.test(text)) return false;
    this.refuse(null, `${what} has a line break or NUL that the upstream must not see`);
    return true;
  }
}

/** Whatever it was sending, a reply is what it stumbles over. */
const READING: Doing = "reading response from upstream";

export const LINE_BREAKS = /[\r\n\0]/;
export const NULS = /\0/;
